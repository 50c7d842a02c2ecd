"""What every step has in common: pictures under each light, made linear, and checked to be of use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...calibrate.profile import LoadedProfile
from ...calibrate.sensor.dark import FrameMean
from ...camera.interface import full_scale
from ...documents.calibrating import StepName
from ...documents.calibration import CalibrationFinding
from ...documents.fault import StationError
from . import checks
from .photographer import Photographer
from .session import Session

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bench:
    """What is known before anything is calibrated.

    Attributes:
        board: what the profile will name it.
        camera: what opened, in words.
        start: the profile whose lights the fit begins with.
        simulated: whether rig or camera are the twin's.
        controls: of the camera, as it read them back.
        refused: what would not take its neutral value, a sentence for each.
    """

    board: str
    camera: str
    start: LoadedProfile
    simulated: bool
    controls: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What a step measured: arrays to keep, small figures, and what is wrong."""

    arrays: dict[str, NDArray[Any]]
    figures: dict[str, float] = field(default_factory=dict)
    findings: tuple[CalibrationFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """How codes become linear ones over the black level.

    Attributes:
        black: (3,), linear codes.
        full: linear code at which the camera clips, black level included.
        table: (3, codes); None: the codes are linear.
    """

    black: NDArray[np.float64]
    full: float
    table: Floats | None

    def linear(self, mean: Floats) -> Floats:
        """Linear codes, black level included, of mean codes (H, W, 3)."""
        if self.table is None:
            return mean
        codes = np.arange(self.table.shape[1], dtype=np.float32)
        return np.stack(
            [np.interp(mean[..., c], codes, self.table[c]) for c in range(3)], axis=-1, dtype=np.float32
        )


def response_from(arrays: Mapping[str, NDArray[Any]]) -> Response:
    """As the step response keeps it."""
    table = arrays["table"] if arrays["table"].size else None
    return Response(arrays["black"], float(arrays["full"]), table)


@dataclass(frozen=True, slots=True)
class Taking:
    """One step being taken."""

    photographer: Photographer
    session: Session
    bench: Bench
    place: int

    @property
    def exposure_us(self) -> int:
        """Of the flat field and of scans."""
        return self.session.document.exposure_us

    @property
    def flat_exposure_us(self) -> int:
        """Of the flat field: a scan's, or shorter where that would clip on the white sheet.

        Raises:
            StationError: `bad_request`, the response was not measured yet.
        """
        return int(self._known("response")["flat_exposure_us"])

    def _known(self, step: StepName) -> dict[str, NDArray[Any]]:
        take = self.session.takes(step).get(0)
        if take is None:
            raise StationError("bad_request", f"the step {step} must be taken first")
        return self.session.arrays(take)

    @property
    def response(self) -> Response:
        """As it was measured.

        Raises:
            StationError: `bad_request`, it was not measured yet.
        """
        return response_from(self._known("response"))

    async def frames(self, light: int | None, exposure_us: int, count: int) -> FrameMean:
        """Frames under one light, summed up.

        Raises:
            StationError: what rig and camera say.
        """
        total = FrameMean()
        await self.photographer.shoot(light, exposure_us, count, lambda pixels, _: total.add(pixels))
        return total

    async def lit(self, count: int, exposure_us: int | None = None) -> "Lit":
        """The mean picture under each light, less the one with all off.

        Raises:
            StationError: what rig and camera say.
        """
        exposure = exposure_us or self.exposure_us
        response = self.response
        dark = await self.frames(None, exposure, count)
        ambient = response.linear(dark.mean)
        pictures, clipped, first = [], [], None
        for light in range(self.photographer.lights):
            total = await self.frames(light, exposure, count)
            mean = response.linear(total.mean)
            clipped.append(float(checks.is_clipped(mean, response.full).mean()))
            pictures.append(mean - ambient)
            first = pictures[0] if first is None else first
        again = response.linear((await self.frames(0, exposure, max(2, count // 4))).mean) - ambient
        assert first is not None  # noqa: S101 - a rig has lights
        return Lit(pictures, ambient, np.array(clipped), _shift_px(first, again), response)


@dataclass(frozen=True, slots=True)
class Lit:
    """Pictures under each light.

    Attributes:
        pictures: per light, linear codes (H, W, 3) less the ambient ones.
        ambient: linear codes with all lights off, black level included.
        clipped: (lights,), share of pixels that are clipped.
        moved_px: shift between the first picture and one like it after the last; NaN: nothing to see it by.
        response: that made them linear.
    """

    pictures: list[Floats]
    ambient: Floats
    clipped: NDArray[np.float64]
    moved_px: float
    response: Response

    @property
    def mean(self) -> Floats:
        """(H, W, 3), over the lights."""
        total = self.pictures[0].copy()
        for one in self.pictures[1:]:
            total += one
        return total / np.float32(len(self.pictures))

    def findings(
        self, *, may_clip: bool = False, may_be_dark: bool = False
    ) -> tuple[CalibrationFinding, ...]:
        """What is wrong with the pictures themselves."""
        levels = np.array([float(np.median(one)) for one in self.pictures])
        dark = () if may_be_dark else checks.too_dark(levels, self.response.full)
        clipped = () if may_clip else checks.clipped(self.clipped)
        return (*checks.unlit(levels), *dark, *clipped, *checks.moved(self.moved_px))


def code_scale(dtype: np.dtype[Any]) -> tuple[int, float]:
    """Bit depth and highest code of frames of a type."""
    return dtype.itemsize * 8, float(full_scale(dtype))


def _shift_px(first: Floats, again: Floats) -> float:
    """Shift between two pictures of the same thing, from the green channel's details."""
    size = min(512, *first.shape[:2])
    top, left = (first.shape[0] - size) // 2, (first.shape[1] - size) // 2
    one, other = (
        cv2.Laplacian(
            cv2.GaussianBlur(picture[top : top + size, left : left + size, 1], (0, 0), 1.5), cv2.CV_32F
        )
        for picture in (first, again)
    )
    window = cv2.createHanningWindow((size, size), cv2.CV_32F)
    (x, y), certainty = cv2.phaseCorrelate(one, other, window)
    return float(np.hypot(x, y)) if certainty > 0.2 else float("nan")
