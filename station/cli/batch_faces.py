"""A batch for somebody three metres away: one word, as large as the terminal is wide."""

from pyfiglet import Figlet
from rich.align import Align
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from ..documents.batch import BatchState, SignalKind

FONTS = ("univers", "big", "small", "mini")
"""From the largest; the first that fits is taken."""
ROWS_BELOW = 10

WORDS: dict[SignalKind, tuple[str, str]] = {
    "place": ("{due}", "black on green"),
    "working": ("HANDS OFF", "black on yellow"),
    "again": ("AGAIN", "black on yellow"),
    "take_away": ("NEXT", "black on green"),
    "flip": ("FLIP", "black on bright_cyan"),
    "turn_pile": ("TURN PILE", "black on bright_cyan"),
    "wrong": ("WRONG", "white on red"),
    "fault": ("FAULT", "white on red"),
    "paused": ("PAUSED", "black on bright_white"),
    "finished": ("DONE", "black on bright_white"),
}


def word(state: BatchState) -> str:
    """What the operator is to do, in one word or two."""
    return WORDS[state.signal][0].format(due=(state.due or "").upper())


def board(state: BatchState, width: int, height: int) -> RenderableType:
    """The whole screen."""
    style = WORDS[state.signal][1]
    said = [Text(_large(word(state), width - 4, height - ROWS_BELOW), style="bold", no_wrap=True)]
    if state.trouble is not None and state.signal in ("wrong", "fault"):
        said += [
            Text(state.trouble.message, style="bold"),
            Text(state.trouble.next_step),
        ]
    said.append(Text(f"\n{counts(state)}"))
    return Panel(
        Align.center(Group(*said), vertical="middle"),
        style=style,
        title=_due(state) + (f": {state.name}" if state.name else ""),
        height=height,
    )


def counts(state: BatchState) -> str:
    """What is stored, and what was noticed."""
    expected = f" of {state.expected}" if state.expected else ""
    parts = [f"{state.fronts}{expected} fronts", f"{state.backs} backs"]
    if state.waiting_backs:
        parts.append(f"{state.waiting_backs} backs to come")
    if state.retakes:
        parts.append(f"{state.retakes} repeated")
    parts += [f"{code.replace('_', ' ')} {times}" for code, times in sorted(state.noticed.items())]
    return ", ".join(parts)


def line(state: BatchState) -> str:
    """One line, for terminals that are none and for the log."""
    trouble = f": {state.trouble.message} {state.trouble.next_step}" if state.trouble else ""
    return f"{word(state):<10} {_due(state):<17} {counts(state)}{trouble}"


def _due(state: BatchState) -> str:
    return f"{state.due} of card {state.number}" if state.due else "the batch is over"


def _large(text: str, width: int, height: int) -> str:
    """The text in the largest letters that fit, itself where none do."""
    for font in FONTS:
        drawn = Figlet(font=font, width=10_000).renderText(text).rstrip()
        lines = [row.rstrip() for row in drawn.splitlines() if row.strip()]
        if lines and max(map(len, lines)) <= width and len(lines) <= height:
            return "\n".join(row.ljust(max(map(len, lines))) for row in lines)
    return text
