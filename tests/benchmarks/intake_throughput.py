"""What 50 stations deliver durably to one trainer, beside plain write and fsync of the same files.

All on one disk and in one run, the ways taking turns: `plain` writes and syncs one file after the other in
this process; `sent` is the trainer as a process of its own and the stations in this one, over `ipc://`, every
byte hashed and every parcel acknowledged after its files, names and row are durable; `shared` is the same
where the trainer takes the files by a second name.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
)

from tests.fleet import Sender, deliver, peak_bytes, senders, settings, trainer_process

STATIONS, FILES, FILE_BYTES, ROUNDS = 50, 4, 2 << 20, 3
TOTAL = STATIONS * FILES * FILE_BYTES


def _plain(fleet: list[Sender], target: Path) -> float:
    """Seconds for writing and syncing every file, their content being in memory."""
    target.mkdir()
    contents = [file.path.read_bytes() for one in fleet for parcel in one.parcels for file in parcel.files]
    start = time.perf_counter()
    for number, content in enumerate(contents):
        with (target / str(number)).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return time.perf_counter() - start


async def _delivered(fleet: list[Sender], data: Path, run: Path, root: Path | None) -> tuple[float, int]:
    """Seconds until everything is acknowledged, and the trainer's peak memory."""
    async with trainer_process(settings(data, run)) as process:
        start = time.perf_counter()
        sent = await deliver(f"ipc://{run}/intake", fleet, root)
        assert (max(sent) == 0) == (root is not None), "what was to be shared was sent"
        taken_s = time.perf_counter() - start
        return taken_s, peak_bytes(process.pid)


def _round(folder: Path, run: Path) -> tuple[float, float, float, int]:
    """One of each way; the stations' data folder has a catalogue, so that its files may be shared."""
    root = folder / "station"
    root.mkdir()
    (root / "catalogue.sqlite3").touch()
    fleet = senders(root / "scans", STATIONS, 1, FILES, FILE_BYTES)
    again = [Sender(one.name, list(one.parcels)) for one in fleet]
    os.sync()
    plain_s = _plain(fleet, folder / "plain")
    os.sync()
    sent_s, peak = asyncio.run(_delivered(fleet, folder / "sent", run, None))
    os.sync()
    shared_s, _ = asyncio.run(_delivered(again, folder / "shared", run, root))
    return plain_s, sent_s, shared_s, peak


def _print(name: str, value: float, unit: str, note: str = "") -> None:
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "note": note}))


def main() -> None:
    """Measure; the median of the rounds, each of which compares its own three ways."""
    rounds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=os.environ.get("STATION_BENCH_DISK")) as folder:
            rounds.append(_round(Path(folder), Path(folder) / "run"))
    note = f"{STATIONS} stations, {FILES} files of {FILE_BYTES >> 20} MiB each, median of {ROUNDS}"
    for number, way in enumerate(
        ("plain write and fsync", "delivered by 50 stations", "shared by 50 stations")
    ):
        _print(
            f"{way}, durable", TOTAL / 1e6 / statistics.median(one[number] for one in rounds), "MB/s", note
        )
    _print("delivered over plain", statistics.median(one[0] / one[1] for one in rounds), "ratio", note)
    _print("shared over plain", statistics.median(one[0] / one[2] for one in rounds), "ratio", note)
    _print("trainer's peak memory, 50 stations", max(one[3] for one in rounds) / 1e6, "MB", "resident")


if __name__ == "__main__":
    main()
