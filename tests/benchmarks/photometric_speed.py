"""How fast normals are against the time it takes to move their bytes: 12 megapixels, eight lights, 8 bit.

The floor is every byte read and every byte written, over the bandwidth of a copy by two threads that is
measured in turns with the rest. Best of many turns: what else runs on the machine can only add.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from station.photometric.lights import directional_field
from station.photometric.linear import by_rank, least_squares
from station.photometric.solve import ROBUST, solve
from station.photometric.stack import LightField, Pictures, Sensor

HEIGHT, WIDTH = 3000, 4000
SPAN_MM = 88.0
TURNS = 15
PEAK = 190.0
ROUGHNESS = 0.15
SENSOR = Sensor(black_level=4.0, full_scale=255.0, noise_a=0.025, noise_b=0.15)
AROUND = np.arange(8) * np.pi / 4 + 0.2
LIGHTS_MM = np.stack([150 * np.cos(AROUND), 150 * np.sin(AROUND), 150 + 3 * np.cos(5 * AROUND)], axis=1)
EYE_MM = np.array([0.0, 0.0, 400.0])
Array = NDArray[np.float64]


def grid_mm(rows: int, columns: int) -> Array:
    """Points of the card plane under a grid from corner pixel to corner pixel."""
    half = SPAN_MM / 2
    x, y = np.linspace(-half, half, columns) * WIDTH / HEIGHT, np.linspace(half, -half, rows)
    return np.stack(np.broadcast_arrays(x[None, :], y[:, None], np.zeros((1, 1))), axis=2)


def near() -> LightField:
    """The ring's light over the card, on nodes 1.35 mm apart."""
    points = grid_mm(67, 89)
    ray = LIGHTS_MM[:, None, None] - points
    bright = ray[..., 2] / np.linalg.norm(ray, axis=-1) ** 3
    flat = PEAK * bright / bright.max()
    return LightField(flat[..., None].astype(np.float32), (ray[..., :2] / ray[..., 2:]).astype(np.float32))


def far() -> LightField:
    """The same ring, far away."""
    return directional_field(LIGHTS_MM, np.full((8, 1), PEAK * 1.4))


def glossy(random: np.random.Generator) -> NDArray[np.uint8]:
    """A printed, varnished card with relief under the ring, with the sensor's noise: (8, H, W, 1)."""
    points = grid_mm(HEIGHT // 4, WIDTH // 4)
    x, y = points[..., 0], points[..., 1]
    albedo = 0.45 + 0.3 * np.sign(np.sin(x * 1.7) * np.sin(y * 2.3)) + 0.1 * np.sin(x / 9)
    normal = np.stack([0.03 * np.sin(x * 3), 0.03 * np.cos(y * 4), np.ones_like(x)], axis=2)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    view = EYE_MM - points
    view /= np.linalg.norm(view, axis=2, keepdims=True)
    out = np.empty((8, HEIGHT, WIDTH, 1), np.uint8)
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


def main() -> None:
    """Measure; the number of turns may be given as an argument."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else TURNS
    random = np.random.default_rng(1)
    codes = {"glossy card": glossy(random), "random codes": np.empty((8, HEIGHT, WIDTH, 1), np.uint8)}
    codes["random codes"][:] = random.integers(5, 240, codes["glossy card"].shape, np.uint8)
    ring, ring_far = near(), far()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = memory_bytes("VmRSS")
    runs: dict[str, Callable[[Pictures, Any], Any]] = {
        "least squares, far lights": lambda taken, out: least_squares(taken, ring_far, out),
        "least squares, near lights": lambda taken, out: least_squares(taken, ring, out),
        "least squares by rank, far lights": lambda taken, out: by_rank(taken, ring_far, out),
        "default estimator, near lights": lambda taken, out: solve(taken, ring, estimator=ROBUST, out=out),
    }
    copy, best, maps = Copy(), dict.fromkeys(((run, what) for run in runs for what in codes), np.inf), {}
    for _ in range(turns):
        copy.turn()
        for (run, what), known in best.items():
            taken = Pictures(codes[what], None, SENSOR)
            start = time.perf_counter()
            maps[run] = runs[run](taken, maps.get(run))
            best[run, what] = min(known, time.perf_counter() - start)
    for (run, what), seconds in best.items():
        moved = codes[what].nbytes + bytes_of(maps[run])
        floor = moved / copy.bytes_per_s
        tell(
            f"{run}, {what}", seconds / floor, "floors", f"{seconds * 1e3:.1f} ms; floor {floor * 1e3:.1f} ms"
        )
    tell("copy", copy.bytes_per_s / 1e9, "GB/s", "two threads, read and written")
    grown = memory_bytes("VmHWM") - before - copy.held_bytes
    kept = sum(bytes_of(item) for item in maps.values())
    shown = (grown + codes["glossy card"].nbytes) / (codes["glossy card"].nbytes + kept)
    tell("memory of all four, over input and output", shown, "1", "peak; one input, four sets of maps")


if __name__ == "__main__":
    main()
