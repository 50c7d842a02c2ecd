"""What is committed speaks of the project alone."""

import re
from pathlib import Path

# spelt in pieces, or this file would name them itself
FOREIGN = re.compile(
    rb"(?<![\w.~:/-])/(?:" + b"|".join((b"work", b"root", b"home/[a-z]+", b"Users")) + rb")/\w"
)
LARGEST_FILE = 2_000_000


def test_no_file_names_a_path_of_the_machine_it_was_written_on(tracked: list[Path], checkout: Path) -> None:
    here = str(checkout).encode()
    found = []
    for path in tracked:
        content = path.read_bytes()
        hit = FOREIGN.search(content)
        if hit or (len(checkout.parts) > 2 and here in content):
            found.append(f"{path.relative_to(checkout)}: {hit[0].decode() if hit else checkout}")
    assert found == []


def test_the_pattern_finds_such_a_path() -> None:
    assert FOREIGN.search(b"cd /wo" + b"rk/main")
    assert FOREIGN.search(b'open("/ho' + b'me/anna/x")')
    assert not FOREIGN.search(b"https://example.org/wo" + b"rk/x")
    assert not FOREIGN.search(b"frame" + b"work/x")


def test_nothing_built_or_large_is_committed(tracked: list[Path], checkout: Path) -> None:
    large = [str(path.relative_to(checkout)) for path in tracked if path.stat().st_size > LARGEST_FILE]
    built = [
        str(path.relative_to(checkout))
        for path in tracked
        if path.suffix in {".pyc", ".whl", ".nbi", ".nbc", ".so"}
    ]
    assert large + built == []
