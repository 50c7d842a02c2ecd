"""The step that teaches the shutter: its readout, what its stamps say, and the mains in the room's light."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...calibrate.sensor.flicker import AmbientRows, Flicker, flicker_of
from ...calibrate.sensor.readout import Flashes, Readout, readout_of
from ...calibrate.sensor.stamps import FlashSeries, Stamps, stamps_of
from ...camera.interface import Pixels
from ...documents.calibration import CalibrationFinding
from .photographer import Flashed, row_means
from .taking import Taken, Taking

Array = NDArray[np.float64]

FLASH_US = 800
FLASH_EXPOSURES_US = (2_000, 6_000)
"""A band of rows fits into the picture of a shutter of some 10 ms; both together tell where stamps belong."""
AMBIENT_US = 7_000
"""No whole half period of any mains, and long enough for some light."""
AMBIENT_FRAMES = 40
LIGHT = 0
"""Any that burns: each row is held against itself under the same light."""
FEW = 4


async def timing(taking: Taking) -> Taken:
    """Flashes over a running camera, then frames in the light of the room."""
    readout, stamps = await _shutter(taking)
    mains, ambient_codes, period_us = await _mains(taking, readout.readout_us if readout else 0.0)
    known = readout is not None and readout.shutter != "unknown"
    arrays = {
        "readout_us": np.array([readout.readout_us, readout.sigma_us] if readout else [0.0, np.nan]),
        "readout_known": np.array(known),
        "period_us": np.array(period_us),
        "mains_hz": np.array((mains.mains_hz if mains else None) or 0),
        "mains_assessed": np.array(mains is not None and mains.mains_hz is not None),
        "mains_percent": np.array(mains.depth_percent if mains else np.nan),
        "stamps": np.array(_listed(stamps)) if stamps else np.empty(0),
    }
    figures = {"ambient_codes": ambient_codes}
    if readout is not None and known:
        figures["readout_us"] = readout.readout_us
    if mains is not None and mains.mains_hz:
        figures["mains_hz"] = float(mains.mains_hz)
    findings = (*(readout.findings if readout else _no_flashes()), *(mains.findings if mains else ()))
    return Taken(arrays, figures, findings)


def _listed(stamps: Stamps) -> list[float]:
    return [float(stamps.at == "end"), stamps.delay_us, stamps.jitter_us, stamps.late_us]


def _no_flashes() -> tuple[CalibrationFinding, ...]:
    return (
        CalibrationFinding(
            kind="rolling_unknown",
            message="the board cannot flash a light by itself, so the shutter's readout was not measured",
            next_step="Nothing: lights wait for a frame each, which takes longer.",
            severe=False,
        ),
    )


async def _shutter(taking: Taking) -> tuple[Readout | None, Stamps | None]:
    series = []
    readout: Readout | None = None
    for exposure in FLASH_EXPOSURES_US:
        flashed = await taking.photographer.flashes(LIGHT, FLASH_US, exposure)
        if flashed is None:
            return None, None
        dark, steady = await _rows(taking, None, exposure), await _rows(taking, LIGHT, exposure)
        if readout is None:
            readout = readout_of(Flashes(flashed.rows, dark, steady, exposure, FLASH_US))
        series.append(_series(flashed, dark, steady, exposure))
    assert readout is not None  # noqa: S101 - there are exposures
    usable = readout.shutter == "rolling"
    return readout, stamps_of(series, readout.readout_us) if usable else None


async def _rows(taking: Taking, light: int | None, exposure_us: int) -> Array:
    """Mean of each row under a steady light."""
    found: list[NDArray[np.float32]] = []

    def keep(pixels: Pixels, _: float) -> None:
        found.append(row_means(pixels))

    await taking.photographer.shoot(light, exposure_us, FEW, keep)
    return np.asarray(np.mean(found, axis=0), np.float64)


def _series(flashed: Flashed, dark: Array, steady: Array, exposure_us: int) -> FlashSeries:
    whole = np.maximum(steady - dark, 1e-6) * (FLASH_US / exposure_us)
    middles = [(report.exposed_from_s + report.off_s) / 2 for report in flashed.reports]
    return FlashSeries(flashed.stamps_s, (flashed.rows - dark) / whole, np.array(middles), exposure_us)


async def _mains(taking: Taking, readout_us: float) -> tuple[Flicker | None, float, int]:
    """Flicker of the room's light, that light's own level in codes, and the camera's period."""
    level = float(taking.session.arrays(taking.session.takes("dark")[0])["level"].mean())
    rows: list[NDArray[np.float32]] = []
    stamps: list[float] = []

    def keep(pixels: Pixels, stamp_s: float) -> None:
        rows.append(row_means(pixels) - np.float32(level))
        stamps.append(stamp_s)

    mode = await taking.photographer.shoot(None, AMBIENT_US, AMBIENT_FRAMES, keep)
    seen = np.array(rows)
    times = _even(stamps)
    if len(rows) < AMBIENT_FRAMES // 2:
        return None, float(seen.mean()), mode.period_us
    found = flicker_of(AmbientRows(seen, times, AMBIENT_US, readout_us))
    return found, float(seen.mean()), mode.period_us


def _even(stamps: Sequence[float]) -> Array:
    """Stamps without their jitter: the line through them over the number of the frame."""
    when = np.asarray(stamps, np.float64)
    if len(when) < 3:
        return when
    period = float(np.median(np.diff(when)))
    number = np.round((when - when[0]) / period)
    slope, begin = np.polyfit(number, when, 1)
    return np.asarray(begin + slope * number)
