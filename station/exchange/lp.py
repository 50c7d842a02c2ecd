"""Light lists `.lp`, as RTIBuilder and RelightLab write and read them.

The first line is the number of pictures; each line that follows is a picture's name and the x, y and z of its
light, x to the right, y up, z to the camera, of any length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from .files import lines_of, store, unreadable

Vector = tuple[float, float, float]
QUOTES = "\"'"


@dataclass(frozen=True, slots=True)
class LitPicture:
    """One line: a picture that exists, and its light."""

    path: Path
    vector: Vector


def read_lp(path: Path) -> tuple[LitPicture, ...]:
    """The pictures and lights of a list, in its order.

    Names may be quoted or hold spaces, and may be absolute paths of the machine that wrote the list: such a
    picture is looked for by the end of its path, beside the list and one folder above.

    Raises:
        StationError: `source_unreadable`, with the file and the line that is wrong.
    """
    return tuple(LitPicture(_found(path, where, name), vector) for where, name, vector in _entries(path))


def read_lp_lights(path: Path) -> tuple[tuple[str, Vector], ...]:
    """The names and lights of a list, in its order, wherever its pictures are.

    Raises:
        StationError: `source_unreadable`, with the file and the line that is wrong.
    """
    return tuple((name, vector) for _, name, vector in _entries(path))


def write_lp(path: Path, pictures: Sequence[tuple[str, Vector]]) -> None:
    """Write a list; names with spaces are put in quotes, which RelightLab does not understand.

    Raises:
        StationError: `output_unwritable`.
    """
    lines = [str(len(pictures))]
    for name, vector in pictures:
        written = f'"{name}"' if any(letter.isspace() for letter in name) else name
        lines.append(f"{written} " + " ".join(f"{value:.9g}" for value in vector))
    store(path, ("\n".join(lines) + "\n").encode())


def _entries(path: Path) -> list[tuple[str, str, Vector]]:
    """Of each line: where it is, the picture's name, its light."""
    lines = lines_of(path)
    if not lines:
        raise unreadable(f"{path} is empty: a light list begins with the number of its pictures")
    (_, first), *rest = lines
    if not first.isascii() or not first.isdigit():
        raise unreadable(f"{path} begins with {first[:40]!r}, not with the number of its pictures")
    if int(first) != len(rest):
        raise unreadable(f"{path} announces {int(first)} pictures and lists {len(rest)}")
    return [_entry(f"{path} line {number}", line) for number, line in rest]


def _entry(where: str, line: str) -> tuple[str, str, Vector]:
    parts = line.rsplit(maxsplit=3)
    if len(parts) != 4:
        raise unreadable(f"{where} is not a picture's name and three numbers: {line[:60]!r}")
    return where, parts[0].strip().strip(QUOTES), _vector(where, parts[1:])


def _vector(where: str, words: Sequence[str]) -> Vector:
    try:
        x, y, z = (float(word) for word in words)
    except ValueError as error:
        raise unreadable(f"{where} holds {' '.join(words)!r}, which are not three numbers") from error
    if not np.isfinite([x, y, z]).all():
        raise unreadable(f"{where} holds a light that is not a number: {' '.join(words)}")
    if x == y == z == 0:
        raise unreadable(f"{where} holds a light of length zero")
    return x, y, z


def _found(path: Path, where: str, name: str) -> Path:
    """The file that a name means here."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", ".", "..")]
    tails = [Path(*parts[-kept:]) for kept in range(len(parts), 0, -1)]
    places = [path.parent / name]
    for tail in tails:
        places += (
            [path.parent / tail, path.parent.parent / tail] if len(tail.parts) > 1 else [path.parent / tail]
        )
    for place in places:
        if _is_file(place):
            return place
    raise unreadable(f"{where} names the picture {name!r}, and there is no such file beside the list")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than any file's
        return False
