"""What the fit of the lights yields, with its uncertainties."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...documents.calibration import CalibrationFinding, LightFit
from ...documents.profile import LightProfile
from .adjustment import NORMAL_MEDIAN, Adjusted
from .flat_model import Terms, terms_of
from .problem import Problem

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

CARD_HALF_MM = (31.5, 44.0)


@dataclass(frozen=True, slots=True)
class Placement:
    """How the sheet lay in one look.

    Attributes:
        height_mm: of its plane over the mat's centre.
        tilt: its slopes along x and y; radians, to first order.
        gains: (lights,), by how much each light's power differed from its mean over the looks, in logarithms.
    """

    height_mm: float
    tilt: tuple[float, float]
    gains: Array


@dataclass(frozen=True, slots=True)
class Sheet:
    """The flat target's own shape and blotches, as coefficients of `flat_model.Terms`."""

    shape_mm: Array
    blotch: Array


@dataclass(frozen=True, slots=True)
class LightsFit:
    """The lights and what was learnt beside them.

    Attributes:
        lights: all of the rig, powers with mean 1. A light that was not observed is that of the start.
        fits: one for each light that was observed.
        codes: of a white sheet (reflectance 1) per unit of power and irradiance (mm^-2); None without flats.
        sheet: None without flats.
        sheet_bow_mm: height difference over the seen part of the sheet; None without flats.
        sheet_bow_sigma_mm: its standard uncertainty.
        placements: one for each look at the flat.
        sheet_tilt_deg: (along x, along y) of each placement.
        vignetting: of the logarithm, coefficients of r^2, r^4, r^6 with r = 1 in the picture's corners.
        residual_percent: (lights, rows, columns), mean over the looks of observed against fitted flat; NaN
            where there is none.
        ball_residual_px: (balls, lights, 2), predicted less observed highlights; NaN where none was seen.
        covariance: (3 lights, 3 lights) mm^2, of the positions in their order; NaN for unobserved lights.
        findings: what is wrong.
    """

    lights: tuple[LightProfile, ...]
    fits: tuple[LightFit, ...]
    codes: float | None
    sheet: Sheet | None
    sheet_bow_mm: float | None
    sheet_bow_sigma_mm: float | None
    placements: tuple[Placement, ...]
    vignetting: tuple[float, ...]
    residual_percent: Array
    ball_residual_px: Array
    covariance: Array
    findings: tuple[CalibrationFinding, ...] = ()

    @property
    def sheet_tilt_deg(self) -> tuple[tuple[float, float], ...]:
        """(along x, along y) of each placement."""
        return tuple((float(np.degrees(p.tilt[0])), float(np.degrees(p.tilt[1]))) for p in self.placements)


def direction_sigma_deg(place_mm: Array, covariance: Array) -> float:
    """Rms angle by which the direction from the mat's centre to a light may be wrong."""
    far = float(np.linalg.norm(place_mm))
    across = np.eye(3) - np.outer(place_mm, place_mm) / far**2
    return float(np.degrees(np.sqrt(max(np.trace(across @ covariance @ across), 0.0)) / far))


def light_fits(problem: Problem, solved: Adjusted, lit: Indices) -> tuple[LightFit, ...]:
    """The uncertainty of each light that was observed."""
    at = problem.unknowns.at
    levels = at("level")
    mean = np.eye(len(lit)) - 1.0 / len(lit)
    relative = mean @ solved.covariance[np.ix_(levels, levels)] @ mean
    fits = []
    for n, light in enumerate(lit):
        own = at("place")[n]
        covariance = solved.covariance[np.ix_(own, own)]
        x, y, z = np.sqrt(np.diag(covariance)).tolist()
        fits.append(
            LightFit(
                light=int(light),
                position_sigma_mm=(x, y, z),
                direction_sigma_deg=direction_sigma_deg(solved.vector[own], covariance),
                power_sigma_percent=100 * float(relative[n, n]) ** 0.5 if problem.looks else None,
                highlight_rms_px=_rms(solved.highlights_px[:, n]),
                flat_rms_percent=_spread_percent(solved.flat[:, n]),
            )
        )
    return tuple(fits)


def _rms(values: Array) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(known**2))) if len(known) else None


def _spread_percent(logs: Array) -> float | None:
    """By the median, so that a speck on the sheet does not count."""
    known = np.abs(logs[np.isfinite(logs)])
    return 100 * float(np.median(known)) / NORMAL_MEDIAN if len(known) else None


def card_terms() -> Terms:
    """The sheet's polynomials over a card's place."""
    edges = [np.linspace(-half, half, 9) for half in CARD_HALF_MM]
    return terms_of(np.stack(np.meshgrid(*edges), axis=-1).reshape(-1, 2), turned=False)


def bow_mm(problem: Problem, solved: Adjusted) -> tuple[float, float]:
    """Height difference of the sheet's own shape over a card's place, and its standard uncertainty."""
    terms = card_terms()
    index = problem.unknowns.at("shape")
    heights = solved.vector[index] @ terms.shape
    slope = terms.shape[:, int(np.argmax(heights))] - terms.shape[:, int(np.argmin(heights))]
    variance = float(slope @ solved.covariance[np.ix_(index, index)] @ slope)
    return float(np.ptp(heights)), variance**0.5
