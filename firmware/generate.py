"""Write `protocol.h` and `station/wire/messages.py` from `protocol.toml`.

python firmware/generate.py            write both
python firmware/generate.py --check    write nothing, print what differs, exit 1 if anything does
"""

import difflib
import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "protocol.toml"
HEADER = HERE / "protocol.h"
MODULE = HERE.parent / "station" / "wire" / "messages.py"
NOTICE = "Generated from firmware/protocol.toml by firmware/generate.py; do not edit."
STRUCT_CODE = {"u8": "B", "u16": "H", "u32": "I"}
BASE = {"command": "Command", "notice": "Notice", "reply": "Reply", "event": "Event"}
PROSE = {"doc", "says"}

Tree = dict[str, Any]


def schema_hash(tree: Tree) -> int:
    """First 32 bits of the SHA-256 over the canonical JSON of everything but prose."""
    canonical = json.dumps(_without_prose(tree), sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(canonical.encode()).digest()[:4], "big")


def _without_prose(node: object) -> object:
    if isinstance(node, dict):
        return {key: _without_prose(value) for key, value in node.items() if key not in PROSE}
    if isinstance(node, list):
        return [_without_prose(item) for item in node]
    return node


def check(tree: Tree) -> None:
    """Refuse what would generate nonsense.

    Raises:
        ValueError: a payload does not fit a frame, an id is used twice, a reply or an enum is unknown.
    """
    ids = [message["id"] for message in tree["message"]]
    if len(set(ids)) != len(ids):
        raise ValueError("two messages share an id")
    names = {message["name"] for message in tree["message"]}
    for message in tree["message"]:
        if message.get("reply", message["name"]) not in names:
            raise ValueError(f"{message['name']} has an unknown reply {message['reply']}")
        if _size(tree, message) > tree["limits"]["payload_max_bytes"]["value"]:
            raise ValueError(f"{message['name']} does not fit into a frame")


def _size(tree: Tree, message: Tree) -> int:
    """Bytes of a message; a `rest` of records counts with as many as are kept."""
    total = 0
    for field in message["fields"]:
        if field["type"] == "rest":
            record = next(r for r in tree["record"] if r["name"] == field["record"])
            total += tree["limits"]["errors_kept"]["value"] * _size(tree, record)
        else:
            total += {"u8": 1, "u16": 2, "u32": 4}[field["type"]]
        if "enum" in field and field["enum"] not in tree["enum"]:
            raise ValueError(f"{message['name']}.{field['name']} has an unknown enum {field['enum']}")
    return total


# --- Python -------------------------------------------------------------------------------------------------

PYTHON_HEAD = '''"""The messages between station and board.

{notice}
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import Struct
from struct import error as StructError
from typing import Any, ClassVar, Self

MAJOR = {major}
MINOR = {minor}
SCHEMA_HASH = 0x{hash:08X}
BAUD = {baud}
'''

PYTHON_BASES = '''

class Spoken(IntEnum):
    """An enumeration whose members can be read out to people."""

    says: str

    def __new__(cls, value: int, says: str = "") -> Self:
        member = int.__new__(cls, value)
        member._value_ = value
        member.says = says
        return member


class Message:
    """A payload with a name; `pack` and `unpack` raise ValueError for what cannot be."""

    __slots__ = ()
    LAYOUT: ClassVar[Struct]

    def pack(self) -> bytes:
        """The payload."""
        raise NotImplementedError

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        raise NotImplementedError


class Identified(Message):
    """A message that travels in a frame of its own; `ID` is the frame's type."""

    __slots__ = ()
    ID: ClassVar[int]


class Reply(Identified):
    """Board to host, answers a command."""

    __slots__ = ()


class Event(Identified):
    """Board to host, numbered, repeated until acknowledged."""

    __slots__ = ()


class Notice(Identified):
    """Host to board, not answered."""

    __slots__ = ()


class Command(Identified):
    """Host to board; answered by `REPLY` or by `Refused`."""

    __slots__ = ()
    REPLY: ClassVar[type[Reply]]


def _pack(name: str, layout: Struct, *values: int) -> bytes:
    try:
        return layout.pack(*values)
    except StructError as error:
        raise ValueError(f"{name}: {error}") from error


def _unpack(name: str, layout: Struct, payload: bytes) -> tuple[Any, ...]:
    try:
        return layout.unpack(payload)
    except StructError as error:
        raise ValueError(f"{name}: {error}") from error
'''


