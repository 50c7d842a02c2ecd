"""What goes wrong at the bench, each caught by the step or at the end, and named."""

from pathlib import Path

import pytest

from station.documents.calibrating import CalibrationOptions, Take
from station.documents.calibration import CalibrationFinding
from station.documents.fault import StationError
from station.twin.isp import Isp
from station.twin.sheet import Sheet

from .guided import Guided

DPI = 110
FEW = CalibrationOptions(frames=4)


@pytest.fixture
def guided(tmp_path: Path) -> Guided:
    return Guided(51, DPI, tmp_path, options=FEW)


def of_kind(take: Take, kind: str) -> CalibrationFinding:
    found = [finding for finding in take.findings if finding.kind == kind]
    assert found, [finding.kind for finding in take.findings]
    return found[0]


def test_a_lens_that_is_not_covered(guided: Guided) -> None:
    guided.lay("response")
    taken = guided.take("dark")
    assert not taken.usable
    assert "Light gets in" in of_kind(taken, "not_covered").message


def test_an_unlit_led(guided: Guided) -> None:
    guided.until("flat")
    guided.lay("flat")
    guided.scene.wire(shares={5: 0.0})
    taken = guided.take("flat")
    assert not taken.usable
    assert of_kind(taken, "unlit").lights == (5,)


def test_a_room_too_dark_to_measure(guided: Guided) -> None:
    guided.until("flat")
    guided.lay("flat")
    guided.scene.wire(shares=dict.fromkeys(range(8), 0.05))
    taken = guided.take("flat")
    assert not taken.usable
    assert "too dark" in of_kind(taken, "too_dark").message


def test_a_board_that_is_not_there(guided: Guided) -> None:
    guided.until("plane")
    guided.scene.remove()
    taken = guided.take("plane")
    assert not taken.usable
    assert taken.findings


def test_a_mirrored_camera(tmp_path: Path) -> None:
    guided = Guided(51, DPI, tmp_path, options=FEW, scene_options={"isp": Isp(mirrored=True)})
    guided.until("plane")
    taken = guided.laid("plane")
    assert not taken.usable
    assert "mirror" in of_kind(taken, "mirrored").message


def test_a_camera_that_sharpens(tmp_path: Path) -> None:
    guided = Guided(51, 200, tmp_path, options=FEW, scene_options={"isp": Isp(sharpen=0.6)})
    guided.until("plane")
    taken = guided.laid("plane")
    finding = of_kind(taken, "sharpens")
    assert taken.usable
    assert not finding.severe
    assert taken.figures["overshoot_percent"] > 3


def test_a_sphere_whose_reflection_is_clipped(guided: Guided) -> None:
    guided.until("balls")
    guided.lay("balls")
    guided.scene.wire(shares={3: 90.0})  # an LED that no exposure of this camera is short enough for
    taken = guided.take("balls")
    assert of_kind(taken, "clipped_highlight").lights == (3,)


@pytest.mark.early
def test_lights_swapped_between_two_steps(guided: Guided) -> None:
    guided.until("balls")
    guided.lay("balls")
    for place in range(4):
        guided.lay("balls", place)
        guided.scene.wire(swapped=((2, 5),))
        assert guided.take("balls", place).usable
    guided.until()
    quality = guided.finish().quality
    swapped = [finding for finding in quality.findings if finding.kind == "swapped"]
    assert [set(one.lights) for one in swapped] == [{2, 5}]
    assert quality.verdict == "redo"


@pytest.mark.early
def test_a_bent_sheet(guided: Guided) -> None:
    guided.until("flat")
    for step, raised in (("flat", False), ("flat_high", True)):
        height = guided.options.sheet_mm + guided.options.spacer_mm * raised
        guided.scene.wire()
        guided.scene.place(Sheet(bow_mm=1.2, height_mm=height, turned=raised))
        assert guided.take(step).usable
    guided.until()
    quality = guided.finish().quality
    assert "bent_target" in {finding.kind for finding in quality.findings}
    assert quality.verdict in ("usable", "redo")


def test_nothing_is_made_of_a_session_with_open_steps(guided: Guided) -> None:
    guided.until("plane")
    with pytest.raises(StationError, match="plane, lens, balls"):
        guided.finish()
