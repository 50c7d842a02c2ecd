"""`station doctor` names what is wrong; each fault is really there, on real files, ports and sockets."""

import json
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from station.archive.catalogue import Catalogue
from station.archive.database import FILE
from station.archive.folder import ScanWriter
from station.cli.app import app
from station.config import CameraSettings, Settings, as_toml
from station.documents.doctor import Check, DoctorReport
from station.documents.event import DeviceStatus
from station.documents.fault import StationError
from station.documents.ids import new_id
from station.documents.plan import ScanPlan
from station.documents.profile import RigProfile
from station.documents.scan import Provenance, ScanManifest
from station.offline.doctor import examine
from station.scan.doctor import folders
from station.scan.doctor.clock import clock
from station.scan.doctor.devices import as_seen, board, camera, holders
from station.scan.doctor.folders import disk, privacy, writing
from station.scan.doctor.holdings import profile, trainer
from station.scan.doctor.versions import firmware, has_wal_reset_bug, shipped_firmware

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def station(tmp_path: Path) -> Settings:
    """A station on the twin with an empty data folder, private as it should be."""
    (tmp_path / "data").mkdir(mode=0o700)
    return Settings.model_validate({"station": {"data": tmp_path / "data", "reserve_mb": 1}})


def found(report: DoctorReport) -> dict[str, Check]:
    return {check.name: check for check in report.checks}


def _store(root: Path, created: datetime) -> Path:
    import numpy as np  # noqa: PLC0415

    with Catalogue(root) as catalogue:
        writer = ScanWriter(root, new_id(), created)
        catalogue.begin_scan(writer.scan_id, "card", "front", "", created, simulated=True)
        frame = writer.add_frame(None, np.zeros((4, 4), np.uint8), exposure_us=1, sequence=0, timestamp_s=0)
        made = Provenance(
            software="s", firmware="1", board="b", camera="c", profile="p", profile_sha256="0" * 64,
            simulated=True, machine="m",
        )  # fmt: skip
        manifest = ScanManifest(
            id=writer.scan_id, card_id="card", side="front", created=created.isoformat(), plan=ScanPlan(),
            provenance=made, frames=(frame,),
        )  # fmt: skip
        folder = writer.commit(manifest)
        catalogue.captured(manifest, folder)
    return folder


def test_a_sound_station_has_nothing_bad_and_looking_changes_nothing(station: Settings) -> None:
    root = station.station.data
    _store(root, datetime.now(UTC))
    before = (root / FILE).read_bytes()
    report = examine(station)
    assert (report.by, report.bad) == ("offline", 0)
    assert all(check.next_step for check in report.checks if check.state != "ok")
    assert found(report)["disk and catalogue"].said == "they agree on 1 sides"
    assert "cards" in found(report)["disk"].said
    assert (root / FILE).read_bytes() == before
    assert sorted(path.name for path in root.iterdir()) == [FILE, "scans"]


def test_drift_between_disk_and_catalogue_is_counted(station: Settings) -> None:
    root = station.station.data
    folder = _store(root, datetime.now(UTC))
    _store(root, datetime.now(UTC))
    folder.rename(folder.with_name(new_id()))
    check = found(examine(station))["disk and catalogue"]
    assert (check.state, check.said) == (
        "bad",
        "1 folders are missing, 1 are not in the catalogue, 0 unreadable",
    )


@pytest.mark.parametrize(
    ("spoil", "step"),
    [
        (lambda path: path.write_bytes(b"no database at all" * 100), "rebuild"),
        (lambda path: _execute(path, "UPDATE catalogue_version SET version_num = '0001'"), "upgrade"),
        (lambda path: _execute(path, "UPDATE catalogue_version SET version_num = '9999'"), "newer release"),
    ],
)
def test_a_catalogue_that_cannot_be_used_is_bad(
    station: Settings, spoil: Callable[[Path], None], step: str
) -> None:
    _store(station.station.data, datetime.now(UTC))
    spoil(station.station.data / FILE)
    check = found(examine(station))["catalogue"]
    assert (check.state, step in check.next_step) == ("bad", True)


def _execute(path: Path, statement: str) -> None:
    import sqlite3  # noqa: PLC0415

    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_newest_scan_of_tomorrow_means_a_clock_that_jumped(station: Settings) -> None:
    _store(station.station.data, datetime.now(UTC) + timedelta(days=1))
    check = found(examine(station))["clock"]
    assert (check.state, "before the newest scan" in check.said) == ("bad", True)


def test_the_clock_is_judged_by_what_is_known() -> None:
    def states(now: datetime, newest: datetime | None, kept: bool | None) -> list[str]:
        return [check.state for check in clock(now, newest, kept)]

    assert states(NOW, None, None) == ["ok", "ok"]
    assert states(NOW, NOW - timedelta(days=400), True) == ["ok", "ok"]
    assert states(NOW, NOW + timedelta(seconds=30), False) == ["ok", "warn"]
    assert states(NOW, NOW + timedelta(hours=3), True) == ["bad", "ok"]
    assert states(datetime(1970, 1, 1, tzinfo=UTC), None, None) == ["bad", "ok"]


def test_folders_that_others_can_look_into_are_named(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "own").mkdir(mode=0o700)
    assert [check.state for check in privacy(tmp_path / "open", tmp_path / "own")] == ["warn", "ok"]
    assert [check.state for check in privacy(tmp_path / "none", tmp_path / "none")] == ["ok", "ok"]


