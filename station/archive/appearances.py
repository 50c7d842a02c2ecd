"""What the stored sides look like, for whoever recognises a card that was scanned before."""

import base64
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from station.documents.judgement import Appearance
from station.documents.plan import Side
from station.documents.scan import ScanManifest

from .models import AppearanceRow, ScanRow

PAGE = 500
"""Rows read in one transaction: between two pages others can use the catalogue."""


class Seen(NamedTuple):
    """A stored side and what it looks like. `batch`: empty where it belongs to none."""

    scan_id: str
    card_id: str
    side: Side
    batch: str
    appearance: Appearance


def keep(session: Session, manifest: ScanManifest) -> None:
    """Copy a manifest's appearance into the catalogue; a scan that was not looked at has no row."""
    seen = manifest.appearance
    if seen is not None:
        bits, layout = bytes.fromhex(seen.bits), base64.b64decode(seen.layout)
        row = AppearanceRow(scan_id=manifest.id, version=seen.version, bits=bits, layout=layout)
        session.merge(row)


def page(session: Session, station: str, after: str) -> Sequence[Seen]:
    """The next `PAGE` sides after a scan, oldest first; neither withdrawn ones nor those removed."""
    query = select(ScanRow, AppearanceRow).join(AppearanceRow, AppearanceRow.scan_id == ScanRow.id)
    counting = query.where(
        ScanRow.station == station, ScanRow.folder != "", ScanRow.withdrawn == "", ScanRow.removed == ""
    )
    rows = session.execute(counting.where(ScanRow.id > after).order_by(ScanRow.id).limit(PAGE))
    return [_seen(scan, row) for scan, row in rows]


def _seen(scan: ScanRow, row: AppearanceRow) -> Seen:
    layout = base64.b64encode(row.layout).decode("ascii")
    appearance = Appearance(version=row.version, bits=row.bits.hex(), layout=layout)
    side: Side = "back" if scan.side == "back" else "front"
    return Seen(scan.id, scan.card_id, side, scan.batch, appearance)
