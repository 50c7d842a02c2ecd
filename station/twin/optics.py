"""The true camera, from places over the mat to pixels and back; its geometry stands nowhere else.

The pinhole with OpenCV's distortion polynomial (k1, k2, p1, p2, k3) is written out here; pixel centres have
integer coordinates.
"""

from dataclasses import dataclass
from functools import cached_property
from math import cos, radians, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH_600, HEIGHT_600 = 1920, 2460
"""Picture at 600 samples per inch of mat: 81.3 x 104.1 mm. Other resolutions show the same field."""
CENTRE_MM = (1.4, -2.1, 400.0)
TILT_DEG = (-0.31, 0.22, 0.4)
DISTORTION = (-0.12, 0.08, 1.5e-4, -1.2e-4, 0.0)
VIGNETTING = 0.10
BLUR_PX = 0.42

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lens:
    """One camera on its stand; what is not said is that of the standard rig.

    Attributes:
        centre_mm: centre of projection, mat frame.
        tilt_deg: turns about the camera's x, y and z axes, in this order; none: it looks straight down, its
            rows along the mat's x axis.
        distortion: k1, k2, p1, p2, k3 (OpenCV's order).
        focal_mm: focal length over a sensor whose pixels are as large as those of the mat: from this far the
            mat's centre is sampled at just the chosen resolution.
        aspect: focal length along the columns, as a share of the one along the rows.
        principal_px: where the optical axis meets the picture, from its middle to the right and down, in
            pixels at 600 samples per inch.
        blur_px: Gaussian sigma, in pixels of whatever resolution is chosen.
        vignetting: loss of light in the picture's corners; it grows with the square of the distance from the
            middle.
    """

    centre_mm: tuple[float, float, float] = CENTRE_MM
    tilt_deg: tuple[float, float, float] = TILT_DEG
    distortion: tuple[float, float, float, float, float] = DISTORTION
    focal_mm: float = CENTRE_MM[2]
    aspect: float = 1.0004
    principal_px: tuple[float, float] = (9.3, -6.8)
    blur_px: float = BLUR_PX
    vignetting: float = VIGNETTING


@dataclass(frozen=True)
class Optics:
    """The camera at one resolution. `dpi` is what it samples about the mat's centre."""

    dpi: float
    lens: Lens = Lens()

    @property
    def width_px(self) -> int:
        """Of the whole picture."""
        return round(WIDTH_600 * self.dpi / 600)

    @property
    def height_px(self) -> int:
        """Of the whole picture."""
        return round(HEIGHT_600 * self.dpi / 600)

    @cached_property
    def matrix(self) -> tuple[float, float, float, float]:
        """fx, fy, cx, cy in pixels."""
        scale = self.dpi / 600
        focal = self.lens.focal_mm * self.dpi / 25.4
        right, down = self.lens.principal_px
        cx, cy = WIDTH_600 / 2 + right, HEIGHT_600 / 2 + down  # 0 is the picture's edge here
        return focal, focal * self.lens.aspect, cx * scale - 0.5, cy * scale - 0.5

    @cached_property
    def rotation(self) -> Doubles:
        """3 x 3, mat frame to camera frame (x right, y down, z forward)."""
        a, b, c = (radians(v) for v in self.lens.tilt_deg)
        rx = np.array([[1, 0, 0], [0, cos(a), -sin(a)], [0, sin(a), cos(a)]])
        ry = np.array([[cos(b), 0, sin(b)], [0, 1, 0], [-sin(b), 0, cos(b)]])
        rz = np.array([[cos(c), -sin(c), 0], [sin(c), cos(c), 0], [0, 0, 1]])
        return np.asarray(rz @ ry @ rx @ np.diag([1.0, -1.0, -1.0]), np.float64)

    @property
    def centre_mm(self) -> Doubles:
        """Centre of projection, mat frame."""
        return np.array(self.lens.centre_mm)

    def project(self, places_mm: NDArray[Any]) -> Doubles:
        """Mat frame (..., 3) to pixels (..., 2), x then y."""
        camera = (np.asarray(places_mm, np.float64) - self.centre_mm) @ self.rotation.T
        distorted = _distort(camera[..., :2] / camera[..., 2:], self.lens.distortion)
        fx, fy, cx, cy = self.matrix
        return distorted * (fx, fy) + (cx, cy)

    def directions(self, pixels: NDArray[Any]) -> Doubles:
        """Unit vectors (..., 3) in the mat frame, from the camera through pixels (..., 2)."""
        fx, fy, cx, cy = self.matrix
        wanted = (np.asarray(pixels, np.float64) - (cx, cy)) / (fx, fy)
        plain = wanted.copy()
        for _ in range(12):  # the distortion is small: each round shortens the error more than tenfold
            plain += wanted - _distort(plain, self.lens.distortion)
        rays = np.concatenate((plain, np.ones_like(plain[..., :1])), axis=-1) @ self.rotation
        return np.asarray(rays / np.linalg.norm(rays, axis=-1, keepdims=True), np.float64)

    def on_height(self, pixels: NDArray[Any], z_mm: NDArray[Any] | float) -> Doubles:
        """Places (..., 2) at height z (a number or an array (...)) that pixels (..., 2) look at."""
        rays = self.directions(pixels)
        reach = (np.asarray(z_mm) - self.centre_mm[2]) / rays[..., 2]
        return np.asarray(self.centre_mm[:2] + reach[..., None] * rays[..., :2], np.float64)


def _distort(plain: Doubles, distortion: tuple[float, float, float, float, float]) -> Doubles:
    k1, k2, p1, p2, k3 = distortion
    x, y = plain[..., 0], plain[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        (
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ),
        axis=-1,
    )
