"""What stamps say, from flashes: which end of a frame, how long after it, and when they say nothing."""

import numpy as np
import pytest

from station.calibrate.sensor.stamps import FlashSeries, stamps_of

READOUT_US, PERIOD_S, ROWS = 12_000.0, 0.033, 200
FLASH_S = 0.0008
EXPOSURES_US = (2_000.0, 6_000.0)


def series(
    exposure_us: float, after_s: float, jitter_s: float, *, at_end: bool, seed: int = 1
) -> FlashSeries:
    """Sixty frames and a flash every 54 ms; each row's share of a flash is worked out from its own times."""
    rng = np.random.default_rng(seed)
    starts = 100.0 + PERIOD_S * np.arange(60)
    flashes = 100.001 + 0.05397 * np.arange(36)
    row_starts = starts[:, None] + READOUT_US / 1e6 * (np.arange(ROWS) + 0.5) / ROWS
    light = np.zeros((60, ROWS))
    for flash in flashes:
        begins = np.maximum(row_starts, flash - FLASH_S / 2)
        ends = np.minimum(row_starts + exposure_us / 1e6, flash + FLASH_S / 2)
        light += np.clip(ends - begins, 0, None) / FLASH_S
    light += rng.normal(0, 0.02, light.shape)
    anchor = (exposure_us + READOUT_US) / 1e6 if at_end else 0.0
    stamps = starts + anchor + after_s + jitter_s * rng.uniform(-1, 1, 60)
    return FlashSeries(stamps, light, flashes, exposure_us)


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("after_s", [0.0, 0.0015, 0.02])
def test_the_end_that_stamps_keep_to_is_found(at_end: bool, after_s: float) -> None:
    found = stamps_of([series(e, after_s, 0.0004, at_end=at_end) for e in EXPOSURES_US], READOUT_US)
    assert found is not None
    assert found.at == ("end" if at_end else "start")
    assert found.delay_us == pytest.approx(1e6 * after_s, abs=150)
    assert 300 < found.jitter_us < 1_200
    latest_us = 1e6 * after_s + 400 - (0 if at_end else READOUT_US + EXPOSURES_US[0])
    assert found.late_us >= max(0, latest_us)


def test_stamps_that_scatter_too_much_tell_nothing() -> None:
    assert stamps_of([series(e, 0.01, 0.012, at_end=True) for e in EXPOSURES_US], READOUT_US) is None


def test_frames_of_one_exposure_alone_tell_nothing() -> None:
    assert stamps_of([series(EXPOSURES_US[0], 0.001, 0.0004, at_end=True)], READOUT_US) is None


def test_no_flash_tells_nothing() -> None:
    dark = [series(e, 0.001, 0.0004, at_end=True) for e in EXPOSURES_US]
    without = [FlashSeries(one.stamps_s, 0 * one.light, one.flashes_s, one.exposure_us) for one in dark]
    assert stamps_of(without, READOUT_US) is None
