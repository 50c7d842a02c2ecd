"""The board's ticks on this machine's monotonic clock, learned from round trips.

A reply was given somewhere between sending and receiving, so a short round trip says more than a long one
(Cristian, 1989). The rate is fitted too, because the ceramic resonators of small boards are off by up to
0.5 %.
"""

from dataclasses import dataclass

WRAP = 1 << 32
KEPT = 32
SHORT_ENOUGH = 2.0  # round trips up to this multiple of the shortest take part in the fit of the rate
SHORTEST_SPAN_S = 1.0
RATE_TOLERANCE = 0.02
RESONATOR_TOLERANCE = 0.005


@dataclass(frozen=True, slots=True)
class _Sample:
    middle_s: float
    ticks: int
    round_trip_s: float


class BoardClock:
    """Fed with round trips, answers when a tick was. Ticks are 32 bit and may wrap between feeds once."""

    def __init__(self, ticks_hz: int) -> None:
        self.nominal_hz = float(ticks_hz)
        self._samples: tuple[_Sample, ...] = ()  # replaced, never changed: another thread may be reading

    @property
    def ready(self) -> bool:
        """Whether there was a round trip at all."""
        return bool(self._samples)

    @property
    def uncertainty_s(self) -> float:
        """Half the shortest round trip: how wrong the best sample may be."""
        return self._best().round_trip_s / 2

    def feed(self, sent_s: float, received_s: float, ticks: int) -> None:
        """Learn from one round trip."""
        unwrapped = ticks
        if self._samples:
            last = self._samples[-1].ticks
            unwrapped = last + (ticks - last + WRAP // 2) % WRAP - WRAP // 2
        sample = _Sample((sent_s + received_s) / 2, unwrapped, received_s - sent_s)
        self._samples = (*self._samples[1 - KEPT :], sample)

    def monotonic_s(self, ticks: int) -> float:
        """When the board's clock showed `ticks`, on `time.monotonic()`.

        Raises:
            ValueError: nothing was fed yet.
        """
        best = self._best()
        ahead = (ticks - best.ticks + WRAP // 2) % WRAP - WRAP // 2
        return best.middle_s + ahead / self.rate_hz()

    def ticks_at(self, monotonic_s: float) -> int:
        """What the board's clock shows at a moment of `time.monotonic()`; the inverse of `monotonic_s`."""
        best = self._best()
        return (best.ticks + round((monotonic_s - best.middle_s) * self.rate_hz())) % WRAP

    def error_s(self, ahead_s: float) -> float:
        """How wrong a conversion may be for a moment `ahead_s` after the newest round trip."""
        best = self._best()
        away_s = self._samples[-1].middle_s - best.middle_s + max(0.0, ahead_s)
        short = self._short()
        span_s = short[-1].middle_s - short[0].middle_s
        rate_error = best.round_trip_s / span_s if span_s >= SHORTEST_SPAN_S else RESONATOR_TOLERANCE
        return best.round_trip_s / 2 + away_s * min(rate_error, RESONATOR_TOLERANCE)

    def _short(self) -> list[_Sample]:
        limit = self._best().round_trip_s * SHORT_ENOUGH
        return [sample for sample in self._samples if sample.round_trip_s <= limit]

    def rate_hz(self) -> float:
        """Ticks per second of this machine's clock, by least squares over the short round trips."""
        short = self._short()
        if short[-1].middle_s - short[0].middle_s < SHORTEST_SPAN_S:
            return self.nominal_hz
        mean_s = sum(sample.middle_s for sample in short) / len(short)
        mean_ticks = sum(sample.ticks for sample in short) / len(short)
        spread = sum((sample.middle_s - mean_s) ** 2 for sample in short)
        shared = sum((sample.middle_s - mean_s) * (sample.ticks - mean_ticks) for sample in short)
        fitted = shared / spread
        trusted = abs(fitted / self.nominal_hz - 1) <= RATE_TOLERANCE
        return fitted if trusted else self.nominal_hz

    def _best(self) -> _Sample:
        if not self._samples:
            raise ValueError("the board's clock was never compared")
        return min(self._samples, key=lambda sample: sample.round_trip_s)
