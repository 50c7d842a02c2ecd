"""Black level, response and noise of the twin's camera, one after the other as a calibration takes them.

Its lights drift by 1 % from frame to frame, so each level is the mean of a dozen.
"""

from itertools import count

import numpy as np
import pytest

from station.calibrate.codes import linear_codes
from station.calibrate.sensor.dark import FrameMean, dark_of
from station.calibrate.sensor.noise import noise_line, pair_samples
from station.calibrate.sensor.response import Series, response_of, spread_pixels
from station.twin.isp import Isp
from station.twin.scene import Scene
from station.twin.sensor import Sensor
from station.twin.sheet import Sheet

LIT, DARK = [1.0, *[0.0] * 7], [0.0] * 8
TIMES_US = (500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 48_000)


class Camera:
    def __init__(self, isp: Isp) -> None:
        self.scene = Scene(5, dpi=75, isp=isp)
        self.scene.place(Sheet())
        self._numbers = count(1)

    def frame(self, exposure_us: int, on: list[float]) -> np.ndarray:
        return self.scene.render(on, sequence=next(self._numbers), exposure_us=exposure_us)

    def mean(self, exposure_us: int, on: list[float], frames: int = 12) -> FrameMean:
        found = FrameMean()
        for _ in range(frames):
            found.add(self.frame(exposure_us, on))  # type: ignore[arg-type]
        return found


@pytest.mark.parametrize(
    "isp",
    [Isp(), Isp(gamma=2.2), Isp(gamma=2.2, limited_range=True), Isp(limited_range=True)],
    ids=["linear", "gamma", "gamma of limited range", "limited range"],
)
def test_the_twin_s_sensor_is_found_behind_its_processor(isp: Isp) -> None:
    camera = Camera(isp)
    camera.scene.wire(covered=True)
    dark = dark_of(camera.mean(1_000, DARK), camera.mean(30_000, DARK), 255)
    camera.scene.wire()
    assert dark.findings == ()
    assert dark.hot == 0
    black = (16 if isp.limited_range else 0) if not isp.linear else 4
    np.testing.assert_allclose(dark.code, black, atol=1)

    series = [camera.mean(time_us, LIT) for time_us in TIMES_US]
    rows, columns = spread_pixels(series[4].mean, 1_000).T
    levels = np.array([one.mean[rows, columns] for one in series])
    found = response_of(Series(TIMES_US, levels, dark.code, 8, series[-1].clipped_at))
    assert found.linear == (isp.gamma == 1)
    assert found.gamma == pytest.approx(isp.gamma, abs=0.05)
    assert (found.table is None) == isp.linear
    kinds = {finding.kind for finding in found.findings}
    assert kinds == {
        *(["not_linear"] if isp.gamma != 1 else []),
        *(["limited_range"] if isp.limited_range else []),
    }

    pairs = [
        pair_samples(
            camera.frame(time_us, LIT),  # type: ignore[arg-type]
            camera.frame(time_us, LIT),  # type: ignore[arg-type]
            black=found.black_level,
            bit_depth=8,
            table=found.table,
        )
        for time_us in (1_000, 3_000, 8_000, 15_000, 25_000)
    ]
    line = noise_line(pairs)
    # the sensor's own, in linear codes; rounding of curved codes adds a part that grows with the light
    own = Sensor(8).noise_a * (1 if found.table is None else (255 - found.black_level) / 251)
    assert own * 0.97 < line.a < own * (1.03 if isp.gamma == 1 else 1.10)
    assert line.findings == ()

    if found.table is not None:  # twice the exposure, twice the light
        short, long = (
            linear_codes(found.table, found.full_scale, camera.frame(time_us, LIT)).astype(float)  # type: ignore[arg-type]
            - 257 * found.black_level
            for time_us in (7_000, 14_000)
        )
        middle = (slice(len(short) // 3, -len(short) // 3), slice(60, -60))
        assert long[middle].mean() / short[middle].mean() == pytest.approx(2, rel=0.04)  # lights drift by 1 %
