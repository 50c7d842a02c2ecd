"""What the cards of a batch are called: a naming scheme and, where there is one, the set list."""

import csv
import io
from dataclasses import dataclass
from datetime import date
from string import Formatter

from ...documents.fault import StationError

OWN = ("n", "date")
LONGEST_NAME = 200


class _Cell(str):
    """A cell as it was written; a scheme may pad one that is a number: `{number:03d}`."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        if not self:
            return ""
        return format(int(self), spec) if spec.endswith("d") else format(str(self), spec)


@dataclass(frozen=True, slots=True)
class Naming:
    """Names by number. `rows` are the set list's, without one there are none."""

    scheme: str
    rows: tuple[dict[str, str], ...] = ()

    def name(self, number: int, today: date) -> str:
        """Of the card of this number, from 1; beyond the end of the set list, a row of blanks.

        Raises:
            StationError: `list_invalid`, the scheme does not fit a value, such as a width for a word.
        """
        if not self.scheme:
            return ""
        row = self.rows[number - 1] if number <= len(self.rows) else dict.fromkeys(self._columns(), "")
        facts = {key: _Cell(value) for key, value in row.items()}
        try:
            name = self.scheme.format(**facts, n=number, date=today.isoformat())
        except ValueError as error:
            raise StationError(
                "list_invalid", f"the naming scheme {self.scheme!r} does not fit card {number}: {error}"
            ) from error
        return name.strip()[:LONGEST_NAME]

    def _columns(self) -> tuple[str, ...]:
        return tuple(self.rows[0]) if self.rows else ()


def naming(scheme: str, set_list: str, today: date) -> Naming:
    """Read and check both; every row must give a name.

    Raises:
        StationError: `list_invalid`, naming the row and what is wrong.
    """
    rows = _rows(set_list)
    columns = tuple(rows[0]) if rows else ()
    scheme = scheme or _own_scheme(columns)
    for key in _fields(scheme):
        if key not in (*columns, *OWN):
            known = ", ".join((*columns, *OWN))
            raise StationError("list_invalid", f"the naming scheme asks for {key!r}; there are: {known}")
    made = Naming(scheme, rows)
    for number in range(1, len(rows) + 1):
        made.name(number, today)
    return made


def _own_scheme(columns: tuple[str, ...]) -> str:
    """Without a scheme: the column `name`, else all columns."""
    if not columns:
        return ""
    return "{name}" if "name" in columns else " ".join(f"{{{column}}}" for column in columns)


def _fields(scheme: str) -> list[str]:
    try:
        parsed = list(Formatter().parse(scheme))
    except ValueError as error:
        raise StationError("list_invalid", f"the naming scheme {scheme!r} cannot be read: {error}") from error
    fields = [key for _, key, _, _ in parsed if key is not None]
    for key in fields:
        if not key.isidentifier():  # no attributes, no indices: a scheme is no program
            raise StationError(
                "list_invalid", f"the naming scheme {scheme!r} has braces around {key!a}, which is no column"
            )
    if any("{" in (spec or "") for _, _, spec, _ in parsed):
        raise StationError("list_invalid", f"the naming scheme {scheme!r} has braces within braces")
    return fields


def _rows(set_list: str) -> tuple[dict[str, str], ...]:
    if not set_list.strip():
        return ()
    text = set_list.removeprefix("\ufeff")
    separator = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = [name.strip() for name in reader.fieldnames or ()]
        _check_columns(columns)
        reader.fieldnames = columns
        rows = [_row(row, reader.line_num) for row in reader]
    except csv.Error as error:
        raise StationError(
            "list_invalid", f"line {reader.line_num} of the set list is no CSV: {error}"
        ) from error
    if not rows:
        raise StationError("list_invalid", "the set list has a header and no rows")
    return tuple(rows)


def _check_columns(columns: list[str]) -> None:
    wrong = [name for name in columns if not name.isidentifier() or name in OWN or columns.count(name) > 1]
    if wrong:
        raise StationError(
            "list_invalid",
            f"the set list's header has {wrong[0]!r}",
            "Each column needs a name of its own: letters, digits and underscores, and neither n nor date.",
        )


def _row(row: dict[str, str | list[str] | None], line: int) -> dict[str, str]:
    values = {key: value for key, value in row.items() if isinstance(value, str)}
    if len(values) != len(row):
        raise StationError("list_invalid", f"line {line} of the set list has another number of columns")
    return {key: value.strip() for key, value in values.items()}
