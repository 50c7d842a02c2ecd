"""The tables of what was received and refused: what to write, what to ask. All within one `Change`."""

import hashlib
import json
import sqlite3
from typing import Any

from ..bus.parcel import Offer
from ..documents.trainer import (
    IntakePage,
    KnownStation,
    ParcelPage,
    Received,
    Refusal,
    RefusalPage,
    TrainerStatus,
)
from .database import Change, now

PARCEL = ("number", "id", "scan_id", "station", "received", "files")
REFUSAL = ("number", "parcel", "scan_id", "station", "file", "why", "time", "quarantined")
PARCELS = "SELECT number, id, scan_id, station, received, files FROM parcel"
REFUSALS = "SELECT number, parcel_id, scan_id, station, file, why, time, quarantined FROM refusal"
NEWEST = " WHERE ? IS NULL OR number < ? ORDER BY number DESC LIMIT ?"
NEW_PARCEL = (
    "INSERT OR IGNORE INTO parcel (digest, id, scan_id, station, files, received) VALUES (?, ?, ?, ?, ?, ?)"
)
NEW_REFUSAL = (
    "INSERT INTO refusal (parcel_id, scan_id, station, file, why, time, quarantined) "
    "VALUES (:parcel_id, :scan_id, :station, :file, :why, :time, :quarantined)"
)
SEEN = (
    "INSERT INTO station VALUES (:name, :parcels, :refused, :time) ON CONFLICT DO UPDATE SET "
    "parcels = parcels + :parcels, refused = refused + :refused, last = :time"
)
FILES_A_PAGE = 20_000  # a page stays far below what a client accepts


def digest(offer: Offer) -> str:
    """Identity of a parcel by what is in it, so that a scan may be delivered again with further results.

    Where its files lie at the station is not part of it: the same parcel over another way is the same one.
    """
    return hashlib.sha256(offer.model_dump_json(exclude={"root", "places"}).encode()).hexdigest()


def holds(change: Change, offer: Offer) -> bool:
    """Whether this parcel with these very files was received before."""
    known = change.execute("SELECT 1 FROM parcel WHERE digest = ?", (digest(offer),)).fetchone()
    return known is not None


def receive(change: Change, offer: Offer) -> None:
    """Write the parcel and its event, once."""
    files = json.dumps([file.model_dump() for file in offer.files])
    time = now()
    row = (digest(offer), offer.parcel, offer.scan_id, offer.station, files, time)
    if not change.execute(NEW_PARCEL, row).rowcount:
        return
    for file in offer.files:
        change.execute("INSERT OR IGNORE INTO blob VALUES (?, ?)", (file.sha256, file.bytes))
    change.execute(SEEN, {"name": offer.station, "parcels": 1, "refused": 0, "time": time})
    told = {
        "id": offer.parcel,
        "scan_id": offer.scan_id,
        "station": offer.station,
        "files": len(offer.files),
        "bytes": sum(file.bytes for file in offer.files),
    }
    change.record("parcel.received", told, offer.scan_id)


def refuse(change: Change, about: dict[str, str]) -> None:
    """Write a refusal (its columns but number and time) and its event."""
    time = now()
    change.execute(NEW_REFUSAL, {**about, "time": time})
    change.execute(SEEN, {"name": about["station"], "parcels": 0, "refused": 1, "time": time})
    told = {"id": about["parcel_id"], **{name: about[name] for name in about if name != "parcel_id"}}
    change.record("parcel.refused", told, about["scan_id"])


def all_parcels(change: Change) -> list[Received]:
    """Everything that was received, oldest first."""
    return [_received(row) for row in change.execute(f"{PARCELS} ORDER BY number")]


def parcels(change: Change, page: IntakePage) -> ParcelPage:
    """The newest parcels before a number."""
    found: list[Received] = []
    files = 0
    for row in _newest(change, PARCELS, page):
        one = _received(row)
        files += len(one.files)
        if len(found) == page.limit or (found and files > FILES_A_PAGE):
            return ParcelPage(parcels=tuple(found), before=found[-1].number)
        found.append(one)
    return ParcelPage(parcels=tuple(found))


def refusals(change: Change, page: IntakePage) -> RefusalPage:
    """The newest refusals before a number."""
    rows = _newest(change, REFUSALS, page).fetchall()
    found = tuple(Refusal(**dict(zip(REFUSAL, row, strict=True))) for row in rows)
    if len(found) > page.limit:
        found = found[: page.limit]
        return RefusalPage(refusals=found, before=found[-1].number)
    return RefusalPage(refusals=found)


def _newest(change: Change, query: str, page: IntakePage) -> sqlite3.Cursor:
    """One row more than the page has, so that its end is known."""
    return change.execute(query + NEWEST, (page.before, page.before, page.limit + 1))


def _received(row: tuple[Any, ...]) -> Received:
    return Received(**dict(zip(PARCEL[:-1], row[:-1], strict=True)), files=json.loads(row[-1]))


def counted(change: Change, status: TrainerStatus, stations: int) -> TrainerStatus:
    """The status with all that the tables know: counts, the newest `stations`, and the event they cover."""

    def number(query: str) -> int:
        (found,) = change.execute(query).fetchone()
        return int(found)

    newest = change.execute(
        "SELECT name, last, parcels, refused FROM station ORDER BY last DESC LIMIT ?", (stations,)
    )
    names = ("name", "last", "parcels", "refused")
    return status.replace(
        seq=change.head(),
        parcels=number("SELECT count(*) FROM parcel"),
        blobs_bytes=number("SELECT coalesce(sum(bytes), 0) FROM blob"),
        stations=tuple(KnownStation(**dict(zip(names, row, strict=True))) for row in newest),
        stations_in_all=number("SELECT count(*) FROM station"),
        refused=number("SELECT count(*) FROM refusal"),
        quarantined=number("SELECT count(*) FROM refusal WHERE quarantined != ''"),
    )
