"""What is wrong with the observations of the lights, and with which of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...documents.calibration import CalibrationFinding
from ...documents.profile import LightProfile
from ..observed import BallLook
from .adjustment import NORMAL_MEDIAN, Adjusted
from .bundle_result import LightsFit, bow_mm, card_terms, direction_sigma_deg
from .misplaced import finding, misplaced, named
from .posing import Posed

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

BENT_MM = 0.3
"""Of a sheet, from which on its slopes are no longer those of a flat target: 0.8 degrees at a card's edge."""
PATTERN_PERCENT = 0.3
"""What all lights' residuals may have in common, rms; a fit that follows the sheet leaves less than 0.1 %."""
BLOTCHES_PERCENT = 2.0
"""Of a sheet's reflectance, rms. The fit follows them, but such a sheet is stained."""
SPREAD_MM = 20.0
"""Between spheres: nearer ones say where a light's ray comes from, but not how far the light is."""
APART_SIGMAS = 5.0
"""Between the direction that flats and that spheres give of a light."""
APART_DEG = 0.5
HEIGHT_SIGMAS = 5.0
HEIGHT_MM = 0.4
"""By which a sheet may lie beside its height before that is called a contradiction."""
LOOSE_MM = 15.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the findings are drawn from.

    Attributes:
        posed: the problems and the first guess.
        solved: the solution of both kinds of observations.
        alone: the solutions of flats and of spheres alone; None unless there are both.
        balls: as they were observed, all lights.
        start: all lights.
        seen: the lights that were fitted.
    """

    posed: Posed
    solved: Adjusted
    alone: tuple[Adjusted, Adjusted] | None
    balls: tuple[BallLook, ...]
    start: tuple[LightProfile, ...]
    seen: Indices


def found_mistakes(fit: LightsFit, evidence: Evidence) -> tuple[CalibrationFinding, ...]:
    """Everything that is wrong, the causes before what may follow from them."""
    disagreeing = tuple(_disagree(evidence))
    return (
        *_unlit(evidence),
        *_too_few(fit, evidence),
        *_unmirrored(evidence),
        *_poor_spread(evidence),
        *_swapped_between(evidence),
        *_against_start(fit, evidence),
        *_heights(fit, evidence),
        *disagreeing,
        *_bent(
            fit,
            evidence,
            _flats_own_bow(evidence) if disagreeing else (fit.sheet_bow_mm, fit.sheet_bow_sigma_mm),
        ),
    )


def _unlit(evidence: Evidence) -> Iterator[CalibrationFinding]:
    dark = np.setdiff1d(np.arange(len(evidence.start)), evidence.seen)
    if len(dark):
        where = "on the flat" if evidence.posed.both.looks else "in two spheres or more"
        yield finding(
            "unlit", dark, f"{named(dark)} could not be seen {where}",
            "Look whether it burns and whether its cable sits; then take the pictures again.",
        )  # fmt: skip


def _too_few(fit: LightsFit, evidence: Evidence) -> Iterator[CalibrationFinding]:
    looks, balls = evidence.posed.both.looks, evidence.balls
    if not looks:
        yield finding(
            "too_few", [], "without the flat the powers, axes and lobes of the lights were not measured",
            "Take the pictures of the matte sheet, too.", severe=False,
        )  # fmt: skip
    if len(looks) == 1 and len(balls) < 2:
        yield finding(
            "too_few", [], "one look at the flat cannot tell a light's distance from its power and lobe",
            "Take the flat at a second height, or a sphere in two places or more.",
        )  # fmt: skip
    loose = [one.light for one in fit.fits if max(one.position_sigma_mm) > LOOSE_MM]
    if loose:
        yield finding(
            "too_few", loose, f"the place of {named(loose)} is known to no better than {LOOSE_MM:.0f} mm",
            "Take a sphere in more places, far apart, or the flat at a second height.", severe=False,
        )  # fmt: skip


def _unmirrored(evidence: Evidence) -> Iterator[CalibrationFinding]:
    if not evidence.balls or not evidence.posed.both.looks:
        return
    rays = np.isfinite(evidence.posed.both.spheres.highlights_px).all(axis=-1).sum(axis=0)
    missing = evidence.seen[rays == 0]
    if len(missing):
        yield finding(
            "not_found", missing, f"no sphere showed the reflection of {named(missing)}",
            "Look whether something stands between the light and the spheres.", severe=False,
        )  # fmt: skip


def _poor_spread(evidence: Evidence) -> Iterator[CalibrationFinding]:
    if len(evidence.balls) < 2:
        return
    places = evidence.solved.vector[evidence.posed.both.unknowns.at("ball")]
    widest = float(np.linalg.norm(places[:, None] - places[None], axis=-1).max())
    if widest < SPREAD_MM:
        yield finding(
            "poor_spread", [], f"the spheres lay within {widest:.0f} mm of each other",
            "Lay the sphere near the corners and in the middle of the card's place.",
            severe=not evidence.posed.both.looks,
        )  # fmt: skip


def _swapped_between(evidence: Evidence) -> Iterator[CalibrationFinding]:
    found = evidence.posed.guess.balls_order
    moved = evidence.seen[found != np.arange(len(found))]
    if len(moved):
        yield finding(
            "swapped", moved, f"{named(moved)} changed places between the flats and the spheres",
            "Look whether cables were exchanged meanwhile, and take both kinds of pictures again.",
        )  # fmt: skip


def _against_start(fit: LightsFit, evidence: Evidence) -> Iterator[CalibrationFinding]:
    seen = evidence.seen
    found = np.array([fit.lights[k].position_mm for k in seen])
    believed = np.array([evidence.start[k].position_mm for k in seen])
    yield from misplaced(found, believed, seen)


def _heights(fit: LightsFit, evidence: Evidence) -> Iterator[CalibrationFinding]:
    pairs = list(zip(fit.placements, evidence.posed.both.looks, strict=True))
    off = [abs(found.height_mm - told.height_mm) for found, told in pairs]
    allowed = [max(HEIGHT_SIGMAS * told.height_sigma_mm, HEIGHT_MM) for _, told in pairs]
    if any(one > most for one, most in zip(off, allowed, strict=True)):
        yield finding(
            "disagree", [], f"how bright the flat was contradicts its heights by {sum(off):.1f} mm",
            "Check the heights that were told and that nothing else changed, then take the flat again.",
        )  # fmt: skip


def _flats_own_bow(evidence: Evidence) -> tuple[float | None, float | None]:
    """Of the fit to the flats alone: spheres that contradict them would bend the sheet."""
    if evidence.alone is None or evidence.posed.alone is None:
        return None, None
    return bow_mm(evidence.posed.alone[0], evidence.alone[0])


def _bent(
    fit: LightsFit, evidence: Evidence, bow: tuple[float | None, float | None]
) -> Iterator[CalibrationFinding]:
    value, sigma = bow
    if value is None or sigma is None:
        return
    step = "Lay it under a flat weight or glue it to glass, or use another one; then take it again."
    if value - sigma > BENT_MM:
        yield finding("bent_target", [], f"the flat target is bent by {value:.1f} mm", step)
        return
    common = 100 * np.nanmedian(evidence.solved.flat, axis=1)
    pattern = float(np.nanmedian(np.abs(common))) / NORMAL_MEDIAN  # specks are few and do no harm
    blotches = _blotches_percent(fit)
    if pattern > PATTERN_PERCENT or blotches > BLOTCHES_PERCENT:
        uneven = float(np.hypot(pattern, blotches))
        words = f"the flat target is not even: it changes by {uneven:.1f} % from place to place"
        yield finding("bent_target", [], words, step)


def _blotches_percent(fit: LightsFit) -> float:
    """Rms of the sheet's reflectance over a card's place."""
    if fit.sheet is None:
        return 0.0
    return 100 * float(np.std(fit.sheet.blotch @ card_terms().blotch))


def _disagree(evidence: Evidence) -> Iterator[CalibrationFinding]:
    if evidence.alone is None or evidence.posed.alone is None:
        return
    (flats, balls), places = evidence.alone, [one.unknowns.at("place") for one in evidence.posed.alone]
    wrong = []
    for n, light in enumerate(evidence.seen):
        own, other = places[0][n], places[1][n]
        one, two = flats.vector[own], balls.vector[other]
        both = flats.covariance[np.ix_(own, own)] + balls.covariance[np.ix_(other, other)]
        if _angle_deg(one, two) > max(APART_SIGMAS * direction_sigma_deg(one, both), APART_DEG):
            wrong.append(int(light))
    if wrong:
        yield finding(
            "disagree", wrong, f"flats and spheres do not agree where {named(wrong)} is",
            "Check the flat's height and the sphere's size, then take both kinds of pictures again.",
        )  # fmt: skip


def _angle_deg(one: Array, other: Array) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)))
