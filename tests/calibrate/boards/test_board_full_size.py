"""The whole way from pictures of the board to lens and mat, at full size, on rigs drawn by chance."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from station.calibrate.boards.lens import fit_lens
from station.calibrate.boards.plane import camera_values, fit_plane
from station.calibrate.boards.print_scale import print_scale
from station.card.geometry import pixels_to_plane
from station.documents.profile import CameraProfile
from station.twin.charuco import BoardTarget
from station.twin.optics import Optics
from station.twin.plate import PlatePose
from station.twin.rigs import random_rig
from tests.calibrate.boards.boards import held, photograph, rough_lens

DPI, VIEWS, TILT_DEG, THICKNESS_MM, LARGER = 600, 10, 25.0, 1.0, 1.006


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", [1, 2])
def test_lens_and_mat_of_a_rig_nobody_measured(
    seed: int, record_property: Callable[[str, Any], None]
) -> None:
    rig = random_rig(seed)
    optics = Optics(DPI, rig.lens)
    poses = [*(held(number, VIEWS, TILT_DEG) for number in range(VIEWS)), PlatePose(z_mm=THICKNESS_MM)]
    seen = [
        photograph(DPI, BoardTarget(pose=pose, bend_mm=0.2, print_scale=LARGER), sequence=number, rig=rig)
        for number, pose in enumerate(poses, start=1)
    ]
    errors = np.concatenate([photo.errors_px for photo in seen])
    record_property("corners", [float(np.sqrt(np.mean(errors**2))), "px rms"])
    lens = fit_lens([photo.view for photo in seen], (optics.width_px, optics.height_px), rough_lens(DPI))
    plane = fit_plane(seen[-1].view, lens, THICKNESS_MM, print_scale(100.0, 100 * LARGER))
    truth = np.array([*optics.matrix, *optics.lens.distortion])
    record_property("focal_length_error", [float(100 * abs(lens.matrix[0] / truth[0] - 1)), "%"])
    record_property("focal_length_sigma", [float(100 * lens.sigma[0] / lens.matrix[0]), "%"])
    assert np.abs((lens.values - truth)[:8] / lens.sigma[:8]).max() < 4
    true_tilt = float(np.degrees(np.arccos(-optics.rotation[2, 2])))
    record_property("tilt_error", [abs(plane.tilt_deg - true_tilt), "deg"])
    assert abs(plane.tilt_deg - true_tilt) < max(4 * plane.tilt_sigma_deg, 0.005)
    record_property(
        "length_error", [_length_error_um(camera_values(lens, plane), optics), "um over the field"]
    )
    assert not lens.findings
    assert not plane.findings


def _length_error_um(values: dict[str, Any], optics: Optics) -> float:
    """Largest error of a length on the mat, anywhere in the picture."""
    rest = {
        "bit_depth": 8, "black_level": 4.0, "full_scale": 255.0,
        "noise_a": 0.02, "noise_b": 0.1, "readout_us": 0,
    }  # fmt: skip
    camera = CameraProfile.model_validate({**rest, **values})
    last = np.array([optics.width_px - 1, optics.height_px - 1])
    shares = np.linspace(0, 1, 5)
    pixels = np.stack(np.meshgrid(shares, shares), axis=-1).reshape(-1, 2) * last
    here, there = pixels_to_plane(camera, pixels, 0.0), optics.on_height(pixels, 0.0)
    apart = [np.linalg.norm(places[:, None] - places[None], axis=2) for places in (here, there)]
    return 1000 * float(np.abs(apart[0] - apart[1]).max())
