"""Names of cards: what a collector's table gives, and every mistake named with its place."""

from datetime import date

import pytest

from station.documents.fault import StationError
from station.scan.batch.naming import naming

TODAY = date(2026, 12, 1)
LIST = "set,number,name\nFirst Light,007,Karomi\nFirst Light,8,Thel\n"


@pytest.mark.parametrize(
    ("scheme", "set_list", "names"),
    [
        ("", "", ["", ""]),
        ("pile A {n:04d}", "", ["pile A 0001", "pile A 0002"]),
        ("{date} {n}", "", ["2026-12-01 1", "2026-12-01 2"]),
        ("", LIST, ["Karomi", "Thel"]),
        ("{set} {number} {name}", LIST, ["First Light 007 Karomi", "First Light 8 Thel"]),
        ("{number:03d}", LIST, ["007", "008"]),
        ("{number:03d} {n}", LIST, ["007 1", "008 2", "3"]),
        ("", "\ufeffset;name\nA;B, C\n", ["B, C"]),
        ("", "card\tgrade\nx\t9\n", ["x 9"]),
    ],
)
def test_names(scheme: str, set_list: str, names: list[str]) -> None:
    made = naming(scheme, set_list, TODAY)
    assert [made.name(number, TODAY) for number in range(1, len(names) + 1)] == names


@pytest.mark.parametrize(
    ("scheme", "set_list", "says"),
    [
        ("{title}", LIST, "asks for 'title'; there are: set, number, name, n, date"),
        ("{name:03d}", LIST, "does not fit card 1"),
        ("{n", "", "cannot be read"),
        ("{n.__class__}", "", "is no column"),
        ("{n:{n}}", "", "braces within braces"),
        ("", "a,a\n1,2\n", "header has 'a'"),
        ("", "n\n1\n", "header has 'n'"),
        ("", "a,b\n1,2,3\n", "line 2 of the set list has another number of columns"),
        ("", "a,b\n1\n", "line 2 of the set list has another number of columns"),
        ("", "a,b\n", "no rows"),
        ("", 'a,b\n"1,2\n', "is no CSV"),
    ],
)
def test_mistakes_are_named(scheme: str, set_list: str, says: str) -> None:
    with pytest.raises(StationError, match=says) as caught:
        naming(scheme, set_list, TODAY)
    assert caught.value.code == "list_invalid"
