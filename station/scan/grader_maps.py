"""What a grader looks at besides the maps: slope, curvature, foil, confidence, and places that stand out."""

from dataclasses import asdict, dataclass

import cv2
import numpy as np

from ..card.rectify import Rectification
from ..documents.candidate import FlawCandidate, FlawCandidates
from ..photometric.candidates import THRESHOLD_SIGMA, Candidates, find_candidates
from ..photometric.confidence import confidence
from ..photometric.curvature import Curvature, curvature, slope_deg
from ..photometric.holo import holo
from ..photometric.integrate import Slopes, slopes
from ..photometric.solve import Solution
from ..photometric.stack import LightField, Pictures
from .maps import MM_PER_INCH, Bools, Floats, Maps, linear, smoothing

FOIL = 0.05
"""Coloured light, in units of albedo, from which a place counts as foil: the twin's foil has 0.11 to 0.2, its
varnished print below 0.01 but for edges."""
FOIL_MM = 0.5
"""Side of the square that it is averaged over."""


@dataclass(frozen=True, slots=True)
class GraderMaps:
    """Maps in the card frame, as `Maps` has them; they mean nothing where `valid` there is False.

    Attributes:
        surface: slopes, card frame.
        sigma: float32 (H, W), standard uncertainty of a slope per axis, made wider by as much as the lights
            contradict the model.
        confidence: float32 (H, W), 0 to 1, see `photometric.confidence`.
        holo: float32 (H, W), coloured light that changes from light to light, in units of albedo.
        holo_lights: float32 (H, W), how many lights share what is over the matte fit.
        candidates: places that stand out; foil is not searched.
    """

    surface: Slopes
    sigma: Floats
    confidence: Floats
    holo: Floats
    holo_lights: Floats
    candidates: Candidates

    @property
    def slope_deg(self) -> Floats:
        """Angle between surface and card plane, (H, W)."""
        return slope_deg(self.surface)

    def curvature(self, valid: Bools, scale_mm: float) -> Curvature:
        """Curvatures under a Gaussian, computed when asked for: a scale takes as much memory as all maps."""
        return curvature(self.surface, self.sigma, valid, scale_mm)


def grader_maps(
    maps: Maps, solution: Solution, plan: Rectification, pictures: Pictures, field: LightField
) -> GraderMaps:
    """Derive them from a solution and its maps.

    Args:
        maps: in the card frame.
        solution: in the camera's frame.
        plan: the way from the one to the other.
        pictures: that were solved.
        field: their light.
    """
    figures = np.stack([solution.widened_sigma_rad, confidence(solution)], axis=2)
    sigma, trust = (np.ascontiguousarray(part) for part in np.moveaxis(linear(figures, plan), 2, 0))
    sigma *= smoothing(plan)
    foil = holo(pictures, field, solution)
    colour = _from_blocks(foil.colour, foil.block, plan)
    surface = slopes(maps.normals, maps.valid, MM_PER_INCH / maps.dpi)
    return GraderMaps(
        surface=surface,
        sigma=sigma,
        confidence=np.where(maps.valid, np.clip(trust, 0, 1), 0),
        holo=colour,
        holo_lights=_from_blocks(foil.lights, foil.block, plan),
        candidates=find_candidates(
            surface, sigma, maps.albedo, maps.height_um, maps.valid & ~_foil(colour, maps.dpi)
        ),
    )


def as_document(grader: GraderMaps) -> FlawCandidates:
    """The candidates as they are stored."""
    searched = grader.candidates.searched
    return FlawCandidates(
        threshold_sigma=THRESHOLD_SIGMA,
        searched_percent=100 * float(searched.sum() / max((grader.confidence > 0).sum(), 1)),
        candidates=tuple(FlawCandidate(**asdict(item)) for item in grader.candidates.items),
    )


def _foil(colour: Floats, dpi: float) -> Bools:
    """Where coloured light is more than the rim of a print's edge: on foil slopes mean nothing."""
    square = (max(1, round(FOIL_MM * dpi / MM_PER_INCH)),) * 2
    return np.asarray(cv2.blur(colour, square) > FOIL)


def _from_blocks(image: Floats, block: int, plan: Rectification) -> Floats:
    columns, rows = ((places + 0.5) / block - 0.5 for places in (plan.columns, plan.rows))
    return np.asarray(
        cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )
