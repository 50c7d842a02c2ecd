"""The judgement on the lights, held against the twin: its wiring is broken, the verdict must say how."""

from typing import Any

import numpy as np
import pytest

from station.calibrate.profile import load_profile
from station.camera.matcher import coarse, coarse_flat
from station.documents.rig import SelftestReport
from station.scan.selftest import Looks, Scale, judge
from station.twin.lights import LIGHTS
from station.twin.scene import Scene
from station.twin.spec import CardSpec, Unkind
from station.twin.wiring import Wiring

DPI = 60
DARK = [0.0] * LIGHTS
SOUND = Wiring()


@pytest.fixture(scope="module")
def flat() -> Any:
    return coarse_flat(load_profile("twin").flat)


@pytest.fixture(scope="module")
def scale() -> Scale:
    camera = load_profile("twin").profile.camera
    return Scale(camera.black_level, camera.full_scale)


class Bench:
    """Looks at the lights of a scene as the rig would light them; `left` adds what does not go off."""

    def __init__(self, flat: Any, scale: Scale) -> None:
        self._scene = Scene(3, dpi=DPI)
        self._flat, self._scale = flat, scale
        self._frames = 0

    def place(self, thing: Any) -> "Bench":
        self._scene.place(thing)
        return self

    def _picture(self, on: list[float]) -> Any:
        self._frames += 1
        return coarse(self._scene.render(on, sequence=self._frames))

    def tested(self, wiring: Wiring = SOUND, stuck: tuple[int, ...] = ()) -> SelftestReport:
        """The lights `stuck` burn on from their turn."""
        self._scene.wiring = wiring
        before, lit, after = self._picture(DARK), [], []
        for light in range(LIGHTS):
            left = [one for one in stuck if one <= light]
            lit.append(self._picture(_burning(light, *left)))
            after.append(self._picture(_burning(*left)))
        return judge(Looks(before, tuple(lit), tuple(after)), self._flat, self._scale)


def _burning(*lights: int) -> list[float]:
    return [float(k in lights) for k in range(LIGHTS)]


@pytest.fixture(scope="module")
def things() -> dict[str, Any]:
    return {"empty mat": None, "card": CardSpec(5), "foil": CardSpec(6, unkind=Unkind(foil=True))}


@pytest.fixture(params=["empty mat", "card", "foil"])
def bench(request: pytest.FixtureRequest, things: dict[str, Any], flat: Any, scale: Scale) -> Bench:
    return Bench(flat, scale).place(things[request.param])


def kinds(report: SelftestReport) -> list[tuple[str, tuple[int, ...]]]:
    return [(finding.kind, finding.lights) for finding in report.findings]


def test_sound_lights_pass(bench: Bench) -> None:
    report = bench.tested()
    assert (report.passed, kinds(report)) == (True, [])
    assert [one.state for one in report.lights] == ["good"] * LIGHTS
    assert [one.looks_like for one in report.lights] == list(range(LIGHTS))
    assert all(90 < (one.percent or 0) < 110 for one in report.lights)
    assert report.ambient_percent is not None
    assert report.ambient_percent < 5


def test_each_fault_is_told_from_the_others(bench: Bench) -> None:
    found = {
        "dead": bench.tested(Wiring({3: 0.0})),
        "weak": bench.tested(Wiring({5: 0.4})),
        "bright": bench.tested(Wiring({2: 2.0})),
        "swapped": bench.tested(Wiring(swapped=((1, 2),))),
        "opposite": bench.tested(Wiring(swapped=((0, 4),))),
        "stays on": bench.tested(stuck=(6,)),
        "always on": bench.tested(Wiring(always_on=(4,))),
    }
    assert {name: kinds(report) for name, report in found.items()} == {
        "dead": [("dead", (3,))],
        "weak": [("weak", (5,))],
        "bright": [("bright", (2,))],
        "swapped": [("swapped", (1, 2))],
        "opposite": [("swapped", (0, 4))],
        "stays on": [("stays_on", (6,))],
        "always on": [("stays_on", (4,))],
    }
    assert found["weak"].lights[5].percent == pytest.approx(40, abs=4)
    assert found["dead"].lights[3].percent is None
    assert not any(report.passed for report in found.values())


