"""Light lists, as other programs and other machines leave them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.documents.fault import StationError
from station.exchange.lp import read_lp, write_lp


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures beside a list and one folder above it."""
    for name in ("project/lists/a.png", "project/lists/b 2.png", "project/jpeg-exports/c.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "project" / "lists"


def listed(folder: Path, text: str | bytes) -> Path:
    path = folder / "lights.lp"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.png", "a.png"),
        ("./a.png", "a.png"),
        ('"a.png"', "a.png"),
        ("b 2.png", "b 2.png"),
        ("'b 2.png'", "b 2.png"),
        ("C:\\Users\\x\\photos\\a.png", "a.png"),
        ("/mnt/photos/a.png", "a.png"),
        ("C:\\project\\jpeg-exports\\c.jpg", "../jpeg-exports/c.jpg"),
        ("../jpeg-exports/c.jpg", "../jpeg-exports/c.jpg"),
    ],
)
def test_a_picture_is_found_however_it_is_named(folder: Path, name: str, found: str) -> None:
    [picture] = read_lp(listed(folder, f"1\n{name} 0.5 -0.25 1\n"))
    assert picture.path.samefile(folder / found)
    assert picture.vector == (0.5, -0.25, 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "2\na.png 1 0 2\nb 2.png 0 3 1\n",
        "2\r\na.png 1 0 2\r\nb 2.png 0 3 1\r\n",
        "\n 2 \n\na.png\t1  0\t2\n\n\nb 2.png 0 3 1",
        "\ufeff2\na.png 1. 0e0 +2\nb 2.png -0 3 1\n",
    ],
)
def test_line_ends_blank_lines_and_marks_do_not_matter(folder: Path, text: str) -> None:
    assert [picture.vector for picture in read_lp(listed(folder, text))] == [(1, 0, 2), (0, 3, 1)]


def test_a_name_in_the_code_page_of_windows_is_understood(folder: Path) -> None:
    (folder / "für.png").touch()
    [picture] = read_lp(listed(folder, "1\nfür.png 0 0 1\n".encode("cp1252")))
    assert picture.path.name == "für.png"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("a.png 0 0 1\n", "begins with 'a.png 0 0 1', not with the number"),
        ("-1\n", "begins with '-1'"),
        ("2\na.png 0 0 1\n", "announces 2 pictures and lists 1"),
        ("1\na.png 0 0 1\na.png 0 0 1\n", "announces 1 pictures and lists 2"),
        ("1\na.png 0 1\n", "line 2 is not a picture's name and three numbers"),
        ("1\na.png 0 zero 1\n", "line 2 holds '0 zero 1', which are not three numbers"),
        ("1\na.png 0,5 0,5 1\n", "line 2 holds '0,5 0,5 1'"),
        ("1\na.png 0 nan 1\n", "line 2 holds a light that is not a number"),
        ("1\na.png 0 inf 1\n", "line 2 holds a light that is not a number"),
        ("1\na.png 0 0 0\n", "line 2 holds a light of length zero"),
        ("1\n\nz.png 0 0 1\n", "line 3 names the picture 'z.png', and there is no such file"),
        (f"1\n{'x' * 300} 0 0 1\n", "there is no such file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is no text file"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(folder: Path, text: str | bytes, sentence: str) -> None:
    with pytest.raises(StationError) as caught:
        read_lp(listed(folder, text))
    assert caught.value.code == "source_unreadable"
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StationError, match="cannot be read: No such file"):
        read_lp(tmp_path / "none.lp")


numbers = st.floats(-1e6, 1e6, width=32).filter(lambda value: value == 0 or abs(value) > 1e-6)


@given(st.lists(st.tuples(numbers, numbers, numbers).filter(any), min_size=1, max_size=5))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, vectors: list[tuple[float, float, float]]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    names = [f"picture {k}.png" if k % 2 else f"{k}.png" for k in range(len(vectors))]
    for name in names:
        (folder / name).touch()
    write_lp(folder / "x.lp", list(zip(names, vectors, strict=True)))
    read = read_lp(folder / "x.lp")
    assert [one.path.name for one in read] == names
    assert [one.vector for one in read] == [pytest.approx(vector, rel=1e-8) for vector in vectors]
