"""Which light was a frame taken under? Two independent tests, neither of which trusts the order of arrival.

The gate: a frame counts only if its exposure lies within the time for which the board has acknowledged the
light, whichever end of the exposure the driver stamps. The fingerprint: near lights fall off across the
picture, each in its own way. The card's reflectance is what all frames have in common; what is left of a
frame must be the pattern that the profile's flat field has for its light. The bounds below were chosen from
the twin: `tests/camera/test_matcher.py` shows what right and wrong frames have.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .interface import CameraMode, Pixels

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

COARSE_ROWS, COARSE_COLUMNS = 16, 12
"""Cells of a fingerprint: fine enough to tell neighbours apart, coarse enough to drown noise."""
LEAST_CORRELATION = 0.9
"""With the own pattern. Right frames have 0.97 and more, on foil too; another light's at most 0.81."""
LEAST_MARGIN = 0.7
"""Lead of the own pattern over the next best, as a share of the lead that the flat field itself has.

Right frames have 0.95 and more; with two neighbours burning, or half the exposure under a neighbour, at most
0.4. A share, because two lights in the same direction differ little to begin with.
"""
AMBIENT_SHARE = 0.5
"""Of the lit frames' brightness, above which the ambient frame cannot have been taken with all lights off."""
BRIGHTNESS = (0.6, 1.5)
"""Share of the light expected, against the other frames. Right frames have 0.97 to 1.03 with 1 % of drift.

Less: dead or going out; more: a second light, which brings 1.55 and more.
"""
LEAST_CODES = 2.0
"""A cell whose frames, all together, are not that much brighter than ambient says nothing."""
FEWEST = 3
_USUAL_SCATTER = 0.03  # between lights, of a matte cell: relief, noise, drift
_TINY = 0.1  # codes: what is darker than ambient still has a logarithm
_SAMPLES = 24  # pixels looked at along each side of a cell


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the brightness pattern says of one frame.

    Attributes:
        best: position (not the light's number) of the light whose pattern fits best.
        margin: by how much the own pattern fits better than the best of the others (difference of
            correlations, -2 to 2).
        brightness: of the frame as a share of what is expected of its light.
        fault: why this is not its light's frame, one sentence; empty when it is.
    """

    best: int
    margin: float
    brightness: float
    fault: str


def exposed_within(
    timestamp_s: float, mode: CameraMode, late_us: int, on_s: float, off_s: float | None
) -> bool:
    """Whether every row of a frame was exposed after `on_s` and, where given, before `off_s`.

    The stamp may be anything between the start of the first row's exposure and `late_us` after the end of
    the last row's.
    """
    span_s = (mode.exposure_us + mode.readout_us) / 1e6
    return timestamp_s - span_s - late_us / 1e6 >= on_s and (off_s is None or timestamp_s + span_s <= off_s)


def coarse(pixels: Pixels, linear: Callable[[Pixels], Pixels] | None = None) -> Floats:
    """Mean brightness (all channels) of the cells of a picture (H, W[, C]): (COARSE_ROWS, COARSE_COLUMNS).

    Looks at some of the pixels, evenly spread, which is enough for a mean and costs a hundredth of the time.
    `linear` makes their codes linear, where they are not.
    """
    down, right = (
        max(1, size // (cells * _SAMPLES))
        for size, cells in zip(pixels.shape, (COARSE_ROWS, COARSE_COLUMNS), strict=False)
    )
    taken: Pixels = pixels[::down, ::right]
    some = np.atleast_3d(taken if linear is None else linear(taken)).mean(axis=2, dtype=np.float32)
    cells = cv2.resize(some, (COARSE_COLUMNS, COARSE_ROWS), interpolation=cv2.INTER_AREA)
    return np.asarray(cells, np.float32)


def coarse_flat(flat: Floats) -> Floats:
    """The same of a flat field (lights, rows, columns, 3): (lights, COARSE_ROWS, COARSE_COLUMNS)."""
    size = (COARSE_COLUMNS, COARSE_ROWS)
    return np.stack([cv2.resize(one.mean(axis=2), size, interpolation=cv2.INTER_AREA) for one in flat])


def verify_stack(ambient: Floats, lit: Sequence[Floats], flat: Floats) -> tuple[Fingerprint, ...]:
    """Hold each lit frame against every light's pattern.

    Args:
        ambient: coarse frame with all lights off.
        lit: coarse frames, one per light, in the order of `flat`.
        flat: (lights, rows, columns), `coarse_flat` of the profile for these lights.

    Returns:
        One fingerprint per frame, in order.

    Raises:
        ValueError: the numbers of frames and lights differ.
    """
    if len(lit) != len(flat):
        raise ValueError(f"{len(lit)} frames cannot be held against {len(flat)} lights")
    if len(lit) < FEWEST:
        return _all(len(lit), f"fewer than {FEWEST} lights cannot be told apart")
    codes = np.maximum(np.stack(lit) - ambient, _TINY)
    seen = codes.sum(axis=0) > LEAST_CODES * len(lit)
    if np.count_nonzero(seen) < seen.size // 4:
        return _all(len(lit), "the picture is dark")
    patterns = _patterns(np.log(codes[:, seen], dtype=np.float64), np.log(flat[:, seen], dtype=np.float64))
    own = np.diag(patterns.fits)
    return tuple(_judged(k, patterns, float(own[k])) for k in range(len(lit)))


def ambient_fault(ambient: Floats, lit: Sequence[Floats]) -> str:
    """Why this is not a picture with all lights off, one sentence; empty when it may be."""
    usual = float(np.median([frame.mean() for frame in lit]))
    if float(ambient.mean()) <= AMBIENT_SHARE * usual:
        return ""
    return "the picture with all lights off is about as bright as those with a light on"


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Correlations of frames (rows) with lights (columns), of lights with each other, and frames' levels."""

    fits: Doubles
    alike: Doubles
    levels: Doubles


def _patterns(codes: Doubles, flat: Doubles) -> _Patterns:
    """From the logarithms of frames and flat field (lights, cells).

    What frames have in common beyond the flat field, cell by cell, is the reflectance: its median over the
    lights, so that a wrong frame or a highlight does not speak for the right ones. Cells in which the lights
    disagree (foil, gloss) count for less.
    """
    ratio = codes - flat
    level = np.zeros((len(codes), 1))
    for _ in range(3):
        reflectance = np.median(ratio - level, axis=0)
        level = np.median(ratio - reflectance, axis=1, keepdims=True)
    level -= np.median(level)
    reflectance = np.median(ratio - level, axis=0)
    scatter = 1.4826 * np.median(np.abs(ratio - level - reflectance), axis=0)
    weights = 1 / (_USUAL_SCATTER**2 + scatter**2)
    common = flat.mean(axis=0)
    ours = _standard(codes - reflectance - common, weights)
    theirs = _standard(flat - common, weights)
    return _Patterns(ours @ theirs.T, theirs @ theirs.T, np.exp(level[:, 0]))


def _standard(rows: Doubles, weights: Doubles) -> Doubles:
    """Rows of weighted mean zero and unit length, so that their products are weighted correlations."""
    centred = rows - (rows * weights).sum(axis=1, keepdims=True) / weights.sum()
    scaled = centred * np.sqrt(weights)
    return np.asarray(scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-9))


