"""From a burning light to an accepted frame: the shell around the matcher's two tests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..calibrate.codes import TOP
from ..calibrate.profile import LoadedProfile
from ..camera.interface import CameraMode, CapturedFrame, Pixels
from ..camera.matcher import ambient_fault, coarse, coarse_flat, exposed_within, verify_stack
from ..config import CameraSettings
from ..documents.fault import StationError
from ..documents.plan import ScanPlan
from ..rig.interface import Switched
from .machine import Suspect
from .schedule import Exposure

Floats = NDArray[np.float32]
FRAMES_PER_LIGHT = 60
"""Frames looked at before the light is given up; a long queue and a late board need half of it."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A frame's pixels as the camera gave them, and their coarse brightness pattern in linear codes."""

    pixels: Pixels
    coarse: Floats


@dataclass(frozen=True, slots=True)
class Gate:
    """What the camera does now, and by how much its stamps may be late."""

    mode: CameraMode
    late_us: int


def await_exposure(
    frames: Iterable[CapturedFrame], lit: Switched, gate: Gate, plan: ScanPlan
) -> tuple[CapturedFrame, int]:
    """The first frame whose every row was exposed while the light burned, and how many were looked at.

    Raises:
        StationError: `frames_mismatched`, none came before the light went off by itself; or what `frames`
            says.
    """
    off_s = None if lit.light is None else lit.requested_s + plan.max_on_ms / 1000
    for looked_at, frame in enumerate(frames, 1):
        if exposed_within(frame.timestamp_s, gate.mode, gate.late_us, lit.acknowledged_s, off_s):
            return frame, looked_at
        if looked_at >= FRAMES_PER_LIGHT:
            break
    name = "ambient" if lit.light is None else f"light {lit.light}"
    raise StationError(
        "frames_mismatched", f"{name}: none of {FRAMES_PER_LIGHT} frames was exposed while it burned"
    )


def linear_coarse(pixels: Pixels, profile: LoadedProfile) -> Floats:
    """The coarse brightness pattern of a frame; of a camera that is not linear, in linear codes.

    Raises:
        StationError: `stack_unusable`, its codes are not those of the profile.
    """
    if profile.response is None:
        return coarse(pixels)
    return np.asarray(coarse(pixels, profile.linear) * (profile.profile.camera.full_scale / TOP), np.float32)


class LightCheck:
    """What the profile says about the pictures to come: their mode, and which pattern each light leaves.

    Attributes:
        camera: as it was calibrated.
        wire: whether the board's trigger makes it expose.
    """

    def __init__(self, profile: LoadedProfile, camera: CameraSettings) -> None:
        self.camera = profile.profile.camera
        self.wire = camera.wired
        self._settings = camera
        self._profile = profile
        self._flat = coarse_flat(profile.flat)

    def decode(self, frame: CapturedFrame) -> Decoded:
        """Fetch the pixels of an accepted frame.

        Raises:
            StationError: what the camera says; `stack_unusable`, its codes are not those of the profile.
        """
        pixels = frame.pixels()
        return Decoded(pixels, linear_coarse(pixels, self._profile))

    def mode_for(self, plan: ScanPlan) -> CameraMode:
        """What to ask of the camera; sizes of zero leave its own."""
        return CameraMode(
            self._settings.width_px,
            self._settings.height_px,
            plan.exposure_us,
            plan.gain,
            readout_us=self.camera.readout_us,
        )

    def gate_for(self, mode: CameraMode) -> Gate:
        """The gate for frames of this mode."""
        return Gate(mode, self.camera.stamp_late_us)

    def suspects(
        self, order: Sequence[Exposure], patterns: Sequence[Floats]
    ) -> tuple[tuple[Suspect, ...], dict[Exposure, float]]:
        """Frames that do not look like their light, and every lit frame's margin.

        Ambient comes first in `order`. Where a light has several exposures, the first of each light are held
        against each other, then the second, and so on.
        """
        ambient, lit = patterns[0], dict(zip(order[1:], patterns[1:], strict=True))
        fault = ambient_fault(ambient, tuple(lit.values()))
        found = [Suspect(order[0], fault)] if fault else []
        margins: dict[Exposure, float] = {}
        for layer in _layers(tuple(lit)):
            flat = self._flat[[exposure.light for exposure in layer if exposure.light is not None]]
            prints = verify_stack(ambient, [lit[exposure] for exposure in layer], flat)
            margins |= {exposure: one.margin for exposure, one in zip(layer, prints, strict=True)}
            found += [Suspect(e, one.fault) for e, one in zip(layer, prints, strict=True) if one.fault]
        return tuple(found), margins


def _layers(exposures: Sequence[Exposure]) -> list[list[Exposure]]:
    """Exposures in groups in which each light comes once."""
    layers: list[list[Exposure]] = []
    for exposure in exposures:
        free = next((one for one in layers if all(exposure.light != other.light for other in one)), None)
        if free is None:
            layers.append([exposure])
        else:
            free.append(exposure)
    return layers
