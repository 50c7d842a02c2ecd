"""The steps that teach the sensor: darkness, response and noise, shutter and mains."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...calibrate.sensor.dark import FrameMean, dark_of
from ...calibrate.sensor.noise import noise_line, pair_samples
from ...calibrate.sensor.response import Response, Series, response_of, spread_pixels
from ...calibrate.sensor.sharpening import grain_of
from ...camera.interface import Pixels
from .taking import Taken, Taking, code_scale

LONGER = 4
"""By how much the second exposure of the dark frames is longer: light that gets in shows by growing."""
SHARES = (1 / 256, 1 / 128, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 0.4, 0.6, 0.8, 1.0, 1.4, 2.0, 2.8)
"""Exposures of the series over a scan's: from nearly dark to clipped. The darkest reach down to the light of
the room, which is subtracted from every picture: a curve that guesses there bends all of them."""
SERIES_FRAMES = 12
"""A lamp whose light trembles by a per cent from frame to frame passes for a curve with fewer."""
ROOM = 0.9
"""Share of full scale that the white sheet may reach under the brightest light in the flat field."""
SHORTENED = 0.9
"""And some more, for where the brightest spot was clipped already."""


async def dark(taking: Taking) -> Taken:
    """The lens covered: black level and read noise."""
    count = taking.session.options.frames
    short = await taking.frames(None, taking.exposure_us, count)
    long = await taking.frames(None, LONGER * taking.exposure_us, count)
    _, full = code_scale(short.dtype)
    found = dark_of(short, long, full)
    figures = {
        "black_level_codes": float(found.level.mean()),
        "read_noise_codes": float(found.read_noise.mean()),
        "hot_pixels": float(found.hot),
    }
    arrays = {
        "level": found.level,
        "level_sigma": found.level_sigma,
        "read_noise": found.read_noise,
        "code": found.code,
    }
    return Taken(arrays, figures, found.findings)


async def response(taking: Taking) -> Taken:
    """An exposure series of the white sheet: the response curve of each channel, and the noise line."""
    known = taking.session.arrays(taking.session.takes("dark")[0])
    light, peak = await _brightest(taking)
    shots = await _series(taking, light)
    depth, top = code_scale(shots[0].frames.dtype)
    rows, columns = spread_pixels(shots[SHARES.index(0.6)].frames.mean).T
    levels = np.stack([shot.frames.mean[rows, columns] for shot in shots])
    exposures = [shot.exposure_us for shot in shots]
    found = response_of(Series(exposures, levels, known["code"], depth, shots[-1].frames.clipped_at))
    black = known["level"] if found.table is None else np.full(3, found.black_level)
    samples = [pair_samples(*shot.pair, black=black, bit_depth=depth, table=found.table) for shot in shots]
    line, grain = noise_line(samples), grain_of([shots[SHARES.index(0.6)].pair])
    arrays: dict[str, NDArray[Any]] = {
        "table": found.table if found.table is not None else np.empty(0, np.float32),
        "black": black,
        "full": np.array(found.full_scale),
        "noise": np.array([line.a, line.b, line.a_sigma, line.b_sigma]),
        "noise_points": np.concatenate(
            [np.column_stack([one.level, one.variance, one.sigma]) for one in samples]
        ),
        "bit_depth": np.array(depth),
        "gamma": np.array(found.gamma),
        "deviation_percent": np.array([found.deviation_percent, found.deviation_sigma_percent]),
        "residual_percent": np.array([np.sqrt(np.mean(found.residual_percent**2))]),
        "exposures_us": np.array(exposures),
        "levels": levels.astype(np.float32),
        "flat_exposure_us": np.array(_flat_exposure_us(taking, peak, known["level"], found, top)),
    }
    figures = {
        "gamma": found.gamma,
        "deviation_percent": found.deviation_percent,
        "noise_a": line.a,
        "noise_b": line.b,
    }
    return Taken(arrays, figures, (*found.findings, *line.findings, *grain.findings))


@dataclass(frozen=True, slots=True)
class _Shot:
    """One exposure of the series: all its frames summed up, and two of them as they came."""

    exposure_us: int
    frames: FrameMean
    pair: tuple[Pixels, Pixels]


async def _series(taking: Taking, light: int) -> list[_Shot]:
    shots = []
    for share in SHARES:
        total, some = FrameMean(), list[Pixels]()

        def keep(pixels: Pixels, _: float, total: FrameMean = total, some: list[Pixels] = some) -> None:
            total.add(pixels)
            if len(some) < 2:
                some.append(pixels)

        asked = max(1, round(share * taking.exposure_us))
        mode = await taking.photographer.shoot(light, asked, SERIES_FRAMES, keep)
        shots.append(_Shot(mode.exposure_us, total, (some[0], some[1])))
    return shots


def _flat_exposure_us(
    taking: Taking, peak: float, level: NDArray[np.float64], found: Response, top: float
) -> int:
    """A scan's, shortened until the brightest light leaves room on the white sheet."""
    black = float(level.mean())
    if found.table is not None:
        codes = np.arange(found.table.shape[1])
        reached = float(np.interp(peak, codes, found.table.mean(axis=0))) - found.black_level
        share = reached / (found.full_scale - found.black_level)
    else:
        share = (peak - black) / (top - black)
    if share <= ROOM:
        return taking.exposure_us
    return round(taking.exposure_us * SHORTENED * ROOM / share)


async def _brightest(taking: Taking) -> tuple[int, float]:
    """The light that comes nearest to clipping, and how near."""
    levels = []
    for light in range(taking.photographer.lights):
        total = await taking.frames(light, taking.exposure_us, 2)
        levels.append(float(np.percentile(total.mean[::2, ::2], 99.9)))
    return int(np.argmax(levels)), max(levels)
