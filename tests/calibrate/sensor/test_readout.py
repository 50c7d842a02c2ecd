"""The readout time of simulated shutters, from the rows that a flash lit."""

import numpy as np
import pytest

from station.calibrate.sensor.readout import Flashes, readout_of


def flashes(
    readout_us: float, *, exposure_us: float = 4_000, flash_us: float = 800, frames: int = 24,
    noise: float = 0.05, rows: int = 2_460, seed: int = 2,
) -> Flashes:  # fmt: skip
    """Flashes at any time of 33 ms, by counting microseconds; a scene that is darker at its ends."""
    rng = np.random.default_rng(seed)
    bright = 80 * (0.4 + np.sin(np.linspace(0.3, 2.6, rows))) + 5 * np.sin(np.arange(rows) / 40)
    start = np.arange(rows) / (rows - 1) * readout_us
    profiles = []
    for _ in range(frames):
        at = rng.uniform(-5_000, 28_000)
        ticks = at + np.arange(0, flash_us, 4) + 2
        inside = (
            (np.searchsorted(ticks, start + exposure_us) - np.searchsorted(ticks, start)) * 4 / exposure_us
        )
        profiles.append(4 + bright * inside + noise * rng.standard_normal(rows))
    return Flashes(np.array(profiles), np.full(rows, 4.0), 4 + bright, exposure_us, flash_us)


@pytest.mark.parametrize(
    ("readout_us", "exposure_us"), [(12_000, 4_000), (16_000, 3_000), (6_500, 4_000), (30_000, 5_000)]
)
def test_a_rolling_shutter_is_timed(readout_us: float, exposure_us: float) -> None:
    found = readout_of(flashes(readout_us, exposure_us=exposure_us))
    assert found.shutter == "rolling"
    assert found.readout_us == pytest.approx(readout_us, rel=0.01)
    assert abs(found.readout_us - readout_us) < 4 * found.sigma_us + 0.001 * readout_us
    assert found.sigma_us < 0.02 * readout_us
    assert found.findings == ()


def test_the_ends_of_bands_alone_will_do() -> None:
    """With an exposure as long as the readout no frame shows the whole band; flanks tell all the same."""
    found = readout_of(flashes(8_000, exposure_us=9_000, flash_us=1_500, frames=40))
    assert found.shutter == "rolling"
    assert found.readout_us == pytest.approx(8_000, rel=0.03)


def test_a_dim_flash_and_a_light_that_rises_slowly() -> None:
    """The height of the trapezoid is not relied on."""
    told = flashes(12_000, noise=0.3)
    weak = Flashes(4 + 0.6 * (told.profiles - 4), told.dark, told.steady, 4_000, 800)
    assert readout_of(weak).readout_us == pytest.approx(12_000, rel=0.02)


def test_a_global_shutter() -> None:
    found = readout_of(flashes(0, frames=60))
    assert found.shutter == "global"
    assert found.readout_us == 0
    assert 0 < found.sigma_us < 500
    assert found.findings == ()


@pytest.mark.parametrize(
    "told",
    [flashes(12_000, frames=3), flashes(0, frames=12, seed=5), flashes(12_000, noise=80.0)],
    ids=["few frames", "few that are alike", "noise"],
)
def test_what_cannot_be_told_is_said(told: Flashes) -> None:
    found = readout_of(told)
    assert found.shutter == "unknown"
    assert [finding.kind for finding in found.findings] == ["rolling_unknown"]


def test_what_makes_no_sense_is_refused() -> None:
    told = flashes(12_000, frames=4)
    with pytest.raises(ValueError, match="rows"):
        readout_of(Flashes(told.profiles, told.dark[1:], told.steady, 4_000, 800))
    with pytest.raises(ValueError, match="flash"):
        readout_of(Flashes(told.profiles, told.dark, told.steady, 4_000, 4_000))
