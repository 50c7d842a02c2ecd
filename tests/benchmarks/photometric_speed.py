"""How fast normals are against the time it takes to move their bytes: eight lights, 8 bit, 3 to 12 MP.

The floor is every byte read and every byte written, over the bandwidth of a copy by two threads that is
measured in turns with the rest. Best of many turns: what else runs on the machine can only add.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _card import LIGHTS_MM, SENSOR, Array, Card, Codes, Copy, bytes_of, memory_bytes, tell

from station.photometric.growing import Growing
from station.photometric.integrate import Slopes, height_um
from station.photometric.linear import Quick, by_rank, least_squares
from station.photometric.solve import ROBUST, TRIMMED, solve
from station.photometric.stack import LightField, Pictures

FULL, SMALLER = Card(3000, 4000), {"5.5 MP": Card(2032, 2704), "3 MP": Card(1504, 2000)}
TURNS = 15
Runs = dict[str, Callable[[Pictures, Any], Any]]


@dataclass
class Timed:
    """The best time of a run, and the bytes that it reads and writes."""

    best_s: float = np.inf
    moved_bytes: int = 0

    def turn(self, work: Callable[[], Any]) -> Any:
        """Once more."""
        start = time.perf_counter()
        found = work()
        self.best_s = min(self.best_s, time.perf_counter() - start)
        return found

    def tell(self, name: str, copy: Copy) -> None:
        """In floors."""
        floor_s = self.moved_bytes / copy.bytes_per_s
        note = f"{self.best_s * 1e3:.1f} ms; floor {floor_s * 1e3:.1f} ms"
        tell(name, self.best_s / floor_s, "floors", note)


def estimators(near: LightField, coated: LightField, far: LightField) -> Runs:
    """Each of them as a user runs it; quick ones and full ones write over maps of their own."""
    return {
        "least squares, far lights": lambda taken, out: least_squares(taken, far, out),
        "least squares, near lights": lambda taken, out: least_squares(taken, near, out),
        "least squares by rank, far lights": lambda taken, out: by_rank(taken, far, out),
        "least trimmed squares, near lights": lambda taken, out: solve(
            taken, near, estimator=TRIMMED, out=out
        ),
        "default estimator, near lights": lambda taken, out: solve(taken, near, estimator=ROBUST, out=out),
        "default estimator, near lights and coat": lambda taken, out: solve(
            taken, coated, estimator=ROBUST, out=out
        ),
    }


def measure(card: Card, codes: dict[str, Codes], turns: int, copy: Copy, suffix: str = "") -> dict[str, Any]:
    """Time every estimator on every stack; the maps that were written."""
    near, far, maps = card.near(), card.far(), {}
    timed: dict[tuple[str, str], Timed] = {}
    runs = {what: estimators(near, near.coated(card.coat(lit)), far) for what, lit in codes.items()}
    for _ in range(turns):
        copy.turn()
        for what, lit in codes.items():
            for name, run in runs[what].items():
                kind = "quick" if name.startswith("least squares") else "full"
                one = timed.setdefault((name, what), Timed())
                maps[kind] = one.turn(
                    lambda lit=lit, run=run, kind=kind: run(Pictures(lit, None, SENSOR), maps.get(kind))
                )
                one.moved_bytes = lit.nbytes + bytes_of(maps[kind])
    for (name, what), one in timed.items():
        one.tell(f"{name}, {what}{suffix}", copy)
    return maps


def pinv(lit: Codes, directions: Array) -> tuple[Any, Any]:
    """What one would write in numpy: pseudo-inverse times codes, length, division."""
    inverse = np.linalg.pinv(directions).astype(np.float32)
    m = inverse @ (lit.reshape(8, -1).astype(np.float32) - np.float32(SENSOR.black_level))
    albedo = np.sqrt((m**2).sum(axis=0))
    return m / np.maximum(albedo, 1e-9), albedo


def beside(card: Card, lit: Codes, turns: int, copy: Copy) -> None:
    """Plain numpy, what is left to do when the last light has come, and the height."""
    unit = LIGHTS_MM / np.linalg.norm(LIGHTS_MM, axis=1, keepdims=True)
    moved = lit.nbytes + 17 * lit[0].size
    numpy, last, height = Timed(moved_bytes=moved), Timed(moved_bytes=moved), Timed(moved_bytes=moved)
    slopes = np.random.default_rng(0).standard_normal((2, card.height, card.width), np.float32)
    surface, maps = Slopes(slopes[0], slopes[1], 0.03), None
    for _ in range(turns):
        copy.turn()
        numpy.turn(lambda: pinv(lit, unit))
        height.turn(lambda: height_um(surface))
        growing = Growing(card.near(), SENSOR, (card.height, card.width), None)
        for light in range(7):
            growing.add(light, lit[light, ..., 0])
        maps = last.turn(lambda growing=growing, maps=maps: finished(growing, lit[7, ..., 0], maps))
    numpy.tell("least squares by numpy's pinv, far lights", copy)
    last.tell("least squares, near lights, what is left after the last light", copy)
    height.tell("height by cosine transforms, in floors of least squares", copy)


def finished(growing: Growing, frame: Codes, maps: Quick | None) -> Quick:
    """The last light's share, and the end."""
    growing.add(7, frame)
    return growing.least_squares(maps)


def main() -> None:
    """Measure; the number of turns may be given as an argument."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else TURNS
    random, copy = np.random.default_rng(1), Copy()
    codes = {"glossy card": FULL.glossy(random)}
    codes["random codes"] = random.integers(5, 240, codes["glossy card"].shape, np.uint8)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = memory_bytes("VmRSS")
    maps = measure(FULL, codes, turns, copy)
    grown = memory_bytes("VmHWM") - before
    kept = sum(bytes_of(item) for item in maps.values())
    shown = (grown + codes["glossy card"].nbytes) / (codes["glossy card"].nbytes + kept)
    tell("memory of all estimators, over input and output", shown, "1", "peak; one input, two sets of maps")
    beside(FULL, codes["glossy card"], turns // 3 + 1, copy)
    del codes, maps
    for name, card in SMALLER.items():
        measure(card, {"glossy card": card.glossy(random)}, turns, copy, f", {name}")
    tell("copy", copy.bytes_per_s / 1e9, "GB/s", "two threads, read and written")


if __name__ == "__main__":
    main()
