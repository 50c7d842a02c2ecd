"""Stacks of the twin, coarse: ambient and one frame for each light."""

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.camera.matcher import coarse, coarse_flat
from station.twin.scene import Scene
from station.twin.spec import CardSpec, Unkind

CALIBRATION = Path(__file__).parents[2] / "calibration"
DPI = 75  # fingerprints are far coarser still


class Bench:
    """The twin's rig with a card on it, lit as asked."""

    def __init__(self) -> None:
        self._scene = Scene(1, dpi=DPI)
        file = tomllib.loads((CALIBRATION / "twin.toml").read_text())["flat_field"]["file"]
        with np.load(CALIBRATION / file) as arrays:
            self.flat = coarse_flat(arrays["flat"])
        self._sequence = 0

    def place(self, seed: int, unkind: Unkind) -> None:
        self._scene.place(CardSpec(seed, unkind=unkind))
        self._sequence = 1000 * seed

    def clear(self) -> None:
        self._scene.remove()

    def seen(self, **burning: float) -> NDArray[np.float32]:
        """The coarse frame with lights burning for a share of the exposure: `seen(l3=1.0)`."""
        on = [burning.get(f"l{light}", 0.0) for light in range(8)]
        self._sequence += 1
        return coarse(self._scene.render(on, sequence=self._sequence))

    def stack(self) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        return self.seen(), [self.seen(**{f"l{light}": 1.0}) for light in range(8)]


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench()


@pytest.fixture(scope="session")
def stack_of(bench: Bench) -> Callable[..., Any]:
    """Ambient and lit frames of a card by its seed and flavour; seed 0 is the empty mat."""

    @cache
    def make(seed: int, foil: bool = False, gloss: float = 1.0) -> Any:
        if seed == 0:
            bench.clear()
        else:
            bench.place(seed, Unkind(foil=foil, gloss=gloss))
        return bench.stack()

    return make
