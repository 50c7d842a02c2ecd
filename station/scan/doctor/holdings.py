"""What is stored: the catalogue against the disk, the outbox and its receiver, the profile's age."""

import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ...archive.catalogue import Catalogue
from ...archive.folder import scan_folders
from ...documents.doctor import Check
from ...documents.limits import LIMITS
from ...documents.profile import RigProfile

OLD_PROFILE = timedelta(days=180)
_CONNECT_S = 1.0
_IPC = "ipc://"


class Holdings(NamedTuple):
    """What the catalogue says at one moment.

    `stored` are the folders of all sides, relative to the data root; `refused` counts deliveries that the
    receiver will never take.
    """

    revision: str
    stored: frozenset[str]
    unreadable: int
    waiting: int
    undelivered: int
    refused: int
    newest: datetime | None
    bytes_per_side: int | None
    findings: str


def holdings(catalogue: Catalogue, *, integrity: bool) -> Holdings:
    """Ask the catalogue; with `integrity` every page of its file is read."""
    sides = catalogue.stored_sides()
    places = catalogue.places()
    newest = catalogue.scans(1)
    return Holdings(
        revision=catalogue.revision(),
        stored=frozenset(places[side.id].folder for side in sides),
        unreadable=sum(bool(side.unreadable) for side in sides),
        waiting=sum(side.state == "captured" and not side.unreadable for side in sides),
        undelivered=catalogue.undelivered(),
        refused=sum(side.delivery == "refused" for side in sides),
        newest=datetime.fromisoformat(newest[0].created) if newest else None,
        bytes_per_side=catalogue.bytes_per_side(),
        findings=catalogue.integrity() if integrity else "",
    )


def catalogue_checks(root: Path, held: Holdings) -> list[Check]:
    """The catalogue itself, and whether it and the disk agree."""
    return [_database(held), _agreement(root, held)]


def _database(held: Holdings) -> Check:
    if held.findings:
        return Check(
            name="catalogue",
            state="bad",
            said=f"the catalogue is damaged: {held.findings}",
            next_step="Stop the daemon and run `station catalogue rebuild`.",
        )
    return Check(
        name="catalogue", state="ok", said=f"{len(held.stored)} sides, revision {held.revision}, sound"
    )


def _agreement(root: Path, held: Holdings) -> Check:
    there = {folder.relative_to(root).as_posix() for folder in scan_folders(root)}
    missing, unknown = len(held.stored - there), len(there - held.stored)
    if not missing and not unknown and not held.unreadable:
        return Check(name="disk and catalogue", state="ok", said=f"they agree on {len(there)} sides")
    said = f"{missing} folders are missing, {unknown} are not in the catalogue, {held.unreadable} unreadable"
    if missing or held.unreadable:
        step = "Bring the folders back or restore them from a backup, then start the daemon anew."
        return Check(name="disk and catalogue", state="bad", said=said, next_step=step)
    step = "A start of the daemon adopts them; one that is scanned just now is seen in both in a moment."
    return Check(name="disk and catalogue", state="warn", said=said, next_step=step)


def outbox(held: Holdings) -> Check:
    """What waits to be delivered, and what never will be."""
    said = f"{held.undelivered} sides wait to be delivered, {held.refused} were refused"
    if held.undelivered > LIMITS.outbox_depth:
        step = "Start the trainer; no card is accepted until fewer wait."
        return Check(name="outbox", state="bad", said=said, next_step=step)
    if held.refused:
        return Check(
            name="outbox",
            state="warn",
            said=said,
            next_step="`station show ID` says why; mend that, then compute the scan again to send it anew.",
        )
    return Check(name="outbox", state="ok", said=said)


def trainer(endpoint: str) -> Check:
    """Whether anybody listens where scans are delivered."""
    try:
        _connect(endpoint)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Check(
            name="trainer",
            state="warn",
            said=f"nobody takes deliveries at {endpoint}: {reason}",
            next_step="Start it with `station trainer`; scans wait in the outbox meanwhile.",
        )
    return Check(name="trainer", state="ok", said=f"somebody listens at {endpoint}")


def _connect(endpoint: str) -> None:
    if endpoint.startswith(_IPC):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(_CONNECT_S)
            line.connect(endpoint.removeprefix(_IPC))
        return
    parts = urlsplit(endpoint)
    if not parts.hostname or not parts.port:
        raise ValueError("it is no address to connect to")
    socket.create_connection((parts.hostname, parts.port), _CONNECT_S).close()


def profile(found: RigProfile, now: datetime) -> Check:
    """How old the rig profile is."""
    if found.simulated or not found.measured:
        kind = "the twin's" if found.simulated else "a starting point that nobody measured"
        state, step = ("ok", "") if found.simulated else ("warn", "Calibrate the rig: `station calibrate`.")
        return Check.model_validate(
            {"name": "profile", "state": state, "said": f"{found.name} is {kind}", "next_step": step}
        )
    try:
        age = now - datetime.fromisoformat(found.created)
    except (ValueError, TypeError):
        return Check(name="profile", state="ok", said=f"{found.name}, made {found.created}")
    said = f"{found.name} is {age.days} days old"
    if age > OLD_PROFILE:
        step = "`station calibrate check` says whether it still holds."
        return Check(name="profile", state="warn", said=said, next_step=step)
    return Check(name="profile", state="ok", said=said)
