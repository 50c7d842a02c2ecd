"""Did something pass over the mat beside the card? The mat is matte, whatever lies on it.

Over the flat field a bare place of the mat is equally bright in every frame; a hand makes it another
brightness in those frames that see it.
"""

import cv2
import numpy as np

from ...documents.judgement import Problem
from .lying import CELL_MM, Mask, foreground, in_cells
from .motion import moved
from .reduced import Floats, Reduced

CHANGE = 1.6
"""Factor between two frames' brightness of one place; skin on a black mat makes 3, noise of the mat less than
1.2."""
NARROWEST = 5
"""Cells, 2.5 mm: narrower are glints of a film, and shadows of the card's edge."""
LEAST_MM2 = 25.0
"""A finger tip that is seen by half; no still card of the twin, foil and sleeves among them, made any."""
RIM = 9
"""Cells around what lies there that are left out: its shadow, and where its film ends."""


def passing_mm2(small: Reduced) -> float:
    """Over how much of the bare mat something passed, in square millimetres: the worst frame's."""
    frames = [in_cells(one, small)[0] for one in small.ratios]
    usual = np.median(frames, axis=0).astype(np.float32)
    lying = np.asarray(cv2.dilate(foreground(usual), np.ones((RIM, RIM), np.uint8)), np.uint8)
    return max(_changed(frame, usual, lying) for frame in frames) * CELL_MM**2


def _changed(frame: Floats, usual: Floats, lying: Mask) -> float:
    smooth, before = cv2.blur(frame, (3, 3)), cv2.blur(usual, (3, 3))
    other = (smooth > CHANGE * before) | (before > CHANGE * smooth)
    mask = (other & (lying == 0)).astype(np.uint8)
    return float(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((NARROWEST, NARROWEST), np.uint8)).sum())


def problem(area_mm2: float) -> Problem | None:
    """What is to be said of it."""
    if area_mm2 < LEAST_MM2:
        return None
    return moved("something moved through the picture while the card was scanned: a hand?")
