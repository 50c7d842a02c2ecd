"""The mat beside the card: kept at the calibration, and what is seen of it when something has moved since."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from station.calibrate.mat.mat import CARD_HALF_MM, MatDrift, drift, reference
from station.calibrate.profile import LoadedProfile, load_profile, scaled_camera
from station.calibrate.store import save
from station.card.geometry import pitch_mm, pixels_to_plane
from station.documents.fault import StationError
from station.twin.scene import Scene
from station.twin.spec import CardSpec

DPI = 200
TWIN = load_profile("twin")
Frames = tuple[Any, ...]


def frames(scene: Scene, sequence: int, shares: Sequence[float] = (1.0,) * 8) -> Frames:
    """The ambient picture, then one under each light."""
    on = (np.zeros(8), *(np.eye(8)[light] * shares[light] for light in range(8)))
    return tuple(scene.render(one, sequence=sequence + number) for number, one in enumerate(on))


def grey(stack: Frames) -> Any:
    return np.stack(
        [one.astype(np.float32).mean(2) - stack[0].astype(np.float32).mean(2) for one in stack[1:]]
    )


def moved(stack: Frames, x_px: float = 0, y_px: float = 0, turn_deg: float = 0, scale: float = 1) -> Frames:
    """The pictures shifted to the right and down, turned clockwise and enlarged about their middle."""
    height, width, _ = stack[0].shape
    warp = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -turn_deg, scale)
    warp[:, 2] += x_px, y_px
    flags = cv2.INTER_CUBIC
    return tuple(cv2.warpAffine(one, warp, (width, height), flags=flags) for one in stack)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(seed=7, dpi=DPI)


@pytest.fixture(scope="module")
def profile(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> LoadedProfile:
    """The twin's, for these pictures and with its mat, through the disk."""
    looks = np.mean([grey(frames(scene, 1_000 + 20 * number)) for number in range(4)], axis=0)
    camera = scaled_camera(TWIN.profile.camera, *looks.shape[:0:-1])
    found = reference(looks, camera)
    assert found is not None
    document = TWIN.profile.replace(name="with-mat", camera=camera, mat=True)
    arrays = {"flat": TWIN.flat, "mat": found[0], "mat_px": found[1]}
    return load_profile(str(save(tmp_path_factory.mktemp("profiles"), document, arrays)))


@pytest.fixture(scope="module")
def stack(scene: Scene) -> Frames:
    """A card lies there."""
    scene.place(CardSpec(seed=11))
    taken = frames(scene, 100)
    scene.remove()
    return taken


def look(stack: Frames, profile: LoadedProfile, **more: Any) -> MatDrift:
    seen = drift(stack[1:], profile, stack[0], **more)
    assert seen is not None
    return seen


def test_places_lie_beside_whatever_a_card_may_cover(profile: LoadedProfile) -> None:
    camera, mat, mat_px = profile.profile.camera, profile.mat, profile.mat_px
    assert mat is not None
    assert mat_px is not None
    assert len(mat) >= 4
    half = (np.array(mat.shape[:1:-1]) - 1) / 2
    assert 3.0 < (2 * half[0] + 1) * pitch_mm(camera, (0.0, 0.0), 0.0) < 4.5
    for middle in mat_px:
        corners = middle + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        assert corners.min() >= 0
        assert (corners <= (camera.width_px - 1, camera.height_px - 1)).all()
        seen = pixels_to_plane(camera, corners, 0.0)
        beside = [seen[:, axis].min() >= CARD_HALF_MM[axis] for axis in (0, 1)]
        beside += [seen[:, axis].max() <= -CARD_HALF_MM[axis] for axis in (0, 1)]
        assert any(beside)


def test_an_undisturbed_rig_shows_nothing(stack: Frames, profile: LoadedProfile) -> None:
    seen = look(stack, profile)
    assert seen.used == seen.places >= 4
    assert seen.shift_um is not None
    assert seen.shift_um < 12  # of a pixel's 127
    assert seen.shift_sigma_um is not None
    assert seen.shift_sigma_um < 8
    assert seen.turn_deg == pytest.approx(0, abs=0.01)
    assert seen.scale_percent == pytest.approx(0, abs=0.02)
    assert seen.focus_percent == pytest.approx(100, abs=8)
    np.testing.assert_allclose(
        seen.brightness, 1, atol=0.04
    )  # the twin's lights drift by 1 % from frame to frame


