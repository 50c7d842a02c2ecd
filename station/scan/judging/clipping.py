"""How much of the card is too bright in too many lights to be solved?"""

import cv2
import numpy as np

from ...card.geometry import plane_to_pixels
from ...documents.judgement import Problem
from ...documents.scan import Outline
from ...photometric.stack import FEWEST_LIGHTS
from ..pipeline import CARD_THICKNESS_MM
from .reduced import Reduced

MOST_PERCENT = 2.0
"""Of the card's area: as much as its white borders hold where they are narrow. Foil cards of the twin at its
usual exposure lose nothing."""


def clipped_percent(small: Reduced, card: Outline) -> float:
    """Share of the card in which fewer lights than a normal takes (`FEWEST_LIGHTS`) are below full scale."""
    corners = plane_to_pixels(small.camera, np.array(card.corners_mm), CARD_THICKNESS_MM)
    mask = np.zeros(small.clipped.shape[1:], np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners).astype(np.int32), (1,))
    lost = (~small.clipped).sum(axis=0) < min(FEWEST_LIGHTS, small.lights)
    return 100 * float(lost[mask > 0].mean()) if mask.any() else 0.0


def problem(percent: float) -> Problem | None:
    """What is to be said of it."""
    if percent <= MOST_PERCENT:
        return None
    message = f"{percent:.0f} % of the card is too bright to be measured in at least {FEWEST_LIGHTS} lights"
    return Problem(code="picture_clipped", message=message)
