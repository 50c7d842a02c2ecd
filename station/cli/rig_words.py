"""What people say to the board, understood. Pure."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from ..documents.rig import RigOrder

HELP = """\
  light 3 for 200 ms                one light and no other; it goes off by itself
  lights 0 3 at 40 % for 2 s        several, dimmed; `lights all` are all of them
  off                               all lights off
  beep [at 2000 Hz] [for 80 ms]     sound the buzzer
  indicator red slow                the two-coloured LED: green, amber, red [on|slow|fast], or off
  programme dark 0 1 2 [expose 15 ms] [settle 1 ms] [gap 10 ms] [trigger]
                                    run these steps once; each is reported
  abort                             stop a programme
  status, errors, stats, ping       what the board does, remembers, has counted, and whether it is there
  clear                             forget a latched fault
  wait 2 s                          do nothing but listen
  help, quit                        this list; the end, with lights off"""

_NUMBER = r"(\d+(?:\.\d+)?)"
_TIME = _NUMBER + r" ?(us|µs|ms|s)"
_US = {"us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000}
_PLAIN = ("off", "status", "errors", "stats", "ping", "clear", "abort")
_FORMS = {
    "light": "light NUMBER [for TIME], such as `light 3 for 200 ms`",
    "lights": "lights NUMBERS|all [at SHARE %] [for TIME], such as `lights 0 3 at 40 % for 2 s`",
    "beep": "beep [at FREQUENCY Hz] [for TIME], such as `beep for 80 ms`",
    "indicator": "indicator green|amber|red [on|slow|fast] or indicator off, such as `indicator red slow`",
    "programme": "programme STEPS [expose TIME] [settle TIME] [gap TIME] [trigger], see `help`",
    "wait": "wait TIME, such as `wait 2 s`",
    **{word: f"`{word}` alone" for word in (*_PLAIN, "help", "quit")},
}  # fmt: skip
_SAME = {"exit": "quit", "?": "help", "program": "programme", "lamp": "light", "led": "indicator"}
_ORDERS: TypeAdapter[Any] = TypeAdapter(RigOrder)
USUAL_ON_MS = 1_000


@dataclass(frozen=True, slots=True)
class Wait:
    """Listen for so long."""

    seconds: float


Said = RigOrder | Wait | Literal["help", "quit"]


def understand(line: str) -> Said | None:
    """What a line says; None: nothing.

    Raises:
        ValueError: one sentence.
    """
    words = " ".join(line.replace(",", " ").lower().split())
    if not words or words.startswith("#"):
        return None
    first, _, rest = words.partition(" ")
    first = _SAME.get(first, first)
    if first not in _FORMS:
        near = difflib.get_close_matches(first, _FORMS, n=1)
        raise ValueError(
            f"`{first}` is not known; " + (f"did you mean `{near[0]}`?" if near else "try `help`")
        )
    if first in ("help", "quit") and not rest:
        return "help" if first == "help" else "quit"
    tree = _tree(first, rest)
    if tree is None:
        raise ValueError(f"say: {_FORMS[first]}")
    return tree if isinstance(tree, Wait) else _checked(tree)


def _checked(tree: dict[str, Any]) -> Said:
    try:
        order: Said = _ORDERS.validate_python(tree)
    except ValidationError as error:
        first = error.errors()[0]
        where = [str(part) for part in first["loc"][1:]]
        found = first["msg"].removeprefix("Input should be ")
        raise ValueError(f"{' '.join(where[:1])}: should be {found}, not {first['input']}") from error
    return order


def _tree(first: str, rest: str) -> dict[str, Any] | Wait | None:
    forms: dict[str, Callable[[str], dict[str, Any] | Wait | None]] = {
        "light": _light,
        "lights": _lights,
        "beep": _beep,
        "indicator": _indicator,
        "programme": _programme,
        "wait": _wait,
    }
    if first in forms:
        return forms[first](rest)
    return None if rest else {"do": first}


def _wait(rest: str) -> Wait | None:
    found = re.fullmatch(_TIME, rest)
    return found and Wait(_us(found[1], found[2]) / 1e6)


def _light(rest: str) -> dict[str, Any] | None:
    found = re.fullmatch(rf"(\d+)(?: for {_TIME})?", rest)
    return found and {"do": "light", "light": int(found[1]), "max_on_ms": _on_ms(found[2], found[3])}


def _lights(rest: str) -> dict[str, Any] | None:
    found = re.fullmatch(rf"(all|\d+(?: (?:and )?\d+)*)(?: at {_NUMBER} ?%)?(?: for {_TIME})?", rest)
    if not found:
        return None
    lights = range(8) if found[1] == "all" else map(int, re.findall(r"\d+", found[1]))
    return {
        "do": "lights",
        "lights": tuple(lights),
        "percent": float(found[2] or 100),
        "max_on_ms": _on_ms(found[3], found[4]),
    }


def _beep(rest: str) -> dict[str, Any] | None:
    found = re.fullmatch(rf"(?:at (\d+) ?hz)? ?(?:for {_TIME})?", rest)
    if not found:
        return None
    tree: dict[str, Any] = {"do": "beep"}
    if found[1]:
        tree["frequency_hz"] = int(found[1])
    if found[2]:
        tree["duration_ms"] = round(_us(found[2], found[3]) / 1_000)
    return tree


def _indicator(rest: str) -> dict[str, Any] | None:
    found = re.fullmatch(r"(off)|(green|amber|red)(?: (on|slow|fast))?", rest)
    return found and {"do": "indicator", "colour": found[1] or found[2], "pattern": found[3] or "on"}


def _programme(rest: str) -> dict[str, Any] | None:
    found = re.fullmatch(
        rf"((?:dark|\d+)(?: (?:dark|\d+))*)((?: (?:expose|settle|gap) {_TIME})*)( trigger)?", rest
    )
    if not found:
        return None
    times = re.findall(rf"(expose|settle|gap) {_TIME}", found[2])
    return {
        "do": "programme",
        "lights": tuple(None if step == "dark" else int(step) for step in found[1].split()),
        "trigger": found[5] is not None,
        **{f"{name}_us": round(_us(number, unit)) for name, number, unit in times},
    }


def _us(number: str, unit: str) -> float:
    return float(number) * _US[unit]


def _on_ms(number: str | None, unit: str | None) -> int:
    return USUAL_ON_MS if number is None or unit is None else round(_us(number, unit) / 1_000)
