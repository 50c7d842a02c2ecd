"""A scan folder that the daemon of the first release wrote: every later one opens and recomputes it."""

from pathlib import Path

import numpy as np

from station.archive.folder import read_stack
from station.archive.results import latest_result
from station.calibrate.profile import load_profile
from station.offline.truth import angles_deg, compare_with_truth
from station.scan.pipeline import compute
from station.scan.stored import from_disk

SEED = 20261123
[FOLDER] = (Path(__file__).parents[1] / "fixtures" / "daemon-v1").iterdir()


def test_its_stack_is_computed_again_to_the_same_surface() -> None:
    manifest, frames = read_stack(FOLDER)
    stored = latest_result(FOLDER)
    assert stored is not None
    again = compute(
        from_disk(manifest, frames), load_profile("twin"), rectified_dpi=manifest.plan.rectified_dpi
    )
    assert again.maps.normals.shape == stored.array("normals").shape
    both = again.maps.valid & stored.array("valid").astype(bool)
    assert both.mean() > 0.9
    # a later release may solve better; it may not find another surface
    assert np.median(angles_deg(again.maps.normals, stored.array("normals"))[both]) < 0.5


def test_its_result_says_what_was_measured_on_which_card() -> None:
    found = compare_with_truth(FOLDER, SEED, "front", None)
    assert found.normals_mean_deg < 1.5
    assert found.centering_errors_points is not None
    # at the 75 dpi of this small scan a fifth of a pixel is more than a point
    assert max(found.centering_errors_points) < 1.5
    stored = latest_result(FOLDER)
    assert stored is not None
    assert stored.content("report.html").startswith(b"<!doctype html>")
    assert {item.what for item in stored.manifest.measurements.not_assessed} >= {"corners", "edges", "grade"}
