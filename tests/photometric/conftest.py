"""A small near-light rig and pictures of surfaces under it, with formulas of their own."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from station.photometric.stack import LightField, Pictures, Sensor, pictures

EYE_MM = np.array([0.0, 0.0, 400.0])
SENSOR = Sensor(black_level=200.0, full_scale=65535.0, noise_a=1.5, noise_b=100.0)


@dataclass
class Bench:
    """Eight lights on a ring over a window of the card plane, pictured without lens errors.

    The truth is computed per pixel (`render`), the field handed to the code lies on a coarse grid.
    """

    height: int = 132
    width: int = 96
    span_mm: float = 88.0
    ring_mm: float = 150.0
    above_mm: float = 150.0
    peak: float = 30000.0
    lights: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        around = np.arange(8) * np.pi / 4 + 0.2
        self.lights = np.stack(
            [self.ring_mm * np.cos(around), self.ring_mm * np.sin(around), np.full(8, self.above_mm)], axis=1
        )

    def grid_mm(self, rows: int, columns: int) -> NDArray[np.float64]:
        """Points of the plane under a regular grid whose corners are the corner pixels."""
        half_y = self.span_mm / 2
        half_x = half_y * (self.width - 1) / (self.height - 1)
        x, y = np.linspace(-half_x, half_x, columns), np.linspace(half_y, -half_y, rows)
        return np.stack(np.broadcast_arrays(x[None, :], y[:, None], np.zeros((1, 1))), axis=2)

    @property
    def pitch_mm(self) -> float:
        return self.span_mm / (self.height - 1)

    def flat(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Codes of a white target at points (..., 3): (8, ..., 3); the lights and channels differ."""
        ray = self.lights.reshape(8, *(1,) * (points.ndim - 1), 3) - points
        distance = np.sqrt((ray**2).sum(axis=-1))
        bright = ray[..., 2] / distance**3 * (self.above_mm**2)
        power = 1.0 + 0.2 * np.sin(np.arange(8))
        colour = np.array([0.8, 1.0, 0.7])
        shape = (8, *(1,) * (points.ndim - 1))
        return self.peak * (bright * power.reshape(shape))[..., None] * colour

    def field(self, rows: int = 23, columns: int = 17) -> LightField:
        points = self.grid_mm(rows, columns)
        ray = self.lights[:, None, None] - points
        tangent = ray[..., :2] / ray[..., 2:]
        return LightField(self.flat(points).astype(np.float32), tangent.astype(np.float32))

    def normals(self, slope: Callable[[NDArray, NDArray], tuple[NDArray, NDArray]]) -> NDArray[np.float64]:
        """Unit normals of a surface with slopes (dz/dx, dz/dy) as functions of x and y in mm."""
        points = self.grid_mm(self.height, self.width)
        p, q = slope(points[..., 0], points[..., 1])
        n = np.stack([-p, -q, np.ones_like(points[..., 0])], axis=2)
        return n / np.linalg.norm(n, axis=2, keepdims=True)

    def render(
        self,
        normals: NDArray[np.float64],
        albedo: NDArray[np.float64],
        gains: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Noise-free codes above black: (8, H, W, 3)."""
        points = self.grid_mm(self.height, self.width)
        ray = self.lights[:, None, None] - points
        unit = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
        shading = np.einsum("khwi,hwi->khw", unit, normals) / unit[..., 2]
        gain = np.ones(8) if gains is None else gains
        return self.flat(points) * albedo * (shading * gain[:, None, None])[..., None]

    def shining(
        self, normals: NDArray[np.float64], light: NDArray[np.float64], roughness: float
    ) -> NDArray[np.float64]:
        """Codes with a coat's highlight added: GGX after Walter 2007, reflectance 0.04, white."""
        points = self.grid_mm(self.height, self.width)
        view = EYE_MM - points
        view /= np.linalg.norm(view, axis=-1, keepdims=True)
        white = self.flat(points)
        out = light.copy()
        for k, place in enumerate(self.lights):
            toward = place - points
            toward /= np.linalg.norm(toward, axis=-1, keepdims=True)
            half = toward + view
            half /= np.linalg.norm(half, axis=-1, keepdims=True)
            pairs = ((normals, half), (normals, toward), (normals, view), (view, half))
            nh, nl, nv, vh = ((a * b).sum(axis=-1) for a, b in pairs)
            a2 = roughness**2
            spread = a2 / (np.pi * (nh**2 * (a2 - 1) + 1) ** 2)
            shadow = 1.0
            for cosine in (nl, nv):
                shadow = shadow * 2 * cosine / (cosine + np.sqrt(a2 + (1 - a2) * cosine**2))
            fresnel = 0.04 + 0.96 * (1 - vh) ** 5
            mirror = np.pi * spread * fresnel * shadow / (4 * nl * nv) * nl / toward[..., 2]
            out[k] += white[k] * mirror[..., None]
        return out

    def expose(self, light: NDArray[np.float64], seed: int | None, ambient: float = 0.0) -> Pictures:
        """Codes with noise (seed None: none but rounding)."""
        random = np.random.default_rng(seed)
        dark = np.full(light.shape[1:], ambient)
        codes = []
        for value in (*(light + ambient), dark):
            noise = random.standard_normal(value.shape) if seed is not None else 0.0
            noisy = value + noise * np.sqrt(SENSOR.noise_a * np.clip(value, 0, None) + SENSOR.noise_b)
            codes.append(np.clip(np.round(noisy + SENSOR.black_level), 0, 65535).astype(np.uint16))
        return pictures(codes[:-1], codes[-1], SENSOR)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def make_bench() -> type[Bench]:
    return Bench


@pytest.fixture
def angle_deg() -> Callable[[NDArray, NDArray], NDArray]:
    def angle(a: NDArray, b: NDArray) -> NDArray:
        cross = np.linalg.norm(np.cross(a, b), axis=-1)
        return np.degrees(np.arctan2(cross, (a * b).sum(axis=-1)))

    return angle
