"""The board in a picture: its corners to hundredths of a pixel, and words for what is wrong with it."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from station.calibrate.boards.board import BoardView, charuco_board, corners_mm, find_board
from station.documents.boards import BoardSpec
from station.documents.fault import StationError
from station.twin.charuco import BoardTarget
from station.twin.plate import PlatePose
from tests.calibrate.boards.boards import Photographed, photograph

SPEC = BoardSpec()
TILTED = PlatePose(z_mm=22.0, tilt_deg=(18.0, -17.0), turn_deg=4.0)


@pytest.fixture(scope="module")
def flat() -> Photographed:
    return photograph(150, BoardTarget(pose=PlatePose(turn_deg=3.0)))


def kinds(view: BoardView) -> list[str]:
    return [finding.kind for finding in view.findings]


@pytest.mark.parametrize(("dpi", "limit_px"), [(75, 0.03), (150, 0.02), (300, 0.015)])
@pytest.mark.parametrize("pose", [PlatePose(turn_deg=3.0), TILTED], ids=["flat", "tilted"])
def test_corners_are_where_they_are(
    dpi: float, limit_px: float, pose: PlatePose, record_property: Callable[[str, Any], None]
) -> None:
    seen = photograph(dpi, BoardTarget(pose=pose))
    inside = ((seen.truth_px > 3) & (seen.truth_px < np.array(seen.view.size_px) - 4)).all(axis=1)
    assert len(seen.view.ids) >= 0.97 * inside.sum()
    assert not seen.view.findings
    rms = float(np.sqrt(np.mean(seen.errors_px**2)))
    record_property(f"corner_{dpi:.0f}_dpi", [rms, "px rms"])
    assert rms < limit_px
    assert np.abs(seen.errors_px).max() < 5 * limit_px


def test_a_corner_knows_how_well_it_is_known() -> None:
    """Noise alone: the same board in many pictures, each corner against its own mean."""
    clean = photograph(150, BoardTarget(pose=PlatePose(turn_deg=3.0))).picture.mean(axis=2)
    views = [find_board(np.random.default_rng(seed).normal(clean, 4.0) / 255, SPEC) for seed in range(12)]
    places = np.stack([view.corners_px for view in views])
    scatter = float(np.sqrt(places.var(axis=0, ddof=1).mean()))
    told = float(np.median([view.sigma_px for view in views]))
    assert scatter == pytest.approx(told, rel=0.25)
    assert (
        scatter > 0.01
    )  # the noise is larger than that of a station: this tests the figure, not the picture


def test_places_on_the_board_follow_opencv() -> None:
    theirs = np.asarray(charuco_board(SPEC).getChessboardCorners())
    width, height = SPEC.columns * SPEC.square_mm, SPEC.rows * SPEC.square_mm
    assert np.allclose(corners_mm(SPEC)[:, 0], theirs[:, 0] - width / 2)
    assert np.allclose(corners_mm(SPEC)[:, 1], height / 2 - theirs[:, 1])


def test_a_board_printed_larger_can_be_told(flat: Photographed) -> None:
    larger = flat.view.stretched(1.01, 0.99)
    assert np.allclose(larger.object_mm, flat.view.object_mm * (1.01, 0.99, 1.0))


@pytest.mark.parametrize("kind", ["grey", "colour", "share", "wide"])
def test_any_kind_of_picture_will_do(flat: Photographed, kind: str) -> None:
    picture = flat.picture
    as_kind = {
        "grey": picture[..., 1],
        "colour": picture,
        "share": picture.astype(np.float32) / 255,
        "wide": picture.astype(np.uint16) * 257,
    }[kind]
    view = find_board(as_kind, SPEC)
    assert len(view.ids) == 63
    assert view.brightness == pytest.approx(flat.view.brightness, abs=0.02)


def test_ten_bit_codes_need_their_scale(flat: Photographed) -> None:
    view = find_board(flat.picture.astype(np.uint16) * 4, SPEC, full_scale=1020)
    assert view.brightness == pytest.approx(flat.view.brightness, abs=0.01)
    assert not view.findings


def test_the_light_may_come_from_one_side() -> None:
    one = np.where(np.arange(8) == 2, 0.9, 0.0)
    seen = photograph(150, BoardTarget(pose=PlatePose(turn_deg=3.0)), on=one)
    assert len(seen.view.ids) == 63
    assert np.sqrt(np.mean(seen.errors_px**2)) < 0.02


@pytest.mark.parametrize("dpi", [75, 150])
def test_a_mirrored_picture_is_named_and_its_corners_are_right(dpi: float) -> None:
    seen = photograph(dpi, BoardTarget(pose=TILTED))
    view = find_board(seen.picture[:, ::-1], SPEC)
    assert view.mirrored
    assert kinds(view) == ["mirrored"]
    assert not view.usable
    width = seen.picture.shape[1]
    known = dict(zip(seen.view.ids.tolist(), seen.view.corners_px, strict=True))
    back = np.column_stack([width - 1 - view.corners_px[:, 0], view.corners_px[:, 1]])
    assert np.abs(back - [known[number] for number in view.ids.tolist()]).max() < 0.05


def test_a_board_that_was_printed_mirrored_is_named() -> None:
    view = photograph(150, BoardTarget(pose=PlatePose(turn_deg=3.0), mirrored=True)).view
    assert view.mirrored
    assert len(view.ids) == 63


def test_turned_pictures_are_not_mirrored(flat: Photographed) -> None:
    for quarter_turns in (1, 2, 3):
        view = find_board(np.rot90(flat.picture, quarter_turns), SPEC)
        assert not view.findings
        assert len(view.ids) == 63


def test_part_of_the_board_is_enough(flat: Photographed) -> None:
    covered = flat.picture.copy()
    covered[:300] = 20
    view = find_board(covered, SPEC)
    assert 16 <= len(view.ids) < 40
    assert view.usable
    truth = flat.truth_px[view.ids]
    assert np.sqrt(np.var(view.corners_px - truth, axis=0)).max() < 0.02


def test_too_little_of_the_board_is_refused(flat: Photographed) -> None:
    covered = flat.picture.copy()
    covered[:450] = 20
    view = find_board(covered, SPEC)
    assert "too_few" in kinds(view)
    assert not view.usable


def test_no_board_is_said() -> None:
    view = find_board(np.full((300, 240), 90, np.uint8), SPEC)
    assert kinds(view) == ["not_found"]
    assert len(view.ids) == 0
    assert not view.usable


def test_darkness_is_the_first_thing_said(flat: Photographed) -> None:
    dark = find_board((flat.picture * 0.3).astype(np.uint8), SPEC)
    assert kinds(dark) == ["too_dark"]
    assert dark.usable
    night = find_board((flat.picture * 0.03).astype(np.uint8), SPEC)
    assert kinds(night)[0] == "too_dark"
    assert not night.usable


def test_clipped_paper_is_said(flat: Photographed) -> None:
    bright = np.clip(flat.picture.astype(np.float64) * 4, 0, 255).astype(np.uint8)
    view = find_board(bright, SPEC)
    assert "clipped" in kinds(view)
    assert view.clipped > 0.2
    assert not view.usable


def test_one_clipped_channel_is_enough(flat: Photographed) -> None:
    red = flat.picture.astype(np.float64) * (4.0, 1.0, 1.0)
    assert "clipped" in kinds(find_board(np.clip(red, 0, 255).astype(np.uint8), SPEC))


@pytest.mark.parametrize(("sigma_px", "severe"), [(2.0, False), (4.0, True)])
def test_softness_is_said(sigma_px: float, severe: bool) -> None:
    sharp = photograph(200, BoardTarget(pose=PlatePose(turn_deg=3.0)))
    soft = cv2.GaussianBlur(sharp.picture, (0, 0), sigma_px)
    view = find_board(soft, SPEC)
    assert kinds(view) == ["blurred"]
    assert view.usable is not severe
    assert view.edge_px == pytest.approx(np.hypot(sigma_px, sharp.view.edge_px), rel=0.2)


def test_a_marker_seen_twice_costs_no_more_than_itself(flat: Photographed) -> None:
    """A square of the board pasted over another one: OpenCV's own check would give up the whole board."""
    squares = flat.picture.copy()
    a, b = (np.rint(flat.truth_px[number]).astype(int) for number in (0, 45))
    squares[b[1] - 50 : b[1] + 3, b[0] - 3 : b[0] + 50] = squares[a[1] - 50 : a[1] + 3, a[0] - 3 : a[0] + 50]
    view = find_board(squares, SPEC)
    off = view.corners_px - flat.truth_px[view.ids]
    assert len(view.ids) > 40
    assert np.abs(off - np.median(off, axis=0)).max() < 3


def test_a_board_that_cannot_be_is_refused() -> None:
    for spec in (replace_spec(dictionary="DICT_OF_DREAMS"), replace_spec(marker_mm=9.5)):
        with pytest.raises(StationError, match="there is no board") as caught:
            find_board(np.zeros((100, 100), np.uint8), spec)
        assert caught.value.code == "calibration_failed"
    with pytest.raises(ValueError, match="no picture"):
        find_board(np.zeros(100, np.uint8), SPEC)


def replace_spec(**changes: object) -> BoardSpec:
    return SPEC.replace(**changes)
