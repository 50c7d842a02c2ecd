"""Stacks of the twin to be judged: one thing on the mat, or another from some frame on."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from station.scan.pipeline import Stack
from station.twin.scene import Scene
from station.twin.things import Thing

DPI = 110
LIGHTS = 8
EXPOSURE_US = 15_000


def stack(things: Mapping[int, Thing] | Thing, *, seed: int = 1, dpi: float = DPI) -> Stack:
    """Frame 0 is the ambient one, light k is in frame k + 1; `things` by the frame from which on they lie."""
    lying = things if isinstance(things, Mapping) else {0: things}
    scene = Scene(seed, dpi=dpi)
    pictures: list[Any] = []
    for frame, on in enumerate([np.zeros(LIGHTS), *np.eye(LIGHTS)]):
        if frame in lying:
            scene.place(lying[frame])
        pictures.append(scene.render(on, sequence=100 * seed + frame))
    return Stack(pictures[0], tuple(pictures[1:]), tuple(range(LIGHTS)), EXPOSURE_US)
