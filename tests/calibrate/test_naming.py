"""Each classic mistake has its name, and lists that agree have none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from station.calibrate.naming import explain, explain_positions, towards
from station.calibrate.profile import load_profile
from station.documents.calibration import CalibrationFinding

CALIBRATION = Path(__file__).parents[2] / "calibration"


def lights() -> np.ndarray:
    """Twelve directions without symmetry."""
    chance = np.random.default_rng(3)
    found = chance.normal(size=(12, 3))
    found[:, 2] = np.abs(found[:, 2]) + 0.7
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def normals(directions: np.ndarray) -> np.ndarray:
    """Of a sphere where it mirrors these lights: half way to the camera."""
    half = directions + np.array([0.0, 0.0, 1.0])
    return half / np.linalg.norm(half, axis=1, keepdims=True)


def turned(directions: np.ndarray, degrees: float) -> np.ndarray:
    """Counter-clockwise as the camera sees it."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return directions @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


def shaken(directions: np.ndarray) -> np.ndarray:
    """As another person's measurement would have it: off by half a degree."""
    return directions + np.random.default_rng(8).normal(0, 0.006, directions.shape)


def swapped(directions: np.ndarray) -> np.ndarray:
    """Lights 3 and 7 exchanged."""
    order = np.arange(len(directions))
    order[[3, 7]] = 7, 3
    return directions[order]


MISTAKES: list[tuple[str, Callable[[np.ndarray], np.ndarray], str, str]] = [
    ("the sphere's normals", normals, "normals_not_lights", "normals of the sphere"),
    ("y downwards", lambda a: a * (1, -1, 1), "mirrored", "y axis points down"),
    ("x to the left", lambda a: a * (-1, 1, 1), "mirrored", "x axis points to the left"),
    ("z away", lambda a: a * (1, 1, -1), "mirrored", "z axis points away"),
    ("from the lights", lambda a: -a, "mirrored", "point from the lights"),
    ("exchanged axes", lambda a: a[:, [1, 0, 2]], "mirrored", "x and y are exchanged"),
    ("half a turn", lambda a: turned(a, 180), "rotated", "half a turn"),
    ("a quarter", lambda a: turned(a, 90), "rotated", "counter-clockwise by 90 degrees"),
    ("a quarter back", lambda a: turned(a, -90), "rotated", "are turned clockwise by 90 degrees"),
    ("a bit of a turn", lambda a: turned(a, 23), "rotated", "counter-clockwise by 23 degrees"),
    ("two exchanged", swapped, "swapped", "two lights are exchanged"),
    ("reversed", lambda a: a[::-1], "swapped", "reverse order"),
    ("begins elsewhere", lambda a: np.roll(a, 1, 0), "swapped", "light 0 is number 1 of the list"),
    ("normals, y downwards", lambda a: normals(a) * (1, -1, 1), "mirrored", "and they are normals"),
]


@pytest.mark.parametrize(
    ("make", "kind", "words"), [row[1:] for row in MISTAKES], ids=[m[0] for m in MISTAKES]
)
def test_a_mistake_is_named(make: Callable[[np.ndarray], np.ndarray], kind: str, words: str) -> None:
    found = lights()
    finding = explain(shaken(make(found)), found)[0]
    assert finding.kind == kind
    assert words in finding.message
    assert finding.next_step.endswith(".")


@pytest.mark.parametrize("make", [row[1] for row in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_leaves_little_once_it_is_mended(make: Callable[[np.ndarray], np.ndarray]) -> None:
    found = lights()
    finding = explain(make(found), found)[0]
    assert "without that, 0.0 degrees are left" in finding.message


def test_lists_that_agree_have_nothing_said_of_them() -> None:
    assert explain(shaken(lights()), lights()) == ()
    assert explain(7.0 * lights(), lights()) == ()


def test_the_two_that_are_exchanged_are_told() -> None:
    assert explain(swapped(lights()), lights())[0].lights == (3, 7)


def test_one_light_that_was_moved_is_told() -> None:
    moved = lights()
    moved[5] = 0.9, 0.0, 0.3
    (finding,) = explain(moved, lights())
    assert (finding.kind, finding.lights) == ("disagree", (5,))


def test_other_lights_are_just_other_lights() -> None:
    chance = np.random.default_rng(4)
    other = chance.normal(size=(12, 3)) * (1, 1, 0.3) + (0, 0, 1)
    (finding,) = explain(other, lights())
    assert finding.kind == "disagree"
    assert "no usual mistake" in finding.message


def test_lights_that_were_not_found_are_left_out_and_keep_their_numbers() -> None:
    found = lights()
    found[[0, 5]] = np.nan
    assert explain(lights(), found) == ()
    assert explain(swapped(lights()), found)[0].lights == (3, 7)
    assert explain(lights(), np.full((12, 3), np.nan)) == ()


def test_lists_of_different_lengths_are_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        explain(lights()[:5], lights())


def ring() -> np.ndarray:
    """Eight places on an even ring of 150 mm, 150 mm high."""
    turn = (np.arange(8) + 0.5) * np.pi / 4
    return 150 * np.stack([np.cos(turn), np.sin(turn), np.ones(8)], axis=1)


def calibrated() -> np.ndarray:
    """The places of a rig that was built as `ring`, but by hand."""
    profile = load_profile(str(CALIBRATION / "twin.toml")).profile
    return np.array([light.position_mm for light in profile.lights])


def kinds(findings: tuple[CalibrationFinding, ...]) -> list[str]:
    """Of each."""
    return [finding.kind for finding in findings]


def test_a_rig_built_as_planned_agrees_with_the_plan() -> None:
    assert explain_positions(ring(), calibrated(), agree_deg=3.0) == ()


def test_two_cables_that_are_swapped_are_named_from_the_plan() -> None:
    order = [0, 3, 2, 1, 4, 5, 6, 7]
    (finding,) = explain_positions(ring()[order], calibrated())
    assert (finding.kind, finding.lights) == ("swapped", (1, 3))


def test_an_even_ring_cannot_tell_a_turn_from_another_order() -> None:
    """Both are said, the simpler first."""
    findings = explain_positions(np.roll(ring(), 2, 0), calibrated())
    assert kinds(findings) == ["rotated", "swapped"]


def test_a_calibrated_rig_is_uneven_enough_to_tell() -> None:
    findings = explain_positions(np.roll(calibrated(), 2, 0), calibrated())
    assert kinds(findings) == ["swapped"]
    assert kinds(explain_positions(calibrated() * (1, -1, 1), calibrated())) == ["mirrored"]


def test_places_are_seen_from_the_middle_of_the_card() -> None:
    assert towards(np.array([[10.0, 0.0, 5.0]]), (10.0, 0.0, 1.0)) == pytest.approx(
        np.array([[0.0, 0.0, 1.0]])
    )
