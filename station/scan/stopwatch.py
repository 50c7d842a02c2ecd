"""Times of stages, for the provenance: measured, never estimated."""

import time


class Stopwatch:
    """Laps in seconds by name."""

    def __init__(self) -> None:
        self.laps_s: dict[str, float] = {}
        self._since_s = time.perf_counter()

    def lap(self, name: str) -> None:
        """The time since the last lap belongs to `name`."""
        now = time.perf_counter()
        self.laps_s[name] = self.laps_s.get(name, 0.0) + now - self._since_s
        self._since_s = now

    def skip(self) -> None:
        """The time since the last lap belongs to nobody here."""
        self._since_s = time.perf_counter()
