"""What `station doctor` found: one line for each thing it looked at."""

from typing import Literal

from .base import Document

CheckState = Literal["ok", "warn", "bad"]


class Check(Document):
    """One thing that was looked at.

    Attributes:
        name: of the thing, such as `disk`.
        state: warn: it works, and may not for long; bad: cards cannot be scanned, or could be lost.
        said: what was found, in one sentence.
        next_step: what to do; empty where nothing is to be done.
    """

    name: str
    state: CheckState
    said: str
    next_step: str = ""


class DoctorReport(Document):
    """All checks, in the order in which they depend on each other. `by`: who looked."""

    by: Literal["daemon", "offline"]
    checks: tuple[Check, ...]

    @property
    def bad(self) -> int:
        """How many things are bad."""
        return sum(check.state == "bad" for check in self.checks)
