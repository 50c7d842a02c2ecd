"""A scene of known shape under known lights, rendered by its own formulas into files of any kind."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

HEIGHT, WIDTH = 60, 80
PITCH_MM = 0.5


def rings() -> np.ndarray:
    """Four lights at 25 degrees from the axis and six at 50, turned so that no symmetry hides a mistake."""
    found = []
    for zenith, count in ((25, 4), (50, 6)):
        azimuth = np.radians(np.arange(count) * 360 / count + zenith)
        level = np.full(count, np.cos(np.radians(zenith)))
        side = np.sin(np.radians(zenith))
        found.append(np.stack([side * np.cos(azimuth), side * np.sin(azimuth), level], axis=1))
    return np.concatenate(found)


@dataclass
class Scene:
    """A bump away from the middle on a flat sheet; row 0 at the top, lengths in mm.

    Attributes:
        lights: (K, 3), directions, or places in mm where `near`.
        colour: albedo of red, green and blue.
        intensities: (K, 3).
        black: codes that are there without light.
    """

    lights: np.ndarray = field(default_factory=rings)
    near: bool = False
    colour: tuple[float, float, float] = (0.6, 0.5, 0.3)
    intensities: np.ndarray | None = None
    black: float = 0.0
    noise: float = 20.0

    @property
    def x_mm(self) -> np.ndarray:
        return (np.arange(WIDTH) - (WIDTH - 1) / 2)[None, :] * PITCH_MM * np.ones((HEIGHT, 1))

    @property
    def y_mm(self) -> np.ndarray:
        return ((HEIGHT - 1) / 2 - np.arange(HEIGHT))[:, None] * PITCH_MM * np.ones((1, WIDTH))

    @property
    def height_mm(self) -> np.ndarray:
        return 2.0 * np.exp(-self._distance2 / (2 * 5.0**2))

    @property
    def _distance2(self) -> np.ndarray:
        return (self.x_mm - 5.0) ** 2 + (self.y_mm - 3.0) ** 2

    @property
    def normals(self) -> np.ndarray:
        slope = self.height_mm / 5.0**2
        field = np.dstack([(self.x_mm - 5.0) * slope, (self.y_mm - 3.0) * slope, np.ones((HEIGHT, WIDTH))])
        return field / np.linalg.norm(field, axis=2, keepdims=True)

    def picture(self, light: int | None) -> np.ndarray:
        """Linear codes of 16 bits, RGB, as floats."""
        codes = np.full((HEIGHT, WIDTH, 3), self.black)
        if light is not None:
            power = np.ones(3) if self.intensities is None else self.intensities[light]
            codes += 60000 * self._shading(light)[..., None] * np.array(self.colour) * power
        chance = np.random.default_rng(99 if light is None else light)
        return codes + chance.normal(0, self.noise, codes.shape)

    def _shading(self, light: int) -> np.ndarray:
        vector = self.lights[light]
        if not self.near:
            return np.clip(self.normals @ (vector / np.linalg.norm(vector)), 0, None)
        ray = vector - np.dstack([self.x_mm, self.y_mm, self.height_mm])
        distance = np.linalg.norm(ray, axis=2)
        falloff = (vector @ vector) / distance**2
        return np.clip((self.normals * ray).sum(axis=2) / distance, 0, None) * falloff

    def store(self, folder: Path, kind: str = "png", *, grey: bool = False) -> Path:
        """Pictures with a light list; its path."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = [str(len(self.lights))]
        for light, vector in enumerate(self.lights):
            write(folder / f"p{light}.{kind}", self.picture(light), grey=grey)
            lines.append(f"p{light}.{kind} {vector[0]} {vector[1]} {vector[2]}")
        write(folder / f"dark.{kind}", self.picture(None), grey=grey)
        (folder / "lights.lp").write_text("\n".join(lines) + "\n")
        return folder / "lights.lp"


def write(path: Path, linear: np.ndarray, *, grey: bool = False) -> None:
    """PNG and TIFF linear with 16 bits; JPEG with 8 bits and the sRGB curve."""
    share = np.clip(linear / 65535, 0, 1)
    share = share.mean(axis=2, keepdims=True) if grey else share[..., ::-1]
    if path.suffix == ".jpg":
        curved = np.where(share <= 0.0031308, 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055)
        cv2.imwrite(str(path), np.rint(255 * curved).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 100])
    else:
        cv2.imwrite(str(path), np.rint(65535 * share).astype(np.uint16))


@pytest.fixture
def make_scene() -> Callable[..., Scene]:
    """`make_scene(black=500.0)` is a scene with that changed."""

    def make(**changes: Any) -> Scene:
        return Scene(**changes)

    return make
