"""How a calibration ages: what the scans since then say of it."""

from typing import Literal

from .base import Document

AgeingState = Literal["ok", "soon", "now", "not_assessed"]
"""soon: a calibration is due, numbers are right still; now: numbers are wrong, or about to be."""


class AgeingSign(Document):
    """One thing that changed.

    Attributes:
        figure: which, for programs.
        lights: 0-based, those concerned; empty: none in particular.
        value, bound: how far it went, and the bound that it passed, in `unit`; None: there is no number.
        message: one sentence: what changed.
        next_step: one sentence: what to do.
    """

    figure: str
    state: Literal["soon", "now"]
    lights: tuple[int, ...] = ()
    value: float | None = None
    bound: float | None = None
    unit: str = ""
    message: str
    next_step: str


class Ageing(Document):
    """All signs, the worst first, and from how many scans they are."""

    state: AgeingState = "not_assessed"
    scans: int = 0
    signs: tuple[AgeingSign, ...] = ()