def python_module(tree: Tree) -> str:
    """The text of `station/wire/messages.py`."""
    protocol = tree["protocol"]
    head = PYTHON_HEAD.format(notice=NOTICE, hash=schema_hash(tree), **protocol)
    limits = "".join(
        f"{name.upper()} = {limit['value']}  # {limit['doc']}\n" for name, limit in tree["limits"].items()
    )
    enums = "".join(_python_enum(name, body) for name, body in tree["enum"].items())
    flags = "".join(_python_flags(name, body) for name, body in tree["flags"].items())
    order = {"reply": 0, "event": 1, "notice": 2, "command": 3}  # replies first: commands name them
    messages = sorted(tree["message"], key=lambda message: order[message["kind"]])
    classes = "".join(_python_class(item) for item in [*tree["record"], *messages])
    tables = "\n" + "".join(_python_table(kind, base, tree["message"]) for kind, base in BASE.items())
    return head + limits + PYTHON_BASES + enums + flags + classes + tables


def _members(body: Tree) -> Iterator[tuple[str, Tree]]:
    return ((name, member) for name, member in body.items() if name != "doc")


def _python_enum(name: str, body: Tree) -> str:
    lines = [f"\n\nclass {name}(Spoken):", f'    """{body["doc"]}"""', ""]
    lines += [
        f'    {key.upper()} = ({member["value"]}, "{member["says"]}")' for key, member in _members(body)
    ]
    return "\n".join(lines) + "\n"


def _python_flags(name: str, body: Tree) -> str:
    lines = [f"\n\nclass {name}(IntFlag):", f'    """{body["doc"]}"""', ""]
    lines += [f"    {key.upper()} = {member['value']}  # {member['doc']}" for key, member in _members(body)]
    return "\n".join(lines) + "\n"


def _python_type(field: Tree) -> str:
    if field["type"] == "rest":
        return f"tuple[{field['record']}, ...]"
    return str(field.get("enum", "int"))


def _python_class(item: Tree) -> str:
    base = BASE[item["kind"]] if "kind" in item else "Message"
    fixed = [field for field in item["fields"] if field["type"] != "rest"]
    lines = [
        "",
        "",
        "@dataclass(frozen=True, slots=True)",
        f"class {item['name']}({base}):",
        f'    """{item["doc"]}',
    ]
    if item["fields"]:
        lines += [
            "",
            "    Attributes:",
            *(f"        {field['name']}: {field['doc']}." for field in item["fields"]),
            '    """',
            "",
        ]
    else:
        lines[-1] += '"""'
        lines.append("")
    if "id" in item:
        lines.append(f"    ID: ClassVar[int] = 0x{item['id']:02X}")
    if "reply" in item:
        lines.append(f"    REPLY: ClassVar[type[Reply]] = {item['reply']}")
    lines.append(
        f'    LAYOUT: ClassVar[Struct] = Struct("<{"".join(STRUCT_CODE[field["type"]] for field in fixed)}")'
    )
    lines += [f"    {field['name']}: {_python_type(field)}" for field in item["fields"]]
    return "\n".join([*lines, *_python_pack(item, fixed), *_python_unpack(item, fixed)]) + "\n"


def _rest(item: Tree) -> Tree | None:
    return next((field for field in item["fields"] if field["type"] == "rest"), None)


def _python_pack(item: Tree, fixed: list[Tree]) -> list[str]:
    values = "".join(f", self.{field['name']}" for field in fixed)
    rest = _rest(item)
    tail = f' + b"".join(entry.pack() for entry in self.{rest["name"]})' if rest else ""
    return [
        "",
        "    def pack(self) -> bytes:",
        '        """The payload."""',
        f'        return _pack("{item["name"]}", self.LAYOUT{values}){tail}',
    ]


