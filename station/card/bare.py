"""The bare mat as it was seen, and what does not look like it."""

import cv2
import numpy as np

from .change import Image, Mask, Noise, changed, light_of, lit_alike, rim_gains
from .mat import filled, without_specks

COVERED_SHARE = 0.12
"""Of its light, by which a cell differs from the bare mat at least."""
_GLARE_SHARE = 0.04  # of the strongest deviation: stray light around a bright card stays below it
_NEWEST = 0.03  # weight of the newest picture
_AROUND = 17  # cells: shadow and stray light beside what lies there are not learned
_RIM = 2  # cells
_RIM_SHARE = 0.6
_BRIGHTER = 4.0


def unlike(picture: Image, mat: Image, noise: Noise) -> Mask:
    """Where a picture does not look like the bare mat, and what that encloses; both as `even` makes them."""
    expected = lit_alike(mat, rim_gains(picture, mat))
    differs = changed(picture, expected, noise.of(picture), COVERED_SHARE)
    deviation = np.abs(light_of(picture) - light_of(expected))
    raw = differs & (deviation > _GLARE_SHARE * np.percentile(deviation[::2, ::2], 98))
    closed = cv2.morphologyEx(raw.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return without_specks(filled(np.asarray(closed, np.uint8))).astype(bool)


def all_around(mask: Mask) -> bool:
    """Whether most of the picture's rim is unlike the mat: the light has changed, not what lies there."""
    inner = mask[_RIM:-_RIM, _RIM:-_RIM]
    rim = (np.count_nonzero(mask) - np.count_nonzero(inner)) / (mask.size - inner.size)
    return bool(rim > _RIM_SHARE)


def followed(mat: Image, picture: Image, mask: Mask) -> Image:
    """The mat as it is now where it shows; elsewhere its light has changed like that of the rest."""
    covered = cv2.dilate(mask.astype(np.uint8), np.ones((_AROUND, _AROUND), np.uint8)).astype(bool)
    if covered.all():
        return mat
    gain = float(picture[~covered].mean() / mat[~covered].mean())  # as the rest follows, on average
    towards = np.where(covered, gain * mat, picture)
    return np.asarray(mat + np.float32(_NEWEST) * (towards - mat), np.float32)


def may_be_mat(picture: Image, mat: Image) -> bool:
    """Whether it may be the same mat under another light; a sheet of paper is too bright for that."""
    ratio = float(np.median(light_of(picture)) / np.median(light_of(mat)))
    return 1 / _BRIGHTER < ratio < _BRIGHTER
