"""What the benchmarks of normals look at: a printed, varnished card under eight lights; and a copy's time."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from station.photometric.coat import Coat, coat_over, lobes
from station.photometric.gains import refit
from station.photometric.lights import directional_field
from station.photometric.solve import mean_ratio
from station.photometric.stack import LightField, Pictures, Sensor

SPAN_MM = 88.0
PEAK = 190.0
ROUGHNESS = 0.15
NODES = (67, 89)
BLOCK = 16
SENSOR = Sensor(black_level=4.0, full_scale=255.0, noise_a=0.025, noise_b=0.15)
AROUND = np.arange(8) * np.pi / 4 + 0.2
LIGHTS_MM = np.stack([150 * np.cos(AROUND), 150 * np.sin(AROUND), 150 + 3 * np.cos(5 * AROUND)], axis=1)
EYE_MM = np.array([0.0, 0.0, 400.0])
Array = NDArray[np.float64]
Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Card:
    """A picture's size, over the card plane."""

    height: int
    width: int

    def grid_mm(self, rows: int, columns: int) -> Array:
        """Points of the card plane under a grid from corner pixel to corner pixel."""
        half = SPAN_MM / 2
        x = np.linspace(-half, half, columns) * self.width / self.height
        y = np.linspace(half, -half, rows)
        return np.stack(np.broadcast_arrays(x[None, :], y[:, None], np.zeros((1, 1))), axis=2)

    def near(self) -> LightField:
        """The ring's light over the card, on nodes 1.35 mm apart."""
        ray = LIGHTS_MM[:, None, None] - self.grid_mm(*NODES)
        bright = ray[..., 2] / np.linalg.norm(ray, axis=-1) ** 3
        flat = PEAK * bright / bright.max()
        tangent = ray[..., :2] / ray[..., 2:]
        return LightField(flat[..., None].astype(np.float32), tangent.astype(np.float32))

    def far(self) -> LightField:
        """The same ring, far away."""
        return directional_field(LIGHTS_MM, np.full((8, 1), PEAK * 1.4))

    def coat(self, codes: Codes) -> Coat:
        """The coat that the pictures themselves tell of, whatever they show."""
        blocks = mean_ratio(Pictures(codes, None, SENSOR), self.near(), BLOCK).blocks
        points = self.grid_mm(*blocks.shape[1:]).reshape(-1, 3)
        ray = LIGHTS_MM[:, None] - points
        upright = np.broadcast_to(np.array([0.0, 0.0, 1.0]), points.shape)
        shapes = lobes(points, upright, LIGHTS_MM, EYE_MM)
        found = refit(blocks.reshape(8, -1), ray[..., :2] / ray[..., 2:], shapes)
        return coat_over(self.grid_mm(*NODES), LIGHTS_MM, EYE_MM, found.coat)

    def glossy(self, random: np.random.Generator) -> Codes:
        """A card with relief under the ring, with the sensor's noise: (8, H, W, 1)."""
        points = self.grid_mm(self.height // 4, self.width // 4)
        x, y = points[..., 0], points[..., 1]
        albedo = 0.45 + 0.3 * np.sign(np.sin(x * 1.7) * np.sin(y * 2.3)) + 0.1 * np.sin(x / 9)
        normal = np.stack([0.03 * np.sin(x * 3), 0.03 * np.cos(y * 4), np.ones_like(x)], axis=2)
        normal /= np.linalg.norm(normal, axis=2, keepdims=True)
        view = EYE_MM - points
        view /= np.linalg.norm(view, axis=2, keepdims=True)
        out = np.empty((8, self.height, self.width, 1), np.uint8)
        nearest = ((LIGHTS_MM[:, None, None] - points) ** 2).sum(axis=-1).min()
        for light, to in zip(LIGHTS_MM, out, strict=True):
            ray = light - points
            distance = np.linalg.norm(ray, axis=2, keepdims=True)
            half = ray / distance + view
            half /= np.linalg.norm(half, axis=2, keepdims=True)
            facing = (half * normal).sum(axis=2)
            lobe = ROUGHNESS**2 / (facing**2 * (ROUGHNESS**2 - 1) + 1) ** 2
            lit = np.clip((normal * ray).sum(axis=2) / distance[..., 0], 0, None)
            code = PEAK * 1.3 * nearest / distance[..., 0] ** 2 * (albedo * lit + 0.04 * lobe / 4)
            whole = np.repeat(np.repeat(code.astype(np.float32), 4, axis=0), 4, axis=1)
            noise = random.standard_normal(whole.shape, np.float32)
            whole += np.sqrt(SENSOR.noise_a * whole + SENSOR.noise_b) * noise + SENSOR.black_level
            to[..., 0] = np.clip(np.round(whole), 0, 255)
        return out


def bytes_of(maps: Any) -> int:
    """Of all arrays of some maps."""
    return sum(getattr(maps, item.name).nbytes for item in fields(maps))


def memory_bytes(what: str) -> int:
    """Of this process: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(what)).split()[1])


class Copy:
    """What the machine copies per second with two threads, counting reads and writes."""

    def __init__(self) -> None:
        self._from = np.ones(144_000_000, np.uint8)
        self._to = np.ones_like(self._from)
        self._threads = ThreadPoolExecutor(2)
        self.best_s = np.inf

    def turn(self) -> None:
        """Copy once."""
        start, middle = time.perf_counter(), len(self._from) // 2
        list(self._threads.map(self._part, [slice(0, middle), slice(middle, None)]))
        self.best_s = min(self.best_s, time.perf_counter() - start)

    def _part(self, part: slice) -> None:
        self._to[part] = self._from[part]

    @property
    def held_bytes(self) -> int:
        """Of memory."""
        return 2 * len(self._from)

    @property
    def bytes_per_s(self) -> float:
        """Of the best turn."""
        return self.held_bytes / self.best_s


def tell(name: str, value: float, unit: str, note: str = "") -> None:
    """One figure."""
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, "note": note}), flush=True)