def test_a_full_disk_is_bad_and_a_nearly_full_one_is_watched(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    assert disk(tmp_path, 10**9, None).state == "bad"
    assert disk(tmp_path, 0, 2 * free).state == "bad"
    assert disk(tmp_path, 0, free // 50).state == "warn"
    assert disk(tmp_path / "not there yet", 0, 1000).state == "ok"


def test_a_slow_disk_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert writing(tmp_path).state in ("ok", "warn")  # whatever this disk is
    monkeypatch.setattr(folders, "SLOW_SYNC_S", 0.0)
    assert writing(tmp_path).state == "warn"
    assert list(tmp_path.iterdir()) == []


READ_ONLY = 'mount -t tmpfs -o size=1m tmpfs "$0" && mount -o remount,ro "$0" && exec "$@"'
LOOK = (
    "import sys, pathlib; from station.scan.doctor.folders import writing;"
    "c = writing(pathlib.Path(sys.argv[1])); print(c.state, c.said)"
)


def test_a_read_only_data_folder_is_bad(tmp_path: Path) -> None:
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    command = [*unshare, "sh", "-c", READ_ONLY, str(tmp_path), sys.executable, "-c", LOOK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip("this machine lets nobody mount a small file system")
    assert done.stdout.startswith("bad"), done.stderr
    assert "Read-only file system" in done.stdout


@pytest.fixture
def line() -> Iterator[str]:
    """A serial port: a pseudo terminal that nobody else has open."""
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    yield name
    os.close(master)


def test_a_port_is_there_free_held_or_absent(line: str, tmp_path: Path) -> None:
    assert board("twin").state == "ok"
    assert board(line).state == "ok"
    missing = board(str(tmp_path / "ttyACM9"))
    assert (missing.state, "dialout" in missing.next_step) == ("bad", True)
    assert board(str(tmp_path)).state == "bad"  # a folder of ports, and none is in it
    with subprocess.Popen(
        [sys.executable, "-c", f"f = open({line!r}, 'rb+', 0); print('open', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert f"({other.pid})" in board(line).said
        other.communicate(b"\n")
    assert board(line).state == "ok"


def test_who_holds_a_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "device"
    path.touch()
    with path.open():
        assert [pid for pid, _ in holders(path)] == [os.getpid()]
    assert list(holders(path)) == []


def test_a_camera_is_named_by_number_path_or_stream(tmp_path: Path) -> None:
    (tmp_path / "video").touch()
    sources = {"twin": "ok", str(tmp_path / "video"): "ok", "rtsp://eye/1": "ok", "9999": "bad"}
    assert {source: camera(CameraSettings(source=source)).state for source in sources} == sources


def test_a_device_of_a_daemon_is_as_it_was_last_seen() -> None:
    def state(seen: str) -> str:
        return as_seen(
            "board", DeviceStatus.model_validate({"state": seen, "evidence": "it was pulled"})
        ).state

    states = ("ready", "simulated", "unknown", "lost", "fault")
    assert [state(seen) for seen in states] == ["ok", "ok", "warn", "bad", "bad"]


def _take_one(server: socket.socket) -> None:
    server.accept()[0].close()


def test_a_trainer_that_listens_is_told_from_one_that_does_not() -> None:
    folder = Path(mkdtemp(prefix="st-"))
    path = folder / "intake"
    assert trainer(f"ipc://{path}").state == "warn"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert trainer(f"ipc://{path}").state == "warn"  # left by one that died
        server.listen()
        assert trainer(f"ipc://{path}").state == "ok"
    path.unlink()
    folder.rmdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        taken = threading.Thread(target=_take_one, args=[server])
        taken.start()
        assert trainer(address).state == "ok"
        taken.join()
    assert trainer(address).state == "warn"
    assert trainer("tcp://nowhere").state == "warn"


def test_an_old_profile_and_one_that_nobody_measured_are_watched() -> None:
    def state(**facts: object) -> str:
        made = {"name": "p", "created": NOW.isoformat(), "simulated": False, "measured": True}
        stub: RigProfile = SimpleNamespace(**{**made, **facts})  # type: ignore[assignment]
        return profile(stub, NOW).state

    assert state() == "ok"
    assert state(created=(NOW - timedelta(days=200)).isoformat()) == "warn"
    assert state(measured=False) == "warn"
    assert state(simulated=True, created="whenever") == "ok"
    assert state(created="whenever") == "ok"


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_the_sqlite_versions_with_the_bug_are_known(version: tuple[int, ...], bug: bool) -> None:
    assert has_wal_reset_bug(version) == bug


def test_older_firmware_is_watched() -> None:
    needed = shipped_firmware()
    states = {firmware(found).state for found in (None, needed, f"{needed}+1234abcd", "9.0.0")}
    assert states == {"ok"}
    assert firmware("0.9.12").state == "warn"


def test_the_command_ends_with_1_when_something_is_bad(station: Settings, tmp_path: Path) -> None:
    config = tmp_path / "station.toml"
    config.write_text(as_toml(station))
    good = CliRunner().invoke(app, ["--config", str(config), "doctor"])
    assert (good.exit_code, "0 bad" in good.output) == (0, True)
    changed = station.replace(rig=station.rig.replace(port=str(tmp_path / "ttyACM9")))
    config.write_text(as_toml(changed))
    bad = CliRunner().invoke(app, ["--config", str(config), "doctor", "--json"])
    report = DoctorReport.model_validate(json.loads(bad.output))
    assert (bad.exit_code, report.bad, found(report)["board"].state) == (1, 1, "bad")


def test_without_a_daemon_nobody_waits_for_the_clock_to_be_accepted(
    station: Settings, tmp_path: Path
) -> None:
    config = tmp_path / "station.toml"
    config.write_text(as_toml(station))
    done = CliRunner().invoke(app, ["--config", str(config), "doctor", "--accept-clock"])
    assert isinstance(done.exception, StationError)
    assert done.exception.code == "daemon_absent"
