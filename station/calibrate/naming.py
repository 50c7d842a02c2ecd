"""Which of the usual mistakes makes two lists of lights differ.

Whoever calibrates by hand meets the same few: the sphere's normal taken for the direction to the light, y
counted downwards, x mirrored, the picture turned, two cables swapped, the list in reverse. Each is tried on
the given list; the simplest one that leads to the found lights is named.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ..documents.calibration import CalibrationFinding, CalibrationFindingKind
from .spheres.sphere import reflected

Array = NDArray[np.float64]

AGREE_DEG = 2.0
"""Largest difference of lists that agree: two programs' directions from the same sphere differ by up to 0.8
degrees (measured on photographs), and a hand-measured place is good for about two."""
EXPLAINED = 0.35
"""A mistake explains a difference if it leaves less of it than this share, root mean square."""
QUARTER_DEG = 2.0
"""A turn that is nearer to a quarter is taken for one."""
CLEARLY = 1.5
"""A less simple mistake is named only if it fits better by this factor."""


@dataclass(frozen=True, slots=True)
class _Mistake:
    """A mistake, and what the given list would be without it."""

    kind: CalibrationFindingKind
    words: str
    mend: str
    mended: Array
    lights: tuple[int, ...] = ()


def explain(
    given: NDArray[np.floating], found: NDArray[np.floating], *, agree_deg: float = AGREE_DEG
) -> tuple[CalibrationFinding, ...]:
    """Name what makes given directions differ from found ones.

    Args:
        given: (K, 3), any length; the list in doubt.
        found: (K, 3), any length; measured. NaN: that light was not found and is not compared.
        agree_deg: largest angle that is no difference.

    Returns:
        Nothing where they agree; else one finding, and a second one where another mistake would explain it as
        well, as with lights on an even ring.

    Raises:
        ValueError: the lists are of different lengths.
    """
    one, other = np.asarray(given, np.float64), np.asarray(found, np.float64)
    if one.shape != other.shape or one.ndim != 2 or one.shape[1] != 3:
        raise ValueError(f"lists of lights {one.shape} and {other.shape} cannot be compared")
    known = np.flatnonzero(np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1))
    if not len(known):
        return ()
    ours, truth = _unit(one[known]), _unit(other[known])
    apart = angles_deg(ours, truth)
    if apart.max() <= agree_deg:
        return ()
    judged = [(_rms(angles_deg(one.mended, truth)), one) for one in _mistakes(ours, truth, known)]
    limit = max(EXPLAINED * _rms(apart), agree_deg / 2)
    fitting = [(rms, one) for rms, one in judged if rms <= limit]
    if not fitting:
        return (_others(known, apart, agree_deg),)
    best = min(rms for rms, _ in fitting)
    as_good = [(rms, one) for rms, one in fitting if rms <= CLEARLY * best + 0.1]
    named = [_finding(apart, rms, one) for rms, one in as_good[:2]]
    return tuple(named)


def explain_positions(
    given_mm: NDArray[np.floating],
    found_mm: NDArray[np.floating],
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
    *,
    agree_deg: float = AGREE_DEG,
) -> tuple[CalibrationFinding, ...]:
    """As `explain`, for places (K, 3) of near lights: a nominal layout against a calibrated rig.

    They are compared as directions from `centre_mm`, the middle of the card.
    """
    return explain(towards(given_mm, centre_mm), towards(found_mm, centre_mm), agree_deg=agree_deg)


def towards(
    positions_mm: NDArray[np.floating], centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Array:
    """Unit directions (K, 3) from a place to lights (K, 3)."""
    return _unit(np.asarray(positions_mm, np.float64) - np.asarray(centre_mm))


def angles_deg(one: Array, other: Array) -> Array:
    """Between unit vectors (K, 3); exact for small angles too."""
    across = np.linalg.norm(np.cross(one, other), axis=1)
    return np.asarray(np.degrees(np.arctan2(across, (one * other).sum(axis=1))))


def _mistakes(given: Array, found: Array, known: NDArray[np.intp]) -> Iterator[_Mistake]:
    """From the simplest to the least so."""
    yield from _orders(given, found, known, simple=True)
    yield from _geometry(given, "", "")
    if (given[:, 2] > 0).all():
        both = "normals of the sphere instead of directions to the lights"
        doubled = reflected(given)
        mend = "Mirror the view at each normal, l = 2 (n . v) n - v"
        yield _Mistake("normals_not_lights", f"they are {both}", f"{mend}.", doubled)
        yield from _geometry(doubled, f", and they are {both}", f"; and {mend[0].lower()}{mend[1:]}")
    yield from _turned(given, found)
    yield from _orders(given, found, known, simple=False)


def _geometry(given: Array, also: str, mend_too: str) -> Iterator[_Mistake]:
    """Axes of other senses, and turned pictures."""
    x, y, z = given.T
    cases: tuple[tuple[CalibrationFindingKind, str, str, tuple[Array, Array, Array]], ...] = (
        ("mirrored", "their y axis points down", "Change the sign of every y", (x, -y, z)),
        ("mirrored", "their x axis points to the left", "Change the sign of every x", (-x, y, z)),
        ("mirrored", "their z axis points away from the camera", "Change the sign of every z", (x, y, -z)),
        ("mirrored", "they point from the lights, not to them", "Change all signs", (-x, -y, -z)),
        ("rotated", "they are turned by half a turn", "Change the signs of x and y", (-x, -y, z)),
        ("rotated", "they are turned clockwise by 90 degrees", "Write -y, x for x, y", (-y, x, z)),
        ("rotated", "they are turned counter-clockwise by 90 degrees", "Write y, -x for x, y", (y, -x, z)),
        ("mirrored", "their x and y are exchanged", "Exchange x and y", (y, x, z)),
        ("mirrored", "their x and y are exchanged and negated", "Write -y, -x for x, y", (-y, -x, z)),
    )
    for kind, words, mend, axes in cases:
        yield _Mistake(kind, words + also, f"{mend}{mend_too}.", np.stack(axes, axis=1))


def _turned(given: Array, found: Array) -> Iterator[_Mistake]:
    """The turn about the camera's axis that fits best, from the sums of cross and dot products.

    One by quarters is among the simpler mistakes already.
    """
    sine = float((given[:, 0] * found[:, 1] - given[:, 1] * found[:, 0]).sum())
    cosine = float((given[:, :2] * found[:, :2]).sum())
    angle = np.arctan2(sine, cosine)
    if abs(np.degrees(angle) - 90 * round(np.degrees(angle) / 90)) < QUARTER_DEG:
        return
    c, s = np.cos(angle), np.sin(angle)
    mended = given @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    way = "clockwise" if angle > 0 else "counter-clockwise"
    turn = f"{abs(np.degrees(angle)):.0f} degrees"
    yield _Mistake(
        "rotated",
        f"they are turned {way} by {turn}",
        f"Turn the list or the camera by {turn}, or calibrate anew.",
        np.asarray(mended),
    )


def _orders(given: Array, found: Array, known: NDArray[np.intp], *, simple: bool) -> Iterator[_Mistake]:
    """The same lights in another order: two exchanged, or reversed (simple), or any.

    `known` are their numbers.
    """
    cost = np.degrees(np.arccos(np.clip(found @ given.T, -1.0, 1.0))) ** 2
    _, order = linear_sum_assignment(cost)
    places = np.flatnonzero(order != np.arange(len(order)))
    moved = tuple(known[places].tolist())
    pair = len(moved) == 2
    if simple and pair:
        words = "two lights are exchanged"
        yield _Mistake("swapped", words, "Exchange these two lines, or their cables.", given[order], moved)
    if simple and len(given) > 2:
        yield _Mistake("swapped", "they are in reverse order", "Turn the list round.", given[::-1])
    turned_round = np.array_equal(order, np.arange(len(order))[::-1])
    if not simple and moved and not pair and not turned_round:
        words = _in_words(known, order, places)
        yield _Mistake("swapped", words, "Put the lines, or the cables, in order.", given[order], moved)


def _in_words(known: NDArray[np.intp], order: NDArray[np.intp], places: NDArray[np.intp]) -> str:
    """Which light of the list is which."""
    steps = np.unique((order - np.arange(len(order))) % len(order))
    if len(steps) == 1:
        return f"they begin with another light: light 0 is number {known[steps[0]]} of the list, and so on"
    names = ", ".join(f"light {known[place]} is number {known[order[place]]}" for place in places)
    return f"they are in another order: {names} of the list"


def _finding(apart: Array, rms: float, one: _Mistake) -> CalibrationFinding:
    return CalibrationFinding(
        kind=one.kind,
        lights=one.lights,
        message=f"the directions differ by {_rms(apart):.1f} degrees as {one.words}; without that, "
        f"{rms:.1f} degrees are left",
        next_step=one.mend,
    )


def _others(known: NDArray[np.intp], apart: Array, agree_deg: float) -> CalibrationFinding:
    off = apart > agree_deg
    return CalibrationFinding(
        kind="disagree",
        lights=tuple(int(light) for light in known[off]),
        message=f"the directions differ by {_rms(apart):.1f} degrees root mean square, by up to "
        f"{apart.max():.1f}, and no usual mistake explains that",
        next_step="Calibrate anew, or use the list that belongs to these pictures.",
    )


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _rms(angles: Array) -> float:
    return float(np.sqrt(np.mean(angles**2)))
