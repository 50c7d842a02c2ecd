"""The board's ticks on this machine's monotonic clock, learned from round trips.

A reply was given somewhere between sending and receiving (Cristian, 1989): each round trip is a gate through
which the true line of ticks over seconds must pass. All gates together leave a bundle of lines (Duda et al.,
1987); its middle is the answer, its width the error. Both are bounds, not averages: nothing is assumed about
how a delay is shared between the ways there and back.
"""

from dataclasses import dataclass

WRAP = 1 << 32
KEPT = 32
MEMORY_S = 60.0
RATE_TOLERANCE = 0.01  # a ceramic resonator is made to 0.5 %; warmth and age have as much again
WANDER = 50e-6  # between any two moments of the memory: a board warms up, this machine's clock is disciplined
KNOWN_RATE = 1e-3  # a rate less certain than this is not worth telling
_SETTLED = 3  # rounds of a search that gains two digits in each


@dataclass(frozen=True, slots=True)
class _Gate:
    """At some moment between both times the clock showed these ticks."""

    sent_s: float
    received_s: float
    ticks: int


@dataclass(frozen=True, slots=True)
class _Bundle:
    """The gates, and the least and greatest seconds per tick that lead through all of them."""

    gates: tuple[_Gate, ...]
    least_s: float
    greatest_s: float

    def at(self, ticks: float) -> tuple[float, float]:
        """Earliest and latest time at which the clock showed these ticks, not yet wrapped."""
        earliest_s = max(gate.sent_s + self._slowest(ticks - gate.ticks - 1) for gate in self.gates)
        latest_s = min(gate.received_s + self._fastest(ticks - gate.ticks + 1) for gate in self.gates)
        return earliest_s, latest_s

    def _slowest(self, ticks: float) -> float:
        return ticks * (self.least_s if ticks > 0 else self.greatest_s)

    def _fastest(self, ticks: float) -> float:
        return ticks * (self.greatest_s if ticks > 0 else self.least_s)


class BoardClock:
    """Fed with round trips, answers when a tick was. Ticks are 32 bit and may wrap between feeds once."""

    def __init__(self, ticks_hz: int) -> None:
        self.nominal_hz = float(ticks_hz)
        self._bundle: _Bundle | None = None  # replaced, never changed: another thread may be reading

    @property
    def ready(self) -> bool:
        """Whether there was a round trip at all."""
        return self._bundle is not None

    @property
    def uncertainty_s(self) -> float:
        """Half the shortest round trip: how wrong the best comparison may be."""
        return min(gate.received_s - gate.sent_s for gate in self._known().gates) / 2

    def feed(self, sent_s: float, received_s: float, ticks: int) -> None:
        """Learn from one round trip. What contradicts it is forgotten: the newest is right."""
        before = self._bundle.gates if self._bundle is not None else ()
        unwrapped = _nearest(ticks, before[-1].ticks) if before else ticks
        recent = [gate for gate in before[1 - KEPT :] if gate.sent_s >= sent_s - MEMORY_S]
        self._bundle = self._through([*recent, _Gate(sent_s, received_s, unwrapped)])

    def monotonic_s(self, ticks: int) -> float:
        """When the board's clock showed `ticks`, on `time.monotonic()`.

        Raises:
            ValueError: nothing was fed yet.
        """
        bundle = self._known()
        return sum(bundle.at(_nearest(ticks, bundle.gates[-1].ticks))) / 2

    def error_at_s(self, ticks: int) -> float:
        """How wrong `monotonic_s` may be for these ticks."""
        bundle = self._known()
        earliest_s, latest_s = bundle.at(_nearest(ticks, bundle.gates[-1].ticks))
        return (latest_s - earliest_s) / 2

    def ticks_at(self, monotonic_s: float) -> int:
        """What the board's clock shows at a moment of `time.monotonic()`; the inverse of `monotonic_s`."""
        return round(self._unwrapped_at(monotonic_s)) % WRAP

    def error_s(self, ahead_s: float) -> float:
        """How wrong a conversion may be for a moment `ahead_s` after the newest round trip."""
        newest = self._known().gates[-1]
        ticks = round(self._unwrapped_at(newest.received_s + max(0.0, ahead_s)))
        return self.error_at_s(ticks) + 1 / self.nominal_hz  # a moment is met in whole ticks

    def rate_hz(self) -> float:
        """Ticks per second of this machine's clock; the nominal rate until it is known to 0.1 %."""
        bundle = self._known()
        width = (bundle.greatest_s - bundle.least_s) * self.nominal_hz
        known = width / 2 <= KNOWN_RATE
        return 2 / (bundle.least_s + bundle.greatest_s) if known else self.nominal_hz

    def _unwrapped_at(self, monotonic_s: float) -> float:
        bundle = self._known()
        newest = bundle.gates[-1]
        rate_hz = 2 / (bundle.least_s + bundle.greatest_s)
        ticks = newest.ticks + (monotonic_s - newest.received_s) * rate_hz
        for _ in range(_SETTLED):
            ticks += (monotonic_s - sum(bundle.at(ticks)) / 2) * rate_hz
        return ticks

    def _through(self, gates: list[_Gate]) -> _Bundle:
        """The widest bundle through the newest gate and as many before it as agree with each other."""
        least_s = (1 - RATE_TOLERANCE) / self.nominal_hz
        greatest_s = (1 + RATE_TOLERANCE) / self.nominal_hz
        slack_s = WANDER / self.nominal_hz
        agreed: list[_Gate] = []
        for gate in reversed(gates):
            rates = [_rates(gate, later) for later in agreed]
            lower_s = max([least_s, *(low for low, _ in rates)])
            upper_s = min([greatest_s, *(high for _, high in rates)])
            if lower_s > upper_s + slack_s:
                break
            least_s, greatest_s = lower_s, upper_s
            agreed.append(gate)
        return _Bundle(tuple(reversed(agreed)), least_s - slack_s, greatest_s + slack_s)

    def _known(self) -> _Bundle:
        if self._bundle is None:
            raise ValueError("the board's clock was never compared")
        return self._bundle


def _nearest(ticks: int, to: int) -> int:
    """The unwrapped tick nearest to another."""
    return to + (ticks - to + WRAP // 2) % WRAP - WRAP // 2


def _rates(one: _Gate, other: _Gate) -> tuple[float, float]:
    """Least and greatest seconds per tick between two gates."""
    first, last = (one, other) if one.ticks <= other.ticks else (other, one)
    ticks = last.ticks - first.ticks
    least_s = (last.sent_s - first.received_s) / (ticks + 1)
    greatest_s = (last.received_s - first.sent_s) / (ticks - 1) if ticks > 1 else float("inf")
    return least_s, greatest_s
