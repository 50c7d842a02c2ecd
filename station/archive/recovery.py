"""What a start makes of what a kill or a power cut left: disk and catalogue agree again, nothing is lost."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from station.documents.event import Event
from station.documents.fault import StationError
from station.share.durable import storing, sync_folder

from .catalogue import Catalogue
from .database import FILE, FILE_SUFFIXES, copies_of_catalogue, hold_alone
from .durable import PART
from .folder import MANIFEST, check_stack, scan_folders
from .journal import utc_now
from .markers import read_markers
from .removal import GONE, finish, gone_folders
from .results import read_result, result_numbers


@dataclass
class Recovery:
    """What a recovery did and found.

    Attributes:
        swept: partial folders removed, relative to the data root.
        interrupted: scans that were being captured when the daemon died.
        adopted: scans whose complete folder the catalogue did not know.
        adopted_results: complete results that the catalogue did not know, as scan and number.
        unreadable: what cannot be read (a scan's identity or a folder), and why. Nothing of it was removed.
        returned: scans whose missing folder is back.
        requeued: scans whose sending was cut short.
        removed: sides whose removal was cut short, and is finished now.
        marked: scans whose markers said something else than the catalogue did.
        pending: captured scans without a result, to be processed (again).
        events: what to publish.
    """

    swept: list[str] = field(default_factory=list)
    interrupted: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    adopted_results: list[tuple[str, int]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    requeued: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


def recover(root: Path, catalogue: Catalogue) -> Recovery:
    """Bring an open catalogue and its data root together; safe to repeat, and to be killed in.

    Raises:
        StationError: `data_unwritable` where a partial folder cannot be removed, or what the catalogue
            raises.
    """
    done = Recovery()
    _sweep(root, done)
    _finish_removals(root, catalogue, done)
    _adopt_scans(root, catalogue, done, hashes=True)
    _compare_rows(root, catalogue, done)
    _adopt_results(root, catalogue, done)
    _read_markers(root, catalogue, done)
    for scan_id in catalogue.unfinished_deliveries():
        done.events.append(catalogue.requeue(scan_id, "the sending was cut short"))
        done.requeued.append(scan_id)
    done.pending = catalogue.pending_processing()
    return done


def rebuild(root: Path, url: str | None = None, station: str = "station") -> Recovery:
    """Make the catalogue anew from the scan folders alone.

    An embedded catalogue is set aside first, as `catalogue.<time>.sqlite3`; on a server the rows that are
    there stay, and those that are missing are added. Every adopted scan is queued for delivery: who has it
    already knows it by its hash. File sizes are checked, hashes are not: they are when a file is read.

    Raises:
        StationError: `data_busy` while a daemon runs, `data_unwritable`, `disk_full`, or what the catalogue
            raises.
    """
    if url is None:
        _set_aside(root)
    done = Recovery()
    with Catalogue(root, url, station) as catalogue:
        _finish_removals(root, catalogue, done)
        _adopt_scans(root, catalogue, done, hashes=False)
        _adopt_results(root, catalogue, done)
        _read_markers(root, catalogue, done)
        done.pending = catalogue.pending_processing()
    return done


def _sweep(root: Path, done: Recovery) -> None:
    for folder in _partial_folders(root):
        with storing(folder):
            shutil.rmtree(folder)
        done.swept.append(folder.relative_to(root).as_posix())
    for file in [*sorted((root / "scans").glob(f"*/*/*/*/*{PART}")), *copies_of_catalogue(root)]:
        with storing(file):
            file.unlink()
        done.swept.append(file.relative_to(root).as_posix())


def _partial_folders(root: Path) -> Iterator[Path]:
    yield from sorted((root / "scans").glob(f"*/*/*/*{PART}"))
    yield from sorted((root / "scans").glob(f"*/*/*/*/results/*{PART}"))


def _finish_removals(root: Path, catalogue: Catalogue, done: Recovery) -> None:
    for folder in gone_folders(root):
        event = finish(catalogue, folder)
        done.events += [event] if event is not None else []
        done.removed.append(folder.name.removesuffix(GONE))


def _read_markers(root: Path, catalogue: Catalogue, done: Recovery) -> None:
    """Markers between whose writing and whose transaction the daemon died; all of them after a rebuild."""
    for side in catalogue.marks():
        if side.unreadable:
            continue
        try:
            found = read_markers(root / side.folder)
        except StationError as error:
            done.unreadable.append((side.id, str(error)))
            continue
        if found.withdrawn and not side.withdrawn:
            done.events.append(catalogue.set_withdrawn(side.id, found.withdrawn, cause="recovery"))
        if found.kept != side.kept:
            done.events.append(catalogue.set_kept(side.id, found.kept, cause="recovery"))
        if (found.withdrawn and not side.withdrawn) or found.kept != side.kept:
            done.marked.append(side.id)


def _adopt_scans(root: Path, catalogue: Catalogue, done: Recovery, *, hashes: bool) -> None:
    """Folders between whose renaming and whose transaction the daemon died."""
    stored = {scan_id for scan_id, place in catalogue.places().items() if place.folder}
    for folder in scan_folders(root):
        if folder.name in stored:
            continue
        try:
            manifest = check_stack(folder, hashes=hashes)
        except StationError as error:
            done.unreadable.append((folder.relative_to(root).as_posix(), str(error)))
            continue
        done.events.append(catalogue.adopt(manifest, folder))
        done.adopted.append(manifest.id)


def _compare_rows(root: Path, catalogue: Catalogue, done: Recovery) -> None:
    for scan_id, place in catalogue.places().items():
        if place.state == "capturing":
            done.events.append(catalogue.interrupted(scan_id, "the daemon stopped in mid-scan"))
            done.interrupted.append(scan_id)
        elif place.folder:
            _compare_folder(root / place.folder, scan_id, place.unreadable, catalogue, done)


def _compare_folder(folder: Path, scan_id: str, before: str, catalogue: Catalogue, done: Recovery) -> None:
    why = _flaw(folder, every_file=bool(before) or not catalogue.stopped_in_order)
    if why:
        done.unreadable.append((scan_id, why))
        if not before:
            done.events.append(catalogue.mark_unreadable(scan_id, why))
    elif before:
        done.events.append(catalogue.mark_readable(scan_id))
        done.returned.append(scan_id)


def _flaw(folder: Path, *, every_file: bool) -> str:
    """Why a folder cannot be read, empty where it can."""
    # After an orderly stop a look at the name will do: thousands of cards have a hundred thousand files, and
    # each of them is checked when it is read.
    if not every_file and (folder / MANIFEST).is_file():
        return ""
    try:
        check_stack(folder, hashes=False)
    except StationError as error:
        return str(error)
    return ""


def _adopt_results(root: Path, catalogue: Catalogue, done: Recovery) -> None:
    """Results between whose renaming and whose transaction the daemon died."""
    known = catalogue.results()
    for scan_id, place in catalogue.places().items():
        if not place.folder or place.unreadable:
            continue
        for number in result_numbers(root / place.folder):
            if (scan_id, number) not in known:
                _adopt_result(root / place.folder, number, catalogue, done)


def _adopt_result(folder: Path, number: int, catalogue: Catalogue, done: Recovery) -> None:
    try:
        manifest = read_result(folder, number).manifest
    except StationError as error:
        done.unreadable.append((folder.name, str(error)))
        return
    done.events.append(catalogue.processed(manifest, deliver=True, facts={"adopted": True}))
    done.adopted_results.append((folder.name, number))


def _set_aside(root: Path) -> None:
    file = root / FILE
    if not file.exists():
        return
    stamp = utc_now().strftime("%Y%m%dT%H%M%S.%f")
    with hold_alone(file), storing(file):
        for suffix in FILE_SUFFIXES:
            part = file.with_name(file.name + suffix)
            if part.exists():
                part.rename(file.with_name(f"catalogue.{stamp}.sqlite3{suffix}"))
        sync_folder(root)
