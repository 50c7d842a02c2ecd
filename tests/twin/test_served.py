"""Frames from memory are the rendered ones, and only where they show what was to be seen."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from station.camera.interface import CameraMode
from station.config import TwinSettings
from station.documents.fault import StationError
from station.twin.bench import TwinBench
from station.twin.lightlog import LightLogWriter
from station.twin.preparing import Preparing
from station.twin.scene import Scene
from station.twin.sensor import BANDS
from station.twin.served import Served, Taking
from station.twin.spec import CardSpec
from station.twin.things import Hand

pytestmark = pytest.mark.usefixtures("compiled")
BOUND_S = 60.0
CARD = CardSpec(3)
MODE = CameraMode(160, 205, 15_000, 1.0)
MOST = 1 << 30


def lit(*lights: int, share: float = 1.0) -> list[list[float]]:
    """(bands, lights): these burned for a share of the exposure of all rows."""
    return [[share if k in lights else 0.0 for k in range(8)]] * BANDS


@pytest.fixture(scope="module")
def served() -> Served:
    scene = Scene(dpi=50)
    made = Served(scene, MOST)
    made.prepare(CARD, Taking())
    return made


@pytest.mark.parametrize(("number", "lights"), [(0, ()), (1, (0,)), (8, (7,))])
def test_what_is_served_is_what_would_have_been_rendered(
    served: Served, number: int, lights: tuple[int, ...]
) -> None:
    scene = Scene(dpi=50)
    scene.place(CARD)
    found = served.find(CARD, lit(*lights), MODE, 8)
    assert found is not None
    assert found.tobytes() == scene.render(lit(*lights), sequence=number).tobytes()
    assert not found.flags.writeable


def test_each_half_of_the_looking_light_is_served_however_the_dimmer_meets_the_rows(served: Served) -> None:
    wavering = [[(0.2 if band % 2 else 0.28) * (k % 2) for k in range(8)] for band in range(BANDS)]
    first, second = (
        served.find(CARD, wavering, MODE, 8),
        served.find(CARD, lit(0, 2, 4, 6, share=0.25), MODE, 8),
    )
    assert first is not None
    assert second is not None
    assert first.tobytes() != second.tobytes()


@pytest.mark.parametrize(
    "on",
    [
        [*lit(2)[:40], *lit(3)[:24]],
        [*lit(2)[:40], *lit()[:24]],
        lit(2, share=0.5),
        lit(0, 2, 4, 6),
        lit(0, 1, 2, 3, share=0.25),
    ],
)
def test_light_that_was_not_prepared_is_not_served(served: Served, on: list[list[float]]) -> None:
    assert served.find(CARD, on, MODE, 8) is None


def test_other_things_exposures_and_depths_are_not_served(served: Served) -> None:
    on = lit(2)
    for thing in (None, CardSpec(4), CardSpec(3, "back"), CardSpec(3, turned=True), Hand(CARD)):
        assert served.find(thing, on, MODE, 8) is None
    assert served.find(CARD, on, CameraMode(160, 205, 10_000, 1.0), 8) is None
    assert served.find(CARD, on, CameraMode(160, 205, 15_000, 2.0), 8) is None
    assert served.find(CARD, on, MODE, 16) is None
    nudged = served.find(CardSpec(3, nudge=(1.0, 1.0, 1.0)), on, MODE, 8)
    assert nudged is served.find(CARD, on, MODE, 8)  # put down a little differently: the same picture


def test_memory_is_bounded_and_its_size_is_told() -> None:
    scene = Scene(dpi=50)
    served = Served(scene, 3_000_000)
    side = 160 * 205 * 3 * 11
    served.require_room([CARD, CARD, CardSpec(4)], Taking())
    served.prepare(CARD, Taking())
    assert served.bytes == side
    with pytest.raises(
        StationError, match=r"2 sides more take 1\.1 MB each, 3\.2 MB in all; `twin.served_mb` is 3"
    ) as caught:
        served.require_room([CARD, CardSpec(4), CardSpec(5)], Taking())
    assert caught.value.code == "bad_request"


def test_a_camera_takes_its_frames_from_memory_once_they_are_prepared(
    light_log: tuple[Path, LightLogWriter],
) -> None:
    from station.twin.camera import TwinCamera  # noqa: PLC0415

    path, board = light_log
    scene = Scene(dpi=50)
    preparing = Preparing(scene, MOST)
    scene.place(CARD)
    preparing.begin([CARD], Taking())
    with pytest.raises(StationError, match="other pictures"):
        preparing.begin([CARD], Taking())
    wait_until_done(preparing)
    board.write(time.monotonic_ns(), 1 << 5)
    camera = TwinCamera(scene, path)
    camera.open()
    frames = camera.frames()
    shown = [next(frames).pixels() for _ in range(4)]
    camera.close()
    preparing.close()
    assert scene.served is not None
    wanted = scene.served.find(CARD, lit(5), MODE, 8)
    assert any(pixels is wanted for pixels in shown)
    assert preparing.state().served >= 2


def wait_until_done(preparing: Preparing) -> None:
    until = time.monotonic() + BOUND_S
    while not preparing.state().done:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[TwinBench]:
    made = TwinBench(tmp_path, TwinSettings(dpi=50, served=True, served_mb=4), 1_500)
    yield made
    made.close()


def test_a_bench_prepares_cards_and_the_bare_mat(bench: TwinBench) -> None:
    how = {"exposure_us": 15_000, "gain": 1.0, "look_percent": 25.0}
    bench.prepare((3,), ("front", "back"), **how)  # type: ignore[arg-type]
    until = time.monotonic() + BOUND_S
    while not bench.prepared().done:
        assert time.monotonic() < until
        time.sleep(0.01)
    state = bench.prepared()
    assert (state.wanted, state.ready, state.bytes) == (3, 3, 3 * 160 * 205 * 3 * 11)
    assert bench.scene.served is not None
    assert bench.scene.served.find(None, lit(1), MODE, 8) is not None
    with pytest.raises(StationError, match="served_mb"):
        bench.prepare((4, 5), ("front",), **how)  # type: ignore[arg-type]


def test_without_the_setting_nothing_is_prepared(tmp_path: Path) -> None:
    plain = TwinBench(tmp_path, TwinSettings(dpi=50), 1_500)
    with pytest.raises(StationError, match=r"twin\.served"):
        plain.prepare((3,), ("front",), exposure_us=15_000, gain=1.0, look_percent=25.0)
    assert plain.prepared().done
    assert np.unique(plain.scene.render(np.zeros(8))).size < 5
