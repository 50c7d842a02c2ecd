"""Separate things in a mask of what is not mat."""

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from station.documents.plan import CARD_HEIGHT_MM, CARD_WIDTH_MM

from .mat import CELL_MM, SIZE_TOLERANCE_MM

Mask = NDArray[np.bool_]

LEAST_MM2 = 100.0
"""What is smaller is dust, lint, or print that happens to differ from a dark card."""
_CARD_MM2 = CARD_WIDTH_MM * CARD_HEIGHT_MM
_MUCH = 1.15  # of a card's area, above which it is more than one


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies there.

    Attributes:
        covered: share of the picture.
        pieces: separate things; parts that fit into one card together are one.
        whole: whether nothing reaches the picture's rim.
    """

    covered: float = 0.0
    pieces: int = 0
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Blob:
    hull: NDArray[np.float32]  # (N, 2) mm
    area_mm2: float
    touches: bool

    @property
    def within_a_card(self) -> bool:
        short, long = sorted(cv2.minAreaRect(self.hull)[1])
        return short <= CARD_WIDTH_MM + SIZE_TOLERANCE_MM and long <= CARD_HEIGHT_MM + SIZE_TOLERANCE_MM

    def with_(self, other: "_Blob") -> "_Blob":
        hull = cv2.convexHull(np.vstack([self.hull, other.hull])).reshape(-1, 2)
        area_mm2 = self.area_mm2 + other.area_mm2
        return _Blob(np.asarray(hull, np.float32), area_mm2, self.touches or other.touches)


def lying(mask: Mask) -> Lying:
    """Count what a mask (rows, columns) with cells of `CELL_MM` shows."""
    found = [blob for blob in _joined(_blobs(mask)) if blob.area_mm2 >= LEAST_MM2]
    if not found:
        return Lying()
    covered_mm2 = sum(blob.area_mm2 for blob in found)
    return Lying(
        covered_mm2 / (mask.size * CELL_MM**2),
        sum(max(1, ceil(blob.area_mm2 / (_MUCH * _CARD_MM2))) for blob in found),
        not any(blob.touches for blob in found),
    )


def _blobs(mask: Mask) -> list[_Blob]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    blobs = []
    for label in range(1, count):
        left, top, width, height, cells = (int(value) for value in stats[label])
        if cells * CELL_MM**2 < LEAST_MM2 / 10:
            continue
        alone = (labels[top : top + height, left : left + width] == label).astype(np.uint8)
        outlines, _ = cv2.findContours(alone, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(left, top))
        places = CELL_MM * np.vstack(outlines).reshape(-1, 2).astype(np.float32)
        touches = left == 0 or top == 0 or left + width == mask.shape[1] or top + height == mask.shape[0]
        hull = np.asarray(cv2.convexHull(places).reshape(-1, 2), np.float32)
        blobs.append(_Blob(hull, cells * CELL_MM**2, touches))
    return sorted(blobs, key=lambda blob: -blob.area_mm2)


def _joined(blobs: list[_Blob]) -> list[_Blob]:
    """A card whose print is as dark as the mat falls into parts, which together still fit into a card."""
    whole: list[_Blob] = []
    for blob in blobs:
        for index, other in enumerate(whole):
            both = other.with_(blob)
            if both.within_a_card:
                whole[index] = both
                break
        else:
            whole.append(blob)
    return whole
