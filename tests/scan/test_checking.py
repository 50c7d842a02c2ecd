"""The check of a calibration: no word about a rig that is as it was, a name for each thing that is not."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from station.calibrate.profile import LoadedProfile, load_profile
from station.config import Settings
from station.documents.calibration import CalibrationQuality, Figure
from station.scan.checking import Seen, checked
from station.scan.looking import Eyes
from station.scan.selftest import Looks
from station.twin.optics import Lens
from station.twin.spec import CardSpec
from tests.scan.rigs import Frames, frames, scene, with_mat


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> LoadedProfile:
    return with_mat(tmp_path_factory.mktemp("profiles"))


def quality(stack: Frames, profile: LoadedProfile) -> CalibrationQuality:
    eyes = Eyes(cast("Any", None), cast("Any", None), profile, Settings(), simulated=True)
    dark, *lit = stack
    coarse = [eyes.seen(one) for one in stack]
    looks = Looks(coarse[0], tuple(coarse[1:]), (coarse[0],) * len(lit))
    return checked(Seen(dark, tuple(lit), looks), eyes).quality


def named(found: CalibrationQuality) -> dict[str, Figure]:
    return {one.name: one for one in found.figures}


@pytest.mark.parametrize("seed", [None, 3])
def test_an_undisturbed_rig_passes_with_an_empty_mat_and_with_a_card_on_it(
    seed: int | None, profile: LoadedProfile
) -> None:
    place = scene()
    if seed is not None:
        place.place(CardSpec(seed))
    found = quality(frames(place, 100), profile)
    assert (found.verdict, found.findings) == ("pass", ())
    assert {one.verdict for one in found.figures} == {"pass"}
    assert all(one.reason for one in found.figures)
    assert found.reason.startswith("The rig is as it was calibrated")


def test_a_camera_that_moved_is_measured(profile: LoadedProfile) -> None:
    still, lens = Lens(), Lens()
    x, y, z = still.centre_mm
    lens = replace(still, centre_mm=(x + 0.4, y - 0.3, z))
    found = quality(frames(scene(lens), 200), profile)
    figure = named(found)["mat_shift_um"]
    assert figure.value == pytest.approx(500, abs=25)
    assert figure.sigma is not None
    assert (figure.verdict, found.verdict) == ("usable", "usable")
    assert [one.kind for one in found.findings] == ["shifted"]
    far = replace(still, centre_mm=(x + 1.8, y, z))
    assert quality(frames(scene(far), 300), profile).verdict == "redo"


def test_a_turned_and_a_raised_camera(profile: LoadedProfile) -> None:
    still = Lens()
    turned = replace(still, tilt_deg=(*still.tilt_deg[:2], still.tilt_deg[2] + 0.4))
    found = named(quality(frames(scene(turned), 400), profile))["mat_turn_deg"]
    assert found.value is not None
    assert abs(found.value) == pytest.approx(0.4, abs=0.03)
    assert found.verdict == "redo"
    x, y, z = still.centre_mm
    raised = replace(still, centre_mm=(x, y, z + 0.8))
    grown = named(quality(frames(scene(raised), 500), profile))["mat_scale_percent"]
    assert grown.value == pytest.approx(-0.2, abs=0.06)
    assert grown.verdict == "usable"


def test_defocus_is_named(profile: LoadedProfile) -> None:
    found = quality(frames(scene(replace(Lens(), blur_px=0.85)), 600), profile)
    assert named(found)["focus_percent"].verdict in ("usable", "redo")
    assert [one.kind for one in found.findings] == ["unfocused"]


@pytest.mark.parametrize(
    ("share", "verdict", "kinds"),
    [(0.82, "usable", {"drifted"}), (0.4, "redo", {"drifted"}), (0, "redo", {"unlit"})],
)
def test_a_weak_light_is_named(share: float, verdict: str, kinds: set[str], profile: LoadedProfile) -> None:
    shares = [1.0] * 8
    shares[5] = share
    found = quality(frames(scene(), 700, shares), profile)
    assert found.verdict == verdict
    assert kinds <= {one.kind for one in found.findings}
    lit = [one for one in found.findings if one.lights]
    assert all(one.lights == (5,) for one in lit)
    spread = named(found)["light_spread_percent"]
    assert spread.value == pytest.approx(100 * np.std(shares) / np.mean(shares), abs=1.5)


def test_swapped_lights_are_named(profile: LoadedProfile) -> None:
    stack = list(frames(scene(), 800))
    stack[3], stack[4] = stack[4], stack[3]
    found = quality(tuple(stack), profile)
    assert ("swapped", (2, 3)) in {(one.kind, one.lights) for one in found.findings}
    assert found.verdict == "redo"


def test_room_light_is_measured(profile: LoadedProfile) -> None:
    found = named(quality(frames(scene(), 900, dark=0.02), profile))
    assert found["ambient_percent"].value == pytest.approx(100 * 8 * 0.02, rel=0.3)
    assert found["ambient_percent"].verdict == "usable"


def test_another_mat_is_not_taken_for_a_shift(profile: LoadedProfile) -> None:
    stack = tuple(one[::-1, ::-1] for one in frames(scene(), 1_000))
    found = quality(stack, profile)
    assert named(found)["mat_shift_um"].reason == "the mat of the calibration was not found"
    assert "shifted" in {one.kind for one in found.findings}


def test_what_the_profile_does_not_know_is_not_assessed() -> None:
    found = named(quality(frames(scene(), 1_100), load_profile("twin")))
    for name in ("mat_shift_um", "mat_turn_deg", "mat_scale_percent", "focus_percent"):
        assert (found[name].value, found[name].verdict) == (None, "not_assessed")
        assert found[name].reason == "the profile keeps no pictures of the mat"
    assert found["light_spread_percent"].verdict == "pass"
