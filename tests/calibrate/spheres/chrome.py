"""A chrome sphere before a wall, photographed from far away under far lamps: its own small ray tracer."""

from dataclasses import dataclass, field

import numpy as np

FINE = 4
"""Samples per pixel and axis."""


def lamps(count: int = 8) -> np.ndarray:
    """Unit directions (count, 3), x right, y up, z to the camera, at uneven places."""
    turn = np.arange(count) * 2 * np.pi / count + 0.3 * np.sin(3 * np.arange(count))
    zenith = np.radians(35 + 20 * np.cos(2 * np.arange(count)))
    side = np.sin(zenith)
    return np.stack([side * np.cos(turn), side * np.sin(turn), np.cos(zenith)], axis=1)


@dataclass
class Chrome:
    """The scene.

    Attributes:
        centre_px, radius_px: of the sphere.
        lights: (K, 3), unit.
        strength: (K,), code of a lamp's image at its peak; above 255 it is clipped.
        lamp_px: radius of a lamp's image near the middle, as a normal distribution.
        wall: code of the wall behind; the sphere mirrors a darker room.
        wall_slope: codes by which the wall brightens from left to right.
        noise: codes.
        window: whether something bright is mirrored at the side, under every lamp.
        second: light of a second mirror image in every picture, as a share of the lamp's.
    """

    centre_px: tuple[float, float] = (101.3, 88.6)
    radius_px: float = 62.4
    shape: tuple[int, int] = (180, 210)
    lights: np.ndarray = field(default_factory=lamps)
    strength: float = 220.0
    lamp_px: float = 1.3
    wall: float = 60.0
    wall_slope: float = 20.0
    noise: float = 1.0
    window: bool = True
    second: float = 0.0

    def pictures(self) -> np.ndarray:
        """(K, H, W) uint8."""
        x, y, inside = self._samples()
        up = np.stack([x, y, np.sqrt(np.maximum(1 - x**2 - y**2, 0))])
        mirrored = 2 * up[2] * up - np.array([0.0, 0.0, 1.0])[:, None, None]
        room = 8.0 + 90.0 * self.window * np.exp(-((x + 0.8) ** 2 + (y - 0.1) ** 2) / 0.005)
        across = np.linspace(0, 1, x.shape[1])[None, :]
        wall = self.wall + self.wall_slope * across
        frames = []
        for number, light in enumerate(self.lights):
            glow = self.strength * self._lobe(mirrored, light)
            if self.second:
                glow = glow + self.second * self.strength * self._lobe(mirrored, light * (-1, 1, 1))
            fine = np.where(inside, room + glow, wall * (1 + 0.1 * number))
            coarse = fine.reshape(self.shape[0], FINE, self.shape[1], FINE).mean(axis=(1, 3))
            shaken = coarse + np.random.default_rng(number).normal(0, self.noise, self.shape)
            frames.append(np.clip(np.rint(shaken), 0, 255).astype(np.uint8))
        return np.stack(frames)

    def mask(self) -> np.ndarray:
        """(H, W) bool."""
        rows, columns = np.mgrid[: self.shape[0], : self.shape[1]]
        return np.hypot(columns - self.centre_px[0], rows - self.centre_px[1]) < self.radius_px

    def _lobe(self, mirrored: np.ndarray, light: np.ndarray) -> np.ndarray:
        """A lamp's image: as wide in angle everywhere, so that it is a little lopsided off the middle."""
        width = 2 * self.lamp_px / self.radius_px
        cosine = np.clip(np.tensordot(light, mirrored, 1), -1, 1)
        return np.exp(-(np.arccos(cosine) ** 2) / (2 * width**2))

    def _samples(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places in radii, x right and y up, and whether they lie on the sphere."""
        rows, columns = ((np.arange(n * FINE) + 0.5) / FINE - 0.5 for n in self.shape)
        x = ((columns - self.centre_px[0]) / self.radius_px)[None, :]
        y = ((self.centre_px[1] - rows) / self.radius_px)[:, None]
        x, y = np.broadcast_arrays(x, y)
        return x, y, x**2 + y**2 < 1


def apart_deg(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angles between vectors (K, 3)."""
    across = np.linalg.norm(np.cross(one, other), axis=1)
    return np.degrees(np.arctan2(across, (one * other).sum(axis=1)))