def _judged(own: int, patterns: _Patterns, fit: float) -> Fingerprint:
    fits, brightness = patterns.fits[own], float(patterns.levels[own])
    best = int(np.argmax(fits))
    margin = float(fit - np.delete(fits, own).max())
    full = float(1 - np.delete(patterns.alike[own], own).max())
    if best != own and fits[best] >= LEAST_CORRELATION:
        fault = f"the picture looks as if taken under the light at position {best}"
    else:
        fault = _fault(fit, margin / max(full, 1e-6), brightness)
    return Fingerprint(best, margin, brightness, fault)


def _fault(fit: float, share: float, brightness: float) -> str:
    if brightness < BRIGHTNESS[0]:
        return f"the picture has {100 * brightness:.0f} % of the light expected: dead, or going out"
    if brightness > BRIGHTNESS[1]:
        return f"the picture has {100 * brightness:.0f} % of the light expected: more than one light burned"
    if fit < LEAST_CORRELATION or share < LEAST_MARGIN:
        return (
            f"the picture does not clearly fit its light (correlation {fit:.2f}, "
            f"{100 * share:.0f} % of the usual lead over the next)"
        )
    return ""


def _all(count: int, fault: str) -> tuple[Fingerprint, ...]:
    return tuple(Fingerprint(k, 0.0, 0.0, fault) for k in range(count))