@pytest.mark.parametrize(
    ("x_px", "y_px", "turn_deg", "scale"),
    [(1.3, -0.7, 0, 1), (0.4, 0.2, 0.1, 1.002), (0, 0, -0.3, 1), (12, 3, 0, 1)],
)
def test_a_shift_a_turn_and_a_change_of_size_are_measured(
    x_px: float, y_px: float, turn_deg: float, scale: float, stack: Frames, profile: LoadedProfile
) -> None:
    seen = look(moved(stack, x_px, y_px, turn_deg, scale), profile)
    um = 1000 * pitch_mm(profile.profile.camera, (0.0, 0.0), 0.0)
    assert seen.used >= 3
    assert seen.shift_um == pytest.approx(um * np.hypot(x_px, y_px), abs=15)
    assert seen.turn_deg == pytest.approx(turn_deg, abs=0.015)
    assert seen.scale_percent == pytest.approx(100 * (scale - 1), abs=0.03)


def test_the_stated_uncertainty_fits_the_scatter(scene: Scene, profile: LoadedProfile) -> None:
    seen = [look(frames(scene, 4_000 + 20 * number), profile) for number in range(6)]
    shifts = np.array([one.shift_px.mean(axis=0) for one in seen])
    um = 1000 * pitch_mm(profile.profile.camera, (0.0, 0.0), 0.0)
    sigma = np.mean([one.shift_sigma_um for one in seen])
    assert 0.15 * sigma < um * shifts.std(axis=0).mean() < 2 * sigma


def test_a_covered_place_is_left_out(stack: Frames, profile: LoadedProfile) -> None:
    """A finger in one corner, a second card's edge in another."""
    covered = tuple(one.copy() for one in stack)
    for number, one in enumerate(covered):
        one[:60, :60] = 0 if number == 0 else 90
        one[-22:, -60:] = one[-44:-22, -60:]
    still, seen = look(stack, profile), look(covered, profile)
    assert seen.used == still.used - 2
    assert np.isnan(seen.shift_px[0]).all()
    assert seen.shift_um is not None
    assert still.shift_um is not None
    assert abs(seen.shift_um - still.shift_um) < 8


def test_a_mat_that_is_not_there_any_more_is_told_from_one_that_has_moved(
    stack: Frames, profile: LoadedProfile
) -> None:
    seen = look(tuple(one[::-1, ::-1] for one in stack), profile)
    assert (seen.used, seen.shift_um, seen.focus_percent, seen.brightness) == (0, None, None, None)
    assert seen.places >= 4


def test_a_weaker_light_and_a_shorter_exposure(scene: Scene, profile: LoadedProfile) -> None:
    shares = [1.0] * 8
    shares[3] = 0.8
    halves = frames(scene, 300, [0.5 * share for share in shares])
    seen = look(halves, profile, codes=0.5)
    assert seen.brightness is not None
    np.testing.assert_allclose(seen.brightness / shares, 1, atol=0.04)
    some = drift([halves[4], halves[1]], profile, halves[0], np.array([0.5, 0.5]), lights=[3, 0])
    assert some is not None
    np.testing.assert_allclose(some.brightness, seen.brightness[[3, 0]], rtol=0.02)


@pytest.mark.parametrize("sigma_px", [0.5, 0.8])
def test_defocus_shows(sigma_px: float, stack: Frames, profile: LoadedProfile) -> None:
    soft = tuple(cv2.GaussianBlur(one.astype(np.float32), (0, 0), sigma_px) for one in stack)
    clear, seen = look(stack, profile), look(soft, profile)
    assert clear.focus_percent is not None
    band = np.exp(-2 * (np.pi * sigma_px * np.array([0.14, 0.25])) ** 2)  # of that blur, at the band's ends
    assert band[1] < seen.focus_percent / clear.focus_percent < band[0]


