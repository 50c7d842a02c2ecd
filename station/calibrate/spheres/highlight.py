"""Where a chrome sphere mirrors a light: one bright spot, to a fraction of a pixel, with its uncertainty."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, label

from .ball import Outline
from .composites import Bools, Floats, Pictures, clipped, full_scale_of, grey

Array = NDArray[np.float64]

SPOT = 0.1
"""Share of the peak above which light is the spot's; its centroid is that of all light there and one pixel
around. Higher levels cost more than they keep away: by half the peak, spots two pixels wide were found 0.1
pixel off, by this one 0.01 to 0.04 (rendered balls)."""
CORE = 0.5
"""Share of the peak for a second centroid; half of what they lie apart is counted as doubt, as a spot with
something beside it is lopsided."""
CLIPPED_PX = 0.06
"""What even a spot of which only a pixel or two are clipped may be off by (rendered balls)."""
CLIPPED_SIGMA = 0.03
"""Of the clipped radius, per coordinate: what the centroid of a clipped lamp of uneven brightness was off by,
when it was clipped at a third to a two-hundredth of its peak (`tests/calibrate/test_highlight.py`)."""
NOISE_LEVEL = 4.0
"""In standard deviations: no pixel below is counted among the spot's."""
LEAST_NOISE = 8.0
"""A spot stands above the rest of the sphere by more standard deviations; the highest of a million pixels of
noise reaches five."""
FLOOR_PX = 0.02
"""Centroids of rendered spots without noise are not nearer to the truth than this."""
FAINT = 0.1
"""Of the usual peak, below which there is no light: the lamps of one rig differ by less than ten times."""
RIVAL_LEVEL = 0.2
RIVAL = 0.5
"""A second spot with more than this share of the light of the first makes it doubtful which is the lamp."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """A light's reflection.

    Attributes:
        x_px, y_px: its centroid.
        sigma_px: standard uncertainty of each coordinate.
        peak: above the background, codes.
        radius_px: of the circle as large as what rises above half of the peak.
        clipped_px: radius of the circle as large as what is clipped of it.
        rival: light of the next spot as a share of this one's.
    """

    x_px: float
    y_px: float
    sigma_px: float
    peak: float
    radius_px: float
    clipped_px: float
    rival: float


def highlights_on(
    pictures: Pictures, least: Floats, outline: Outline, rim: float, full_scale: float | None
) -> tuple[Highlight | None, ...]:
    """The spot of each light on one sphere; None where there is none.

    Args:
        pictures: one for each light, (H, W) or (H, W, 3).
        least: (H, W), the darkest of them: what is there under every light is the room, not a lamp.
        outline: of the sphere.
        rim: share of its radius within which the spots lie.
        full_scale: highest code; None: of the pictures' type.
    """
    (left, top), window = _window(outline, (least.shape[0], least.shape[1]))
    inside = outline.inside((least.shape[0], least.shape[1]), rim)[window]
    found = []
    for number in range(len(pictures)):
        picture = pictures[number]
        part = picture[window]
        over = clipped(part, full_scale or full_scale_of(picture))
        spot = find_highlight(grey(part) - least[window], inside, over)
        found.append(spot and replace(spot, x_px=spot.x_px + left, y_px=spot.y_px + top))
    usual = float(np.median([spot.peak for spot in found if spot] or [0.0]))
    return tuple(spot if spot and spot.peak >= FAINT * usual else None for spot in found)


def find_highlight(rise: Floats, inside: Bools, over: Bools) -> Highlight | None:
    """The one bright spot on the sphere.

    Args:
        rise: (H, W), what the light adds to what is there without it.
        inside: where on the sphere a spot may lie.
        over: where the picture is clipped.

    Returns:
        None where nothing stands out of the noise.
    """
    values = rise[inside]
    if not len(values):
        return None
    ground = float(np.median(values))
    noise = max(1.4826 * float(np.median(np.abs(values - ground))), 12**-0.5)
    above = np.where(inside, rise - ground, 0.0).astype(np.float64)
    if above.max() < LEAST_NOISE * noise:
        return None
    spot = _brightest(above, CORE * float(above.max()))
    peak = float(above[spot].max())
    cut = _radius(over & spot)
    all_of_it = _area(above, max(SPOT * peak, NOISE_LEVEL * noise), spot)
    x, y = _centroid(above, all_of_it)
    core = _centroid(above, _area(above, CORE * peak, spot))
    blind = float(np.hypot(CLIPPED_PX, CLIPPED_SIGMA * cut)) if cut else 0.0
    lopsided = float(np.hypot(x - core[0], y - core[1]) / 2**0.5 / 2)
    shaken = _shaken(above, all_of_it, noise)
    return Highlight(
        x_px=x,
        y_px=y,
        sigma_px=float(np.sqrt(lopsided**2 + shaken**2 + blind**2 + FLOOR_PX**2)),
        peak=peak,
        radius_px=_radius(spot),
        clipped_px=cut,
        rival=_rival(above, spot),
    )


def _window(outline: Outline, shape: tuple[int, int]) -> tuple[tuple[int, int], tuple[slice, slice]]:
    """The part of the pictures that the sphere fills, and the pixel at its corner."""
    top, left = (max(int(at - outline.radius_px), 0) for at in (outline.y_px, outline.x_px))
    bottom, right = (int(at + outline.radius_px) + 2 for at in (outline.y_px, outline.x_px))
    return (left, top), (slice(top, min(bottom, shape[0])), slice(left, min(right, shape[1])))


def _brightest(above: Array, level: float) -> Bools:
    """Of the connected areas above a level, the one with the most light."""
    numbers, count = label(above > level, np.ones((3, 3)))
    light = np.bincount(numbers.ravel(), above.ravel(), count + 1)[1:]
    return np.asarray(numbers == int(np.argmax(light)) + 1)


def _rival(above: Array, spot: Bools) -> float:
    """The light of the next spot against that of this one, both above a fifth of the peak."""
    peak = float(above[spot].max())
    numbers, count = label(above > RIVAL_LEVEL * peak, np.ones((3, 3)))
    light = np.bincount(numbers.ravel(), above.ravel(), count + 1)
    own = int(numbers[np.unravel_index(int(np.argmax(np.where(spot, above, -np.inf))), above.shape)])
    others = np.delete(light, [0, own])
    return float(others.max(initial=0.0) / light[own])


def _area(above: Array, level: float, spot: Bools) -> Bools:
    """What rises above the level and hangs together with the spot's peak, and one pixel around."""
    numbers, _ = label(above > level, np.ones((3, 3)))
    brightest = np.unravel_index(int(np.argmax(np.where(spot, above, -np.inf))), above.shape)
    return np.asarray(binary_dilation(numbers == numbers[brightest], np.ones((3, 3), np.bool_)))


def _centroid(above: Array, area: Bools) -> tuple[float, float]:
    rows, columns = np.nonzero(area)
    weight = above[rows, columns]
    return float(weight @ columns / weight.sum()), float(weight @ rows / weight.sum())


def _shaken(above: Array, area: Bools, noise: float) -> float:
    """What noise of each pixel does to the centroid, per coordinate."""
    x, y = _centroid(above, area)
    rows, columns = np.nonzero(area)
    arms = ((columns - x) ** 2 + (rows - y) ** 2).sum() / 2
    return float(noise * np.sqrt(arms) / above[area].sum())


def _radius(area: Bools) -> float:
    return float(np.sqrt(area.sum() / np.pi))
