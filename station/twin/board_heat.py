"""The duty-cycle interlock of the software board: how warm each light is, and what it still bears.

Pure; times in ns. A light's heat grows by one millisecond for each that it burns, dimmed ones in
proportion, and shrinks by one for each of darkness.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..wire.messages import HEAT_MAX_MS, PWM_LEVELS

MS = 1_000_000
_LIMIT = HEAT_MAX_MS * MS * PWM_LEVELS  # kept in shares of a level, so that nothing is ever rounded


@dataclass(frozen=True, slots=True)
class Burn:
    """These lights burn at this level for so long; then it is dark for so long."""

    mask: int
    level: int
    on_ns: int
    dark_ns: int = 0


class Heat:
    """Of all lights of a board, at one moment."""

    def __init__(self, lights: int, now_ns: int) -> None:
        self._heat = [0] * lights
        self._when_ns = now_ns

    def pass_to(self, now_ns: int, mask: int, level: int) -> None:
        """Until now these lights burned, at this level."""
        self._heat = _after(self._heat, mask, level, now_ns - self._when_ns)
        self._when_ns = now_ns

    @property
    def hottest_ms(self) -> int:
        """Of the hottest light."""
        return max(self._heat) // (MS * PWM_LEVELS)

    def too_hot(self, mask: int) -> bool:
        """Whether one of these has reached the limit."""
        return any(heat >= _LIMIT for heat in _of(self._heat, mask))

    def over_ns(self, mask: int, level: int) -> int | None:
        """When the first of these reaches the limit if they go on burning; None: nothing burns."""
        if not mask or not level:
            return None
        left = max(0, _LIMIT - max(_of(self._heat, mask)))
        return self._when_ns - (-left // level)

    def bears(self, burns: Iterable[Burn]) -> bool:
        """Whether all this can follow, from now on, without a light reaching the limit."""
        heat = self._heat
        for burn in burns:
            heat = _after(heat, burn.mask, burn.level, burn.on_ns)
            if any(value >= _LIMIT for value in _of(heat, burn.mask)):
                return False
            heat = _after(heat, 0, 0, burn.dark_ns)
        return True


def _of(heat: list[int], mask: int) -> list[int]:
    return [value for light, value in enumerate(heat) if mask >> light & 1]


def _after(heat: list[int], mask: int, level: int, passed_ns: int) -> list[int]:
    return [
        value + passed_ns * level if mask >> light & 1 else max(0, value - passed_ns * PWM_LEVELS)
        for light, value in enumerate(heat)
    ]
