"""What the adjustment solves for, as one vector: places in it, and what is known before."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf, prod, radians

import numpy as np
from numpy.typing import NDArray

from .flat_model import BLOTCH_TERMS, SHAPE_TERMS, VIGNETTING_TERMS

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

BEFORE: dict[str, float | tuple[float, ...]] = {
    "place": 60.0, "level": inf, "aim": radians(4.0), "lobe": 0.2, "vignetting": (0.5, 0.05, 0.03),
    "shape": 0.15, "blotch": 0.002, "height": 0.05, "tilt": radians(0.1), "common": 0.01, "gain": 0.003,
    "ball": inf,
}  # fmt: skip
"""Standard deviation of each unknown before anything was observed.

A place is where the start says, within the size of a rig. LEDs without a lens radiate as Lambert's law says,
with some 0.2 in the exponent, and are aimed by hand to some degrees. A lens loses light with the square of
the radius, its higher powers are small. A sheet that is called flat bows by a
tenth of a millimetre or two, is laid down level within 0.1 mm in 60 mm, and is even within 0.7 % rms, which
makes 0.2 % for each of the waves.
Between two looks the lights drift by one per cent together and by a third of that each for itself.
"""


@dataclass(frozen=True, slots=False)
class Unknowns:
    """The vector's layout for K lights, L looks at the flat and B spheres."""

    lights: int
    looks: int
    balls: int

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of each group, in the vector's order."""
        k, looks = self.lights, self.looks
        return {
            "place": (k, 3), "level": (k,), "aim": (k, 2), "lobe": (k,), "vignetting": (VIGNETTING_TERMS,),
            "shape": (SHAPE_TERMS,), "blotch": (BLOTCH_TERMS,), "height": (looks,), "tilt": (looks, 2),
            "common": (looks,), "gain": (looks, k), "ball": (self.balls, 2),
        }  # fmt: skip

    @cached_property
    def size(self) -> int:
        """Length of the vector."""
        return sum(prod(shape) for shape in self.shapes.values())

    @cached_property
    def _indices(self) -> dict[str, Indices]:
        first, found = 0, {}
        for name, shape in self.shapes.items():
            found[name] = np.arange(first, first + prod(shape)).reshape(shape)
            first += prod(shape)
        return found

    def at(self, name: str) -> Indices:
        """Where a group stands in the vector, in the group's own shape."""
        return self._indices[name]

    def filled(self, values: Mapping[str, float | tuple[float, ...]]) -> Array:
        """A vector with one value per group, or one for each of its unknowns."""
        vector = np.zeros(self.size)
        for name, value in values.items():
            vector[self.at(name)] = value
        return vector
