"""The fault catalogue and the code agree: no code without an entry, no entry that nobody raises."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.documents.fault import StationError, fault, faults

RAISERS = {"StationError", "fault"}


def _raised(tree: ast.AST) -> Iterator[str]:
    """Codes handed to `StationError(...)` or `fault(...)` as a literal."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in RAISERS:
            continue
        codes = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
        yield from (
            code.value for code in codes if isinstance(code, ast.Constant) and isinstance(code.value, str)
        )


def _strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_code_that_is_raised_has_an_entry(sources: list[Path], checkout: Path) -> None:
    unknown = [
        f"{path.relative_to(checkout)}: {code}"
        for path in sources
        for code in _raised(ast.parse(path.read_text("utf-8")))
        if code not in faults()
    ]
    assert unknown == []


def test_every_entry_is_used(sources: list[Path]) -> None:
    named = {text for path in sources for text in _strings(ast.parse(path.read_text("utf-8")))}
    assert sorted(set(faults()) - named) == []


def test_literals_are_found_in_every_way_of_writing() -> None:
    tree = ast.parse("raise StationError('a', 'x')\nfault.StationError(code='b')\nfault('c')\nother('d')")
    assert list(_raised(tree)) == ["a", "b", "c"]


def test_entries_fit_one_line_and_have_an_exit_code() -> None:
    for entry in faults().values():
        assert len(entry.title) <= 80, entry.code
        assert entry.causes, entry.code
        assert 1 <= entry.exit_code <= 125, entry.code


def test_no_entry_is_written_twice(checkout: Path) -> None:
    text = (checkout / "station/documents/faults.toml").read_text("utf-8")
    assert list(tomllib.loads(text)) == list(faults())


def test_an_error_takes_its_hint_from_the_catalogue() -> None:
    assert StationError("disk_full", "full").hint == fault("disk_full").next_step
    with pytest.raises(KeyError):
        StationError("no_such_code", "nothing")
