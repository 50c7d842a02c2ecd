"""How fast the twin renders: one frame at 600 dpi, and how long a new card takes until its first frame."""

import json
import statistics
import time

import numpy as np

from station.twin.scene import Scene
from station.twin.spec import CardSpec

FRAMES = 9


def _frame_s(scene: Scene, sequence: int, bit_depth: int) -> float:
    start = time.perf_counter()
    scene.render(np.eye(8)[sequence % 8], sequence=sequence, bit_depth=bit_depth)
    return time.perf_counter() - start


def _print(name: str, value: float, unit: str, note: str = "") -> None:
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, "note": note}))


def main() -> None:
    """Measure, after one frame that compiles or loads the kernels."""
    scene = Scene(dpi=600)
    scene.render(np.zeros(8))
    scene.place(CardSpec(1))
    first = _frame_s(scene, 0, 8)
    times = {depth: [_frame_s(scene, n, depth) for n in range(1, FRAMES + 1)] for depth in (8, 16)}
    pixels = scene.optics.width_px * scene.optics.height_px
    for depth, taken in times.items():
        note = f"{pixels / 1e6:.2f} MP, one light, median of {FRAMES}"
        _print(f"twin frame at 600 dpi, {depth} bit", statistics.median(taken), "s", note)
        _print(f"twin frame at 600 dpi, {depth} bit, best", min(taken), "s", note)
    _print("new card at 600 dpi until its first frame", first, "s")


if __name__ == "__main__":
    main()
