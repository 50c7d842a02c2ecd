"""The arrays a report is made from, and their reduction to the size of a page."""

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

MM_PER_INCH = 25.4


@dataclass(frozen=True)
class ReportMaps:
    """Maps of one side in the rectified card frame, row 0 at the card's top edge.

    Attributes:
        normals: float32 (H, W, 3), unit vectors, x right, y up, z to the camera.
        albedo: float32 (H, W, 3), RGB, linear, 0 to 1.
        height_um: (H, W).
        sigma_deg: (H, W), standard uncertainty of the normal.
        valid: bool (H, W); what is False was not measured. Pixels that are not finite count as not measured.
        dpi: resolution of the arrays.
        gloss: (H, W), largest excess of any light over the matte fit, in units of albedo (1: a white matte
            surface), or None.
        residual: (H, W), rms residual of the matte fit in units of the noise, or None.
        light_frames: small pictures uint8 (h, w, 3), sRGB, one per light in the lights' order; may be empty.
    """

    normals: Floats
    albedo: Floats
    height_um: Floats
    sigma_deg: Floats
    valid: Bools
    dpi: float
    gloss: Floats | None = None
    residual: Floats | None = None
    light_frames: tuple[Bytes, ...] = ()

    @property
    def rows(self) -> int:
        """H."""
        return int(self.valid.shape[0])

    @property
    def columns(self) -> int:
        """W."""
        return int(self.valid.shape[1])

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height that the arrays cover."""
        return self.columns * MM_PER_INCH / self.dpi, self.rows * MM_PER_INCH / self.dpi

    def checked(self) -> Self:
        """The same maps with every pixel that is not finite marked as not measured.

        Raises:
            ValueError: the arrays do not have one common size, or `dpi` is not positive.
        """
        if self.valid.ndim != 2 or not self.valid.size or self.dpi <= 0:
            raise ValueError("`valid` must be a picture with at least one pixel and `dpi` positive")
        for name in ("normals", "albedo", "height_um", "sigma_deg", "gloss", "residual"):
            _require_shape(name, getattr(self, name), self.valid.shape)
        finite = np.isfinite(self.normals).all(axis=2) & np.isfinite(self.albedo).all(axis=2)
        return replace(self, valid=self.valid.astype(bool) & finite)


def _require_shape(name: str, array: Floats | None, size: tuple[int, ...]) -> None:
    wanted = (*size, 3) if name in {"normals", "albedo"} else size
    if array is not None and array.shape != wanted:
        raise ValueError(f"`{name}` has the shape {array.shape}, but {wanted} goes with `valid`")


def shrink(maps: ReportMaps, longest_px: int) -> ReportMaps:
    """Maps whose longer side has at most `longest_px` pixels, by averaging the measured pixels of each area.

    A pixel of the result counts as measured if at least half of its area was. Never enlarges.
    """
    factor = longest_px / max(maps.rows, maps.columns)
    if factor >= 1:
        return maps
    size = (max(1, round(maps.columns * factor)), max(1, round(maps.rows * factor)))
    normals = _average(maps.normals, maps.valid, size)
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    return replace(
        maps,
        normals=normals / np.maximum(length, 1e-9),
        albedo=_average(maps.albedo, maps.valid, size),
        height_um=_average(maps.height_um, maps.valid, size),
        sigma_deg=_average(maps.sigma_deg, maps.valid, size),
        gloss=None if maps.gloss is None else _average(maps.gloss, maps.valid, size),
        residual=None if maps.residual is None else _average(maps.residual, maps.valid, size),
        valid=_resize(maps.valid.astype(np.float32), size) >= 0.5,
        dpi=maps.dpi * size[1] / maps.rows,
    )


def smooth(values: Floats, valid: Bools, sigma_px: float) -> Floats:
    """Gaussian mean over the measured pixels alone (normalised convolution); NaN where none is near."""
    usable = valid & np.isfinite(values)
    weight = cv2.GaussianBlur(usable.astype(np.float32), (0, 0), sigma_px)
    total = cv2.GaussianBlur(np.where(usable, values, 0).astype(np.float32), (0, 0), sigma_px)
    return np.where(weight > 1e-3, total / np.maximum(weight, 1e-3), np.nan).astype(np.float32)


def _average(values: Floats, valid: Bools, size: tuple[int, int]) -> Floats:
    """Area mean over usable pixels; NaN where an area has none (0 for vectors, whose length is then 0)."""
    usable = valid & (np.isfinite(values) if values.ndim == 2 else np.isfinite(values).all(axis=2))
    mask = usable if values.ndim == 2 else usable[..., None]
    weight = _resize(usable.astype(np.float32), size)
    total = _resize(np.where(mask, values, 0).astype(np.float32), size)
    if values.ndim == 3:
        return (total / np.maximum(weight, 1e-6)[..., None]).astype(np.float32)
    return np.where(weight > 0, total / np.maximum(weight, 1e-6), np.nan).astype(np.float32)


def _resize(values: Floats, size: tuple[int, int]) -> Floats:
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA).astype(np.float32)
