"""What a driver's stamps say: from flashes whose time the board knows, and the rows that saw them.

A row in the middle of a flash's band was exposed about the flash's own time. So the frame's beginning is
known by the board's clock, and with it how far after that its stamp lies. At two exposures the stamp keeps
either its distance from the first row's beginning or that from the last row's end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
StampAt = Literal["unknown", "start", "end"]

FEWEST = 5
"""Frames at each exposure that must show a whole flash."""
EDGE = 0.1
"""Share of a flash's brightness above which a picture's first and last rows may not be: its band is whole."""
SPREAD_S = 0.004
"""Scatter of the stamps above which they are of no use: locked lights need a few milliseconds."""
CLEAR_S = 0.001
"""By how much the stamps must scatter less about one end than about the other to be bound to it."""
MARGIN_S = 0.0005
"""Added to the largest deviation seen: a hundred frames do not show the rarest."""


@dataclass(frozen=True, slots=True)
class FlashSeries:
    """Frames taken at one exposure while a light flashed.

    Attributes:
        stamps_s: (N,), of the frames.
        light: (N, rows), share of the flash that each row saw.
        flashes_s: (M,), middles of the flashes, on the clock of the stamps.
        exposure_us: of every row.
    """

    stamps_s: Array
    light: NDArray[np.floating]
    flashes_s: Array
    exposure_us: float


@dataclass(frozen=True, slots=True)
class Stamps:
    """What was found; see `CameraProfile` for the meaning.

    Attributes:
        frames: how many it is from.
    """

    at: StampAt
    delay_us: int
    jitter_us: int
    late_us: int
    frames: int


def stamps_of(series: Sequence[FlashSeries], readout_us: float) -> Stamps | None:
    """Which end of a frame its stamp is bound to, and how; None: the stamps do not tell.

    Args:
        series: at two exposures or more, that differ by several milliseconds.
        readout_us: of the shutter.
    """
    after = [_after_start_s(one, readout_us) for one in series]
    if len(after) < 2 or min(len(one) for one in after) < FEWEST:
        return None
    spans = [(one.exposure_us + readout_us) / 1e6 for one in series]
    to_start = np.concatenate(after)
    to_end = np.concatenate([one - span for one, span in zip(after, spans, strict=True)])
    by_start = bool(np.ptp(to_start) <= np.ptp(to_end))
    offsets = to_start if by_start else to_end
    if abs(np.ptp(to_start) - np.ptp(to_end)) < CLEAR_S:
        return None
    delay, spread = float(np.median(offsets)), float(np.abs(offsets - np.median(offsets)).max())
    if spread > SPREAD_S:
        return None
    jitter = spread + MARGIN_S
    return Stamps(
        at="start" if by_start else "end",
        delay_us=round(1e6 * delay),
        jitter_us=round(1e6 * jitter),
        late_us=max(0, round(1e6 * (float(to_end.max()) + MARGIN_S))),
        frames=len(offsets),
    )


def _after_start_s(series: FlashSeries, readout_us: float) -> Array:
    """How long after the first row's beginning each frame was stamped that shows a whole flash."""
    rows = series.light.shape[1]
    place = (np.arange(rows) + 0.5) / rows
    found = []
    for stamp, light in zip(series.stamps_s, series.light, strict=True):
        top = float(light.max())
        if top < 0.5 or max(float(light[0]), float(light[-1])) > EDGE * top:
            continue
        band = np.maximum(light, 0.0)
        row_s = float((place * band).sum() / band.sum()) * readout_us / 1e6
        starts = series.flashes_s - row_s - series.exposure_us / 2e6
        found.append(stamp - starts)
    return _agreeing(found, series.exposure_us, readout_us)


def _agreeing(candidates: list[Array], exposure_us: float, readout_us: float) -> Array:
    """Of each frame the flash by which it fits the others: the smallest delay that all have in common."""
    if not candidates:
        return np.empty(0)
    every = np.sort(np.concatenate(candidates))
    every = every[every > -SPREAD_S]
    best: Array = np.empty(0)
    for begin in every[every < (exposure_us + readout_us) / 1e6 + 0.5]:
        near = [one[(one >= begin) & (one <= begin + 2 * SPREAD_S)] for one in candidates]
        chosen = np.array([float(one[0]) for one in near if len(one)])
        if len(chosen) > len(best):
            best = chosen
    return best if len(best) >= 0.8 * len(candidates) else np.empty(0)
