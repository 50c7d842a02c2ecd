"""The card as something that is not mat: a coarse look at the whole picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from station.documents.fault import StationError
from station.documents.plan import CARD_HEIGHT_MM, CARD_WIDTH_MM
from station.documents.profile import CameraProfile

from .geometry import pitch_mm, pixels_to_plane, plane_to_pixels

Array = NDArray[np.float64]
Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

CELL_MM = 0.5
"""Side of a coarse pixel: fine enough for a corner, coarse enough to forget dust and print."""
SIZE_TOLERANCE_MM = 4.5
"""Admits the small size of 59 x 86 mm and misses of the coarse look."""
_SIGMAS = 6.0
_LEAST_SHARE = 0.04  # of the strongest deviation: halo and stray light around a bright card stay below it
_RING = 0.03


@dataclass(frozen=True, slots=True)
class _Blob:
    hull: Array  # (N, 2) full-size pixels
    area_mm2: float
    touches: bool


def rough_corners(image: Image, camera: CameraProfile, z_mm: float) -> Array:
    """Corners (4, 2) mm within a millimetre or two: top left, top right, bottom right, bottom left.

    Raises:
        StationError: `card_not_found`.
    """
    factor = max(1, round(CELL_MM / pitch_mm(camera, (0.0, 0.0), z_mm)))
    blobs = _blobs(foreground(_shrink(image, factor)), factor, camera, z_mm)
    card = _the_card(blobs)
    if card.touches:
        raise StationError("card_not_found", "the card sticks out of the picture; move it towards the centre")
    box = cv2.boxPoints(cv2.minAreaRect(pixels_to_plane(camera, card.hull, z_mm).astype(np.float32)))
    return _in_card_order(np.asarray(box, np.float64), camera, z_mm)


def check_size(width_mm: float, height_mm: float) -> None:
    """Refuse what is no card.

    Raises:
        StationError: `card_not_found`.
    """
    excess = max(width_mm - CARD_WIDTH_MM, height_mm - CARD_HEIGHT_MM)
    lack = max(CARD_WIDTH_MM - width_mm, CARD_HEIGHT_MM - height_mm)
    nominal = f"{CARD_WIDTH_MM:.0f} x {CARD_HEIGHT_MM:.0f} mm"
    found = f"what lies there measures about {width_mm:.0f} x {height_mm:.0f} mm, a card {nominal}"
    if excess > SIZE_TOLERANCE_MM:
        raise StationError("card_not_found", f"{found}: is there more than one card, or something beside it?")
    if lack > SIZE_TOLERANCE_MM:
        raise StationError("card_not_found", f"{found}: is part of it as dark or bright as the mat?")


def _shrink(image: Image, factor: int) -> Image:
    height, width = (size // factor * factor for size in image.shape)
    size = (width // factor, height // factor)
    small = cv2.resize(image[:height, :width], size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def foreground(small: Image) -> Mask:
    """What differs from a quadratic surface through the mat, which surrounds the card.

    The picture (rows, columns) has cells of `CELL_MM`, or about that.
    """
    ring = np.ones(small.shape, bool)
    edge = max(2, round(_RING * min(small.shape)))
    ring[edge:-edge, edge:-edge] = False
    mask = _different(small, ring)
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    if (~grown).sum() > 2 * ring.sum() / 3:  # look again with all the mat there is, not its rim alone
        mask = _different(small, ~grown)
    return mask


def _different(small: Image, mat: Mask) -> Mask:
    deviation = small - _surface(small, mat)
    sigma = 1.4826 * float(np.median(np.abs(deviation[mat])))
    strongest = float(np.percentile(np.abs(deviation), 98))
    raw = np.abs(deviation) > max(_SIGMAS * sigma, _LEAST_SHARE * strongest, 1e-9)
    small_gap = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    closed = cv2.morphologyEx(raw.astype(np.uint8), cv2.MORPH_CLOSE, small_gap)
    return without_specks(filled(np.asarray(closed, np.uint8))).astype(bool)


def filled(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Whatever mat cannot be reached from the picture's rim is card: dark print inside a border."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(mask), outlines, -1, (1,), cv2.FILLED)
    return np.asarray(filled, np.uint8)


def without_specks(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Dust and hair narrower than 2.5 mm go, also where they touch the card."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel), np.uint8)


def _surface(small: Image, mat: Mask) -> Array:
    y, x = np.mgrid[-1 : 1 : small.shape[0] * 1j, -1 : 1 : small.shape[1] * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    basis, values = terms[mat], small[mat].astype(np.float64)
    weights = np.ones(len(values))
    for _ in range(8):
        solution = np.linalg.lstsq(basis * weights[:, None], values * weights, rcond=None)[0]
        residual = np.abs(values - basis @ solution)
        scale = 3 * 1.4826 * float(np.median(residual)) + 1e-12
        weights = 1 / (1 + (residual / scale) ** 2)
    return np.asarray(terms @ solution, np.float64)


def _blobs(mask: Mask, factor: int, camera: CameraProfile, z_mm: float) -> list[_Blob]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    blobs = []
    for label in range(1, count):
        left, top, width, height, pixels = (int(value) for value in stats[label])
        if pixels * CELL_MM**2 < 25:
            continue
        rows, columns = np.nonzero(labels == label)
        hull = cv2.convexHull(np.column_stack([columns, rows]).astype(np.float32)).reshape(-1, 2)
        full = (hull + 0.5) * factor - 0.5
        touches = left == 0 or top == 0 or left + width == mask.shape[1] or top + height == mask.shape[0]
        flat = pixels_to_plane(camera, full, z_mm).astype(np.float32)
        blobs.append(_Blob(full.astype(np.float64), float(cv2.contourArea(cv2.convexHull(flat))), touches))
    return sorted(blobs, key=lambda blob: -blob.area_mm2)


def _the_card(blobs: list[_Blob]) -> _Blob:
    card_area = CARD_WIDTH_MM * CARD_HEIGHT_MM
    large = [blob for blob in blobs if blob.area_mm2 > 0.5 * card_area]
    if large and sum(blob.area_mm2 > 0.25 * card_area for blob in blobs) > 1:
        raise StationError("card_not_found", "there is more than one card in the picture; leave one")
    if large:
        return large[0]
    if any(blob.touches and blob.area_mm2 > 0.05 * card_area for blob in blobs):
        raise StationError(
            "card_not_found", "only part of a card is in the picture; move it towards the centre"
        )
    return _joined(blobs, card_area)


def _joined(blobs: list[_Blob], card_area: float) -> _Blob:
    """A card whose print is as dark as the mat falls into pieces; together they still span it."""
    total = sum(blob.area_mm2 for blob in blobs)
    if total < 0.1 * card_area:
        raise StationError("card_not_found", "nothing of a card's size differs from the mat")
    hull = cv2.convexHull(np.vstack([blob.hull for blob in blobs]).astype(np.float32)).reshape(-1, 2)
    return _Blob(hull.astype(np.float64), total, any(blob.touches for blob in blobs))


def _in_card_order(box: Array, camera: CameraProfile, z_mm: float) -> Array:
    """Order by what the camera sees: up is the side nearest the picture's top."""
    centre = box.mean(axis=0)
    middles = (box + np.roll(box, -1, axis=0)) / 2
    top = int(np.argmin(plane_to_pixels(camera, middles, z_mm)[:, 1]))
    up = middles[top] - centre
    right = np.array([up[1], -up[0]])  # clockwise from above, where the camera is
    across, along = (box - centre) @ right, (box - centre) @ up
    width = float(np.linalg.norm(box[(top + 1) % 4] - box[top]))
    height = 2 * float(np.linalg.norm(up))
    if width > CARD_HEIGHT_MM - SIZE_TOLERANCE_MM and height < CARD_WIDTH_MM + SIZE_TOLERANCE_MM:
        raise StationError("card_not_found", "the card lies across; turn it upright")
    check_size(width, height)
    quadrant = [(-1, 1), (1, 1), (1, -1), (-1, -1)]
    return np.array([box[int(np.argmax(across * sx + along * sy * (width / height)))] for sx, sy in quadrant])
