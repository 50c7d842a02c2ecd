"""Curvatures of surfaces whose curvature is known, and uncertainties against the scatter they predict."""

import numpy as np
import pytest

from station.documents.fault import StationError
from station.photometric.curvature import SCALES_MM, Curvature, curvature, own_variance, slope_deg
from station.photometric.integrate import Slopes

PITCH_MM = 0.04
SIZE = 120
MIDDLE = (slice(30, -30), slice(30, -30))


def places() -> tuple[np.ndarray, np.ndarray]:
    along = (np.arange(SIZE) - (SIZE - 1) / 2) * PITCH_MM
    return along[None, :] + 0 * along[:, None], -along[:, None] + 0 * along[None, :]


def seen(x: np.ndarray, y: np.ndarray, scale_mm: float, sigma: float = 0.01) -> Curvature:
    surface = Slopes(x.astype(np.float32), y.astype(np.float32), PITCH_MM)
    whole = np.ones(x.shape, bool)
    return curvature(surface, np.full(x.shape, sigma, np.float32), whole, scale_mm)


@pytest.mark.parametrize("scale_mm", SCALES_MM)
def test_a_sphere_bends_alike_in_every_direction(scale_mm: float) -> None:
    x, y = places()
    bowl = seen(0.02 * x, 0.02 * y, scale_mm)  # z = (x^2 + y^2) / (2 r), r = 50 mm
    for part in (bowl.mean, bowl.largest, bowl.smallest):
        np.testing.assert_allclose(part[MIDDLE], 0.02, rtol=1e-3)
    dome = seen(-0.02 * x, -0.02 * y, scale_mm)
    np.testing.assert_allclose(dome.mean[MIDDLE], -0.02, rtol=1e-3)


@pytest.mark.parametrize("scale_mm", SCALES_MM)
@pytest.mark.parametrize("turn_deg", [0, 30, 90, 135])
def test_a_gutter_bends_across_itself_alone(scale_mm: float, turn_deg: float) -> None:
    """A cylinder whose axis lies at right angles to `turn_deg`."""
    x, y = places()
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    across = 0.05 * (x * c + y * s)
    found = seen(across * c, across * s, scale_mm)
    np.testing.assert_allclose(found.largest[MIDDLE], 0.05, rtol=1e-3)
    np.testing.assert_allclose(found.smallest[MIDDLE], 0, atol=1e-4)
    np.testing.assert_allclose(found.mean[MIDDLE], 0.025, rtol=1e-3)
    off = (found.angle_deg[MIDDLE] - turn_deg + 90) % 180 - 90
    np.testing.assert_allclose(off, 0, atol=0.1)


@pytest.mark.parametrize("scale_mm", SCALES_MM)
def test_the_uncertainty_is_the_scatter(scale_mm: float) -> None:
    """Slopes that are nothing but noise, of a strength that changes over the picture."""
    random = np.random.default_rng(1)
    sigma = np.linspace(0.005, 0.02, SIZE, dtype=np.float32)[None, :] * np.ones((SIZE, 1), np.float32)
    whole = np.ones(sigma.shape, bool)
    scores, direction = [], []
    for _ in range(40):
        x, y = (sigma * random.standard_normal(sigma.shape).astype(np.float32) for _ in range(2))
        found = curvature(Slopes(x, y, PITCH_MM), sigma, whole, scale_mm)
        scores.append((found.mean / found.mean_sigma)[found.valid])
        turn = np.radians(found.angle_deg)
        along_x = found.largest * np.cos(turn) ** 2 + found.smallest * np.sin(turn) ** 2
        direction.append((along_x / found.sigma)[found.valid])
    assert np.concatenate(scores).std() == pytest.approx(1, abs=0.03)
    assert np.concatenate(direction).std() == pytest.approx(1, abs=0.03)


def test_what_touches_a_hole_is_not_valid() -> None:
    x, y = places()
    valid = np.ones(x.shape, bool)
    valid[60, 60] = False
    found = curvature(
        Slopes((0.02 * x).astype(np.float32), (0.02 * y).astype(np.float32), PITCH_MM),
        np.full(x.shape, 0.01, np.float32),
        valid,
        0.04,
    )
    assert not found.valid[60, 64]
    assert found.valid[60, 65]
    assert np.isfinite(found.mean).all()


def test_slope_is_an_angle() -> None:
    surface = Slopes(np.full((2, 2), 3.0, np.float32), np.full((2, 2), 4.0, np.float32), PITCH_MM)
    np.testing.assert_allclose(slope_deg(surface), np.degrees(np.arctan(5.0)), rtol=1e-6)


def test_the_cards_own_variance_is_what_noise_leaves_over() -> None:
    random = np.random.default_rng(2)
    known = random.uniform(0.5, 2.0, 40_000)
    values = np.sqrt(known + 3.0) * random.standard_normal(len(known))
    assert own_variance(values, known) == pytest.approx(3.0, rel=0.05)
    assert own_variance(np.sqrt(known) * random.standard_normal(len(known)), known) < 0.05
    values[:2000] = 1e3  # flaws cover too little to matter much
    assert own_variance(values, known) == pytest.approx(3.0, rel=0.25)


@pytest.mark.parametrize("scale_mm", [0.0, -1.0, float("nan")])
def test_a_scale_that_is_none_is_refused(scale_mm: float) -> None:
    x, y = places()
    with pytest.raises(StationError, match="scale above 0"):
        seen(x, y, scale_mm)
