"""How near the one default estimator comes to what light allows: on public data and on rendered cards.

All with one and the same setting (`solve`, `ROBUST`), which is also what `photometric_speed` times. The
scenes are those of tests/photometric, where they are asserted; here they are measured.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _card import tell
from numpy.typing import NDArray
from scipy.io import loadmat

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from station.photometric.lights import directional_field  # noqa: E402
from station.photometric.linear import least_squares  # noqa: E402
from station.photometric.scale import with_estimated_black, with_estimated_noise  # noqa: E402
from station.photometric.solve import LEAST_SQUARES, ROBUST, solve  # noqa: E402
from station.photometric.stack import LightField, Pictures, Sensor, pictures  # noqa: E402
from tests.photometric.conftest import Bench  # noqa: E402
from tests.photometric.test_coated import Varnished  # noqa: E402
from tests.photometric.test_integrate import card, corner, rebuilt  # noqa: E402
from tests.photometric.test_limits import exposed, noise_of_snr, photon_limit_deg, wavy  # noqa: E402

DATA = Path(os.environ.get("STATION_TEST_DATA", ROOT.parent / "shared" / "data"))
WHITE = 60000.0
Array = NDArray[Any]


def angle_deg(a: Array, b: Array) -> Array:
    """Between vectors (..., 3)."""
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(axis=-1)))


def bunny(name: str) -> tuple[Pictures, LightField, Array, Array]:
    """Grey pictures of unknown noise, light, mask and true normals."""
    folder = DATA / name
    files = (folder / "filenames.txt").read_text().split()
    read = [cv2.imread(str(folder / file), cv2.IMREAD_UNCHANGED) for file in files]
    grey = [np.round(image.astype(float).mean(axis=2)).astype(np.uint16) for image in read]
    power = np.loadtxt(folder / "light_intensities.txt").mean(axis=1, keepdims=True)
    field = directional_field(np.loadtxt(folder / "light_directions.txt"), WHITE * power)
    mask = cv2.imread(str(folder / "mask.png"), cv2.IMREAD_GRAYSCALE) > 0
    taken = pictures(grey, np.zeros_like(grey[0]), Sensor(0.0, 65535.0, 0.0, 1.0))
    return taken, field, mask, loadmat(folder / "Normal_gt.mat")["Normal_gt"]


def public_data(name: str) -> None:
    """Errors and times of what is offered."""
    taken, field, mask, true = bunny(name)
    undark = replace(taken, ambient=None)
    offered = {
        "least squares": lambda: least_squares(taken, field).normals,
        "default": lambda: solve(with_estimated_noise(taken, field), field).normals,
        "best offered, black level estimated": lambda: (
            solve(with_estimated_black(undark, field), field).normals
        ),
    }
    for what, run in offered.items():
        run()  # compiled
        start = time.perf_counter()
        error = angle_deg(run(), true)[mask]
        seconds = time.perf_counter() - start
        note = f"median {np.median(error):.2f}, 95th percentile {np.percentile(error, 95):.2f}"
        tell(f"{name}, {what}", float(error.mean()), "deg", note)
        tell(f"{name}, {what}, time", seconds, "s", "its scale included")


def matte() -> None:
    """A matte card at a signal of a hundred times its noise."""
    bench = Bench(height=264, width=192, peak=9000.0)
    normals = bench.normals(wavy)
    light = bench.render(normals, np.full((1, 1, 3), 0.5))[..., 1:2]
    field = replace(bench.field(), flat=bench.field().flat[..., 1:2])
    sensor = noise_of_snr(light)
    limit = photon_limit_deg(light, field, sensor, normals)
    found = [solve(exposed(light, sensor, seed), field).normals for seed in range(3)]
    error = np.mean([angle_deg(one, normals).mean() for one in found])
    tell(
        "matte card, SNR 100, error over the photons' limit",
        float(error / limit),
        "1",
        f"limit {limit:.3f} deg",
    )
    off = (found[0] - normals)[..., :2]
    beside = max(abs((off[:, 1:] * off[:, :-1]).mean()), abs((off[1:] * off[:-1]).mean())) / (off**2).mean()
    tell("matte card, correlation of neighbours' errors", float(beside), "1")


def groove() -> None:
    """A groove two pixels wide."""
    bench = Bench(height=96, width=96, span_mm=4.75)
    normals = bench.normals(lambda x, y: (np.where(np.abs(x) < 0.05, -0.15 * np.sign(x + 1e-9), 0.0), 0 * y))
    light = bench.render(normals, np.full((1, 1, 3), 0.5))
    sensor = noise_of_snr(light)
    found = np.mean([solve(exposed(light, sensor, s), bench.field()).normals for s in range(6)], axis=0)
    hit = np.abs(normals[..., 0]) > 0.05
    response = (found[..., 0] * normals[..., 0])[hit].sum() / (normals[..., 0] ** 2)[hit].sum()
    tell("groove 0.1 mm wide, slope found over true", float(response), "1", "pixels of 0.05 mm")


def glossy() -> None:
    """A varnished card, its coat found from the pictures, against the same card without its coat."""
    bench = Bench(height=264, width=192, peak=9000.0)
    for roughness in (0.15, 0.3):
        shown = Varnished(bench, 0.02, roughness)
        base = angle_deg(
            solve(shown.matte, shown.field, estimator=LEAST_SQUARES).normals, shown.normals
        ).mean()
        found = solve(shown.glossy, shown.field.coated(shown.coat()), estimator=ROBUST)
        error = angle_deg(found.normals, shown.normals).mean()
        tell(
            f"glossy card, roughness {roughness}, over least squares without gloss", float(error / base), "1"
        )
    shown = Varnished(bench, 0.05, 0.5)
    found = solve(shown.glossy, shown.field)
    wrong = (angle_deg(found.normals, shown.normals) > 3).ravel()
    order = np.argsort(np.argsort(found.widened_sigma_rad.ravel(), kind="stable")) + 1.0
    bad, good = wrong.sum(), (~wrong).sum()
    area = (order[wrong].sum() - bad * (bad + 1) / 2) / (bad * good)
    tell("glossy card, roughness 0.5, errors above 3 degrees told by their uncertainty", float(area), "AUC")


def main() -> None:
    """Measure."""
    for name in ("bunny_specular", "bunny_lambert"):
        public_data(name)
    matte()
    groove()
    glossy()
    truth, normals = card(corner)
    lifted = np.abs(rebuilt(normals) - (truth - truth.mean())).max()
    tell("corner lifted by 1 mm, worst error of the height", float(lifted), "um")


if __name__ == "__main__":
    main()