def test_a_mat_without_texture_says_nothing(scene: Scene, profile: LoadedProfile, stack: Frames) -> None:
    assert profile.mat is not None
    rng = np.random.default_rng(5)
    plain = rng.normal(8, 0.4, profile.mat.shape).astype(np.float32)
    assert drift(stack[1:], replace(profile, mat=plain), stack[0]) is None
    assert drift(stack[1:], replace(profile, mat=None), stack[0]) is None


def test_printed_marks_do_as_well_as_texture(stack: Frames, profile: LoadedProfile) -> None:
    """Crosses on an even mat, in every place."""
    assert profile.mat is not None
    assert profile.mat_px is not None
    size = profile.mat.shape[2]
    marked = tuple(np.full_like(one, 4) for one in stack)
    for number, one in enumerate(marked):
        if number:
            one[:] = 10
            for x, y in np.round(profile.mat_px).astype(int):
                cv2.line(one, (x - 7, y), (x + 7, y), (60, 60, 60), 2)
                cv2.line(one, (x, y - 7), (x, y + 7), (60, 60, 60), 2)
    camera = profile.profile.camera
    found = reference(grey(marked), camera)
    assert found is not None
    assert found[0].shape[2] == size
    printed = replace(profile, mat=found[0], mat_px=found[1])
    seen = look(moved(marked, 2.25, -1.5), printed)
    um = 1000 * pitch_mm(camera, (0.0, 0.0), 0.0)
    assert seen.used == seen.places
    assert seen.shift_um == pytest.approx(um * np.hypot(2.25, 1.5), abs=10)


def test_a_binned_picture_is_held_against_the_same_profile(tmp_path: Path) -> None:
    """Twice as large a picture at the calibration: its places shrink with it."""
    fine = Scene(seed=7, dpi=2 * DPI)
    looks = grey(frames(fine, 10))
    camera = scaled_camera(TWIN.profile.camera, *looks.shape[:0:-1])
    found = reference(looks, camera)
    assert found is not None
    document = TWIN.profile.replace(name="fine", camera=camera, mat=True)
    path = save(tmp_path, document, {"flat": TWIN.flat, "mat": found[0], "mat_px": found[1]})
    profile = load_profile(str(path))
    height, width = looks.shape[1] // 2, looks.shape[2] // 2
    binned = tuple(
        cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) for one in frames(fine, 300)
    )
    seen = look(moved(binned, 1.5, 0.5), profile.scaled(width, height))
    um = 1000 * pitch_mm(profile.scaled(width, height).profile.camera, (0.0, 0.0), 0.0)
    assert seen.used >= 4
    assert seen.shift_um == pytest.approx(um * np.hypot(1.5, 0.5), abs=12)
    assert seen.focus_percent is None  # of another picture size


def test_pictures_of_the_mat_that_do_not_fit_are_refused(tmp_path: Path, profile: LoadedProfile) -> None:
    mat, mat_px = profile.mat, profile.mat_px
    assert mat is not None
    assert mat_px is not None
    for arrays, said in (
        ({"mat": mat}, "no readable array named mat_px"),
        ({"mat": mat[:, :5], "mat_px": mat_px}, "not pictures of the mat"),
        ({"mat": mat, "mat_px": mat_px[:2]}, "not pictures of the mat"),
        ({"mat": mat * np.float32(np.nan), "mat_px": mat_px}, "not numbers"),
    ):
        with pytest.raises(StationError, match=said):
            save(tmp_path, profile.profile, {"flat": TWIN.flat, **arrays})


def test_a_picture_full_of_card_keeps_no_mat(profile: LoadedProfile) -> None:
    camera = scaled_camera(profile.profile.camera, 300, 384)
    fx, fy, cx, cy = camera.matrix
    near = camera.replace(matrix=(1.2 * fx, 1.2 * fy, cx, cy))
    assert reference(np.ones((8, 384, 300), np.float32), near) is None
