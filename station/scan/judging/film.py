"""Does something clear lie over the card? The glints of a film beside the card, where the card has none.

A film mirrors each light from another place, and it sticks out beyond the card, over the mat, which is matte.
What the haze of a film makes of the mat is seen by `lying` already; a film without haze shows by its glints
alone. One that ends at the card's edge cannot be told from a varnish, and is not looked for.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ...card.geometry import plane_to_pixels
from ...documents.judgement import Problem
from ...documents.scan import Outline
from ..pipeline import CARD_THICKNESS_MM
from .lying import in_cells
from .reduced import Reduced

BESIDE_MM = (0.8, 4.0)
"""From the card's edge: nearer is the shadow of the edge, farther no sleeve reaches."""
GLINT = 0.15
"""Of the brightness of the card's brighter half: by how much a place has to shine in one light more than in
the usual one."""
LEAST_PERCENT = 4.0
"""Of what lies beside the card: 100 bare cards of the twin, foil among them, had none, 20 in sleeves 15 and
more."""


def glints_percent(small: Reduced, card: Outline) -> float:
    """Share of the surroundings of a card that shine in one light and not in most."""
    frames = np.stack([in_cells(one, small)[0] for one in small.ratios[: small.lights]])
    usual = np.median(frames, axis=0)
    inside, outer = (_within(small, card, margin, usual.shape) for margin in BESIDE_MM)
    on_card = _within(small, card, 0.0, usual.shape)
    white = float(np.percentile(usual[on_card > 0], 75))
    shining = (frames.max(axis=0) - usual) > GLINT * white
    beside = (outer > 0) & (inside == 0)
    return 100 * float(shining[beside].mean())


def _within(small: Reduced, card: Outline, margin_mm: float, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    corners = np.array(card.corners_mm)
    middle = corners.mean(axis=0)
    out = corners - middle
    grown = middle + out * (1 + margin_mm * np.sqrt(2) / np.linalg.norm(out, axis=1, keepdims=True))
    pixels = plane_to_pixels(small.camera, grown, CARD_THICKNESS_MM)
    cells = pixels * shape[1] / small.camera.width_px
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(cells).astype(np.int32), (1,))
    return mask


def problem() -> Problem:
    """What is to be said of it."""
    return Problem(
        code="card_glare", message="a sleeve or a film lies over the card: take the card out of it"
    )
