"""What the operator's feet say: the pedal (button 0), the second button and the card sensor as events."""

from ...documents.batch import BatchOrder
from ...rig.interface import ButtonMoved, PanelEvent
from .events import CardSensed, Event, Pause, Pedal, Resume, Turn, Undo

LONG_S = 0.8
"""A press of the second button that lasts so long means the other thing."""


class Panel:
    """Short presses of the pedal go on. The second button undoes; held, it turns the pile, or pauses."""

    def __init__(self, order: BatchOrder) -> None:
        self._order = order
        self._since_s: float | None = None

    def read(self, moved: PanelEvent, *, paused: bool) -> Event | None:
        """The event for the machine; a button acts when it can be told what is meant."""
        if not isinstance(moved, ButtonMoved):
            return CardSensed(moved.present)
        if moved.button == 0:
            return (Resume() if paused else Pedal()) if moved.pressed else None
        return self._second(moved, paused=paused)

    def _second(self, moved: ButtonMoved, *, paused: bool) -> Event | None:
        if moved.pressed:
            self._since_s = moved.when_s
            return None
        since_s, self._since_s = self._since_s, None
        if since_s is None:
            return None
        if moved.when_s - since_s < LONG_S:
            return Undo()
        if self._order == "fronts_then_backs":
            return Turn()
        return Resume() if paused else Pause()
