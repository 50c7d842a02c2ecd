"""The software board's panel: inputs, buzzer, status LED and indicator. Pure; times in ns."""

from dataclasses import dataclass

from ..wire.messages import Colour, Pattern
from .board_parts import MS

_HALF_BLINK_NS = {Pattern.SLOW: 512 * MS, Pattern.FAST: 128 * MS}


@dataclass(slots=True)
class Panel:
    """Buttons, card sensor and buzzer, as the board knows them."""

    buttons: int = 0
    card_present: bool = False
    beeps: int = 0
    buzzer_hz: int = 0
    buzzer_ms: int = 0


class Indicator:
    """Status LED and two-coloured indicator. A blink begins with light: what is new is seen at once."""

    def __init__(self) -> None:
        self._set = self._shown = (Colour.OFF, Pattern.OFF)
        self._since_ns = 0
        self._hidden = False

    @property
    def pattern(self) -> Pattern:
        """What is shown now."""
        return self._shown[1]

    @property
    def colour(self) -> Colour:
        """What is shown now."""
        return self._shown[0]

    def set(self, colour: Colour, pattern: Pattern, now_ns: int) -> None:
        """From now on."""
        self._set = colour, pattern
        if not self._hidden:
            self._show(self._set, now_ns)

    def hide(self, now_ns: int) -> None:
        """The host lease is over: dark, whatever was set."""
        self._hidden = True
        self._show((Colour.OFF, Pattern.OFF), now_ns)

    def show(self, now_ns: int) -> None:
        """The host was heard: what was set is shown again."""
        if self._hidden:
            self._hidden = False
            self._show(self._set, now_ns)

    def reset(self, now_ns: int) -> None:
        """Dark, and nothing is set."""
        self._hidden = False
        self.set(Colour.OFF, Pattern.OFF, now_ns)

    def levels(self, now_ns: int) -> dict[str, int]:
        """Whether each LED shines at this moment: `status_led`, `green`, `red`."""
        half_ns = _HALF_BLINK_NS.get(self.pattern)
        shines = self.pattern is not Pattern.OFF
        if half_ns is not None:
            shines = (now_ns - self._since_ns) // half_ns % 2 == 0
        mix = self.colour if shines else Colour.OFF
        return {"status_led": int(shines), "green": mix & Colour.GREEN, "red": mix >> 1}

    def _show(self, shown: tuple[Colour, Pattern], now_ns: int) -> None:
        self._shown = shown
        self._since_ns = now_ns
