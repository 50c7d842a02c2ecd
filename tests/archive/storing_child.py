"""A process of its own that stores scans, to be traced, killed or starved of disk. It speaks in lines."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from conftest import CREATED, draft_result, manifest_of, noise

from station.archive.catalogue import Catalogue
from station.archive.folder import ScanWriter, read_stack
from station.archive.recovery import recover
from station.archive.removal import hide
from station.archive.results import ResultWriter
from station.documents.fault import StationError
from station.documents.ids import new_id


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def store_scan(root: Path, catalogue: Catalogue, shape: tuple[int, ...] = (20, 14, 3)) -> Path:
    writer = ScanWriter(root, new_id(), CREATED)
    catalogue.begin_scan(writer.scan_id, "card", "front", "", CREATED, simulated=True)
    try:
        records = [
            writer.add_frame(light, noise(k, shape), exposure_us=1, sequence=k, timestamp_s=k)
            for k, light in enumerate([None, 0, 1])
        ]
        manifest = manifest_of(writer, records)
        folder = writer.commit(manifest)
    except StationError as error:
        catalogue.failed(writer.scan_id, f"{error.code}: {error}")
        raise
    catalogue.captured(manifest, folder)
    say("ACK", writer.scan_id)
    return folder


def store_result(catalogue: Catalogue, folder: Path) -> None:
    writer = ResultWriter(folder)
    writer.add_array("albedo", np.full((5, 4, 3), 0.5, np.float32), "fraction")
    final = writer.commit(draft_result(folder))
    catalogue.processed(final)
    say("RESULT", folder.name, final.number)


def once(root: Path) -> None:
    """One scan and one result, delivered, taken back, delivered again, removed."""
    with Catalogue(root) as catalogue:
        folder = store_scan(root, catalogue)
        store_result(catalogue, folder)
        catalogue.withdraw(folder.name, "a hand was in it")
        say("WITHDRAWN", folder.name)
        catalogue.mark_sending(folder.name)
        catalogue.mark_delivered(folder.name)
        hide(root, catalogue, folder.name, "old")
        say("REMOVED", folder.name)


def for_ever(root: Path) -> None:
    """Recover, compute what is owed, then scan after scan."""
    with Catalogue(root) as catalogue:
        for scan_id in recover(root, catalogue).pending:
            store_result(catalogue, root / catalogue.scan(scan_id).folder)
        while True:
            store_result(catalogue, store_scan(root, catalogue))


def nursery() -> None:
    """For each line on standard input, a data root, a child that works there until it is killed.

    Children are forked, because starting Python anew for each of them would take longer than all else.
    """
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if child == 0:
            for_ever(Path(line.strip()))
        say("CHILD", child)
        os.waitpid(child, 0)
        say("DEAD", child)


def refusal(call: Callable[[], object]) -> str:
    """The code of the fault that a call ends with, or `none`."""
    try:
        call()
    except StationError as error:
        return error.code
    return "none"


def leave_free(root: Path, size: int) -> None:
    """Fill the file system until just so many bytes are left."""
    with (root / "ballast").open("ab", buffering=0) as ballast:
        while (surplus := os.statvfs(root).f_bavail * os.statvfs(root).f_frsize - size) > 0:
            ballast.write(bytes(min(surplus, 65_536)))


def starve(root: Path) -> None:
    """A disk that runs full, has room again, and becomes read-only. `root` is a mount of its own."""
    seen: dict[str, object] = {}
    with Catalogue(root) as catalogue:
        first = store_scan(root, catalogue)
        leave_free(root, 60_000)
        seen["frames"] = refusal(lambda: store_scan(root, catalogue, (200, 140, 3)))
        seen["reason"] = catalogue.scans()[0].reason.split(":")[0]
        seen["parts"] = [path.name for path in root.glob("scans/*/*/*/*.part")]
        leave_free(root, 0)
        head = catalogue.head_seq()
        seen["catalogue"] = refusal(lambda: [catalogue.append_event("x" * 50) for _ in range(1000)])
        seen["result"] = refusal(lambda: ResultWriter(first).add_file("report.html", bytes(10_000)))
        seen["results left"] = [path.name for path in (first / "results").iterdir()]
        (root / "ballast").unlink()
        seen["lost events"] = catalogue.head_seq() - head - len(catalogue.events_since(head))
        store_result(catalogue, first)
        second = store_scan(root, catalogue)
    with Catalogue(root) as catalogue:
        seen["recovered"] = recover(root, catalogue).pending == [second.name]
        seen["frames read"] = [len(read_stack(folder)[1]) for folder in (first, second)]
    subprocess.run(["mount", "-o", "remount,ro", root], check=True)
    seen["read-only scan"] = refusal(
        lambda: ScanWriter(root, new_id(), CREATED).add_frame(
            None, noise(1), exposure_us=1, sequence=1, timestamp_s=0
        )
    )
    seen["read-only catalogue"] = refusal(Catalogue(root).open)
    seen["read-only read"] = len(read_stack(first)[1])
    say("SEEN", json.dumps(seen))


if __name__ == "__main__":
    {"once": once, "starve": starve, "nursery": lambda _: nursery()}[sys.argv[1]](Path(sys.argv[2]))
