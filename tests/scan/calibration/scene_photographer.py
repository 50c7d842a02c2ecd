"""The pictures of a calibration straight from the twin's renderer: no board, no clock, and so no waiting."""

from dataclasses import dataclass, field

import numpy as np

from station.camera.interface import CameraMode
from station.rig.interface import StepReport
from station.scan.calibration.photographer import (
    FLASH_GAPS_US,
    FLASHES,
    Flashed,
    Use,
    row_means,
)
from station.twin.scene import Scene
from station.twin.sensor import BANDS, PERIOD_US, READOUT_US

STAMP_AFTER_END_S = 0.0015
JITTER_S = 0.0005


@dataclass
class ScenePhotographer:
    """A `Photographer` over a scene."""

    scene: Scene
    bit_depth: int = 8
    lights: int = 8
    taken: int = 0
    chance: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))

    async def shoot(self, light: int | None, exposure_us: int, count: int, use: Use) -> CameraMode:
        on = np.zeros(8)
        if light is not None:
            on[light] = 1.0
        for _ in range(count):
            self.taken += 1
            first_ns = self.taken * PERIOD_US * 1000
            pixels = self.scene.render(
                on,
                exposure_us=exposure_us,
                bit_depth=self.bit_depth,
                sequence=self.taken,
                first_ns=first_ns,
            )
            use(pixels, self._stamp(first_ns, exposure_us))
        optics = self.scene.optics
        return CameraMode(optics.width_px, optics.height_px, exposure_us, 1.0, PERIOD_US, READOUT_US)

    def _stamp(self, first_ns: int, exposure_us: int) -> float:
        late = STAMP_AFTER_END_S + JITTER_S * float(self.chance.uniform(-1, 1))
        return first_ns / 1e9 + (exposure_us + READOUT_US) / 1e6 + late

    async def flashes(self, light: int, flash_us: int, exposure_us: int) -> Flashed | None:
        """The board's programme beside the camera's frames, both counted in microseconds."""
        cycle = flash_us + FLASH_GAPS_US
        begins = 7_000 + cycle * np.arange(FLASHES)
        stamps, rows = [], []
        for number in range(int(begins[-1] / PERIOD_US)):
            first = number * PERIOD_US
            bands = first + READOUT_US * np.arange(BANDS) / BANDS
            lit = np.zeros((BANDS, 8))
            for begin in begins:
                inside = np.minimum(bands + exposure_us, begin + flash_us) - np.maximum(bands, begin)
                lit[:, light] += np.clip(inside, 0, None) / exposure_us
            self.taken += 1
            pixels = self.scene.render(
                lit, exposure_us=exposure_us, bit_depth=self.bit_depth, sequence=self.taken
            )
            stamps.append(self._stamp(first * 1000, exposure_us))
            rows.append(row_means(pixels))
        reports = tuple(
            StepReport(k, light, b / 1e6, b / 1e6, (b + flash_us) / 1e6, 2e-5) for k, b in enumerate(begins)
        )
        return Flashed(np.array(stamps), np.array(rows), reports)
