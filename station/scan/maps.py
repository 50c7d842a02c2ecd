"""What a side of a card looks like to every later step: maps in the card's own frame."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..card.rectify import Rectification, frame_xy_mm
from ..documents.scan import Outline
from ..photometric.integrate import Slopes, height_um, slopes
from ..photometric.solve import Solution
from ..photometric.weighted import weighted_height_um

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

MM_PER_INCH = 25.4
HOLES = 0.001
"""Share of the face without normals from which on they are kept out of the height: level patches in their
places bend what lies around them."""
CORNER_RADIUS_MM = 3.2
"""Nominal. What lies outside the rounding is mat on most cards and is not assessed on any."""


@dataclass(frozen=True, slots=True)
class Maps:
    """Maps in the card frame: H = round(88 dpi / 25.4), W = round(63 dpi / 25.4), row 0 at the card's top.

    Attributes:
        normals: float32 (H, W, 3), unit, card frame.
        albedo: float32 (H, W, 3), linear, 1 is a white matte surface.
        height_um: float32 (H, W), mean zero.
        sigma_deg: float32 (H, W), standard uncertainty of the normal per axis.
        gloss: float32 (H, W), largest excess of any light over the matte fit, in units of albedo.
        valid: bool (H, W), on the card and measured; the other maps mean nothing where it is False.
        clipped, dark: bool (H, W), in any light.
        dpi: resolution.
    """

    normals: Floats
    albedo: Floats
    height_um: Floats
    sigma_deg: Floats
    gloss: Floats
    valid: Bools
    clipped: Bools
    dark: Bools
    dpi: float


def rectified_maps(solution: Solution, plan: Rectification, outline: Outline, dpi: float) -> Maps:
    """Bring a solution in the camera's frame into the card's, and integrate it there."""
    marks = np.stack([solution.valid, solution.clipped, solution.dark], axis=2).astype(np.uint8)
    valid, clipped, dark = np.moveaxis(_nearest(marks, plan) != 0, 2, 0)
    face = on_card(outline, dpi)
    valid &= face
    normals = _turned(plan.apply(solution.normals), -outline.rotation_deg)
    surface = slopes(normals, valid, MM_PER_INCH / dpi)
    figures = np.stack([np.degrees(solution.sigma_rad), solution.gloss], axis=2)
    sigma_deg, gloss = np.moveaxis(linear(figures, plan), 2, 0)
    return Maps(
        normals=normals,
        albedo=plan.apply(solution.albedo),
        height_um=_levelled(_height_um(surface, valid, face), valid),
        sigma_deg=np.ascontiguousarray(sigma_deg * smoothing(plan)),
        gloss=np.ascontiguousarray(gloss),
        valid=valid,
        clipped=clipped & valid,
        dark=dark & valid,
        dpi=dpi,
    )


def _height_um(surface: Slopes, valid: Bools, face: Bools) -> Floats:
    """Height, integrated around places that were not measured where there are any worth the time."""
    holes = float((face & ~valid).sum() / max(face.sum(), 1))
    if holes <= HOLES:
        return height_um(surface)
    return weighted_height_um(surface, valid.astype(np.float32))


def on_card(outline: Outline, dpi: float) -> Bools:
    """Pixels of the card frame that lie within the measured sides and the nominal rounding of the corners."""
    x, y = frame_xy_mm(dpi)
    half_pixel = 0.5 * MM_PER_INCH / dpi
    inside_x = outline.width_mm / 2 - half_pixel - np.abs(x)[None, :]
    inside_y = outline.height_mm / 2 - half_pixel - np.abs(y)[:, None]
    into_x, into_y = CORNER_RADIUS_MM - inside_x, CORNER_RADIUS_MM - inside_y
    rounded = (into_x > 0) & (into_y > 0) & (into_x**2 + into_y**2 > CORNER_RADIUS_MM**2)
    return np.asarray((inside_x >= 0) & (inside_y >= 0) & ~rounded)


def _turned(normals: Floats, angle_deg: float) -> Floats:
    """Normals turned about z, counter-clockwise, and brought back to unit length after interpolation."""
    c, s = np.float32(np.cos(np.radians(angle_deg))), np.float32(np.sin(np.radians(angle_deg)))
    x, y = normals[..., 0], normals[..., 1]
    turned = np.stack([c * x - s * y, s * x + c * y, normals[..., 2]], axis=2)
    length = np.sqrt(np.einsum("hwi,hwi->hw", turned, turned))
    nowhere = length < np.float32(1e-3)
    turned[nowhere] = (0, 0, 1)
    length[nowhere] = 1
    return np.asarray(turned / length[..., None], np.float32)


def _levelled(height: Floats, valid: Bools) -> Floats:
    return height - np.float32(height[valid].mean(dtype=np.float64))


def _nearest(image: NDArray[np.uint8], plan: Rectification) -> NDArray[np.uint8]:
    return np.asarray(cv2.remap(image, plan.columns, plan.rows, cv2.INTER_NEAREST), np.uint8)


def linear(image: Floats, plan: Rectification) -> Floats:
    """Bring a smooth map of the camera's frame into the card's."""
    source = cv2.GaussianBlur(image, (0, 0), plan.blur_px) if plan.blur_px > 0 else image
    return np.asarray(cv2.remap(source, plan.columns, plan.rows, cv2.INTER_LINEAR), np.float32)


def smoothing(plan: Rectification) -> np.float32:
    """Factor on the noise of independent pixels that the averaging for a coarser target brings."""
    if plan.blur_px == 0:
        return np.float32(1)
    taps = np.exp(-0.5 * (np.arange(-64, 65) / plan.blur_px) ** 2)
    taps /= taps.sum()
    return np.float32((taps**2).sum())
