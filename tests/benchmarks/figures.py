"""Figures as values: what a benchmark printed, what was asked of it, and the table that shows both."""

import json
import math
import os
import platform
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class FigureError(Exception):
    """A benchmark, a goal or the page is not as agreed; the sentence says where."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `group` is the script or suite it comes from."""

    name: str
    value: float
    unit: str
    note: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure has to reach, and who says so."""

    name: str
    unit: str
    source: str
    least: float | None = None
    most: float | None = None

    @property
    def words(self) -> str:
        """`≤ 2.5`, `≥ 60` or both."""
        bounds = [f"≥ {shown(self.least)}" if self.least is not None else ""]
        bounds += [f"≤ {shown(self.most)}" if self.most is not None else ""]
        return " and ".join(filter(None, bounds))

    def met_by(self, value: float) -> bool:
        """Whether the value lies within the bounds."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


def shown(value: float) -> str:
    """Four significant digits, without an exponent where a reader would rather see zeros."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def read_line(line: str, group: str) -> Figure:
    """A figure from one JSON line, `{"name": ..., "value": ..., "unit": ..., "note": ...}`.

    Raises:
        FigureError: the line is something else, or its value is no finite number.
    """
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise FigureError(f"{group}: not a JSON line: {line!r}") from error
    known = {"name", "value", "unit", "note"}
    if not isinstance(fields, dict) or not {"name", "value", "unit"} <= set(fields) <= known:
        raise FigureError(f"{group}: name, value, unit and perhaps note are expected: {line!r}")
    value = fields["value"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FigureError(f"{group}: {fields['name']} is no finite number: {value!r}")
    return Figure(str(fields["name"]), float(value), str(fields["unit"]), str(fields.get("note", "")), group)


def load_goals(path: Path) -> dict[str, Goal]:
    """Goals by figure name: tables with `max` or `min` or both, `unit`, and `from`, where the number is from.

    Raises:
        FigureError: an entry lacks something or has a key too many.
    """
    if not path.exists():
        return {}
    tree: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    return {name: _goal(name, entry) for name, entry in tree.items()}


def _goal(name: str, entry: dict[str, Any]) -> Goal:
    unknown = set(entry) - {"max", "min", "unit", "from"}
    if unknown or not {"unit", "from"} <= set(entry) or not {"max", "min"} & set(entry):
        raise FigureError(f"goal {name}: unit, from, and max or min are expected, found {', '.join(entry)}")
    return Goal(name, entry["unit"], entry["from"], entry.get("min"), entry.get("max"))


def misses(figures: list[Figure], goals: dict[str, Goal]) -> list[str]:
    """One sentence for every goal that is not met; what was not measured does not meet its goal."""
    measured = {figure.name: figure for figure in figures}
    return [sentence for goal in goals.values() if (sentence := _miss(goal, measured.get(goal.name)))]


def _miss(goal: Goal, figure: Figure | None) -> str:
    if figure is None:
        return f"{goal.name}: not measured, goal {goal.words} {goal.unit} ({goal.source})"
    if figure.unit != goal.unit:
        return f"{goal.name}: measured in {figure.unit}, goal in {goal.unit}"
    if not goal.met_by(figure.value):
        return f"{goal.name}: {shown(figure.value)} {figure.unit}, goal {goal.words} ({goal.source})"
    return ""


def machine() -> str:
    """Processor, cores, memory, system and Python in one line."""
    cpuinfo = Path("/proc/cpuinfo").read_text("utf-8")
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processor = f"{model[1] if model else platform.machine()}, {len(os.sched_getaffinity(0))} cores"
    return (
        f"{processor}, {memory_gib:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}"
    )


def table(figures: list[Figure], goals: dict[str, Goal]) -> str:
    """A Markdown table; the goal stands beside each figure that has one, with a mark where it is missed."""
    rows = ["| figure | value | unit | goal | note |", "|---|--:|---|---|---|"]
    for figure in figures:
        goal = goals.get(figure.name)
        words = "" if goal is None else goal.words + ("" if not _miss(goal, figure) else " **missed**")
        cells = (figure.name, shown(figure.value), figure.unit, words, figure.note)
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(rows)


def with_section(page: str, section: str, body: str) -> str:
    """The page with what is between the section's markers replaced; without markers they come at its end.

    Raises:
        FigureError: only one of the two markers is there, or one is there twice.
    """
    begin, end = f"<!-- {section}: begin, written by `make {section}` -->", f"<!-- {section}: end -->"
    block = f"{begin}\n{body}\n{end}"
    counts = page.count(begin), page.count(end)
    if counts == (0, 0):
        return f"{page.rstrip()}\n\n{block}\n".lstrip()
    if counts != (1, 1) or page.index(begin) > page.index(end):
        raise FigureError(f"the markers of section {section} are damaged")
    head, _, rest = page.partition(begin)
    return head + block + rest.partition(end)[2]
