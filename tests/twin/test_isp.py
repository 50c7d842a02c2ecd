"""What a webcam makes of the sensor's codes, step by step."""

from collections.abc import Callable

import numpy as np
import pytest

from station.twin.isp import Isp
from station.twin.scene import Scene
from station.twin.sensor import Sensor
from station.twin.sheet import Sheet
from station.twin.spec import CardSpec, Unkind

pytestmark = pytest.mark.usefixtures("compiled")
Only = Callable[[int], np.ndarray]


def _picture(isp: Isp | None, on: np.ndarray, thing: CardSpec | Sheet, bit_depth: int = 8) -> np.ndarray:
    scene = Scene(dpi=60, isp=isp)
    scene.place(thing)
    return scene.render(on, bit_depth=bit_depth)


@pytest.mark.parametrize("bit_depth", [8, 16])
def test_a_linear_camera_hands_out_the_sensors_own_codes(bit_depth: int, only: Only) -> None:
    plain = _picture(None, only(1), CardSpec(3), bit_depth)
    assert _picture(Isp(), only(1), CardSpec(3), bit_depth).tobytes() == plain.tobytes()
    assert plain.min() > 0  # its black level is kept


def test_a_mirrored_camera_changes_nothing_but_left_and_right(only: Only) -> None:
    plain = _picture(None, only(1), CardSpec(3))
    np.testing.assert_array_equal(_picture(Isp(mirrored=True), only(1), CardSpec(3)), plain[:, ::-1])


@pytest.mark.parametrize("gamma", [0.5, 1.8, 2.2])
@pytest.mark.parametrize("bit_depth", [8, 16])
def test_codes_grow_with_the_root_of_light(gamma: float, bit_depth: int, kind: Unkind, only: Only) -> None:
    sensor, top = Sensor(16), 2**bit_depth - 1
    linear = _picture(None, only(2), Sheet(unkind=kind), 16).astype(float) - sensor.black_level
    light = linear / (sensor.full_scale - sensor.black_level)
    found = _picture(Isp(gamma=gamma), only(2), Sheet(unkind=kind), bit_depth)
    assert found.dtype == (np.uint8 if bit_depth == 8 else np.uint16)
    np.testing.assert_allclose(found, top * light ** (1 / gamma), atol=0.6 if bit_depth == 8 else 8)


@pytest.mark.parametrize(("bit_depth", "black", "white"), [(8, 16, 235), (16, 4_096, 60_160)])
def test_limited_range_ends_at_its_black_and_white(bit_depth: int, black: int, white: int) -> None:
    isp, sheet = Isp(limited_range=True), Sheet(unkind=Unkind.kind())
    assert np.unique(_picture(isp, np.zeros(8), sheet, bit_depth)).tolist() == [black]
    scene = Scene(dpi=60, isp=isp)
    scene.place(sheet)
    over = scene.render(np.ones(8), exposure_us=100_000, bit_depth=bit_depth)
    assert np.unique(over).tolist() == [white]


def test_full_range_begins_at_nothing() -> None:
    """A camera that subtracts its black itself cuts half of the dark noise off."""
    dark = _picture(Isp(gamma=2.2), np.zeros(8), Sheet(unkind=Unkind().without("ambient")), 16)
    assert 0.3 < (dark == 0).mean() < 0.7


def test_smoothing_takes_off_noise_and_leaves_the_light(only: Only) -> None:
    """A Gaussian leaves 1 / (4 pi sigma^2) of the variance of white noise."""
    sheet = Sheet(unkind=Unkind().without("motion_px_rms", "light_drift"))
    scenes = [Scene(dpi=100, isp=isp) for isp in (Isp(denoise=1e-9), Isp(denoise=1.5))]
    spread = []
    for scene in scenes:
        scene.place(sheet)
        one, two = (scene.render(only(0), sequence=n, bit_depth=16).astype(float)[8:-8, 8:-8] for n in (1, 2))
        spread.append(((one - two).var(), one.mean()))
    assert spread[1][0] / spread[0][0] == pytest.approx(1 / (4 * np.pi * 1.5**2), rel=0.05)
    assert spread[1][1] == pytest.approx(spread[0][1], rel=1e-4)


def test_sharpening_overshoots_at_edges_and_leaves_even_places(kind: Unkind, only: Only) -> None:
    """Bright beside dark gets brighter, dark beside bright darker; the mean of the picture stays."""
    plain = _picture(Isp(gamma=2.2), only(2), CardSpec(3, unkind=kind), 16).astype(float)
    sharp = _picture(Isp(gamma=2.2, sharpen=0.5), only(2), CardSpec(3, unkind=kind), 16).astype(float)
    change = sharp - plain
    assert change.max() > 2_000
    assert change.min() < -2_000
    assert abs(change.mean()) < 40
    steps = [np.abs(np.diff(picture[..., 1], axis=1)).sum() for picture in (plain, sharp)]
    assert steps[1] > 1.2 * steps[0]


def test_the_camera_can_be_changed_between_frames(only: Only) -> None:
    scene = Scene(dpi=60)
    scene.place(Sheet())
    before = scene.render(only(0))
    scene.isp = Isp(gamma=2.2)
    assert scene.render(only(0)).mean() > before.mean() + 20
    scene.isp = Isp()
    assert scene.render(only(0)).tobytes() == before.tobytes()


@pytest.mark.parametrize("how", [{"gamma": 0.0}, {"gamma": -1.0}, {"sharpen": -0.1}, {"denoise": -1.0}])
def test_what_no_camera_does_is_refused(how: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        Isp(**how)  # type: ignore[arg-type]