def test_several_faults_at_once(bench: Bench) -> None:
    report = bench.tested(Wiring({0: 0.0, 7: 0.35}, swapped=((2, 3), (4, 5))))
    assert kinds(report) == [("dead", (0,)), ("swapped", (2, 3)), ("swapped", (4, 5)), ("weak", (7,))]


@pytest.mark.parametrize("thing", [None, CardSpec(5)])
def test_most_lights_dead(flat: Any, scale: Scale, thing: Any) -> None:
    bench = Bench(flat, scale).place(thing)
    five = bench.tested(Wiring(dict.fromkeys(range(5), 0.0)))
    assert kinds(five) == [("dead", (light,)) for light in range(5)]
    assert [one.state for one in five.lights[5:]] == ["good"] * 3
    six = bench.tested(Wiring(dict.fromkeys(range(6), 0.0)))
    assert kinds(six) == [*(("dead", (light,)) for light in range(6)), ("too_few", ())]
    assert [one.state for one in six.lights[6:]] == ["not_assessed"] * 2


def test_a_plug_strip_put_on_the_wrong_way_round(bench: Bench) -> None:
    report = bench.tested(Wiring(swapped=((0, 7), (1, 6), (2, 5), (3, 4))))
    assert kinds(report) == [("swapped", (k, 7 - k)) for k in range(4)]


def test_three_lights_changed_round_are_each_named(bench: Bench) -> None:
    report = bench.tested(Wiring(swapped=((1, 2), (2, 6))))
    assert [one.looks_like for one in report.lights] == [0, 2, 6, 3, 4, 5, 1, 7]
    assert kinds(report) == [("misplaced", (1,)), ("misplaced", (2,)), ("misplaced", (6,))]


@pytest.mark.parametrize("wiring", [Wiring(covered=True), Wiring(dict.fromkeys(range(LIGHTS), 0.0))])
def test_a_camera_that_sees_nothing(bench: Bench, wiring: Wiring) -> None:
    report = bench.tested(wiring)
    assert kinds(report) == [("camera_blind", ())]
    assert report.ambient_percent is None
    assert {one.state for one in report.lights} == {"not_assessed"}


def test_a_room_that_is_not_dark(flat: Any, scale: Scale) -> None:
    bright = Bench(flat, scale).place(CardSpec(5, unkind=Unkind(ambient=0.6))).tested()
    assert kinds(bright) == [("not_dark", ())]
    assert [one.state for one in bright.lights] == ["good"] * LIGHTS
    shaded = Bench(flat, scale).place(CardSpec(5, unkind=Unkind(ambient=0.05))).tested()
    assert shaded.passed


def test_an_overexposed_picture(flat: Any, scale: Scale) -> None:
    report = Bench(flat, scale).tested(Wiring(dict.fromkeys(range(LIGHTS), 30.0)))
    assert "overexposed" in [kind for kind, _ in kinds(report)]


def test_every_finding_says_what_to_do(flat: Any, scale: Scale) -> None:
    report = Bench(flat, scale).tested(Wiring({3: 0.0, 5: 0.4}, swapped=((1, 2),)))
    assert all(finding.next_step.endswith(".") for finding in report.findings)
    assert [str(finding.message) for finding in report.findings] == [
        "lights 1 and 2 are swapped",
        "light 3 is dead: the camera sees nothing of it",
        f"light 5 has {report.lights[5].percent:.0f} % of the brightness expected",
    ]


def test_nothing_at_all_is_no_pass(flat: Any, scale: Scale) -> None:
    black = np.zeros_like(flat[0])
    assert not judge(Looks(black, (black,) * LIGHTS, (black,) * LIGHTS), flat, scale).passed


@pytest.mark.parametrize("wrong", [{"shares": {8: 1.0}}, {"shares": {0: -1.0}}, {"always_on": (9,)}])
def test_a_wiring_of_lights_that_are_not_there_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="lights 0 to 7"):
        Wiring(**wrong)
