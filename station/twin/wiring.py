"""What lies between the board's switches and what shines: LEDs that are dead, weak, swapped or always on."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .lights import LIGHTS

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Wiring:
    """Faults of the lights. Numbers are those of the board's switches.

    Attributes:
        shares: how strong the LED of a switch is; 0 is dead, 1 (also where none is named) is sound.
        swapped: pairs of switches whose LEDs were exchanged.
        always_on: places of LEDs that burn all the time.
        covered: whether the camera sees nothing at all.
    """

    shares: dict[int, float] = field(default_factory=dict)
    swapped: tuple[tuple[int, int], ...] = ()
    always_on: tuple[int, ...] = ()
    covered: bool = False

    def __post_init__(self) -> None:
        """Refuse lights that are not there.

        Raises:
            ValueError: a number of no light, or a negative share.
        """
        named = {*self.shares, *self.always_on, *(light for pair in self.swapped for light in pair)}
        if not named <= set(range(LIGHTS)) or min(self.shares.values(), default=0.0) < 0:
            raise ValueError(f"the rig has lights 0 to {LIGHTS - 1}, and none is darker than dark")

    def shining(self, on: Doubles) -> Doubles:
        """Share of the exposure that each LED shone: from what the switches did, (..., LIGHTS) both."""
        strength = np.array([self.shares.get(light, 1.0) for light in range(LIGHTS)])
        places = np.arange(LIGHTS)
        for one, other in self.swapped:
            places[[one, other]] = places[[other, one]]
        shone = np.zeros_like(on)
        shone[..., places] = on * strength
        shone[..., list(self.always_on)] = 1.0
        return shone
