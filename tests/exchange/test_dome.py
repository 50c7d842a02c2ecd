"""Domes of RelightLab."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from station.documents.fault import StationError
from station.exchange.dome import Dome, read_dome, write_dome

DIRECTIONS = np.array([[0.6, 0.0, 0.8], [0.0, -0.6, 0.8], [-0.48, 0.36, 0.8]])


def test_what_is_written_is_read(tmp_path: Path) -> None:
    dome = Dome(
        DIRECTIONS,
        positions_mm=150 * DIRECTIONS,
        image_width_mm=63.0,
        label="rig",
        notes="of tests",
        led_adjust=np.array([[1.0, 1.1, 0.9]] * 3),
        configuration="lights3d",
    )
    write_dome(tmp_path / "x.dome", dome)
    read = read_dome(tmp_path / "x.dome")
    np.testing.assert_allclose(read.directions, dome.directions)
    np.testing.assert_allclose(read.positions_mm, dome.positions_mm)
    np.testing.assert_allclose(read.led_adjust, dome.led_adjust)
    assert (read.image_width_mm, read.label, read.notes) == (63.0, "rig", "of tests")
    assert read.configuration == "lights3d"


def test_the_fields_are_those_that_relightlab_reads(tmp_path: Path) -> None:
    write_dome(tmp_path / "x.dome", Dome(DIRECTIONS))
    tree = json.loads((tmp_path / "x.dome").read_text())
    numbers = {"imageWidth", "domeDiameter", "verticalOffset"}
    lists = {"directions", "positionsSphere", "positions3d", "ledAdjust"}
    assert set(tree) == {"label", "notes", "lightConfiguration"} | numbers | lists
    assert tree["lightConfiguration"] == "directional"
    assert tree["directions"][1] == {"x": 0.0, "y": -0.6, "z": 0.8}
    assert tree["positions3d"] == []


def test_the_lights_of_a_spherical_dome_are_those_on_its_sphere(tmp_path: Path) -> None:
    rows = [{"x": 1.0, "y": 2.0, "z": 3.0}]
    tree = {"lightConfiguration": "spherical", "directions": rows, "positionsSphere": rows}
    (tmp_path / "x.dome").write_text(json.dumps(tree))
    assert read_dome(tmp_path / "x.dome").positions_mm == pytest.approx(np.array([[1, 2, 3]]))


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ("no JSON", "it is not JSON"),
        ([], "it holds no object"),
        ({}, "holds no light directions"),
        ({"directions": [{"x": 1, "y": 0}]}, "directions is not a list of x, y, z"),
        ({"directions": [{"x": 0, "y": 0, "z": 0}]}, "directions holds a vector of length zero"),
        (
            {"directions": [{"x": 1, "y": 0, "z": 1}], "ledAdjust": [{"r": 1, "g": 1, "b": 1}] * 2},
            "2 ledAdjust",
        ),
        ({"directions": [{"x": 1, "y": 0, "z": 1}], "imageWidth": "wide"}, "imageWidth is not a number"),
        (
            {"directions": [{"x": 1, "y": 0, "z": 1}], "lightConfiguration": "odd"},
            "'odd', which means nothing",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, tree: Any, sentence: str) -> None:
    path = tmp_path / "x.dome"
    path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
    with pytest.raises(StationError) as caught:
        read_dome(path)
    assert caught.value.code == "source_unreadable"
    assert sentence in str(caught.value)
