"""The service kit of a real daemon: lock, keys and TCP, files, and events that nobody loses."""

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from station.client import AsyncStationClient, StationClient
from station.documents.fault import StationError
from station.documents.key import load_key

if TYPE_CHECKING:
    from conftest import Bench


def test_one_operates_and_the_others_look(bench: "Bench") -> None:
    bench.start_daemon()
    assert bench.run("lock", "take", "Anna", "--reason", "the long box").returncode == 0
    assert "operator    Anna since" in bench.run("status").stdout
    with bench.client() as stranger:
        with pytest.raises(StationError, match="Anna operates the station") as caught:
            stranger.scan_start("front")
        assert caught.value.code == "locked"
        stranger.scan_abort()
        head = stranger.status().seq
        stolen = stranger.call("lock.take", {"name": "Ben", "steal": True})["token"]
        told = next(event for event in stranger.events(after=head) if event.type == "lock.stolen")
        assert (told.data["name"], told.data["before"]) == ("Ben", "Anna")
        refused = bench.run("scan")
        assert "Ben operates the station" in refused.stderr
        stranger.operator = stolen
        bench.scan(stranger, "scan.captured")
        stranger.call("lock.release", {"token": stolen})
    assert bench.run("lock", "show").stdout.strip() == "nobody has the lock"


async def test_a_named_key_lets_a_client_in_from_afar(
    bench: "Bench", tmp_path: Path, free_port: Callable[[], int]
) -> None:
    control, events, preview = (f"tcp://127.0.0.1:{free_port()}" for _ in range(3))
    bench.configure(bus={"remote_control": control, "remote_events": events, "remote_preview": preview})
    for name in ("tablet", "former"):
        assert bench.run("keys", "add", name, "--out", str(tmp_path / f"{name}.json")).returncode == 0
    bench.start_daemon()
    assert bench.run("keys", "remove", "former").returncode == 0
    assert bench.run("keys", "list").stdout.split() == ["tablet"]
    key = load_key(tmp_path / "tablet.json")
    async with AsyncStationClient(control, events, key=key) as client:
        before = await client.status()
        scan_id = await client.scan_start("front", idempotency_key="once")
        with bench.client() as near:
            assert near.scan_start("front", idempotency_key="once") == scan_id, "one memory for all endpoints"
        async with aclosing(client.events(after=before.seq)) as told:
            async for event in told:
                if event.type == "scan.processed" and event.cause == scan_id:
                    break
        files = await client.scan_fetch(scan_id, tmp_path / "maps", "results/1/")
        assert "normals.tif" in {path.name for path in files}
    for wrong in (load_key(tmp_path / "former.json"), None):
        with pytest.raises(StationError) as caught, StationClient(control, events, key=wrong) as client:
            client.status()
        assert caught.value.code == "key_refused"


def test_every_file_of_a_scan_can_be_fetched_and_no_other(bench: "Bench", tmp_path: Path) -> None:
    bench.start_daemon()
    with bench.client() as client:
        scan_id, _ = bench.scan(client)
        folder = Path(client.scan_get(scan_id).folder)
        stored = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        fetched = client.scan_fetch(scan_id, tmp_path)
        assert {str(path.relative_to(tmp_path)) for path in fetched} == stored
        for path in fetched:
            assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes()
        for outside in ("../../../../../station.toml", "/etc/passwd", "results", "nothing.tif"):
            with pytest.raises(StationError) as caught:
                client.scan_file(scan_id, outside)
            assert caught.value.code == "not_found"


def test_a_folder_that_became_read_only_is_reported_before_a_card_is_accepted(bench: "Bench") -> None:
    bench.configure(station={"reserve_mb": 10**9})
    bench.start_daemon()
    with bench.client() as client:
        assert "MB are free" in client.status().not_ready
        with pytest.raises(StationError) as caught:
            client.scan_start("front")
        assert caught.value.code == "disk_full"
        assert not list(bench.data.glob("scans/*"))
