"""The lights of the software board and its trigger line. Pure; times in ns."""

from collections.abc import Callable

from ..wire.messages import PWM_LEVELS
from .board_heat import MS, Burn, Heat

TRIGGER = 0x100
"""Bit of what `edge` is told: the trigger line is high."""
PWM_PERIOD_NS = 4 * MS


class Lamps:
    """What burns, how brightly, and until when it may."""

    def __init__(self, edge: Callable[[int, int], None], lights: int, now_ns: int) -> None:
        self._edge = edge
        self._heat = Heat(lights, now_ns)
        self._level = PWM_LEVELS
        self._lit = False
        self._turn_ns: int | None = None  # of the dimmer
        self._shown = 0
        self.mask = 0
        self.off_ns: int | None = None
        self.timed = False

    def set(
        self,
        mask: int,
        now_ns: int,
        max_on_ns: int | None = None,
        *,
        timed: bool = False,
        level: int = PWM_LEVELS,
    ) -> None:
        """Let exactly these burn, the trigger low; every change is reported to `edge`."""
        self._heat.pass_to(now_ns, self.mask, self._level)
        self.mask, self._level, self.timed = mask, level, timed
        self.off_ns = now_ns + max_on_ns if mask and max_on_ns is not None else None
        self._lit = True
        dimmed = mask and level < PWM_LEVELS
        self._turn_ns = now_ns + self._share_ns if dimmed else None
        self._show(mask, now_ns)

    def trigger(self, now_ns: int) -> None:
        """The trigger rises; it falls when lights are set."""
        self._show(self._shown | TRIGGER, now_ns)

    def turn(self, now_ns: int) -> None:
        """Do what the dimmer has due."""
        if self._turn_ns is None or now_ns < self._turn_ns:
            return
        self._lit = not self._lit
        self._turn_ns += self._share_ns if self._lit else PWM_PERIOD_NS - self._share_ns
        self._show(self.mask if self._lit else 0, now_ns)

    def expired(self, now_ns: int) -> bool:
        """Whether the maximum on-time is over."""
        return self.off_ns is not None and now_ns >= self.off_ns

    def too_hot(self, now_ns: int) -> bool:
        """Whether a burning light has reached the limit of its duty cycle."""
        return self._heat_at(now_ns).too_hot(self.mask)

    def bear(self, burns: list[Burn], now_ns: int) -> bool:
        """Whether the duty cycle allows this from now on."""
        return self._heat_at(now_ns).bears(burns)

    def hottest_ms(self, now_ns: int) -> int:
        """Heat of the hottest light."""
        return self._heat_at(now_ns).hottest_ms

    @property
    def wake_ns(self) -> int | None:
        """When something here is due."""
        times = (self.off_ns, self._turn_ns, self._heat.over_ns(self.mask, self._level))
        return min((time for time in times if time is not None), default=None)

    @property
    def _share_ns(self) -> int:
        return PWM_PERIOD_NS * self._level // PWM_LEVELS

    def _heat_at(self, now_ns: int) -> Heat:
        self._heat.pass_to(now_ns, self.mask, self._level)
        return self._heat

    def _show(self, pins: int, now_ns: int) -> None:
        if pins != self._shown:
            self._shown = pins
            self._edge(now_ns, pins)
