"""The generated messages, and that they are what the generator makes."""

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.wire import messages as m

FIRMWARE = Path(__file__).parents[2] / "firmware"
ALL = [*m.COMMANDS.values(), *m.NOTICES.values(), *m.REPLIES.values(), *m.EVENTS.values()]


@pytest.fixture
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", FIRMWARE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_committed_is_what_the_generator_writes() -> None:
    done = subprocess.run(
        [sys.executable, str(FIRMWARE / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    assert done.returncode == 0


def test_the_generator_refuses_words_it_does_not_know() -> None:
    done = subprocess.run(
        [sys.executable, str(FIRMWARE / "generate.py"), "--chekc"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--check" in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("id = 0x04", "id = 0x24", True),
        ('name = "max_on_ms", type = "u16"', 'name = "max_on_ms", type = "u32"', True),
        ("max_on_max_ms = { value = 10_000", "max_on_max_ms = { value = 9_999", True),
        ('says = "idle"', 'says = "resting"', False),
        ('doc = "Done."', 'doc = "Carried out."', False),
    ],
)
def test_the_hash_changes_with_meaning_and_not_with_prose(
    generator: ModuleType, before: str, after: str, changes: bool
) -> None:
    text = (FIRMWARE / "protocol.toml").read_text("utf-8")
    assert before in text
    changed = generator.schema_hash(tomllib.loads(text.replace(before, after)))
    assert (changed != m.SCHEMA_HASH) is changes


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("id = 0x05", "id = 0x04", "share an id"),
        ('reply = "Pong"', 'reply = "Pang"', "unknown reply"),
        ("errors_kept = { value = 8", "errors_kept = { value = 80", "does not fit"),
        ('enum = "Pattern"', 'enum = "Pattren"', "unknown enum"),
    ],
)
def test_a_protocol_that_cannot_be_is_refused(
    generator: ModuleType, before: str, after: str, complaint: str
) -> None:
    text = (FIRMWARE / "protocol.toml").read_text("utf-8")
    with pytest.raises(ValueError, match=complaint):
        generator.check(tomllib.loads(text.replace(before, after)))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_message_is_the_same_after_the_wire(kind: type[m.Identified], data: st.DataObject) -> None:
    """Any payload of the right length is refused, or packs back to itself."""
    size = kind.LAYOUT.size
    payload = data.draw(st.binary(min_size=size, max_size=size))
    try:
        message = kind.unpack(payload)
    except ValueError:
        return
    assert message.pack() == payload


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_a_wrong_length_is_refused(kind: type[m.Identified]) -> None:
    with pytest.raises(ValueError, match=kind.__name__):
        kind.unpack(bytes(kind.LAYOUT.size + (1 if kind is not m.ErrorsReply else -1)))


def test_a_value_beyond_its_field_is_refused() -> None:
    with pytest.raises(ValueError, match="Light"):
        m.Light(300, 0, 1).pack()


def test_remembered_faults_come_back_in_order() -> None:
    reply = m.ErrorsReply(
        9, (m.ErrorEntry(m.Fault.LEASE_EXPIRED, 3, 77), m.ErrorEntry(m.Fault.MAX_ON_EXPIRED, 255, 5))
    )
    assert m.ErrorsReply.unpack(reply.pack()) == reply


def test_greetings_begin_alike_in_all_versions() -> None:
    hello = m.Hello(1, 2, 3, 4, 5).pack()
    assert m.Prefix.unpack(hello[: m.Prefix.LAYOUT.size]) == m.Prefix(1, 2, 3, 4)
    assert (m.Hello.ID, m.HelloReply.ID) == (0x01, 0x41)
