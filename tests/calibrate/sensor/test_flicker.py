"""Flicker of lamps in frames of simulated shutters, and exposures over which it averages out."""

from dataclasses import replace

import numpy as np
import pytest

from station.calibrate.sensor.flicker import AmbientRows, flicker_of, kept_exposure_us

PERIOD_S = 0.0345
"""29 frames a second: no flicker of any mains stands still."""


def rows(
    mains_hz: float, depth: float, *, exposure_us: float = 3_000, readout_us: float = 12_000,
    period_s: float = PERIOD_S, frames: int = 40, noise: float = 0.01, drift: float = 0.0, seed: int = 1,
) -> AmbientRows:  # fmt: skip
    """Lamps whose light swings by `depth`, integrated over exposures by small steps."""
    rng = np.random.default_rng(seed)
    count = 400
    starts = 100 + period_s * np.arange(frames)
    begin = starts[:, None] + np.linspace(0, readout_us, count) / 1e6
    steps = (np.arange(50) + 0.5) / 50 * exposure_us / 1e6
    omega = 2 * np.pi * 2 * mains_hz
    light = 1 + depth * np.cos(omega * (begin[..., None] + steps) + 0.7).mean(axis=2)
    scene = 6 + 2 * np.sin(np.arange(count) / 30)
    slow = 1 + drift * np.linspace(0, 1, frames)[:, None] ** 2
    return AmbientRows(
        scene * light * slow + noise * rng.standard_normal((frames, count)), starts, exposure_us, readout_us
    )


@pytest.mark.parametrize("mains_hz", [50, 60])
@pytest.mark.parametrize("off", [1.0, 0.998, 1.003])
def test_flicker_of_either_mains_is_found_and_measured(mains_hz: int, off: float) -> None:
    found = flicker_of(rows(mains_hz * off, 0.15))
    assert found.mains_hz == mains_hz
    assert found.depth_percent == pytest.approx(15, rel=0.05)
    assert found.findings[0].kind == "flicker"
    assert f"{2 * mains_hz} Hz" in found.findings[0].message


def test_a_steady_light_does_not_flicker() -> None:
    """No false alarm in many tries, drift or not."""
    for seed in range(40):
        found = flicker_of(rows(50, 0.0, drift=0.05 * (seed % 2), noise=0.3, seed=seed))
        assert found.mains_hz == 0
        assert found.findings == ()


def test_faint_flicker_is_found_in_noise() -> None:
    found = flicker_of(rows(50, 0.01, noise=0.1, drift=0.03))
    assert found.mains_hz == 50
    assert found.depth_percent == pytest.approx(1, abs=0.2)


def test_a_global_shutter_sees_it_as_an_alias() -> None:
    found = flicker_of(rows(50, 0.1, readout_us=0, frames=60))
    assert found.mains_hz == 50
    assert found.depth_percent == pytest.approx(10, rel=0.1)


def test_what_stands_still_from_frame_to_frame_is_not_assessed() -> None:
    """At thirty frames a second 120 Hz falls on the same rows in each: the pattern passes for the scene's."""
    found = flicker_of(rows(60, 0.1, period_s=1 / 30))
    assert found.mains_hz is None
    assert not found.waves[1].assessed
    assert "60 Hz was not assessed" in found.findings[0].message


@pytest.mark.parametrize("depth", [0.1, 0.0])
def test_a_steady_picture_tells_standing_flicker_from_the_scene(depth: float) -> None:
    told = rows(60, depth, period_s=1 / 30)
    steady = {60: rows(60, depth, period_s=1 / 30, exposure_us=25_000).rows.mean(axis=0)}
    found = flicker_of(replace(told, steady=steady))
    assert found.mains_hz == (60 if depth else 0)
    assert found.depth_percent == pytest.approx(100 * depth, rel=0.05)


def test_an_exposure_of_whole_periods_hides_it() -> None:
    found = flicker_of(rows(50, 0.2, exposure_us=10_000))
    assert not found.waves[0].assessed
    assert found.mains_hz is None


def test_without_light_there_is_no_flicker() -> None:
    dark = rows(50, 0.1)
    found = flicker_of(AmbientRows(np.zeros_like(dark.rows), dark.starts_s, 3_000, 12_000))
    assert found.mains_hz == 0
    with pytest.raises(ValueError, match="8 are wanted"):
        flicker_of(AmbientRows(dark.rows[:5], dark.starts_s[:5], 3_000, 12_000))


@pytest.mark.parametrize(
    ("exposure_us", "mains_hz", "kept"),
    [
        (15_000, 0, 15_000),
        (15_000, 50, 10_000),  # as near as 20 ms, and does not clip
        (15_000, 60, 16_667),
        (17_000, 50, 20_000),
        (2_000, 50, 10_000),
        (100_000, 60, 100_000),
    ],
)
def test_exposures_are_kept_to_whole_half_periods(exposure_us: int, mains_hz: int, kept: int) -> None:
    assert kept_exposure_us(exposure_us, mains_hz) == kept
