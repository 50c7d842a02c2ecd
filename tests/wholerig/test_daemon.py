"""The daemon scans with a board on a port and a camera at /dev/video42, both of them simulated."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from station.archive.folder import read_stack
from station.client import StationClient
from station.config import Settings, as_toml
from station.documents.fault import StationError
from station.twin.v4l2.profile import Eye, write_profile

if TYPE_CHECKING:
    from conftest import WholeRig

PATIENCE_S = 90.0
DEVICE = "/dev/video42"
WIDTH, HEIGHT, READOUT_US, JITTER_US = 256, 328, 12_000, 500


def wait_for(what: str, condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_S:g} s in vain for {what}")
        time.sleep(0.02)
    return found


@pytest.fixture
def root() -> Iterator[Path]:
    """A short path: a socket's may have 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="st-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def settings(whole_rig: "WholeRig", root: Path) -> Settings:
    size, timing = f"{WIDTH}x{HEIGHT}", ("--readout-us", str(READOUT_US), "--jitter-us", str(JITTER_US))
    whole_rig.start("--formats", "GREY", "--size", size, "--card", *timing)
    eye = Eye(WIDTH, HEIGHT, READOUT_US, stamp_at="start", stamp_jitter_us=JITTER_US)
    tree = {
        "station": {"data": root / "data", "reserve_mb": 1},
        "rig": {"port": str(whole_rig.port), "lease_ms": 5_000, "open_timeout_s": 20.0},
        "camera": {"source": DEVICE, "fourcc": "GREY", "silent_after_s": 30.0},
        "scan": {"profile": str(write_profile(root, eye)), "rectified_dpi": 60, "attempts_per_light": 10},
    }
    return Settings.model_validate(tree)


@pytest.fixture
def daemon(whole_rig: "WholeRig", settings: Settings, root: Path) -> Iterator[subprocess.Popen[bytes]]:
    config = root / "station.toml"
    config.write_text(as_toml(settings))
    with (root / "daemon.out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "station.cli", "--config", str(config), "daemon"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=whole_rig.environment(),
        )
    try:
        wait_for("the daemon", lambda: ready(process, settings, root / "daemon.out"))
        yield process
    finally:
        process.terminate()
        code = process.wait(PATIENCE_S)
    said = (root / "daemon.out").read_text()
    assert code == 0, said
    assert "Traceback" not in said


def ready(process: subprocess.Popen[bytes], settings: Settings, out: Path) -> bool:
    if process.poll() is not None:
        pytest.fail(f"the daemon ended: {out.read_text()}")
    try:
        with StationClient.from_settings(settings) as client:
            client.status()
    except StationError:
        return False
    return True


@pytest.mark.usefixtures("daemon")
def test_a_scan_through_real_drivers_code(whole_rig: "WholeRig", settings: Settings) -> None:
    with StationClient.from_settings(settings) as client:
        status = client.status()
        assert status.camera.name == "Virtual camera"
        head, kinds = status.seq, []
        scan_id = client.scan_start("front")
        for event in client.events(after=head):
            if event.cause == scan_id:
                kinds.append(event.type)
            if kinds and kinds[-1] in ("scan.failed", "scan.processed"):
                break
        folder = Path(client.scan_get(scan_id).folder)
    assert "scan.captured" in kinds, event.data
    manifest, frames = read_stack(folder)
    assert manifest.provenance.simulated, "the board says that it is simulated, whatever the settings call it"
    assert [record.light for record in manifest.frames] == [None, *range(8)]
    assert all(frame.shape[:2] == (HEIGHT, WIDTH) for frame in frames)
    truth = whole_rig.truth()
    taken = [truth[round(record.timestamp_s * 1e6)] for record in manifest.frames]
    whole_rig.assert_log_was_complete(taken)
    for record, frame in zip(manifest.frames, taken, strict=True):
        if record.on_us is None:
            assert frame.pure(record.light), frame
        else:
            assert frame.burned() == {record.light}, frame
