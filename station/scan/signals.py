"""What the operator sees and hears of a hands-free batch. Pure.

Colour and pattern alone tell every signal that can come in one batch: `flip` and `turn_pile` share theirs,
and no order of cards knows both. Pattern and tune alone tell them, too, for who does not tell red from green.
"""

from dataclasses import dataclass
from typing import NamedTuple

from ..documents.batch import SignalKind
from ..rig.interface import IndicatorColour, IndicatorPattern


class Tone(NamedTuple):
    """One tone of a tune, and the silence after it."""

    frequency_hz: int
    milliseconds: int
    pause_ms: int


@dataclass(frozen=True, slots=True)
class Signal:
    """Light of the indicator, steady until the next signal, and a tune that is played once."""

    colour: IndicatorColour
    pattern: IndicatorPattern = "on"
    tune: tuple[Tone, ...] = ()


_TICK = (Tone(1_760, 25, 0),)
_BRIGHT_TWICE = (Tone(4_186, 90, 70), Tone(4_186, 90, 0))
_RISING_PAIR = (Tone(1_047, 120, 40), Tone(1_568, 180, 0))
_FALLING_RISING = (Tone(1_568, 300, 30), Tone(1_047, 300, 30), Tone(1_568, 400, 0))
_SHORT_LOW_TWICE = (Tone(440, 70, 90), Tone(440, 70, 0))
_LOW_LOW = (Tone(262, 250, 120), Tone(262, 250, 0))
_LONG_LOW = (Tone(220, 1_500, 0),)
_SMALL_TUNE = (Tone(1_047, 120, 30), Tone(1_319, 120, 30), Tone(1_568, 120, 30), Tone(2_093, 350, 0))

SIGNALS: dict[SignalKind, Signal] = {
    "place": Signal("green"),
    "working": Signal("amber", tune=_TICK),
    "take_away": Signal("green", "fast", _BRIGHT_TWICE),
    "flip": Signal("green", "slow", _RISING_PAIR),
    "turn_pile": Signal("green", "slow", _FALLING_RISING),
    "again": Signal("amber", "fast", _SHORT_LOW_TWICE),
    "wrong": Signal("red", "slow", _LOW_LOW),
    "fault": Signal("red", "fast", _LONG_LOW),
    "paused": Signal("amber", "slow"),
    "finished": Signal("off", tune=_SMALL_TUNE),
}
"""The bright double beep of `take_away`, which says that the pictures are safe on disk, lies an octave above
every other tone."""
