"""Solids, read back by their formats' descriptions."""

from pathlib import Path

import numpy as np
import pytest

from station.exchange.relief import Relief, relief, write_ply, write_stl

PITCH = 0.05


def surface(rows: int = 20, columns: int = 30) -> np.ndarray:
    """Height in mm: higher to the right and towards the top."""
    y, x = np.mgrid[0:rows, 0:columns]
    return (0.01 * x - 0.02 * y + 0.1 * np.sin(x / 5.0)).astype(np.float32)


def height_at(places: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The height map at x, y of vertices, which lie on pixels."""
    rows, columns = height.shape
    column = np.rint(places[:, 0] / PITCH + (columns - 1) / 2).astype(int)
    row = np.rint((rows - 1) / 2 - places[:, 1] / PITCH).astype(int)
    return height[row, column]


def of_ply(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Vertices as a structured array, triangles (T, 3)."""
    header, body = content.split(b"end_header\n", 1)
    lines = header.decode().splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    counts = {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("element")}
    kinds = {"float": "<f4", "uchar": "u1"}
    fields = [line.split() for line in lines if line.startswith("property") and "list" not in line]
    kind = np.dtype([(name, kinds[word]) for _, word, name in fields])
    vertices = np.frombuffer(body, kind, counts["vertex"])
    faces = np.frombuffer(body[vertices.nbytes :], [("n", "u1"), ("i", "<i4", 3)])
    assert len(faces) == counts["face"]
    assert (faces["n"] == 3).all()
    return vertices, faces["i"]


def test_a_ply_holds_the_heights_where_they_belong(tmp_path: Path) -> None:
    height = surface()
    colours = np.dstack(
        [np.full(height.shape, 200), np.full(height.shape, 100), np.arange(600).reshape(20, 30) % 256]
    )
    made = relief(height, np.ones(height.shape, bool), PITCH, colours=colours.astype(np.uint8))
    write_ply(tmp_path / "x.ply", made, "of a test")
    vertices, triangles = of_ply((tmp_path / "x.ply").read_bytes())
    places = np.column_stack([vertices["x"], vertices["y"], vertices["z"]])
    np.testing.assert_allclose(places[:, 2], height_at(places, height))
    assert np.ptp(places[:, 0]) == pytest.approx(29 * PITCH)
    assert len(triangles) == 2 * 19 * 29
    assert (vertices["red"] == 200).all()
    assert (vertices["green"] == 100).all()


def test_an_stl_holds_the_same_triangles_facing_the_camera(tmp_path: Path) -> None:
    height = surface()
    made = relief(height, np.ones(height.shape, bool), PITCH)
    write_stl(tmp_path / "x.stl", made, "of a test")
    content = (tmp_path / "x.stl").read_bytes()
    count = int.from_bytes(content[80:84], "little")
    triangles = np.frombuffer(content[84:], [("n", "<f4", 3), ("v", "<f4", (3, 3)), ("a", "<u2")])
    assert count == len(triangles) == 2 * 19 * 29
    places = triangles["v"].reshape(-1, 3)
    np.testing.assert_allclose(places[:, 2], height_at(places, height))
    a, b, c = np.moveaxis(triangles["v"], 1, 0)
    across = np.cross(b - a, c - a)
    assert (across[:, 2] > 0).all(), "counter-clockwise as the camera sees them"
    np.testing.assert_allclose(
        triangles["n"], across / np.linalg.norm(across, axis=1, keepdims=True), atol=1e-4
    )


def test_right_is_right_and_up_is_up() -> None:
    made = relief(surface(), np.ones((20, 30), bool), PITCH)
    highest, lowest = made.vertices[made.vertices[:, 2].argmax()], made.vertices[made.vertices[:, 2].argmin()]
    assert highest[1] == pytest.approx(9.5 * PITCH)  # the top row
    assert lowest[1] == pytest.approx(-9.5 * PITCH)
    assert highest[0] > lowest[0]


def test_it_is_thinned_by_means_until_few_triangles_are_left() -> None:
    y, x = np.mgrid[0:100, 0:140]
    plane = (0.03 * x - 0.01 * y).astype(np.float32)
    made = relief(plane, np.ones(plane.shape, bool), PITCH, most_triangles=1000)
    assert made.thinned_px == 6
    assert 500 < len(made.triangles) <= 1000
    column = made.vertices[:, 0] / PITCH + 69.5
    row = 49.5 - made.vertices[:, 1] / PITCH
    np.testing.assert_allclose(made.vertices[:, 2], 0.03 * column - 0.01 * row, atol=1e-4)


def test_no_triangle_touches_what_is_not_valid() -> None:
    height = surface()
    valid = np.ones(height.shape, bool)
    valid[5:9, 7:12] = False
    height[~valid] = np.nan
    made: Relief = relief(height, valid, PITCH)
    assert np.isfinite(made.vertices).all()
    assert len(made.vertices) == valid.sum()
    assert len(made.triangles) == 2 * (19 * 29 - 5 * 6)


def test_nothing_valid_is_an_empty_relief(tmp_path: Path) -> None:
    made = relief(surface(), np.zeros((20, 30), bool), PITCH)
    write_stl(tmp_path / "x.stl", made, "nothing")
    assert (tmp_path / "x.stl").stat().st_size == 84
