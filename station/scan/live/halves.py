"""Two interleaved halves of the lights take turns, so that neither grows hot while the mat is watched.

Pure. The law is the board's (firmware/core/heat.h): heat grows by one for each millisecond that a light
burns, dimmed ones in proportion, shrinks by one for each in darkness, and is never below 0. Here it is in s.
"""

from ...wire.messages import PWM_LEVELS

TURN_S = 2.0
"""Heat by which the burning half may exceed the other: far below the 15 s of the board, which must leave room
for a scan."""


class Halves:
    """Of a rig's lights.

    Args:
        lights: how many there are.
        percent: how brightly they burn.
    """

    def __init__(self, lights: int, percent: float) -> None:
        every = tuple(range(lights))
        self.lights = (every[0::2], every[1::2] or every)
        self._share = max(percent / 100, 1 / PWM_LEVELS)
        self._heat_s = [0.0, 0.0]
        self._burning: int | None = None
        self._last = 0
        self._now_s: float | None = None

    def next_at(self, now_s: float) -> int:
        """The half that is to burn now: the one that burned last, until it is that much hotter."""
        self._pass_to(now_s)
        mine, other = self._heat_s[self._last], self._heat_s[1 - self._last]
        return 1 - self._last if mine - other >= TURN_S * self._share else self._last

    def lit(self, half: int, now_s: float) -> None:
        """From now on this half burns."""
        self._pass_to(now_s)
        self._burning = self._last = half

    def dark(self, now_s: float) -> None:
        """From now on neither burns."""
        self._pass_to(now_s)
        self._burning = None

    def _pass_to(self, now_s: float) -> None:
        passed_s = 0.0 if self._now_s is None else max(0.0, now_s - self._now_s)
        self._now_s = now_s
        self._heat_s = [
            heat_s + passed_s * self._share if half == self._burning else max(0.0, heat_s - passed_s)
            for half, heat_s in enumerate(self._heat_s)
        ]
