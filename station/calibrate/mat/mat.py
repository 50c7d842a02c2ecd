"""Small pictures of the mat beside the card: whether camera, mat or lights moved since the calibration.

A place is a square of mat that no card covers. Its texture, or print, is kept under every light; in a later
stack the same texture is looked for around it. A place that is covered or in shadow is not found, or found
where the others do not put it, and is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...card.geometry import pitch_mm, pixels_to_plane
from ...documents.profile import CameraProfile
from ..profile import LoadedProfile
from .shifts import Motion, Shift, common
from .texture import Found, contrast_kept, find, legible

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Frame = NDArray[Any]

CARD_HALF_MM = (36.5, 48.6)
"""Half the sides of what a card and its shadow may cover: 63 x 88 mm, laid down up to 3 mm off the middle and
2 degrees askew, with a shadow of 0.5 mm."""
SIDES_MM = tuple(np.arange(4.0, 1.9, -0.2))
"""Sides of a place that are tried, the largest that fits all corners of the picture is taken."""
FEWEST = 2
"""Places by which a shift is believed: one alone may be a finger's edge."""
AROUND_MM = 2.5
"""How far beyond a place its texture is looked for."""
MEDIAN = 1.25
"""The median of normal deviates is less certain than their mean by this factor."""
UNSCALED = 0.01
"""Pictures whose size differs by more from the calibration's have another sharpness by themselves."""


@dataclass(frozen=True, slots=True)
class MatDrift:
    """How the mat looks now, against the calibration. None: it could not be told.

    Attributes:
        used: places of the reference that were found and agree.
        places: how many there are, and show enough texture at this resolution.
        shift_px: (places, 2), x and y; NaN where a place was not found or does not agree.
        shift_um: how far the picture's middle moved over the mat, and its standard uncertainty.
        turn_deg: of the mat in the picture, clockwise.
        scale_percent: by which the mat appears larger.
        brightness: (lights,), over that of the calibration under the same exposure; with its uncertainty by
            the scatter between places.
        focus_percent: contrast of the mat's fine detail, of the calibration's.
    """

    used: int
    places: int
    shift_px: Array
    shift_um: float | None = None
    shift_sigma_um: float | None = None
    turn_deg: float | None = None
    turn_sigma_deg: float | None = None
    scale_percent: float | None = None
    scale_sigma_percent: float | None = None
    brightness: Array | None = None
    brightness_sigma: Array | None = None
    focus_percent: float | None = None
    focus_sigma_percent: float | None = None


def reference(pictures: NDArray[np.floating], camera: CameraProfile) -> tuple[Floats, Array] | None:
    """The places of the mat as they look at the calibration; None: the picture shows too little mat.

    Args:
        pictures: (lights, H, W) of the empty mat, linear codes less the ambient ones, as at the exposure of
            the flat field; the mean of several frames is better than one.
        camera: of the profile.

    Returns:
        `mat` float32 (places, lights + 1, rows, columns), the last plane the mean over the lights, and
        `mat_px` (places, 2), the pixels x, y of their middles.
    """
    side_px, middles = _places(camera)
    if len(middles) < FEWEST:
        return None
    corners = np.round(middles - (side_px - 1) / 2).astype(int)
    cut = np.stack([pictures[:, y : y + side_px, x : x + side_px] for x, y in corners]).astype(np.float32)
    mat = np.concatenate([cut, cut.mean(axis=1, keepdims=True)], axis=1)
    return mat, corners + (side_px - 1) / 2


def _places(camera: CameraProfile) -> tuple[int, Array]:
    """Side of the places in pixels, and their middles (N, 2)."""
    pitch = pitch_mm(camera, (0.0, 0.0), 0.0)
    best: tuple[int, Array] = (0, np.empty((0, 2)))
    for side_mm in SIDES_MM:
        side = round(side_mm / pitch)
        candidates = _around_the_border(camera, side)
        free = np.array([_is_free(camera, middle, side) for middle in candidates])
        if free[:4].all():
            return side, candidates[free]
        if free.sum() > len(best[1]):
            best = side, candidates[free]
    return best


def _around_the_border(camera: CameraProfile, side_px: int) -> Array:
    """Middles of the squares in the picture's corners, then along its sides."""
    half = (side_px - 1) / 2
    x = half, (camera.width_px - 1) / 2, camera.width_px - 1 - half
    y = half, (camera.height_px - 1) / 2, camera.height_px - 1 - half
    order = ((0, 0), (2, 0), (2, 2), (0, 2), (1, 0), (2, 1), (1, 2), (0, 1))
    return np.array([(x[i], y[j]) for i, j in order])


def _is_free(camera: CameraProfile, middle: Array, side_px: int) -> bool:
    half = (side_px - 1) / 2
    corners = middle + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    seen = pixels_to_plane(camera, corners, 0.0)
    beside = seen.min(axis=0) >= CARD_HALF_MM, seen.max(axis=0) <= np.negative(CARD_HALF_MM)
    return bool(np.any(beside))


