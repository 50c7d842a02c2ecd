"""Room light on the mains: what rows see of it, and when they see none."""

import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from station.camera.interface import CameraMode
from station.twin.camera import TwinCamera
from station.twin.flicker import Mains
from station.twin.lightlog import LightLogWriter
from station.twin.scene import Scene
from station.twin.sensor import BANDS, PERIOD_US, READOUT_US, Sensor
from station.twin.sheet import Sheet
from station.twin.spec import Unkind

pytestmark = pytest.mark.usefixtures("compiled")
DARK = np.zeros(8)
ROOM = replace(Unkind.kind(), ambient=0.2)


def _rows(picture: np.ndarray) -> np.ndarray:
    """Mean light of each row, in codes over black."""
    return (picture.astype(float) - Sensor(16).black_level).mean(axis=(1, 2))


@pytest.mark.parametrize("hz", [50, 60])
@pytest.mark.parametrize(("first_ns", "exposure_us"), [(0, 3_000), (86_400_000_123_456_789, 7_300), (17, 50)])
def test_a_band_sees_the_mean_over_its_own_exposure(hz: int, first_ns: int, exposure_us: int) -> None:
    found = Mains(hz, 0.7).shares(first_ns, 12_000, exposure_us, 16)  # type: ignore[arg-type]
    within = (np.arange(4_000) + 0.5) / 4_000 * exposure_us * 1_000
    for band in range(16):
        start_ns = first_ns + 12_000_000 * band // 16
        # whole seconds hold whole periods; taking them off keeps the digits
        phase = 2 * np.pi * 2 * hz * (start_ns % 1_000_000_000 + within) / 1e9
        assert found[band] == pytest.approx(1 + 0.7 * np.cos(phase).mean(), abs=1e-6)


@pytest.mark.parametrize(("hz", "exposure_us"), [(50, 10_000), (50, 20_000), (60, 25_000)])
def test_whole_periods_see_no_flicker(hz: int, exposure_us: int) -> None:
    shares = Mains(hz, 1.0).shares(123_456_789, 12_000, exposure_us, BANDS)  # type: ignore[arg-type]
    np.testing.assert_allclose(shares, 1, atol=1e-9)


@pytest.mark.parametrize("mains", [Mains(), Mains(50, 0.0), Mains(0, 0.5)])
def test_lamps_that_do_not_flicker_are_even(mains: Mains) -> None:
    np.testing.assert_array_equal(mains.shares(1, 12_000, 100, 8), 1)


def test_flicker_shows_as_stripes_across_the_picture() -> None:
    scene, steady = Scene(dpi=75, mains_hz=50, mains_depth=0.6), Scene(dpi=75)
    for one in (scene, steady):
        one.place(Sheet(unkind=ROOM))
    first_ns, exposure_us = 4_000_000, 2_000
    how = {"exposure_us": exposure_us, "bit_depth": 16}
    found = _rows(scene.render(DARK, first_ns=first_ns, **how)) / _rows(steady.render(DARK, **how))
    rows = np.arange(scene.optics.height_px)
    start_s = (first_ns / 1e9) + rows / scene.optics.height_px * READOUT_US / 1e6
    times = start_s[:, None] + np.linspace(0, exposure_us / 1e6, 200)
    wanted = 1 + 0.6 * np.cos(2 * np.pi * 100 * times).mean(axis=1)
    np.testing.assert_allclose(found[3:-3], wanted[3:-3], atol=0.08)
    assert np.ptp(found) > 1.0


def test_flicker_spares_the_rigs_own_light_and_needs_room_light() -> None:
    scene = Scene(dpi=60, mains_hz=60, mains_depth=1.0)
    scene.place(Sheet(unkind=Unkind.kind()))
    on = np.eye(8)[3]
    flickering = scene.render(on, exposure_us=3_000)
    scene.mains = Mains()
    assert scene.render(on, exposure_us=3_000).tobytes() == flickering.tobytes()


def test_without_a_time_frames_follow_each_other_as_a_free_camera_takes_them() -> None:
    scene = Scene(dpi=60, mains_hz=50, mains_depth=0.5)
    scene.place(Sheet(unkind=ROOM))
    for sequence in (0, 3):
        told = scene.render(DARK, exposure_us=2_000, sequence=sequence, first_ns=sequence * PERIOD_US * 1_000)
        assert scene.render(DARK, exposure_us=2_000, sequence=sequence).tobytes() == told.tobytes()
    assert (
        scene.render(DARK, exposure_us=2_000, sequence=1).tobytes()
        != scene.render(DARK, exposure_us=2_000).tobytes()
    )


def test_frames_of_a_running_camera_see_the_mains_at_their_own_time(
    light_log: tuple[Path, LightLogWriter],
) -> None:
    """Stamps at the start of the exposure say when; the same time gives the same picture."""
    scene = Scene(dpi=50, mains_hz=50, mains_depth=0.8)
    scene.place(Sheet(unkind=ROOM))
    light_log[1].write(time.monotonic_ns(), 0)
    camera = TwinCamera(scene, light_log[0], bit_depth=16, stamps="start", jitter_us=0, readout_us=20_000)
    camera.open()
    try:
        camera.configure(CameraMode(0, 0, 2_000, 1.0))
        frames = list(islice(camera.frames(), 4))
        means = [frame.pixels().astype(float).mean(axis=(1, 2)) for frame in frames]
    finally:
        camera.close()
    for frame, rows in zip(frames, means, strict=True):
        again = scene.render(
            DARK, exposure_us=2_000, bit_depth=16, sequence=frame.sequence,
            first_ns=round(frame.timestamp_s * 1e9), readout_us=20_000,
        )  # fmt: skip
        np.testing.assert_allclose(rows, again.astype(float).mean(axis=(1, 2)), rtol=1e-3)
    assert np.ptp(means[0]) > 0.5 * means[0].mean()


@pytest.mark.parametrize(("hz", "depth"), [(55, 0.1), (50, -0.1), (60, 1.1)])
def test_mains_that_no_country_has_are_refused(hz: int, depth: float) -> None:
    with pytest.raises(ValueError, match="50 or 60"):
        Mains(hz, depth)  # type: ignore[arg-type]
