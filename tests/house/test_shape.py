"""Small rooms: no module and no function grows out of hand."""

import ast
from collections.abc import Iterator
from pathlib import Path

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, its decorators and docstring included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield node.name, (node.end_lineno or first) - first + 1


def test_modules_are_short(sources: list[Path], checkout: Path) -> None:
    lines = {str(path.relative_to(checkout)): len(path.read_text("utf-8").splitlines()) for path in sources}
    assert {name: count for name, count in lines.items() if count > LONGEST_MODULE} == {}


def test_functions_are_short(sources: list[Path], checkout: Path) -> None:
    found = [
        f"{path.relative_to(checkout)}: {name} has {count} lines"
        for path in sources
        for name, count in _functions(path)
        if count > LONGEST_FUNCTION
    ]
    assert found == []


def test_a_long_function_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("@decorated\ndef f():\n" + "    x = 1\n" * 60)
    assert list(_functions(path)) == [("f", 62)]