def drift(
    pictures: Sequence[Frame],
    profile: LoadedProfile,
    dark: Frame | None = None,
    codes: Array | float = 1.0,
    lights: Sequence[int] | None = None,
) -> MatDrift | None:
    """Hold a stack against the reference; None: the profile keeps none, or it shows nothing to go by.

    Args:
        pictures: one for each light, (H, W) or (H, W, 3), linear.
        profile: scaled to these pictures.
        dark: the ambient picture; None: it has been subtracted.
        codes: codes of the pictures for one of the profile at the flat field's exposure, (lights,) or one
            for all.
        lights: of the pictures; None: all of the profile in order.
    """
    mat, mat_px = profile.mat, profile.mat_px
    if mat is None or mat_px is None:
        return None
    if lights is not None:
        some = mat[:, list(lights)]
        mat = np.concatenate([some, some.mean(axis=1, keepdims=True)], axis=1)
    clear = np.array([legible(place[:-1]) for place in mat])
    if clear.sum() < FEWEST:
        return None
    pitch = pitch_mm(profile.profile.camera, (0.0, 0.0), 0.0)
    looks = [
        _look(pictures, dark, codes, place, middle, AROUND_MM / pitch)
        for place, middle in zip(mat[clear], mat_px[clear], strict=True)
    ]
    middle = np.array([profile.profile.camera.width_px - 1, profile.profile.camera.height_px - 1]) / 2
    motion = common(mat_px[clear], [look.shift for look in looks], middle)
    told = MatDrift(used=0, places=len(looks), shift_px=np.full((len(looks), 2), np.nan))
    if motion is None:
        return told
    agree = [look for look, used in zip(looks, motion.used, strict=True) if used]
    return _focused(_lit(_moved(told, agree, motion, pitch), agree), agree, profile)


@dataclass(frozen=True, slots=True)
class _Look:
    """A place, then and now.

    Attributes:
        place: (lights + 1, rows, columns), as it was.
        window: (lights, rows, columns), what is around it now.
        at_px: (2,), where the place would begin in the window.
        found: None: it is not there.
    """

    place: Floats
    window: Floats
    at_px: Array
    found: Found | None

    @property
    def shift(self) -> Shift | None:
        return None if self.found is None else Shift(self.found.shift_px, self.found.covariance)

    def brightness(self) -> Array:
        """(lights,), now over then."""
        if self.found is None:
            raise ValueError("a place that was not found has no brightness")
        _, rows, columns = self.place.shape
        wanted = np.round(self.at_px + self.found.shift_px).astype(int)
        x, y = np.maximum(wanted, 0)
        now = self.window[:, y : y + rows, x : x + columns]
        left, top = np.maximum(-wanted, 0)
        then = self.place[:-1, top : top + now.shape[1], left : left + now.shape[2]]
        now = now[:, : then.shape[1], : then.shape[2]]
        return np.asarray(now.mean(axis=(1, 2)) / np.maximum(then.mean(axis=(1, 2)), 1e-6), np.float64)


def _look(
    pictures: Sequence[Frame], dark: Frame | None, codes: Array | float, place: Floats, middle: Array,
    around_px: float,
) -> _Look:  # fmt: skip
    _, rows, columns = place.shape
    begin = middle - (np.array([columns, rows]) - 1) / 2
    left, top = np.maximum(np.floor(begin - around_px), 0).astype(int)
    right, bottom = np.ceil(begin + np.array([columns, rows]) + around_px).astype(int)
    cut = (slice(top, bottom), slice(left, right))
    black = 0.0 if dark is None else _grey(dark[cut])
    window = np.stack([_grey(picture[cut]) - black for picture in pictures])
    scale = np.broadcast_to(np.asarray(codes, np.float64), len(pictures))[:, None, None]
    now = np.asarray(window / scale, np.float32)
    at_px = begin - (left, top)
    return _Look(place, now, at_px, find(place[-1], now.mean(axis=0), at_px))


def _grey(picture: Frame) -> Floats:
    whole = picture.astype(np.float32)
    return whole if whole.ndim == 2 else whole.mean(axis=2)


def _moved(told: MatDrift, agree: Sequence[_Look], motion: Motion, pitch: float) -> MatDrift:
    shifts = told.shift_px.copy()
    shifts[motion.used] = [look.shift.px for look in agree if look.shift is not None]
    sigmas = np.sqrt(np.diag(motion.covariance))
    um = 1000 * pitch
    told = replace(
        told,
        used=len(agree),
        shift_px=shifts,
        shift_um=um * float(np.linalg.norm(motion.shift_px)),
        shift_sigma_um=um * float(np.hypot(*sigmas[:2]) / np.sqrt(2)),
    )
    if motion.turn_rad is None or motion.grown is None:
        return told
    return replace(
        told,
        turn_deg=float(np.degrees(motion.turn_rad)),
        turn_sigma_deg=float(np.degrees(sigmas[2])),
        scale_percent=100 * motion.grown,
        scale_sigma_percent=100 * float(sigmas[3]),
    )


def _lit(told: MatDrift, agree: Sequence[_Look]) -> MatDrift:
    seen = np.array([look.brightness() for look in agree])
    spread = 1.4826 * np.median(np.abs(seen - np.median(seen, axis=0)), axis=0)
    return replace(
        told, brightness=np.median(seen, axis=0), brightness_sigma=MEDIAN * spread / np.sqrt(len(seen))
    )


def _focused(told: MatDrift, agree: Sequence[_Look], profile: LoadedProfile) -> MatDrift:
    if abs(profile.mat_scale - 1) > UNSCALED:
        return told
    kept = [
        contrast_kept(look.place[-1], look.window.mean(axis=0), look.found, look.at_px)
        for look in agree
        if look.found is not None
    ]
    seen = 100 * np.array([one for one in kept if one is not None])
    if len(seen) < FEWEST:
        return told
    sigma = float(seen.std(ddof=1) * MEDIAN / np.sqrt(len(seen)))
    return replace(told, focus_percent=float(np.median(seen)), focus_sigma_percent=sigma)
