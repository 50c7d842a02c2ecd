"""Draws the batch machine for the docs from its table: every arrow was found by trying it.

python -m station.scan.batch.diagram docs/batch.md [--check]
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

from ...documents.batch import BatchOrder, BatchPhase, BatchTrigger
from ...documents.live import SeenKind
from .events import (
    Begun,
    Captured,
    CardSensed,
    Event,
    Finish,
    Pause,
    Pedal,
    Refused,
    Rejected,
    Resume,
    Saw,
    Turn,
    Undo,
    Well,
)
from .machine import step
from .state import Batch, Rules, Stored, advanced

BEGIN, END = "<!-- machine: begin -->", "<!-- machine: end -->"
NAMED: tuple[tuple[str, Event], ...] = (
    *((f"sees {kind}", Saw(kind)) for kind in get_args(SeenKind)),
    ("still, and nothing was changed", Saw("still", same=True)),
    ("card sensed", CardSensed(True)),
    ("card gone", CardSensed(False)),
    ("pedal", Pedal()),
    ("scan begun", Begun("now")),
    ("not ready", Refused("disk_full", "no room")),
    ("captured", Captured("now", "card")),
    ("rejected", Rejected("now", "wrong_side", "")),
    ("rejected, worth a retake", Rejected("now", "card_moved", "", retake=True)),
    ("station failed", Rejected("now", "rig_silent", "", ill=True)),
    ("well again", Well()),
    ("pause", Pause()),
    ("resume", Resume()),
    ("undo", Undo()),
    ("turn", Turn()),
    ("finish", Finish()),
)


def batches() -> Iterator[Batch]:
    """One of every kind that the machine tells apart, in every phase."""
    for order in get_args(BatchOrder):
        for trigger in get_args(BatchTrigger):
            for expected in (0, 1):
                begun = Batch.fresh(Rules(order, trigger, pile=2, expected=expected))
                side = begun.due or "front"
                for batch in (begun, advanced(begun, Stored("before", "card", side))):
                    yield from _in_phases(batch)


def _in_phases(batch: Batch) -> Iterator[Batch]:
    for phase in get_args(BatchPhase):
        for ill in (False, True) if phase == "trouble" else (False,):
            for left in (None, "done", "flip", "trouble") if phase == "lifted" and batch.due else ():
                yield replace(batch, phase=phase, left=left)
            if batch.due is not None:
                for back in ("lifted", "done", "flip", "trouble") if phase == "paused" else ("lifted",):
                    yield replace(batch, phase=phase, scan_id="now", station_ill=ill, resume_to=back)


def arrows() -> dict[tuple[BatchPhase, BatchPhase], list[str]]:
    """What leads from one phase to another."""
    found: dict[tuple[BatchPhase, BatchPhase], list[str]] = {}
    for batch in batches():
        for name, event in NAMED:
            after, _ = step(batch, event)
            names = found.setdefault((batch.phase, after.phase), [])
            if after.phase != batch.phase and name not in names:
                names.append(name)
    order = [name for name, _ in NAMED]
    return {ends: sorted(names, key=order.index) for ends, names in found.items() if names}


def mermaid() -> str:
    """The diagram; what people may ask for in every phase is said once, beside it."""
    asked = {"pause", "finish", "undo"}
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> lifted"]
    for (before, after), names in arrows().items():
        told = [name for name in names if name not in asked]
        if told:
            lines.append(f"    {before} --> {after}: {', '.join(told)}")
    lines += ["    finished --> [*]", "```"]
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with the diagram of today's table.

    Raises:
        ValueError: the page has no place for it.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no lines {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{mermaid()}\n{END}{tail}"


def main(arguments: list[str]) -> str:
    """Write the page, or with `--check` say what is wrong; empty: nothing is."""
    path = Path(arguments[0])
    page = path.read_text("utf-8")
    fresh = written(page)
    if "--check" in arguments:
        return "" if fresh == page else f"{path} is out of date: run python -m {__spec__.name} {path}"
    path.write_text(fresh, "utf-8")
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
