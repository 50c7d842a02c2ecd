"""The words in which a test troubles the software board, one command a line.

The line: `drop 5%`, `corrupt 1%`, `repeat 10%` (of the frames, both ways), `delay 30` (ms, to the host),
`mute` (answers get lost), `garbage 200` (bytes of noise to the host), `heal` (a good line again), `unplug`,
`plug`.
The board: `reset` (its button), `hang` (its firmware), `press 0 80` (button 0 for 80 ms),
`bounce 0 80` (the same, its contacts bouncing for 4 ms at both ends), `card 1` (or 0).
`state` tells what eyes and ears would notice, and the time on the board (`us`).
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """A control line, understood. `values` has as many numbers as the word takes."""

    word: str
    values: tuple[float, ...] = ()


_TAKES: dict[str, tuple[Callable[[float], bool], ...]] = {
    **dict.fromkeys(("drop", "corrupt", "repeat"), (lambda percent: 0 <= percent <= 100,)),
    **dict.fromkeys(("mute", "heal", "reset", "hang", "unplug", "plug", "state"), ()),
    "delay": (lambda milliseconds: 0 <= milliseconds <= 60_000,),
    "garbage": (lambda count: 1 <= count <= 4_096,),
    "press": (lambda button: button in (0, 1), lambda milliseconds: 1 <= milliseconds <= 60_000),
    "bounce": (lambda button: button in (0, 1), lambda milliseconds: 10 <= milliseconds <= 60_000),
    "card": (lambda present: present in (0, 1),),
}


def parse(line: str) -> Order:
    """Understand one line.

    Raises:
        ValueError: an unknown word, the wrong number of values, or a value out of range.
    """
    word, *texts = line.split()
    if word not in _TAKES:
        raise ValueError(f"unknown word {word!r}; known: {', '.join(sorted(_TAKES))}")
    checks = _TAKES[word]
    if len(texts) != len(checks):
        raise ValueError(f"{word} takes {len(checks)} values, not {len(texts)}")
    values = tuple(float(text.removesuffix("%").removesuffix("ms")) for text in texts)
    for value, check, text in zip(values, checks, texts, strict=True):
        if not check(value):
            raise ValueError(f"{word} {text}: out of range")
    return Order(word, values)
