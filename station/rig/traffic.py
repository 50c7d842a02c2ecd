"""What was said on the line, decoded, for people who watch. Keep-alives are left out."""

import threading
import time
from collections import deque
from dataclasses import fields
from enum import IntEnum, IntFlag

from ..documents.rig import RigTraffic, TrafficKind
from ..wire import messages as m

KEPT = 500
_FLAGS: dict[type[m.Message], type[IntFlag]] = {
    m.HelloReply: m.BoardFlag,
    m.Light: m.LightFlag,
    m.Lights: m.LightFlag,
    m.ProgrammeStep: m.StepFlag,
    m.StepDone: m.StepFlag,
}


class Traffic:
    """The newest entries, numbered from 1. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[RigTraffic] = deque(maxlen=KEPT)
        self._number = 0

    def note(self, kind: TrafficKind, message: m.Message) -> None:
        """Remember one message, as of now."""
        with self._lock:
            self._number += 1
            self._entries.append(
                RigTraffic(
                    number=self._number,
                    time_s=time.time(),
                    kind=kind,
                    name=type(message).__name__,
                    text=in_words(message),
                )
            )

    def since(self, number: int) -> tuple[RigTraffic, ...]:
        """Entries with a greater number, oldest first."""
        with self._lock:
            return tuple(entry for entry in self._entries if entry.number > number)

    @property
    def head(self) -> int:
        """Number of the newest entry."""
        with self._lock:
            return self._number


def in_words(message: m.Message) -> str:
    """The fields of a message with their meaning."""
    values = ((field.name, getattr(message, field.name)) for field in fields(message))  # type: ignore[arg-type]
    return ", ".join(_field(message, name, value) for name, value in values)


def _field(message: m.Message, name: str, value: object) -> str:
    words = name.replace("_", " ")
    if isinstance(value, m.Spoken):
        return f"{words}: {value.says}"
    if isinstance(value, IntEnum):
        return f"{words} {value.name.lower()}"
    if isinstance(value, tuple):
        return "; ".join(f"[{in_words(entry)}]" for entry in value) or f"no {words}"
    return _number(message, name, value) if isinstance(value, int) else f"{words} {value}"


def _number(message: m.Message, name: str, value: int) -> str:
    if name == "mask":
        return _lights(value)
    if name == "step" and value == m.NO_STEP:
        return "no step"
    if name == "flags" and type(message) in _FLAGS:
        found = [flag.name or "" for flag in _FLAGS[type(message)] if value & flag]
        return "flags " + (" ".join(found).lower() or "none")
    return f"schema {value:08x}" if name == "schema_hash" else f"{name.replace('_', ' ')} {value}"


def _lights(mask: int) -> str:
    burning = lights_of(mask)
    return "lights " + " ".join(map(str, burning)) if burning else "no light"


def lights_of(mask: int) -> tuple[int, ...]:
    """The lights of a mask."""
    return tuple(light for light in range(m.LIGHTS_MAX) if mask >> light & 1)
