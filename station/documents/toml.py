"""Writing a document as TOML that people like to read; the standard library only reads it."""

import json
from typing import Any


def as_toml(tree: dict[str, Any]) -> str:
    """Plain values first, then a table for each mapping, then one for each item of a list of mappings.

    TOML has no word for None: such keys are left out.
    """
    return "\n".join(_table(tree, ())).lstrip("\n") + "\n"


def _table(tree: dict[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = [(key, value) for key, value in tree.items() if value is not None and not _is_table(value)]
    lines = [f"{key} = {_value(value)}" for key, value in plain]
    for key, value in tree.items():
        name = ".".join((*path, key))
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *_table(value, (*path, key))]
        elif _is_table(value):
            for item in value:
                lines += ["", f"[[{name}]]", *_table(item, (*path, key))]
    return lines


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _value(value: object) -> str:
    """JSON's strings, numbers, booleans and arrays are TOML's too."""
    return json.dumps(value, ensure_ascii=False)
