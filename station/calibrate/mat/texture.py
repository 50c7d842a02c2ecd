"""A small picture of a texture, found again in a larger one: where, how surely, and how sharp it still is."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

INSET = 0.125
"""Share of the side that is left off all around, so that a texture at the picture's border may move out a
little and is still found."""
LEAST_PIXELS = 12
"""Side below which chance alone finds a likeness."""
LEGIBLE = 0.75
"""Correlation between the texture under every other light and under those between: noise has none, but for
that of the one ambient picture which is in all of them."""
LIKE = 0.5
"""Correlation with what was found. Chance reaches 0.35 in the smallest texture (12 x 12 pixels, some hundred
places tried, 3.5 standard deviations)."""
_SMOOTH_PX = 0.8
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-6)
FINE_CY_PER_PX = (0.14, 0.25)
"""Periods of four to seven pixels: what a slight defocus takes first, and noise does not yet rule."""
LEAST_DETAIL = 1.0
"""Power of fine detail over that of the noise in it, below which the noise is not known well enough."""
_FLOOR_CY_PER_PX = 0.45


@dataclass(frozen=True, slots=True)
class Found:
    """Where a texture is now.

    Attributes:
        shift_px: (2,), x and y, against where it was.
        covariance: (2, 2), of the shift.
        likeness: correlation, 0 to 1.
    """

    shift_px: Array
    covariance: Array
    likeness: float


def legible(planes: NDArray[np.floating]) -> bool:
    """Whether a texture shows more than noise.

    Args:
        planes: (lights, rows, columns), the same place under each light.
    """
    if min(planes.shape[1:]) * (1 - 2 * INSET) < LEAST_PIXELS or len(planes) < 2:
        return False
    level = np.maximum(planes.mean(axis=(1, 2), keepdims=True), 1e-6)
    detail = np.stack([_plain(plane) for plane in planes / level])
    return _correlation(detail[::2].mean(axis=0), detail[1::2].mean(axis=0)) >= LEGIBLE


def _plain(picture: NDArray[np.floating]) -> Array:
    """Less a plane through it: fall-off of the light is no texture."""
    rows, columns = picture.shape
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    terms = np.stack([np.ones_like(x), x, y], axis=-1).reshape(-1, 3)
    fitted = np.linalg.lstsq(terms, picture.reshape(-1).astype(np.float64), rcond=None)[0]
    return np.asarray(picture - (terms @ fitted).reshape(picture.shape), np.float64)


def _correlation(one: Array, other: Array) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() / max(np.sqrt((one**2).sum() * (other**2).sum()), 1e-12))


def _inner(texture: Floats) -> tuple[Floats, int]:
    inset = round(INSET * min(texture.shape))
    return np.ascontiguousarray(texture[inset:-inset, inset:-inset]), inset


def find(texture: Floats, window: Floats, at_px: Array) -> Found | None:
    """Look for a texture; None: what is there is not like it.

    Args:
        texture: (rows, columns), as it was.
        window: a larger part of the picture now.
        at_px: (2,), x and y of the texture's first pixel in the window, if nothing had moved.
    """
    inner, inset = _inner(texture)
    if inner.shape[0] > window.shape[0] or inner.shape[1] > window.shape[1]:
        return None
    soft = [cv2.GaussianBlur(one, (0, 0), _SMOOTH_PX) for one in (window, inner)]
    scores = cv2.matchTemplate(soft[0], soft[1], cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    if not best >= LIKE:
        return None
    warp = np.array([[1, 0, x], [0, 1, y]], np.float32)
    try:
        likeness, found = cv2.findTransformECC(
            inner, window, warp, cv2.MOTION_TRANSLATION, _CRITERIA, np.ones(window.shape, np.uint8), 3
        )
    except cv2.error:  # it did not converge: the two are not alike after all
        return None
    place = np.asarray(found, np.float64)[:, 2]
    if np.abs(place - (x, y)).max() > 1.5:
        return None
    return Found(place - at_px - inset, _covariance(inner, window, place), float(likeness))


def _covariance(inner: Floats, window: Floats, place: Array) -> Array:
    """Of the shift, by what is left of the picture when the texture is taken out (Cramér and Rao's bound)."""
    seen = at(window, place, inner.shape)
    terms = np.stack([inner.ravel(), np.ones(inner.size)], axis=1).astype(np.float64)
    (factor, offset), *_ = np.linalg.lstsq(terms, seen.ravel().astype(np.float64), rcond=None)
    left = seen - factor * inner - offset
    soft = cv2.GaussianBlur(inner, (0, 0), 1.0).astype(np.float64)
    down, across = np.gradient(factor * soft)
    slopes = np.stack([across.ravel(), down.ravel()], axis=1)
    information = slopes.T @ slopes / max(float(np.mean(left**2)), 1e-12)
    return np.linalg.inv(information + 1e-9 * np.eye(2))


def at(window: Floats, place: Array, shape: tuple[int, ...]) -> Floats:
    """The part of a window that begins at the pixel (x, y), which may lie between pixels: cubic."""
    warp = np.array([[1, 0, place[0]], [0, 1, place[1]]], np.float64)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(window, warp, shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def contrast_kept(texture: Floats, window: Floats, found: Found, at_px: Array) -> float | None:
    """Contrast of a texture's fine detail now, over what it was; None: it has no fine detail.

    It is the regression of the detail now on the former, over the spatial frequencies of `FINE_CY_PER_PX`:
    noise of now has nothing in common with the former look, and that one's own noise is taken out by what
    it shows beyond the finest detail. Contrast is against the mean brightness.
    """
    inner, inset = _inner(texture)
    whole = np.floor(at_px + inset + found.shift_px).astype(int)  # whole pixels: interpolation blurs
    x, y = np.clip(whole, 0, np.array(window.shape[::-1]) - inner.shape[::-1])
    part = at_px + inset + found.shift_px - (x, y)
    now = window[y : y + inner.shape[0], x : x + inner.shape[1]]
    taper = np.outer(np.hanning(inner.shape[0]), np.hanning(inner.shape[1]))
    then_f, now_f = (np.fft.fft2(_plain(one) * taper) for one in (inner, now))
    fy, fx = np.fft.fftfreq(inner.shape[0])[:, None], np.fft.fftfreq(inner.shape[1])[None, :]
    cross = np.real(then_f.conj() * now_f * np.exp(2j * np.pi * (fx * part[0] + fy * part[1])))
    power, radius = np.abs(then_f) ** 2, np.hypot(fx, fy)
    fine = (radius >= FINE_CY_PER_PX[0]) & (radius < FINE_CY_PER_PX[1])
    floor = float(power[radius > _FLOOR_CY_PER_PX].mean())
    former = float(power[fine].sum() - floor * fine.sum())
    brightness = float(now.mean() / inner.mean())
    if former <= LEAST_DETAIL * floor * fine.sum() or brightness <= 0:
        return None
    return float(cross[fine].sum()) / former / brightness


def scaled_places(mat: Floats, across: float, down: float) -> Floats:
    """Small pictures (places, planes, rows, columns) resampled about their middles.

    Where pixels are joined, they are averaged first, by a Gaussian of the variance that a pixel's square
    gains.
    """
    places, planes, rows, columns = mat.shape
    size = max(1, int(columns * across)), max(1, int(rows * down))
    blur = [float(np.sqrt(max(1 / factor**2 - 1, 0) / 12)) for factor in (across, down)]
    corner = [
        (many - 1) / 2 - (few - 1) / 2 / factor
        for many, few, factor in zip((columns, rows), size, (across, down), strict=True)
    ]
    warp = np.array([[1 / across, 0, corner[0]], [0, 1 / down, corner[1]]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    out = np.empty((places, planes, size[1], size[0]), np.float32)
    for place, plane in np.ndindex(places, planes):
        soft = gaussian_filter(mat[place, plane], blur[::-1], mode="nearest")
        out[place, plane] = cv2.warpAffine(soft, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return out
