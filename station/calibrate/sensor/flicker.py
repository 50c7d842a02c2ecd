"""Mains flicker in the light of the room, from frames taken with all lights of the rig off.

Lamps on the mains are brightest twice a period, at 100 or 120 Hz. Row by row a rolling shutter samples that
finely; a global shutter samples it once a frame, so that it shows under another frequency (alias). Where the
flicker falls on the same rows in every frame, as 120 Hz does at 30 frames a second, it passes for the scene's
own brightness; then it takes frames in which it is averaged out to know that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as fisher

from ...documents.calibration import CalibrationFinding

Array = NDArray[np.float64]
MainsHz = Literal[0, 50, 60]

FALSE_ALARMS = 0.001
"""Share of flickerless measurements in which some flicker would be found, for noise that is independent."""
LEAST_PERCENT = 0.2
"""Amplitude in the frames, of their mean, below which it does not matter: a stack subtracts the ambient
frame, and that is a few per cent of its light."""
STANDING_PERCENT = 1.0
"""The same where it stands still: the scene's brightness by row, from other frames, is not known better."""
OVER_OTHERS = 4.0
"""Times the amplitude at frequencies that no mains has: what moves or drifts reaches all of them."""
WANDERS = 0.01
"""Relative: the mains leave their frequency by less."""
SEEN_SHARE = 0.1
"""Of a wave, after what rows and frames have in common is taken out, and of its swing after the exposure has
averaged it: with less it cannot be told."""
_BLOCKS = 48  # of rows
_OTHERS_HZ = np.array([71.0, 77.0, 83.0, 89.0, 109.0, 131.0, 139.0, 147.0])


