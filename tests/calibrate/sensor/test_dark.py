"""Black level and read noise of covered frames, and the mean of many."""

import numpy as np
import pytest

from station.calibrate.sensor.dark import FrameMean, dark_of

SHAPE = (90, 120, 3)


def covered(level: float | np.ndarray, noise: float, frames: int = 16, seed: int = 1) -> FrameMean:
    rng = np.random.default_rng(seed)
    pattern = 0.1 * rng.standard_normal(SHAPE)  # each pixel's own level, the same in every frame
    mean = FrameMean()
    for _ in range(frames):
        frame = level + pattern + noise * rng.standard_normal(SHAPE)
        mean.add(np.clip(np.round(frame), 0, 255).astype(np.uint8))
    return mean


def test_mean_and_variance_of_frames() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 65_536, (10, 4, 5, 3)).astype(np.uint16)
    mean = FrameMean()
    for frame in frames:
        mean.add(frame)
    np.testing.assert_allclose(mean.mean, frames.mean(axis=0), rtol=1e-6)
    difference = frames[::2].astype(float) - frames[1::2]
    np.testing.assert_allclose(mean.variance, (difference**2).mean(axis=0) / 2, rtol=1e-5)
    assert (mean.count, mean.pairs) == (10, 5)


def test_a_slow_drift_is_no_noise() -> None:
    mean = FrameMean()
    for k in range(20):
        mean.add(np.full((4, 4, 3), 100 + 2 * k, np.uint8))
    assert (mean.variance == 2).all()  # half the square of one step; over all frames it would be 133


def test_what_is_no_frame_of_the_series_is_refused() -> None:
    mean = FrameMean()
    with pytest.raises(ValueError, match="no frames"):
        _ = mean.mean
    mean.add(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="two frames"):
        _ = mean.variance
    with pytest.raises(ValueError, match="uint16"):
        mean.add(np.zeros((4, 4, 3), np.uint16))
    with pytest.raises(ValueError, match="frame uint8"):
        mean.add(np.zeros((4, 5, 3), np.uint8))


def test_level_and_noise_of_a_covered_camera() -> None:
    level = np.array([4.2, 5.0, 3.7])
    dark = dark_of(covered(level, 0.9), covered(level, 0.9, seed=2), 255)
    np.testing.assert_allclose(dark.level, level, atol=0.03)
    assert (np.abs(dark.level - level) < 5 * dark.level_sigma + 0.005).all()
    np.testing.assert_allclose(dark.read_noise, np.sqrt(0.9**2 + 1 / 12), rtol=0.02)
    assert (dark.read_noise_sigma < 0.02).all()
    assert dark.findings == ()
    assert dark.hot == 0


def test_the_median_stays_where_a_curve_puts_no_light() -> None:
    """Noise around black, cut off below and curved steeply: its mean is two codes up, its median is not."""
    rng = np.random.default_rng(3)
    mean, plain = FrameMean(), FrameMean()
    for _ in range(8):
        light = 3e-4 * rng.standard_normal(SHAPE)
        mean.add(np.round(16 + 219 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8))
        plain.add(np.clip(np.round(4.3 + 0.6 * rng.standard_normal(SHAPE)), 0, 255).astype(np.uint8))
    dark = dark_of(mean, mean, 255)
    assert (dark.level > 17.5).all()
    np.testing.assert_allclose(dark.code, 16, atol=1.0)
    np.testing.assert_allclose(plain.median, 4.3, atol=0.05)


@pytest.mark.parametrize(("high", "top"), [(255, 255), (235, 255), (60_000, 65_535)])
def test_clipped_light_piles_up_at_one_code(high: int, top: int) -> None:
    """Noise takes some of it below; a channel that is only bright has no pile."""
    rng = np.random.default_rng(4)
    mean = FrameMean()
    bright = np.linspace(0.5, 1.3, SHAPE[1])[None, :, None] * np.array([1.0, 0.7, 1.1])
    for _ in range(4):
        share = np.minimum(bright + 0.01 * rng.standard_normal(SHAPE), 1)
        share = np.minimum(share + 0.01 * np.minimum(rng.standard_normal(SHAPE), 0) * (bright > 1), 1)
        mean.add(np.round(high * share).astype(np.uint8 if top == 255 else np.uint16))
    np.testing.assert_array_equal(mean.clipped_at, [high, np.nan, high])


def test_light_that_gets_in_is_named() -> None:
    dark = dark_of(covered(4.0, 0.9), covered(5.0, 0.9, seed=2), 255)
    assert [finding.kind for finding in dark.findings] == ["not_covered"]
    assert "1.0" in dark.findings[0].message
    np.testing.assert_allclose(dark.growth, 1.0, atol=0.05)


def test_hot_pixels_are_counted_and_do_not_lift_the_level() -> None:
    level = np.full(SHAPE, 4.0)
    level[10, [3, 30, 60], 1] = 90
    level[50, 7] = 255
    dark = dark_of(covered(4.0, 0.9), covered(level, 0.9, seed=2), 255)
    assert dark.hot == 4
    assert dark.findings == ()
