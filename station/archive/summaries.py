"""Rows of the catalogue as the document that clients get."""

from pathlib import PurePosixPath

from sqlalchemy import select
from sqlalchemy.orm import Session

from station.documents.scan import ResultManifest, ScanSummary

from .models import OutboxRow, ResultRow, ScanRow

REPORT = "report.html"
UNREADABLE = "scan_unreadable: "
"""How the reason of a scan begins whose folder cannot be read."""


def summaries(session: Session, rows: list[ScanRow]) -> list[ScanSummary]:
    """Each scan with its newest result and the state of its delivery, in the order given."""
    ids = [row.id for row in rows]
    deliveries = session.scalars(select(OutboxRow).where(OutboxRow.scan_id.in_(ids)))
    results = session.scalars(select(ResultRow).where(ResultRow.scan_id.in_(ids)).order_by(ResultRow.number))
    delivery_of = {row.scan_id: row for row in deliveries}
    newest_of = {row.scan_id: row for row in results}
    return [_summary(row, newest_of.get(row.id), delivery_of.get(row.id)) for row in rows]


def report_path(folder: str, manifest: ResultManifest) -> str | None:
    """Where the result's report lies under the data root; None where it has none."""
    if not any(artifact.file == REPORT for artifact in manifest.artifacts):
        return None
    return str(PurePosixPath(folder, "results", str(manifest.number), REPORT))


def _summary(row: ScanRow, result: ResultRow | None, delivery: OutboxRow | None) -> ScanSummary:
    manifest = ResultManifest.model_validate(result.manifest) if result else None
    facts = {name: getattr(row, name) for name in ScanSummary.model_fields if hasattr(row, name)}
    told = {
        "reason": UNREADABLE + row.unreadable if row.unreadable else row.reason,
        "delivery": delivery.state if delivery else "none",
        "delivery_detail": delivery.detail if delivery else "",
        "result": manifest,
        "report": result.report if result and not row.removed else None,
        "stages_s": {**row.stages_s, **(manifest.stages_s if manifest else {})},
    }
    return ScanSummary.model_validate({**facts, **told})
