"""The noise line of sensors whose noise is known."""

import numpy as np
import pytest

from station.calibrate.sensor.noise import NoiseLine, noise_line, pair_samples
from station.calibrate.sensor.rounding import whole_variance

FULL_WELL, READ_E, BLACK = 10_000.0, 3.0, 4.0
LEVELS = (0.03, 0.1, 0.3, 0.6, 0.9)


def scene(rng: np.random.Generator) -> np.ndarray:
    """Shares of a full well (H, W, 3): a light that falls off over a surface with some structure."""
    across = np.linspace(0.6, 1.0, 320)[None, :, None]
    return across * (1 + 0.05 * rng.standard_normal((240, 320, 3))) * np.array([0.8, 1.0, 0.7])


def light(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One frame as shares of full scale, with shot and read noise."""
    electrons = rng.poisson(np.clip(shares, 0, 1.2) * FULL_WELL) + READ_E * rng.standard_normal(shares.shape)
    return np.clip(electrons, -50, FULL_WELL) / FULL_WELL


def codes_of(share: np.ndarray, top: int) -> np.ndarray:
    black = BLACK * top / 255
    return np.clip(np.round(black + share * (top - black)), 0, top).astype(
        np.uint8 if top < 256 else np.uint16
    )


def expected(top: float, black: float) -> tuple[float, float]:
    unit = (top - black) / FULL_WELL
    return unit, (unit * READ_E) ** 2 + 1 / 12


def measured(top: int, drift: float = 0.0) -> NoiseLine:
    rng = np.random.default_rng(3)
    pairs = []
    for level in LEVELS:
        still = level * scene(rng)
        pair = [codes_of(light(still * gain, rng), top) for gain in (1.0, 1.0 + drift)]
        depth = 8 if top < 256 else 16
        pairs.append(pair_samples(*pair, black=BLACK * top / 255, bit_depth=depth))
    return noise_line(pairs)


@pytest.mark.parametrize("top", [255, 65_535])
def test_the_line_of_a_linear_sensor(top: int) -> None:
    line = measured(top)
    a, b = expected(top, BLACK * top / 255)
    assert line.a == pytest.approx(a, rel=0.03)
    assert line.b == pytest.approx(b, abs=max(4 * line.b_sigma, 0.02 * b))
    assert abs(line.a - a) < 4 * line.a_sigma
    assert line.a_sigma < 0.03 * a
    assert line.findings == ()
    np.testing.assert_allclose(line.by_channel[:, 0], a, rtol=0.05)


def test_a_light_that_drifts_within_a_pair_is_no_noise() -> None:
    a, _ = expected(255, BLACK)
    assert measured(255, drift=0.02).a == pytest.approx(a, rel=0.04)


@pytest.mark.parametrize("gamma", [2.2, 1.8])
def test_noise_is_carried_through_a_curve(gamma: float) -> None:
    """The shot noise comes out as it went in; what rounding the curved codes adds grows with brightness."""
    rng = np.random.default_rng(4)
    table = np.repeat(255 * np.linspace(0, 1, 256)[None] ** gamma, 3, axis=0).astype(np.float32)
    pairs, truth = [], []
    for level in LEVELS:
        still = level * scene(rng)
        linear = [np.clip(light(still, rng), 0, 1) for _ in range(2)]
        pair = [np.round(255 * one ** (1 / gamma)).astype(np.uint8) for one in linear]
        pairs.append(pair_samples(*pair, black=0.0, bit_depth=8, table=table))
        back = table[0][pair[0]] - 255 * np.clip(still, 0, 1)
        bright = (still > 0.05) & (still < 0.9)
        truth.append((255 * still[bright], back[bright] ** 2))
    line = noise_line(pairs)
    level, square = (np.concatenate(part) for part in zip(*truth, strict=True))
    for low in (20, 60, 120, 180):
        inside = (level > low) & (level < low + 40)
        said = line.a * level[inside].mean() + line.b
        assert said == pytest.approx(square[inside].mean(), rel=0.1)


def test_what_moved_does_not_count() -> None:
    rng = np.random.default_rng(5)
    pairs = []
    for level in LEVELS:
        still = level * scene(rng)
        first, second = (codes_of(light(still, rng), 255) for _ in range(2))
        second[:3] = 255 - second[:3]  # a hair, a reflection: a hundredth of the picture
        pairs.append(pair_samples(first, second, black=BLACK, bit_depth=8))
    a, _ = expected(255, BLACK)
    assert noise_line(pairs).a == pytest.approx(a, rel=0.05)


def test_a_single_level_is_poor() -> None:
    rng = np.random.default_rng(6)
    still = np.full((120, 160, 3), 0.5) * (1 + 0.02 * rng.standard_normal((120, 160, 3)))
    pair = [codes_of(light(still, rng), 255) for _ in range(2)]
    line = noise_line([pair_samples(*pair, black=BLACK, bit_depth=8)])
    assert [finding.kind for finding in line.findings] == ["poor_spread"]
    with pytest.raises(ValueError, match="no pair"):
        noise_line([])


@pytest.mark.parametrize("sigma", [0.03, 0.1, 0.3, 0.6, 1.5])
def test_what_rounding_hides(sigma: float) -> None:
    """A quiet sensor's codes hardly change from frame to frame, and yet they are wrong by up to a half."""
    rng = np.random.default_rng(7)
    level = rng.uniform(50, 60, 400_000)
    first, second = (np.round(level + sigma * rng.standard_normal(level.shape)) for _ in range(2))
    seen = (first - second).var() / 2
    error = ((first - level) ** 2).mean()
    assert whole_variance(np.array([seen]))[0] == pytest.approx(error, rel=0.02)
    assert error == pytest.approx(sigma**2 + 1 / 12, rel=0.02)