@dataclass(frozen=True, slots=True)
class AmbientRows:
    """Frames of a still scene under the light of the room alone.

    Attributes:
        rows: (N, rows), mean of each row, linear codes over the black level.
        starts_s: (N,), when the exposure of each frame's first row began, by the frame clock: single stamps
            tremble too much.
        exposure_us: of every row.
        readout_us: from the first row's exposure to the last row's; 0: global shutter.
        steady: mean rows (rows,) of the same scene at an exposure of whole half periods of the mains of 50 or
            60 Hz (10 ms or 8.33 ms), where such were taken.
    """

    rows: NDArray[np.floating]
    starts_s: Sequence[float] | Array
    exposure_us: float
    readout_us: float
    steady: Mapping[int, NDArray[np.floating]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wave:
    """One frequency of the mains.

    Attributes:
        mains_hz: the lamps flicker at twice that.
        assessed: whether these frames could show it.
        depth_percent, sigma_percent: amplitude of the light itself, of its mean, and its uncertainty.
        seen_percent: amplitude in the frames, after their exposure averaged over it.
        chance: of so much without any flicker.
    """

    mains_hz: Literal[50, 60]
    assessed: bool
    depth_percent: float = 0.0
    sigma_percent: float = 0.0
    seen_percent: float = 0.0
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class Flicker:
    """What was found. `mains_hz` 0: none seen; None: it could not be told."""

    mains_hz: MainsHz | None
    depth_percent: float
    waves: tuple[Wave, Wave]
    findings: tuple[CalibrationFinding, ...]


def flicker_of(seen: AmbientRows) -> Flicker:
    """Whether the room's light flickers, and with which mains.

    Raises:
        ValueError: the arrays do not fit each other, or there are fewer than 8 frames.
    """
    rows = np.atleast_2d(np.asarray(seen.rows, np.float64))
    if len(rows) != len(seen.starts_s) or len(rows) < 8:
        raise ValueError(f"{len(rows)} frames with {len(seen.starts_s)} times; 8 are wanted")
    if rows.mean() <= 0:
        return Flicker(0, 0.0, (Wave(50, False), Wave(60, False)), ())  # no light, no flicker
    waves = (_wave(rows, seen, 50), _wave(rows, seen, 60))
    found = [wave for wave in waves if _is_there(wave)]
    if found:
        strongest = min(found, key=lambda wave: wave.chance if wave.chance > 0 else -wave.seen_percent)
        return Flicker(strongest.mains_hz, strongest.depth_percent, waves, (_flickers(strongest),))
    blind: list[int] = [wave.mains_hz for wave in waves if not wave.assessed]
    return Flicker(None if blind else 0, 0.0, waves, (_not_told(blind),) if blind else ())


def kept_exposure_us(exposure_us: int, mains_hz: int) -> int:
    """The exposure nearest to this one over which flicker averages out: whole half periods of the mains.

    At least one; of two that are equally near the shorter, because it does not clip. 0 Hz leaves it.
    """
    if mains_hz == 0:
        return exposure_us
    half_us = 1e6 / (2 * mains_hz)
    below = max(1, int(exposure_us / half_us))
    nearest = below if exposure_us - below * half_us <= (below + 1) * half_us - exposure_us else below + 1
    return round(nearest * half_us)


@dataclass(frozen=True, slots=True)
class _Data:
    """Frames in blocks of rows.

    Attributes:
        light: (N, B), relative to the scene's own brightness.
        times_s: (N, B).
        lasting_s: how long the exposure lasts, and the rows of a block.
        drift: (N, D), courses over the frames that no flicker has.
        by_row: whether the scene is taken from these frames' mean, waves that stand still included.
    """

    light: Array
    times_s: Array
    lasting_s: Array
    drift: Array
    by_row: bool

    @classmethod
    def of(cls, rows: Array, seen: AmbientRows, scene: NDArray[np.floating] | None) -> "_Data":
        count = rows.shape[1]
        blocks = min(_BLOCKS, count) if seen.readout_us > 0 else 1
        edges = np.linspace(0, count, blocks + 1).astype(int)
        sums = np.add.reduceat(rows, edges[:-1], axis=1) / np.diff(edges)
        middle = (edges[:-1] + edges[1:] - 1) / 2 / max(count - 1, 1)
        starts = np.asarray(seen.starts_s, np.float64)
        into_s = (middle * seen.readout_us + seen.exposure_us / 2) / 1e6
        lasting = np.array([seen.exposure_us / 1e6, seen.readout_us / 1e6 / blocks])
        course = np.linspace(-1, 1, len(rows))
        drift = np.stack([course, course**2], axis=1)
        times = starts[:, None] - starts[0] + into_s
        own = sums.mean(axis=0)
        if scene is not None:
            own = np.add.reduceat(np.asarray(scene, np.float64), edges[:-1]) / np.diff(edges)
        relative = sums / np.where(own > 0, own, np.inf)
        return cls(relative / relative.mean() - 1, times, lasting, drift, by_row=scene is None)

    def without_common(self, values: Array) -> Array:
        """What is left of (N, B) after the scene's brightness and a slow drift of the light."""
        rest = values - (values.mean(axis=0) if self.by_row else values.mean())
        design = self.drift - self.drift.mean(axis=0)
        factors, *_ = np.linalg.lstsq(design, rest.mean(axis=1), rcond=None)
        return np.asarray(rest - (design @ factors)[:, None])

    def averaged(self, hz: float) -> float:
        """Share of a wave's amplitude that exposure and rows of a block leave."""
        return float(np.abs(np.prod(np.sinc(hz * self.lasting_s))))


def _wave(rows: Array, seen: AmbientRows, mains_hz: Literal[50, 60]) -> Wave:
    """The wave of one mains: from what changes between the frames, or else against a steady picture."""
    found = _strongest(_Data.of(rows, seen, None), mains_hz)
    if found.assessed or mains_hz not in seen.steady:
        return found
    found = _strongest(_Data.of(rows, seen, seen.steady[mains_hz]), mains_hz)
    return found if found.seen_percent > STANDING_PERCENT else replace(found, chance=1.0)


def _strongest(data: _Data, mains_hz: Literal[50, 60]) -> Wave:
    """The strongest wave near twice the mains' frequency."""
    span_s = float(np.ptp(data.times_s))
    centre = 2.0 * mains_hz
    reach = WANDERS / 2 * centre
    tried = np.linspace(centre - reach, centre + reach, 1 + 8 * max(1, round(2 * reach * span_s)))
    if min(_visible(data, float(hz)) for hz in tried) < SEEN_SHARE or data.averaged(centre) < SEEN_SHARE:
        return Wave(mains_hz, assessed=False)
    rest = data.without_common(data.light)
    amplitudes, chances = zip(*(_amplitude(data, rest, float(hz)) for hz in tried), strict=True)
    best = int(np.argmax(amplitudes))
    others = [_amplitude(data, rest, hz)[0] for hz in _OTHERS_HZ if _visible(data, float(hz)) > SEEN_SHARE]
    floor = float(np.median(others)) if others else 0.0
    seen, left = float(amplitudes[best]), data.averaged(float(tried[best]))
    independent = 2 * (1 + round(2 * reach * span_s))  # frequencies tried, of two mains
    chance = min(1.0, independent * float(chances[best])) if seen > OVER_OTHERS * floor else 1.0
    return Wave(mains_hz, True, 100 * seen / left, 100 * floor / left, 100 * seen, chance)


def _regressors(data: _Data, hz: float) -> Array:
    """Cosine and sine (N B, 2), less what rows and frames have in common."""
    phase = 2 * np.pi * hz * data.times_s
    return np.stack([data.without_common(wave(phase)).ravel() for wave in (np.cos, np.sin)], axis=1)


def _visible(data: _Data, hz: float) -> float:
    """Share of a wave's power that is left, in the phase that is seen worst."""
    design = _regressors(data, hz)
    return float(np.linalg.eigvalsh(design.T @ design)[0] / (data.light.size / 2))


def _amplitude(data: _Data, rest: Array, hz: float) -> tuple[float, float]:
    """Amplitude by least squares, and the chance of so much (F-test) in noise."""
    design = _regressors(data, hz)
    factors, *_ = np.linalg.lstsq(design, rest.ravel(), rcond=None)
    explained = float(((design @ factors) ** 2).sum())
    frames, blocks = rest.shape
    freedom = rest.size - blocks - 4
    left = max(float((rest**2).sum()) - explained, 1e-30)
    chance = float(fisher.sf(explained / 2 / (left / max(freedom, 1)), 2, max(freedom, 1)))
    return float(np.hypot(*factors)), chance if frames > 4 else 1.0


def _is_there(wave: Wave) -> bool:
    return wave.assessed and wave.chance < FALSE_ALARMS and wave.seen_percent > LEAST_PERCENT


def _flickers(wave: Wave) -> CalibrationFinding:
    return CalibrationFinding(
        kind="flicker",
        message=f"The room's light flickers at {2 * wave.mains_hz} Hz, by {wave.depth_percent:.1f} %.",
        next_step="Shade the rig or switch the lamps off; else exposures are kept to whole periods of it.",
        severe=False,
    )


def _not_told(blind: list[int]) -> CalibrationFinding:
    lamps = " and ".join(f"{hz} Hz" for hz in blind)
    return CalibrationFinding(
        kind="flicker",
        message=f"Flicker of lamps on mains of {lamps} was not assessed: these frames cannot show it.",
        next_step="Use exposures of 3 ms and, to compare, of 50 ms or of 10 and 8.3 ms.",
        severe=False,
    )