def _python_unpack(item: Tree, fixed: list[Tree]) -> list[str]:
    lines = [
        "",
        "    @classmethod",
        "    def unpack(cls, payload: bytes) -> Self:",
        '        """The message in a payload."""',
    ]
    values = [f"{field['enum']}(v[{i}])" if "enum" in field else f"v[{i}]" for i, field in enumerate(fixed)]
    unpacked = "v = " if values else ""
    rest = _rest(item)
    if rest is None:
        lines.append(f'        {unpacked}_unpack("{item["name"]}", cls.LAYOUT, payload)')
    else:
        lines.append("        size = cls.LAYOUT.size")
        lines.append(f'        {unpacked}_unpack("{item["name"]}", cls.LAYOUT, payload[:size])')
        lines.append(f"        one = {rest['record']}.LAYOUT.size")
        values.append(
            f"tuple({rest['record']}.unpack(payload[at : at + one]) for at in range(size, len(payload), one))"
        )
    return [*lines, f"        return cls({', '.join(values)})"]


def _python_table(kind: str, base: str, messages: list[Tree]) -> str:
    names = [message["name"] for message in messages if message["kind"] == kind]
    plural = "REPLIES" if kind == "reply" else f"{kind.upper()}S"
    body = "".join(f"    {name}.ID: {name},\n" for name in names)
    return f"\n{plural}: dict[int, type[{base}]] = {{\n{body}}}\n"


# --- C ------------------------------------------------------------------------------------------------------


def c_header(tree: Tree) -> str:
    """The text of `protocol.h`."""
    protocol = tree["protocol"]
    lines = [f"/* {NOTICE} */", "#ifndef PROTOCOL_H", "#define PROTOCOL_H", "", "#include <stdint.h>", ""]
    lines += [f"#define PROTOCOL_MAJOR {protocol['major']}", f"#define PROTOCOL_MINOR {protocol['minor']}"]
    lines += [
        f"#define SCHEMA_HASH 0x{schema_hash(tree):08X}UL",
        f"#define PROTOCOL_BAUD {protocol['baud']}UL",
        "",
    ]
    lines += [_c_define(name, limit["value"], limit["doc"]) for name, limit in tree["limits"].items()]
    for name, body in [*tree["enum"].items(), *tree["flags"].items()]:
        lines += ["", f"/* {body['doc']} */"]
        lines += [
            _c_define(f"{_snake(name)}_{key}", member["value"], member.get("says", member.get("doc")))
            for key, member in _members(body)
        ]
    lines += ["", "/* Message types. */"]
    lines += [
        f"#define MSG_{_snake(message['name']).upper()} 0x{message['id']:02X}u" for message in tree["message"]
    ]
    lines += ["", "/* Payloads, little endian as they lie in memory on the boards this is built for. */"]
    for item in [*tree["record"], *tree["message"]]:
        lines += _c_struct(item)
    return "\n".join([*lines, "", "#endif", ""])


def _c_define(name: str, value: int, doc: str) -> str:
    suffix = "UL" if value > 0xFFFF else "u"
    return f"#define {name.upper()} {value}{suffix} /* {doc} */"


def _c_struct(item: Tree) -> list[str]:
    if not item["fields"]:
        return []
    lines = ["", f"struct __attribute__((packed)) {_snake(item['name'])} {{"]
    for field in item["fields"]:
        if field["type"] == "rest":
            lines.append(f"    struct {_snake(field['record'])} {field['name']}[]; /* {field['doc']} */")
        else:
            lines.append(f"    uint{field['type'][1:]}_t {field['name']}; /* {field['doc']} */")
    return [*lines, "};"]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


# --- command line -------------------------------------------------------------------------------------------


def outputs() -> dict[Path, str]:
    """What the generated files should contain."""
    tree = tomllib.loads(SOURCE.read_text("utf-8"))
    check(tree)
    return {HEADER: c_header(tree), MODULE: python_module(tree)}


def differences() -> Iterator[str]:
    """Lines of a unified diff from what lies there to what should."""
    for path, wanted in outputs().items():
        found = path.read_text("utf-8") if path.exists() else ""
        yield from difflib.unified_diff(
            found.splitlines(True), wanted.splitlines(True), str(path), "protocol.toml"
        )


def main(arguments: list[str]) -> int:
    """Write, or check; returns the exit code."""
    if arguments == ["--check"]:
        found = list(differences())
        sys.stdout.writelines(found)
        return 1 if found else 0
    if arguments:
        sys.stderr.write(__doc__ or "")
        return 2
    for path, text in outputs().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
