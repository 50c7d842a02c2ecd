"""A daemon whose camera is a webcam: curved, sharpening, under lamps that flicker; its profile knows it."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from station.archive.folder import read_stack
from station.calibrate.profile import load_profile
from station.documents.toml import as_toml

if TYPE_CHECKING:
    from conftest import Bench

GAMMA, LOW, HIGH = 2.2, 16, 235


def webcam_profile(folder: Path) -> Path:
    """The twin's profile for its camera as a webcam: what was over black spans the limited range."""
    twin = load_profile("twin")
    share = np.clip((np.arange(256) - LOW) / (HIGH - LOW), 0, 1)
    table = np.repeat(255 * share[None] ** GAMMA, 3, axis=0).astype(np.float32)
    wider, camera = 255 / 251, twin.profile.camera
    array = folder / "webcam.npz"
    np.savez(array, flat=(twin.flat * wider).astype(np.float32), response=table)
    changed = camera.replace(
        response="table",
        gamma=GAMMA,
        black_level=0.0,
        noise_a=camera.noise_a * wider,
        noise_b=camera.noise_b * wider**2,
        mains_hz=50,
        overshoot_percent=4.0,
    )
    sha256 = hashlib.sha256(array.read_bytes()).hexdigest()
    flat_field = twin.profile.flat_field.replace(file=array.name, sha256=sha256)
    profile = twin.profile.replace(name="webcam", camera=changed, flat_field=flat_field)
    path = folder / "webcam.toml"
    path.write_text(as_toml(profile.model_dump(mode="json")))
    return path


def test_a_webcam_scans_as_its_profile_says(bench: "Bench") -> None:
    path = webcam_profile(bench.root)
    bench.configure(
        scan={"profile": str(path)},
        twin={
            "gamma": GAMMA,
            "limited_range": True,
            "sharpen": 0.3,
            "mains_hz": 50,
            "mains_depth": 0.3,
        },
    )
    bench.start_daemon()
    with bench.client() as client:
        scan_id, events = bench.scan(client)
        found = client.scan_get(scan_id)
    manifest, frames = read_stack(Path(found.folder))
    told = [event.data for event in events if event.type == "scan.step" and event.data["step"] == "plan"]
    assert manifest.plan.exposure_us == 10_000
    assert [data["message"] for data in told] == [manifest.plan.exposure_why]
    assert not [event for event in events if event.type == "scan.retake"]
    assert all(frame.dtype == np.uint8 for frame in frames)  # stored as the camera gave them
    assert found.result is not None
    measured = found.result.measurements
    assert [said for said in measured.warnings if "sharpens" in said] == list(measured.warnings)
    assert len(measured.warnings) == 1
    assert abs(measured.quality.bow_mm or 0) < 3  # without the table it would look bent by many millimetres
    shown = bench.run("show", scan_id).stdout
    assert measured.warnings[0] in shown
