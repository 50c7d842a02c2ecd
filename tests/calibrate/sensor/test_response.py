"""The response of cameras whose curve is known, from exposure series with noise and rounding."""

from collections.abc import Callable

import numpy as np
import pytest

from station.calibrate.sensor.response import Response, Series, response_of, spread_pixels

TIMES_US = (500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000)
FULL_WELL, READ_E = 10_000, 3
Curve = Callable[[np.ndarray], np.ndarray]


def series(
    curve: Curve, dark: float, *, top: int = 255, frames: int = 8, times_us: tuple[int, ...] = TIMES_US,
    wrong: tuple[float, ...] = (), brightest: float = 1.6, seed: int = 0,
) -> Series:  # fmt: skip
    """Levels of pixels with a sixteenfold range of light; `wrong`: the times are off by these factors."""
    rng = np.random.default_rng(seed)
    light = brightest * 16 ** -rng.uniform(0, 1, (2_000, 1)) * np.array([0.8, 1.0, 0.7])
    levels = []
    for k, time_us in enumerate(times_us):
        mean = np.clip(light * time_us / max(times_us) * (wrong[k] if wrong else 1), 0, 3) * FULL_WELL
        shares = [
            np.clip(rng.poisson(mean) + READ_E * rng.standard_normal(mean.shape), -50, FULL_WELL) / FULL_WELL
            for _ in range(frames)
        ]
        levels.append(np.mean([np.clip(np.round(curve(one)), 0, top) for one in shares], axis=0))
    return Series(times_us, np.array(levels), np.full(3, dark), int(np.log2(top + 1)))


def power(gamma: float, low: float = 0, high: float = 255) -> Curve:
    return lambda share: low + (high - low) * np.clip(share, 0, 1) ** (1 / gamma)


def srgb(share: np.ndarray) -> np.ndarray:
    bright = 1.055 * np.clip(share, 1e-9, 1) ** (1 / 2.4) - 0.055
    return 255 * np.where(share < 0.0031308, 12.92 * np.clip(share, 0, 1), bright)


def error_percent(found: Response, curve: Curve, top: int = 255) -> float:
    """Largest error of the linear codes against the light, of full scale; a common factor is no error."""
    assert found.table is not None
    light = np.linspace(0.005, 0.98, 400)
    worst = 0.0
    for row in found.table:
        linear = np.interp(curve(light), np.arange(top + 1), row) - found.black_level
        linear /= (linear * light).sum() / (light**2).sum()
        worst = max(worst, 100 * float(np.abs(linear - light).max()))
    return worst


@pytest.mark.parametrize("top", [255, 65_535])
def test_a_linear_camera_needs_no_table(top: int) -> None:
    black = 4 / 255 * top
    found = response_of(series(lambda share: black + share * (top - black), black, top=top))
    assert found.linear
    assert found.table is None
    assert found.black_level == pytest.approx(black)
    assert found.deviation_percent < 0.5
    assert found.deviation_sigma_percent < 0.3
    assert found.findings == ()
    assert np.abs(found.residual_percent[3:]).max() < 0.3


@pytest.mark.parametrize(
    ("curve", "gamma", "dark"),
    [(power(2.2), 2.2, 0), (power(1.8), 1.8, 0), (srgb, 2.2, 0), (power(2.2, 16, 235), 2.2, 16)],
    ids=["2.2", "1.8", "sRGB", "2.2 of limited range"],
)
def test_a_curve_is_recovered(curve: Curve, gamma: float, dark: float) -> None:
    found = response_of(series(curve, dark))
    assert not found.linear
    assert found.table is not None
    assert found.table.shape == (3, 256)
    assert found.table.dtype == np.float32
    assert (np.diff(found.table, axis=1) >= 0).all()
    np.testing.assert_allclose(found.table[:, int(dark)], found.black_level, atol=1e-3)
    assert (found.table[:, -1] == found.full_scale).all()
    assert error_percent(found, curve) < 0.8
    assert found.gamma == pytest.approx(gamma, abs=0.1)
    assert found.findings[0].kind == "not_linear"
    assert not found.findings[0].severe


def test_one_frame_of_each_exposure_will_do() -> None:
    assert error_percent(response_of(series(power(2.2), 0, frames=1)), power(2.2)) < 2


def test_limited_range_is_stretched() -> None:
    """A linear camera that does not use all of its codes has a table, which is a straight line."""

    def curve(share: np.ndarray) -> np.ndarray:
        return 16 + 219 * np.clip(share, -0.01, 1)

    found = response_of(series(curve, 16))
    assert found.linear
    assert [finding.kind for finding in found.findings] == ["limited_range"]
    assert "16 to 235" in found.findings[0].message
    np.testing.assert_allclose(found.white_code, 235, atol=0.5)
    assert error_percent(found, curve) < 0.1


def test_wrong_exposure_times_show_in_the_residuals() -> None:
    wrong = (1.0, 1.0, 1.02, 1.0, 0.98, 1.0, 1.0)
    found = response_of(series(lambda share: 4 + share * 251, 4, wrong=wrong))
    assert found.linear
    assert found.residual_percent[2] == pytest.approx(1.6, abs=0.9)
    assert found.residual_percent[4] == pytest.approx(-1.6, abs=0.8)
    assert found.deviation_sigma_percent > 0.1


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"brightest": 0.5}, "near to clipping"), ({"times_us": (20_000, 25_000, 30_000)}, "dark")],
    ids=["too short", "too long"],
)
def test_a_series_that_does_not_reach_is_named(changes: dict[str, object], says: str) -> None:
    found = response_of(series(power(2.2), 0, **changes))  # type: ignore[arg-type]
    poor = [finding for finding in found.findings if finding.kind == "poor_spread"]
    assert len(poor) == 1
    assert says in poor[0].message
    assert poor[0].severe


def test_what_is_no_series_is_refused() -> None:
    good = series(power(2.2), 0, frames=1)
    with pytest.raises(ValueError, match="no series"):
        response_of(Series(TIMES_US[:2], good.levels[:2], good.dark, 8))
    with pytest.raises(ValueError, match="no series"):
        response_of(Series(TIMES_US, good.levels[:5], good.dark, 8))


def test_pixels_are_spread_over_the_brightness_and_stay_off_edges() -> None:
    picture = np.repeat(np.linspace(10, 200, 300)[None, :, None], 200, axis=0).repeat(3, axis=2)
    picture[80:120, 100:200] = 3  # print
    pixels = spread_pixels(picture, 500)
    levels = picture[pixels[:, 0], pixels[:, 1], 0]
    assert 300 <= len(pixels) <= 500
    assert levels.min() < 20
    assert levels.max() > 190
    near_edge = (np.abs(pixels[:, 0] - 80) < 2) & (pixels[:, 1] > 100) & (pixels[:, 1] < 200)
    assert not near_edge.any()
