"""Nothing is acknowledged before it is durable: the system calls of a trainer that takes parcels."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from station.documents.limits import KIB, Limits
from tests.fleet import Sender, deliver, parcel, senders, settings, trainer_process
from tests.syscalls import CALLS, SYNCS, Call, parse, violations

LIMITS = Limits(chunk_bytes=16 * KIB)


def traced(folder: Path, strace: str, fleet: list[Sender], root: Path | None = None) -> list[Call]:
    """The calls of a trainer in `folder/data` while a fleet delivers."""
    trace = folder / "trace"
    under = (strace, "-f", "-y", "-s", "9000", "-o", str(trace), "-e", f"trace={CALLS}")

    async def run() -> None:
        async with trainer_process(settings(folder / "data", folder / "run"), *under):
            await deliver(f"ipc://{folder}/run/intake", fleet, root, LIMITS)

    asyncio.run(run())
    # who holds the lock is of no interest after a power cut
    return [call for call in parse(trace.read_text()) if not call.path.endswith("trainer.lock")]


def acknowledgement(parcel_id: str) -> str:
    """How strace shows the answer, or its beginning."""
    return rf"\"type\":\"acknowledged\",\"parcel\":\"{parcel_id}\""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> tuple[Path, list[Call]]:
    """One station and three parcels one after the other: one ordinary, one shared, one with an empty file."""
    folder = tmp_path_factory.mktemp("alone")
    root = folder / "station"
    queue = [
        parcel(root / "scans", "p0", {"a.tif": b"a" * 40_000, "b.tif": b"b"}),
        parcel(root / "scans", "p1", {"a.tif": b"c" * 40_000}),
        parcel(root / "scans", "p2", {"a.tif": b"a" * 40_000, "empty": b""}),
    ]
    (root / "catalogue.sqlite3").touch()
    ordinary = queue[0].files[0]
    ordinary = replace(ordinary, path=ordinary.path.rename(folder / "a.tif"))  # where no file is shared
    queue[0] = replace(queue[0], files=(ordinary, queue[0].files[1]))
    calls = traced(folder, program("strace"), [Sender("bench", queue)], root)
    return folder / "data", calls


@pytest.mark.parametrize("parcel_id", ["p0", "p1", "p2"])
def test_everything_is_durable_before_a_parcel_is_acknowledged(
    alone: tuple[Path, list[Call]], parcel_id: str
) -> None:
    root, calls = alone
    assert violations(calls, root / "trainer", acknowledgement(parcel_id)) == []


def test_the_trace_shows_both_ways_in(alone: tuple[Path, list[Call]]) -> None:
    root, calls = alone
    blobs = str(root / "trainer" / "blobs")
    assert [call.name for call in calls if call.name == "rename" and call.target.startswith(blobs)] == [
        "rename"
    ] * 2
    assert [call.name for call in calls if call.name == "linkat" and call.path.startswith(blobs)] == [
        "linkat"
    ] * 2


def test_each_sync_of_the_first_parcel_is_needed(alone: tuple[Path, list[Call]]) -> None:
    """Leave out any one of those that follow the first byte, and the check above objects: it can fail."""
    root, calls = alone
    said = next(k for k, call in enumerate(calls) if acknowledgement("p0") in call.text)
    begun = next(k for k, call in enumerate(calls) if call.name == "write" and "/parts/" in call.path)
    syncs = [
        k for k in range(begun, said) if calls[k].name in SYNCS and str(root / "trainer") in calls[k].path
    ]
    needed = [k for k in syncs if not calls[k].path.endswith("intake.sqlite")]
    assert {Path(calls[k].path).parent.name for k in needed} >= {"parts", "blobs", "trainer"}
    for left_out in needed:
        without = calls[:left_out] + calls[left_out + 1 :]
        assert violations(without, root / "trainer", acknowledgement("p0")), calls[left_out]


def test_with_several_stations_each_parcel_waits_for_its_own_files_names_and_row(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    """Here others are always under way, so each acknowledgement is held against its own parcel alone."""
    fleet = senders(tmp_path / "scans", stations=5, parcels=2, files=2, file_bytes=20_000)
    parcels = [one for station in fleet for one in station.parcels]
    calls = traced(tmp_path, program("strace"), fleet)
    for one in parcels:
        said = next(k for k, call in enumerate(calls) if acknowledgement(one.id) in call.text)
        for file in one.files:
            _in_order(calls[:said], file.sha256)
        row = re.compile(rf"[0-9a-f]{{64}}{one.id}scan-{one.id}station")
        written = [k for k in range(said) if _is_wal(calls[k]) and row.search(calls[k].text)]
        assert written, f"the row of {one.id} was not written before its acknowledgement"
        assert any(_is_wal(call) and call.name in SYNCS for call in calls[written[0] : said])


def _in_order(calls: list[Call], sha256: str) -> None:
    """Last byte, its sync, the final name, the sync of its folder."""
    written = [k for k, call in enumerate(calls) if call.name == "write" and call.path.endswith(sha256)]
    synced = [
        k for k, call in enumerate(calls) if call.name in SYNCS and call.path.endswith(f"parts/{sha256}")
    ]
    named = [k for k, call in enumerate(calls) if call.name == "rename" and call.target.endswith(sha256)]
    folder = [
        k for k, call in enumerate(calls) if call.name in SYNCS and call.path.endswith(f"blobs/{sha256[:2]}")
    ]
    assert max(written) < min(synced) < min(named) < max(folder)


def _is_wal(call: Call) -> bool:
    return call.path.endswith("intake.sqlite-wal")
