"""SIGKILL at random moments: whatever was acknowledged is there, and disk and catalogue agree.

A kill leaves the page cache alone: this proves the order of names; that of syncs is in `test_sync_order`.
"""

import os
import random
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from station.archive.catalogue import Catalogue
from station.archive.folder import read_stack, scan_folders
from station.archive.recovery import recover
from station.archive.results import read_result, result_numbers

CHILD = Path(__file__).with_name("storing_child.py")
SOAK = os.environ.get("STATION_SOAK") == "1"
ROOTS, KILLS_PER_ROOT = (20, 25) if SOAK else (1, 30)
pytestmark = [pytest.mark.soak] if SOAK else []  # small in the suite, the same at full size in the soak


class Victim:
    """Processes that store scans until they are killed, and what they acknowledged."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        command = [sys.executable, str(CHILD), "nursery", "/"]
        self._nursery = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self._buffer = b""

    def run_until_killed(self, root: Path, acknowledgements: int, then_s: float) -> list[list[str]]:
        """Let one work until it acknowledged so much, and kill it a moment later; what it said."""
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(f"{root}\n".encode())
        self._nursery.stdin.flush()
        said, pid, deadline_s = [], 0, 60.0
        while not pid or len(said) < acknowledgements:
            words = self._line(deadline_s)
            assert words is not None, "the child does not work"
            if words[0] == "CHILD":
                pid = int(words[1])
            else:
                said.append(words)
        while (words := self._line(then_s)) is not None:
            said.append(words)
            then_s /= 2
        os.kill(pid, signal.SIGKILL)
        while (words := self._line(deadline_s)) != ["DEAD", str(pid)]:
            assert words is not None, "the child does not die"
            said.append(words)
        return said

    def _line(self, within_s: float) -> list[str] | None:
        assert self._nursery.stdout is not None
        while b"\n" not in self._buffer:
            if not select.select([self._nursery.stdout], [], [], within_s)[0]:
                return None
            more = os.read(self._nursery.stdout.fileno(), 65_536)
            assert more, "the nursery ended"
            self._buffer += more
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode().split()

    def close(self) -> None:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.close()
        self._nursery.wait(30)
        self._nursery.stdout.close()


@pytest.fixture
def victim() -> Iterator[Victim]:
    victim = Victim()
    yield victim
    victim.close()


def check(
    root: Path, scans: set[str], results: set[tuple[str, int]], seen: Counter[str], read: set[str]
) -> None:
    """Recover, and compare what was acknowledged, what the catalogue says and what lies on the disk.

    The pixels of the scans in `read` were looked at before.
    """
    with Catalogue(root) as catalogue:
        seen["unclean"] += not catalogue.stopped_in_order
        done = recover(root, catalogue)
        for what in ("swept", "interrupted", "adopted", "adopted_results"):
            seen[what] += len(getattr(done, what))
        assert done.unreadable == []
        places = catalogue.places()
        stored = {scan_id for scan_id, place in places.items() if place.folder}
        catalogued = catalogue.results()
        events = catalogue.events_since(0, limit=1_000_000)
        assert catalogue.undelivered() == len(stored)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert scans - stored == set(), "acknowledged scans are lost"
    assert results - catalogued == set(), "acknowledged results are lost"
    folders = {folder.name: folder for folder in scan_folders(root)}
    assert stored == set(folders)
    assert {
        (name, number) for name, folder in folders.items() for number in result_numbers(folder)
    } == catalogued
    assert list(root.glob("scans/**/*.part")) == []
    for scan_id, place in places.items():
        assert place.state in ("captured", "processed", "interrupted")
        assert (place.state == "interrupted") == (scan_id not in folders)
    for scan_id in stored - read:
        read_stack(folders[scan_id])
    for scan_id, number in catalogued:
        if scan_id not in read:
            read_result(folders[scan_id], number).array("albedo")
    read |= {scan_id for scan_id, place in places.items() if place.state == "processed"}


@pytest.mark.timeout(7200 if SOAK else 120)
def test_no_acknowledged_scan_is_lost(
    root: Path, tmp_path: Path, victim: Victim, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random()
    seen: Counter[str] = Counter()
    total = 0
    for round_ in range(ROOTS):
        data = (tmp_path if SOAK else root) / str(round_)  # a soak has the time for a real disk
        scans: set[str] = set()
        results: set[tuple[str, int]] = set()
        read: set[str] = set()
        for kill in range(KILLS_PER_ROOT):
            said = victim.run_until_killed(data, chance.randrange(8), chance.random() * 0.02)
            scans |= {words[1] for words in said if words[0] == "ACK"}
            results |= {(words[1], int(words[2])) for words in said if words[0] == "RESULT"}
            # Every other time the next victim has to recover by itself, and may be killed in that.
            if kill % 2:
                check(data, scans, results, seen, read)
        check(data, scans, results, seen, set())
        total += len(scans)
    record_property("archive: kills", [ROOTS * KILLS_PER_ROOT, "1"])
    record_property("archive: scans acknowledged and found again after those kills", [total, "1"])
    print(f"{ROOTS * KILLS_PER_ROOT} kills, {total} scans acknowledged, 0 lost; {dict(seen)}")
    assert total > ROOTS * KILLS_PER_ROOT / 2, "too few scans for a proof"
    assert seen["unclean"] > 0
    assert seen["interrupted"] + seen["adopted"] + seen["adopted_results"] > 0, "no kill hit anything"
