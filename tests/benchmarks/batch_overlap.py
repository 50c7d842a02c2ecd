"""Does the station wait for its own arithmetic? Cards an hour of a batch, with the maps computed meanwhile
and without, on the same machine in one run: 600 dpi stacks rendered beforehand, 30 frames a second, an
operator who takes no time.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _card import tell

from station.client import StationClient
from station.config import Settings, as_toml
from station.documents.fault import StationError

DISTINCT = 3
CARDS = 8
PATIENCE_S = 600.0


def station(root: Path, compute: str) -> tuple[Settings, Path]:
    """A configuration of its own."""
    settings = Settings.model_validate(
        {
            "station": {"data": root / compute, "reserve_mb": 100},
            "scan": {"compute": compute},
            "batch": {"sound": False},
            "twin": {"served": True, "served_mb": 1_500},
        }
    )
    path = root / f"{compute}.toml"
    path.write_text(as_toml(settings))
    return settings, path


def wait(client: StationClient, done: Any) -> None:
    """Until something holds; a daemon that is busy may take its time to answer."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if done(client):
                return
        except StationError:
            pass
        time.sleep(0.5)
    raise SystemExit("the station took too long")


def sides_an_hour(client: StationClient) -> tuple[float, int, int]:
    """Of one batch; sides computed until its end, and pictures that had to be rendered."""
    wait(client, lambda station: station.status().pid)
    seeds = list(range(1, DISTINCT + 1))
    client.call("twin.prepare", {"seeds": seeds, "sides": ["front", "back"]})
    wait(client, lambda station: station.call("twin.prepared")["done"])
    client.call("twin.remove")
    time.sleep(2.0)
    head = client.status().seq
    rendered = client.call("twin.prepared")["rendered"]
    client.call("batch.begin", {"order": "front_back", "cards": CARDS, "known": "notice"})
    client.call("twin.operate", {"cards": CARDS, "pace": 0.0, "distinct": DISTINCT, "mistakes": {}})
    captured: list[float] = []
    computed = 0
    for event in client.events(after=head):
        if event.type == "scan.captured":
            captured.append(event.mono_s)
        computed += event.type == "scan.processed"
        if event.type == "scan.failed":
            print(f"refused: {event.data['message']}", file=sys.stderr)
        if event.type == "batch.finished":
            break
    rate = 3_600 * (len(captured) - 1) / (captured[-1] - captured[0])
    return rate, computed, client.call("twin.prepared")["rendered"] - rendered


def measured(root: Path, compute: str) -> tuple[float, int, int]:
    """One daemon from start to end."""
    settings, config = station(root, compute)
    command = [sys.executable, "-m", "station.cli", "--config", str(config), "daemon"]
    with (root / f"{compute}.out").open("wb") as out:
        daemon = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        with StationClient.from_settings(settings) as client:
            return sides_an_hour(client)
    finally:
        daemon.terminate()
        daemon.wait()


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="st-") as folder:
        root = Path(folder)
        alone, none, rendered = measured(root, "between_batches")
        both, computed, also = measured(root, "at_once")
    if none:
        raise SystemExit("capture alone was not alone")
    sides = 2 * CARDS
    tell("cards an hour, capture alone", alone / 2, "cards/h", f"{sides} sides, {rendered} pictures rendered")
    note = f"{computed} of {sides} sides computed meanwhile, {also} pictures rendered"
    tell("cards an hour, maps computed meanwhile", both / 2, "cards/h", note)
    tell("cards an hour with computing, over capture alone", both / alone, "1", "600 dpi, operator time 0")


if __name__ == "__main__":
    main()
