"""The commands that keep, withdraw, remove, back up and restore, without a daemon."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from station.archive.catalogue import Catalogue
from station.archive.folder import ScanWriter, manifest_sha256
from station.archive.markers import KEPT, WITHDRAWN
from station.archive.results import ResultWriter
from station.cli.app import app
from station.config import Settings, as_toml
from station.documents.fault import StationError
from station.documents.ids import new_id
from station.documents.plan import ScanPlan
from station.documents.scan import Measurements, Provenance, ResultManifest, ScanManifest

MADE = Provenance(
    software="s",
    firmware="1",
    board="b",
    camera="c",
    profile="p",
    profile_sha256="0" * 64,
    simulated=True,
    machine="m",
)
Command = Callable[..., Result]


def _delivered_side(root: Path) -> Path:
    created = datetime.now(UTC)
    with Catalogue(root) as catalogue:
        writer = ScanWriter(root, new_id(), created)
        catalogue.begin_scan(writer.scan_id, "card", "front", "", created, simulated=True)
        frame = writer.add_frame(None, np.zeros((4, 4), np.uint8), exposure_us=1, sequence=0, timestamp_s=0)
        made = created.isoformat()
        manifest = ScanManifest(
            id=writer.scan_id,
            card_id="card",
            side="front",
            created=made,
            plan=ScanPlan(),
            provenance=MADE,
            frames=(frame,),
        )
        folder = writer.commit(manifest)
        catalogue.captured(manifest, folder)
        result = ResultManifest(
            scan_id=folder.name,
            number=0,
            created=made,
            software="s",
            profile="p",
            profile_sha256="0" * 64,
            parent_sha256=manifest_sha256(folder),
            artifacts=(),
            measurements=Measurements(),
        )
        catalogue.processed(ResultWriter(folder).commit(result), deliver=True)
        catalogue.mark_sending(folder.name)
        catalogue.mark_delivered(folder.name, f"parcel {folder.name}-1")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def station(tmp_path: Path, data: Path) -> Command:
    """`station("keep", scan)` runs a command on a data folder of its own; every side is due at once."""
    config = tmp_path / "station.toml"

    def run(*words: str, keep_days: float = 1e-9) -> Result:
        tree = {"station": {"data": data}, "retention": {"keep_days": keep_days}}
        config.write_text(as_toml(Settings.model_validate(tree)))
        return CliRunner().invoke(app, ["--config", str(config), *words])

    return run


def refusal(done: Result) -> str:
    assert isinstance(done.exception, StationError), done.output
    return done.exception.code


def test_sides_are_kept_left_withdrawn_and_removed(data: Path, station: Command) -> None:
    kept, gone = _delivered_side(data), _delivered_side(data)
    assert "is kept" in station("keep", kept.name).output
    shown = station("retention").output
    assert "1 of 2 sides would go" in shown
    assert "stays: it is marked to be kept" in shown
    assert gone.exists()
    assert "1 of 2 sides removed" in station("retention", "--apply").output
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert refusal(station("keep", gone.name)) == "bad_request"
    assert "left to the retention policy" in station("keep", kept.name, "--no").output
    assert not (kept / KEPT).exists()
    assert refusal(station("withdraw", kept.name, "--why", " ")) == "bad_request"
    assert "is withdrawn" in station("withdraw", kept.name, "--why", "blurred").output
    assert (kept / WITHDRAWN).exists()
    assert "it was not delivered" in station("retention", "--apply").output


def test_without_a_policy_nothing_goes(data: Path, station: Command) -> None:
    folder = _delivered_side(data)
    assert "none is ever removed" in station("retention", "--apply", keep_days=0).output
    assert folder.exists()


def test_a_backup_is_made_verified_and_restored(data: Path, station: Command, tmp_path: Path) -> None:
    _delivered_side(data)
    target = str(tmp_path / "backup")
    assert "1 scans" in station("backup", target).output
    assert "of 1 scans read" in station("backup", target, "--verify").output
    assert refusal(station("restore", target)) == "backup_failed"
    data.rename(tmp_path / "lost")
    done = station("restore", target)
    assert (done.exit_code, "station.toml" in done.output) == (0, True)
    with Catalogue(data) as catalogue:
        assert [(scan.state, scan.delivery) for scan in catalogue.scans()] == [("processed", "delivered")]
    for path in Path(target).rglob("ambient.tif"):
        path.unlink()
    damaged = station("backup", target, "--verify")
    assert "ambient.tif" in str(damaged.exception)
