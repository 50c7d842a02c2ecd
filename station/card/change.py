"""Whether two small pictures of one place differ by more than their noise and the flicker of their light.

Pictures are made so that the noise is about the same wherever they are bright or dark: twice the square root
of the light, for which shot noise has one size (Anscombe, 1948, without the small term).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIGMAS = 6.0
"""Of the noise of a difference, beyond which a cell has changed: none of 30,000 cells does by chance."""
TREMOR_CELLS = 0.3
"""By which a picture may shift: 0.15 mm. What creeps on further is noticed all the same, a little later."""
_FLOOR = 0.01  # least noise reckoned with: codes that are rounded alike do not differ at all
_DARK_CODES = 1.0  # read noise, as if it were the shot noise of so much light
_SMOOTH_ROWS = 9
_FLICKER = 1.6  # by which factor a row may be brighter
_BINS = 3  # levels of brightness whose noise is told apart
_RISE = 1.02
_TINY = 0.1
_END = 10  # cells
_ENDS = np.r_[0:_END, -_END:0]


def even(picture: NDArray[np.floating]) -> Image:
    """Square roots of a picture (rows, columns) in codes after black level, its noise smoothed and even."""
    light = np.maximum(np.asarray(picture, np.float32), 0) + np.float32(_DARK_CODES)
    return np.asarray(cv2.blur(2 * np.sqrt(light), (3, 3)), np.float32)


def row_gains(picture: Image, reference: Image) -> Image:
    """By how much each row has more light: (rows, 1). Lights that are dimmed or flicker do that to rows.

    A median, so that what lies in less than half of a row does not count; and smooth along the columns,
    because rows are exposed one shortly after another.
    """
    ratios = _ratios(picture[:, ::2], reference[:, ::2])
    return _smooth(np.asarray(np.median(ratios, axis=1), np.float32))


def rim_gains(picture: Image, reference: Image) -> Image:
    """The same by the left or the right end of each row, whichever differs less: what lies between is new."""
    ratios = _ratios(picture[:, _ENDS], reference[:, _ENDS])
    left, right = np.median(ratios[:, :_END], axis=1), np.median(ratios[:, _END:], axis=1)
    nearer = np.where(np.abs(np.log(left)) < np.abs(np.log(right)), left, right)
    return _smooth(np.asarray(nearer, np.float32))


def _ratios(picture: Image, reference: Image) -> Image:
    least = np.float32(_TINY)
    ratios = np.maximum(light_of(picture), least) / np.maximum(light_of(reference), least)
    return np.asarray(ratios, np.float32)


def _smooth(ratios: Image) -> Image:
    half = _SMOOTH_ROWS // 2
    padded = np.pad(ratios, half, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, _SMOOTH_ROWS), axis=1)
    return np.clip(smooth, 1 / _FLICKER, _FLICKER).astype(np.float32)[:, None]


def lit_alike(reference: Image, gains: Image) -> Image:
    """A picture as it would look with so much more light in each row."""
    return np.asarray(2 * np.sqrt(light_of(reference) * gains + np.float32(_DARK_CODES)), np.float32)


class Noise:
    """Of the pictures under one lighting, learned from pairs of them."""

    def __init__(self) -> None:
        self._sigmas: NDArray[np.float32] | None = None

    def learn(self, picture: Image, before: Image) -> None:
        """From two pictures, one after the other; the least counts, for what moves is no noise."""
        expected = lit_alike(before, row_gains(picture, before))
        difference = np.abs(picture - expected)[::2, ::2]
        level = _levels(before)[::2, ::2]
        seen = np.array([_sigma(difference[level == one]) for one in range(_BINS)], np.float32)
        if self._sigmas is None:
            self._sigmas = seen
        else:
            self._sigmas = np.minimum(np.maximum(seen, 0.7 * self._sigmas), _RISE * self._sigmas)

    def of(self, picture: Image) -> Image:
        """Standard deviation (rows, columns) of a picture that looks like this one."""
        if self._sigmas is None:
            return np.full(picture.shape, np.inf, np.float32)
        return np.asarray(self._sigmas[_levels(picture)], np.float32)


def _levels(picture: Image) -> NDArray[np.intp]:
    low, high = np.quantile(picture[::4, ::4], (1 / _BINS, 1 - 1 / _BINS))
    return np.asarray((picture > low).astype(np.intp) + (picture > high), np.intp)


def _sigma(difference: Image) -> float:
    median = float(np.median(difference)) if difference.size else 0.0
    return max(_FLOOR, 1.4826 * median / 2**0.5)


def changed(picture: Image, expected: Image, sigma: Image, share: float) -> Mask:
    """Cells that differ by more than the noise and by more than a share of their light.

    Args:
        picture: of `even`.
        expected: the same, under the picture's own light, see `lit_alike`.
        sigma: of `Noise`.
        share: of the light, such as 0.06.
    """
    bound = np.maximum(SIGMAS * sigma, share / 2 * np.maximum(picture, expected))
    return np.asarray(np.abs(picture - expected) > bound, np.bool_)


def moved(picture: Image, expected: Image, sigma: Image, share: float) -> Mask:
    """Cells that changed by more than a tremor of camera or table does, see `changed`."""
    per_cell = cv2.morphologyEx(expected, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) / 2
    trembles = np.abs(picture - expected) <= TREMOR_CELLS * per_cell
    return np.asarray(changed(picture, expected, sigma, share) & ~trembles, np.bool_)


def light_of(picture: Image) -> Image:
    """Back from square roots to light, in codes after black level."""
    return np.asarray(np.maximum(picture * picture / 4 - np.float32(_DARK_CODES), 0), np.float32)
