"""Scenes drawn from formulas: a card of known place on a mat, through a known camera and a Gaussian blur.

A straight edge under a Gaussian blur is the normal distribution function of the distance to it, so edges lie
where the formula says to any precision, and the sharpness is known too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from station.card.geometry import pixels_to_plane
from station.documents.profile import CameraProfile
from station.documents.scan import Outline

CORNER_RADIUS_MM = 3.18


def camera_of(
    px_per_mm: float, distortion: tuple[float, ...] = (-0.08, 0.03, 0.001, -0.001, 0.0)
) -> CameraProfile:
    width, height = round(100 * px_per_mm), round(120 * px_per_mm)
    focal = 380 * px_per_mm
    return CameraProfile.model_validate(
        {
            "width_px": width,
            "height_px": height,
            "matrix": (focal, focal, (width - 1) / 2 + 3.0, (height - 1) / 2 - 2.0),
            "distortion": distortion,
            "rotation": (3.13, 0.01, -0.012),
            "translation_mm": (0.5, -0.3, 380.0),
            "bit_depth": 8,
            "black_level": 0.0,
            "full_scale": 255.0,
            "noise_a": 0.01,
            "noise_b": 1.0,
            "readout_us": 10_000,
        }
    )


@cache
def places(camera: CameraProfile) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mat coordinates of every pixel of a camera, 0.3 mm up."""
    rows, columns = np.mgrid[0 : camera.height_px, 0 : camera.width_px]
    uv = np.column_stack([columns.ravel(), rows.ravel()]).astype(float)
    x, y = pixels_to_plane(camera, uv, 0.3).T.reshape(2, *rows.shape)
    return x, y


@dataclass(frozen=True)
class Scene:
    """Lengths in mm; brightness from 0 to 1. `borders` left, right, top, bottom; None: art to the edge."""

    camera: CameraProfile
    centre: tuple[float, float] = (0.0, 0.0)
    rotation_deg: float = 2.0
    size: tuple[float, float] = (63.0, 88.0)
    mat: float = 0.08
    border: tuple[float, float, float] = (0.75, 0.65, 0.2)
    borders: tuple[float, float, float, float] | None = (2.6, 3.4, 3.1, 2.9)
    art: float = 0.4
    blur_mm: float = 0.08
    noise: float = 0.004
    falloff: float = 0.1
    seed: int = 1
    added: Callable[["Scene", NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]] | None = None
    more: tuple["Scene", ...] = field(default=())

    def with_(self, **changes: object) -> "Scene":
        return replace(self, **changes)  # type: ignore[arg-type]

    def card_xy(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        turn = np.radians(self.rotation_deg)
        dx, dy = x - self.centre[0], y - self.centre[1]
        return dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)

    def corners(self) -> NDArray[np.float64]:
        w, h = self.size[0] / 2, self.size[1] / 2
        turn = np.radians(self.rotation_deg)
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        return np.array([[-w, h], [w, h], [w, -h], [-w, -h]]) @ matrix.T + np.array(self.centre)

    def outline(self) -> Outline:
        return Outline(
            corners_mm=tuple((float(x), float(y)) for x, y in self.corners()),
            width_mm=self.size[0],
            height_mm=self.size[1],
            rotation_deg=self.rotation_deg,
            residual_mm=0.005,
        )

    def coverage(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        qx = np.abs(x) - self.size[0] / 2 + CORNER_RADIUS_MM
        qy = np.abs(y) - self.size[1] / 2 + CORNER_RADIUS_MM
        outside = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0))
        distance = outside + np.minimum(np.maximum(qx, qy), 0) - CORNER_RADIUS_MM
        return ndtr(-distance / self.blur_mm)

    def face(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Colour (..., 3) of the card's face at card coordinates."""
        waves = 0.5 + 0.25 * np.sin(x * 1.9) * np.cos(y * 1.3) + 0.25 * np.sin(0.7 * x + 0.9 * y)
        art = self.art * waves[..., None] * np.array([1.0, 0.8, 1.1])
        if self.borders is None:
            return art
        left, right, top, bottom = self.borders
        w, h = self.size[0] / 2, self.size[1] / 2
        inside = ndtr((x + w - left) / self.blur_mm) * ndtr((w - right - x) / self.blur_mm)
        inside *= ndtr((y + h - bottom) / self.blur_mm) * ndtr((h - top - y) / self.blur_mm)
        return art * inside[..., None] + np.array(self.border) * (1 - inside[..., None])

    def shade(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 - self.falloff * ((x - 15) ** 2 + (y + 10) ** 2) / 50**2

    def image(self) -> NDArray[np.float32]:
        """The picture (H, W, 3), 1.0 is white."""
        x, y = places(self.camera)
        picture = np.full((*x.shape, 3), self.mat)
        for card in (self, *self.more):
            cx, cy = card.card_xy(x, y)
            covered = card.coverage(cx, cy)[..., None]
            picture = picture * (1 - covered) + card.face(cx, cy) * covered
        if self.added is not None:
            picture = picture + self.added(self, x, y)[..., None]
        picture = picture * self.shade(x, y)[..., None]
        return (picture + np.random.default_rng(self.seed).normal(0, self.noise, picture.shape)).astype(
            np.float32
        )

    def grey(self) -> NDArray[np.float32]:
        return np.asarray(self.image().mean(axis=2), np.float32)

    def rectified(self, dpi: float) -> NDArray[np.float32]:
        """What a perfect rectification would give, in the frame of the card."""
        h, w = round(88 * dpi / 25.4), round(63 * dpi / 25.4)
        rows, columns = np.mgrid[0:h, 0:w]
        x, y = (columns + 0.5) * 25.4 / dpi - 31.5, 44 - (rows + 0.5) * 25.4 / dpi
        covered = self.coverage(x, y)[..., None]
        face = self.mat * (1 - covered) + self.face(x, y) * covered
        return (face + np.random.default_rng(self.seed).normal(0, self.noise, face.shape)).astype(np.float32)


@pytest.fixture(scope="session")
def scene() -> Callable[..., Scene]:
    """Makes scenes; `px_per_mm` chooses the camera."""

    def make(px_per_mm: float = 6.0, **changes: object) -> Scene:
        return Scene(camera_of(px_per_mm)).with_(**changes)

    return make
