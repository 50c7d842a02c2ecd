"""The clock of the software board, faster or slower than this machine's. Pure; times in ns."""

PPM_MAX = 5_000
_MILLION = 1_000_000


class Resonator:
    """Translates between both clocks; they agreed at `start_ns`."""

    def __init__(self, ppm: int, start_ns: int) -> None:
        self._rate = _MILLION + ppm
        self._start_ns = start_ns

    def board_ns(self, host_ns: int) -> int:
        """What the board's clock shows at a moment of this machine's."""
        return self._start_ns + (host_ns - self._start_ns) * self._rate // _MILLION

    def host_ns(self, board_ns: int) -> int:
        """The first moment at which the board's clock shows this."""
        return self._start_ns - (self._start_ns - board_ns) * _MILLION // self._rate


def parse_ppm(text: str) -> int:
    """A deviation from a command line.

    Raises:
        ValueError: no whole number, or beyond what a resonator has.
    """
    ppm = int(text)
    if abs(ppm) > PPM_MAX:
        raise ValueError(f"{text}: beyond {PPM_MAX} ppm")
    return ppm
