"""Which light was a frame taken under? Two independent tests, neither of which trusts the order of arrival.

The gate: a frame counts only if its exposure lies within the time for which the board has acknowledged the
light, whichever end of the exposure the driver stamps. The fingerprint: near lights fall off across the
picture, each in its own way. The card's reflectance, which is the same in all frames, cancels in the share
that each frame has in the sum of all; what is left must be the share that the profile's flat field has
there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .interface import CameraMode, Pixels

Floats = NDArray[np.float32]

COARSE_ROWS, COARSE_COLUMNS = 16, 12
"""Cells of a fingerprint: fine enough to tell neighbours apart, coarse enough to drown noise."""
LEAST_CORRELATION = 0.9
"""With the light's own pattern; `tests/camera/test_matcher.py` shows what right frames of the twin have."""
LEAST_MARGIN = 0.08
"""By which the own pattern must fit better than any other's.

A frame lit half by a neighbour has about 0.04.
"""
AMBIENT_SHARE = 0.5
"""Of the lit frames' brightness, above which the ambient frame cannot have been taken with all lights off."""
BRIGHTNESS = (0.5, 1.7)
"""Share of the light expected.

Less: dead or going out; more: a second light, whose share is about as large again.
"""
LEAST_CODES = 2.0
"""A cell whose frames, all together, are not that much brighter than ambient says nothing."""


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


def coarse(pixels: Pixels) -> Floats:
    """Mean brightness (all channels) of the cells of a picture: (COARSE_ROWS, COARSE_COLUMNS)."""
    cells = cv2.resize(pixels, (COARSE_COLUMNS, COARSE_ROWS), interpolation=cv2.INTER_AREA)
    return np.asarray(cells.reshape(COARSE_ROWS, COARSE_COLUMNS, -1).mean(axis=2), np.float32)


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
    codes = np.maximum(np.stack(lit) - ambient, 0)
    seen = codes.sum(axis=0) > LEAST_CODES * len(lit)
    if np.count_nonzero(seen) < seen.size // 4:
        return tuple(Fingerprint(k, 0.0, 0.0, "the picture is dark") for k in range(len(lit)))
    shares = (codes / np.maximum(codes.sum(axis=0), 1e-6))[:, seen]
    expected = (flat / flat.sum(axis=0))[:, seen]
    fits = _correlations(shares, expected)
    levels = shares.mean(axis=1) / expected.mean(axis=1)
    # one frame that is far off moves the sum, and so the level of all others
    levels /= np.median(levels)
    return tuple(_judged(k, fits[k], float(levels[k])) for k in range(len(lit)))


def ambient_fault(ambient: Floats, lit: Sequence[Floats]) -> str:
    """Why this is not a picture with all lights off, one sentence; empty when it may be."""
    usual = float(np.median([frame.mean() for frame in lit]))
    if float(ambient.mean()) <= AMBIENT_SHARE * usual:
        return ""
    return "the picture with all lights off is about as bright as those with a light on"


def _correlations(shares: Floats, expected: Floats) -> NDArray[np.float64]:
    """Correlation of each frame's pattern (rows) with each light's (columns)."""
    ours, theirs = (_standard(np.log(np.maximum(part, 1e-3))) for part in (shares, expected))
    return ours @ theirs.T


def _standard(rows: Floats) -> NDArray[np.float64]:
    centred = rows.astype(np.float64) - rows.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9))


def _judged(own: int, fits: NDArray[np.float64], brightness: float) -> Fingerprint:
    best = int(np.argmax(fits))
    margin = float(fits[own] - np.delete(fits, own).max(initial=-1.0))
    return Fingerprint(best, margin, brightness, _fault(own, best, float(fits[own]), margin, brightness))


def _fault(own: int, best: int, fit: float, margin: float, brightness: float) -> str:
    if brightness < BRIGHTNESS[0]:
        return f"the picture has {100 * brightness:.0f} % of the light expected: dead, or going out"
    if best != own:
        return f"the picture looks as if taken under the light at position {best}"
    if brightness > BRIGHTNESS[1]:
        return f"the picture has {100 * brightness:.0f} % of the light expected: more than one light burned"
    if fit < LEAST_CORRELATION or margin < LEAST_MARGIN:
        return (
            f"the picture fits its light no better than others (correlation {fit:.2f}, ahead by {margin:.2f})"
        )
    return ""
