"""Signs of ageing: none while nothing changes, each change named in time and with its light."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from station.calibrate.profile import LoadedProfile, load_profile
from station.documents.ageing import Ageing, AgeingSign
from station.documents.scan import Quality
from station.scan.ageing import FEWEST, MEMORY, ageing
from station.scan.bounds import FOCUS, LIGHTS, SHIFT
from station.scan.pipeline import Stack, compute
from station.scan.trueness import spread_percent, with_trueness
from station.twin.optics import Lens
from station.twin.scene import Scene
from station.twin.spec import CardSpec
from tests.scan.rigs import DPI, Frames, frames, scene, with_mat

EVEN = (1.0,) * 8
TWIN = load_profile("twin").profile


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> LoadedProfile:
    return with_mat(tmp_path_factory.mktemp("profiles"))


def quality(stack: Frames, profile: LoadedProfile) -> Quality:
    """What the mat beside the card says; the card itself is not looked at here."""
    dark, *lit = stack
    return with_trueness(
        Quality(), lit, dark, profile, lights=range(8), lit_us=(15_000,) * 8, gains=np.ones(8)
    )


def history(scans: Iterator[Frames], profile: LoadedProfile) -> list[Ageing]:
    """What was said after each scan."""
    seen: list[Quality] = []
    said = []
    for stack in scans:
        seen.append(quality(stack, profile))
        said.append(ageing(seen, profile.profile))
    return said


def first(said: Sequence[Ageing], figure: str) -> tuple[int, AgeingSign]:
    """The scan after which a figure was named, and how."""
    return next(
        (number, sign) for number, one in enumerate(said) for sign in one.signs if sign.figure == figure
    )


def test_an_undisturbed_series_of_cards_says_nothing(profile: LoadedProfile) -> None:
    """Lights that scatter by 1 % from picture to picture, motion, noise, cards laid down anyhow."""

    def scans() -> Iterator[Frames]:
        place = scene()
        for number in range(24):
            if number % 3 == 0:
                place.place(CardSpec(100 + number))
            yield frames(place, 100 + 20 * number)

    said = history(scans(), profile)
    assert [one.signs for one in said] == [()] * 24
    assert [one.state for one in said] == ["not_assessed"] * (FEWEST - 1) + ["ok"] * (24 - FEWEST + 1)
    assert said[-1].scans == 24


def test_a_fading_light_is_named_before_numbers_go_wrong(profile: LoadedProfile) -> None:
    def shares(number: int) -> list[float]:
        return [1.0 - 0.015 * number * (light == 5) for light in range(8)]

    place = scene()
    said = history((frames(place, 100 + 20 * n, shares(n)) for n in range(14)), profile)
    number, sign = first(said, LIGHTS.name)
    assert (sign.state, sign.lights) == ("soon", (5,))
    assert "light 5 became" in sign.message
    assert "weaker" in sign.message
    truly = spread_percent(np.array(shares(number)))
    assert 0.8 * LIGHTS.soon < truly < 0.75 * LIGHTS.now


def moving(step_mm: float, count: int) -> Iterator[Frames]:
    """A camera that creeps sideways."""
    still = Lens()
    x, y, z = still.centre_mm
    for number in range(count):
        yield frames(scene(replace(still, centre_mm=(x + step_mm * number, y, z))), 100 + 20 * number)


def test_a_creeping_camera_is_named_before_numbers_go_wrong(profile: LoadedProfile) -> None:
    number, sign = first(history(moving(0.05, 12), profile), SHIFT.name)
    assert sign.state == "soon"
    assert 0.8 * SHIFT.soon < 50 * number < 0.5 * SHIFT.now


def test_a_bump_is_named_at_the_second_scan_after_it(profile: LoadedProfile) -> None:
    def scans() -> Iterator[Frames]:
        yield from moving(0, 6)
        x, y, z = Lens().centre_mm
        bumped = scene(replace(Lens(), centre_mm=(x + 2.0, y, z)))
        yield from (frames(bumped, 900 + 20 * number) for number in range(2))

    said = history(scans(), profile)
    number, sign = first(said, SHIFT.name)
    assert number == 7
    assert sign.state == "now"
    assert sign.value == pytest.approx(2_000, abs=80)


def test_a_lens_that_goes_out_of_focus_is_named_in_time(profile: LoadedProfile) -> None:
    def scans() -> Iterator[Frames]:
        for number in range(12):
            yield frames(scene(replace(Lens(), blur_px=0.42 + 0.06 * number)), 100 + 20 * number)

    said = history(scans(), profile)
    _, sign = first(said, FOCUS.name)
    assert sign.state == "soon"
    assert sign.value is not None
    assert FOCUS.now < sign.value <= FOCUS.soon
    assert said[-1].state == "now"


def test_the_card_says_it_too_where_the_profile_keeps_no_mat(profile: LoadedProfile) -> None:
    place = scene()
    place.place(CardSpec(5))
    shares = [1.0] * 8
    shares[2] = 0.8
    dark, *lit = frames(place, 100, shares)
    stack = Stack(dark, tuple(lit), tuple(range(8)), 15_000)
    seen = compute(stack, load_profile("twin"), rectified_dpi=DPI).measurements.quality
    assert (seen.mat_gains, seen.mat_shift_um, seen.mat_places) == (None, None, None)
    [sign] = ageing([seen] * FEWEST, TWIN).signs
    assert sign.lights == (2,)
    with_it = compute(stack, profile, rectified_dpi=DPI).measurements.quality
    assert with_it.mat_gains is not None
    assert with_it.gains is not None
    np.testing.assert_allclose(with_it.mat_gains, with_it.gains, atol=0.03)
    assert with_it.gain_spread_percent == pytest.approx(spread_percent(np.array(shares)), abs=1.5)
    assert with_it.mat_places == 7


def of(**figures: object) -> Quality:
    return Quality.model_validate({"gains": EVEN, **figures})


@pytest.mark.parametrize("covered", [1, 2])
def test_one_covered_corner_is_forgiven_and_a_lost_mat_is_not(covered: int) -> None:
    lost = of(mat_places=0)
    seen = [of(mat_places=7, mat_shift_um=5.0)] * 5 + [lost] * covered
    assert ageing(seen, TWIN).signs == ()
    [sign] = ageing([*seen, *[lost] * (FEWEST - covered)], TWIN).signs
    assert (sign.figure, sign.state) == ("mat_places", "now")


def test_one_scan_that_says_something_else_is_forgiven() -> None:
    odd = of(mat_shift_um=9_000.0, focus_percent=40.0, gains=(0.8, *EVEN[1:]))
    calm = of(mat_shift_um=5.0, focus_percent=99.0)
    assert ageing([*[calm] * 10, odd], TWIN).signs == ()


def test_what_was_mended_is_forgotten_and_old_scans_do_not_count() -> None:
    weak = of(gains=(0.7, *EVEN[1:]))
    assert ageing([weak] * 5, TWIN).state == "now"
    assert ageing([weak] * 5 + [of()] * 12, TWIN).state == "ok"
    assert ageing([weak] * 5 + [of()] * MEMORY, TWIN).scans == MEMORY


def test_several_lights_are_named_together_and_the_worst_sign_comes_first() -> None:
    seen = of(gains=(0.8, 1.0, 1.0, 1.25, 1.0, 1.0, 1.0, 1.0), mat_shift_um=400.0)
    found = ageing([seen] * 4, TWIN)
    assert [(sign.figure, sign.state) for sign in found.signs] == [(LIGHTS.name, "now"), (SHIFT.name, "soon")]
    assert found.state == "now"
    assert found.signs[0].lights == (0, 3)
    assert "light 0 became 20 % weaker and light 3 became 25 % stronger" in found.signs[0].message


def test_a_starting_point_is_no_calibration() -> None:
    [sign] = ageing([], TWIN.replace(measured=False)).signs
    assert (sign.state, sign.figure) == ("now", "measured")


def test_an_older_scan_without_these_figures_says_nothing() -> None:
    assert ageing([Quality()] * 10, TWIN).signs == ()


def test_scenes_differ(profile: LoadedProfile) -> None:
    """The moved camera of these tests really is another one."""
    still: Callable[[Lens], Scene] = scene
    x, y, z = Lens().centre_mm
    one, other = (frames(still(lens), 5)[1] for lens in (Lens(), replace(Lens(), centre_mm=(x + 0.5, y, z))))
    assert (one != other).any()
