"""Withdrawn, kept, backed up and removed: by a real daemon with a real trainer."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from station.archive.catalogue import Catalogue
from station.archive.folder import scan_folders
from station.archive.markers import KEPT, WITHDRAWN
from station.archive.recovery import recover
from station.archive.restoring import restore
from station.client import StationClient
from station.documents.doctor import DoctorReport
from station.offline import backup


def _received(bench: Any) -> list[list[str]]:
    """File names of every parcel that the trainer has, oldest first; its table is its own while it runs."""
    with closing(sqlite3.connect(bench.settings.trainer_data / "intake.sqlite")) as table:
        rows = table.execute("SELECT files FROM parcel ORDER BY received").fetchall()
    return [[file["name"] for file in json.loads(row[0])] for row in rows]


def test_a_side_is_backed_up_withdrawn_kept_and_in_the_end_removed(bench: Any) -> None:
    bench.configure(retention={"keep_days": 1e-9})
    daemon, trainer = bench.start_daemon(), bench.start("trainer")
    with bench.client() as client:
        scan_id, _ = bench.scan(client)
        bench.wait_for("the delivery", lambda: client.status().quiescent)
        _looked_after(bench, client)
        assert client.call("scan.withdraw", {"id": scan_id, "why": "a hand was in it"})["withdrawn"]
        bench.wait_for("the withdrawal's delivery", lambda: client.status().quiescent)
        assert client.call("scan.keep", {"id": scan_id})["kept"]
        folder = Path(client.scan_get(scan_id).folder)
        assert (folder / KEPT).exists()
        plan = client.call("retention.plan")
        assert [side["held"] for side in plan["hold"]] == ["it is marked to be kept"]
        client.call("scan.keep", {"id": scan_id, "keep": False})
        done = bench.run("retention", "--apply")
        assert (done.returncode, "1 of 1 sides removed" in done.stdout) == (0, True), done.stderr
        summary = client.scan_get(scan_id)
        assert (bool(summary.removed), summary.result is not None) == (True, True)
        assert (client.status().scans, list(folder.parent.iterdir())) == (0, [])
    bench.stop(trainer)
    bench.stop(daemon)
    assert [names[-1] for names in _received(bench) if WITHDRAWN in names] == [WITHDRAWN]
    back = bench.root / "back"
    assert restore(bench.root / "backup", back).problems == ()
    assert [folder.name for folder in scan_folders(back)] == [scan_id]
    with Catalogue(back) as catalogue:
        assert recover(back, catalogue).unreadable == []
        assert catalogue.scan(scan_id).state == "processed"


def _looked_after(bench: Any, client: StationClient) -> None:
    """A backup beside the running daemon, and its doctor."""
    made = backup.make(
        bench.settings, bench.root / "backup", bench.config, lambda: client.call("catalogue.copy")["path"]
    )
    assert (made.scans, made.problems) == (1, ())
    report = DoctorReport.model_validate(client.call("doctor"))
    states = {check.name: check.state for check in report.checks}
    assert (report.by, report.bad, states["next card"]) == ("daemon", 0, "ok")
    assert (states["trainer"], states["disk and catalogue"], states["data folder"]) == ("ok", "ok", "ok")
