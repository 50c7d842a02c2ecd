"""The stack made small: all that the judge looks at but sharpness, as ratios to the flat field."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...calibrate.profile import LoadedProfile
from ...camera.interface import Pixels
from ...card.geometry import sampled_dpi
from ...documents.profile import CameraProfile
from ..pipeline import CARD_THICKNESS_MM, Stack
from ..window import sensor

Floats = NDArray[np.float32]
Masks = NDArray[np.bool_]

SMALL_DPI = 140
"""Pictures are halved until another time would bring them below this: 0.3 mm are still 1.7 pixels."""
GREY = np.full((1, 3), 1 / 3, np.float32)


@dataclass(frozen=True, slots=True)
class Flats:
    """The flat field at every pixel of a small picture: grey (lights, h, w), and (h, w, 3) summed up."""

    grey: Floats
    colour: Floats


@dataclass(frozen=True, slots=True)
class Reduced:
    """A stack of small pictures.

    Attributes:
        camera: as if it had taken pictures of this size.
        dpi: what they sample at the card's face.
        ratios: (frames, h, w), codes above the ambient ones over the flat field and the time for which the
            light was seen: about proportional to the reflectance, grey; exposure brackets come last.
        lights: how many of the frames are no brackets.
        clipped: (lights, h, w), where not even the shortest exposure of a light can be used.
        colour: (h, w, 3), the sum of the lights over that of their flat fields.
        measured: whether the profile was measured on the rig; else its scale and light are nominal.
    """

    camera: CameraProfile
    dpi: float
    ratios: Floats
    lights: int
    clipped: Masks
    colour: Floats
    measured: bool = True

    @property
    def mean(self) -> Floats:
        """Mean ratio (h, w) of the main frames."""
        return np.asarray(self.ratios[: self.lights].mean(axis=0), np.float32)


class Reducer:
    """Reduces stacks of one rig; keeps the flat field of the size that came last."""

    def __init__(self, profile: LoadedProfile) -> None:
        self._profile = profile
        self._flats: dict[tuple[tuple[int, int], tuple[int, ...]], Flats] = {}

    def reduce(self, stack: Stack) -> Reduced:
        """Make a stack small.

        Raises:
            StationError: `profile_invalid`, its pictures are of another shape than the profile's;
                `stack_unusable`, its codes are.
        """
        height, width, _ = stack.ambient.shape
        halvings = self._halvings(width, height)
        camera = self._profile.scaled(width >> halvings, height >> halvings).profile.camera
        flats = self._flats_for((camera.height_px, camera.width_px), stack.light_indices)
        sensed, _ = sensor(self._profile, stack.ambient.dtype)
        ambient = self._small(stack.ambient, halvings)
        dark, total = cv2.transform(ambient, GREY), -len(stack.lights) * ambient
        ratios = np.empty((len(stack.lights) + len(stack.brackets), *dark.shape), np.float32)
        clipped: dict[int, Masks] = {}
        frames = [*zip(stack.lights, stack.light_indices, stack.lit_us, strict=True)]
        frames += [(one.picture, one.light_index, one.on_us) for one in stack.brackets]
        for number, (picture, light, lit_us) in enumerate(frames):
            small = self._small(picture, halvings)
            place = stack.light_indices.index(light)
            if number < len(stack.lights):
                total += small
            above = cv2.transform(small, GREY) - dark
            np.divide(above, flats.grey[place] * np.float32(lit_us), out=ratios[number])
            red, green, blue = cv2.split(small)
            over = cv2.max(cv2.max(red, green), blue) >= sensed.clipped_from
            clipped[place] = clipped[place] & over if place in clipped else over
        return Reduced(
            camera=camera,
            dpi=sampled_dpi(camera, CARD_THICKNESS_MM),
            ratios=ratios,
            lights=len(stack.lights),
            clipped=np.stack([clipped[place] for place in range(len(stack.lights))]),
            colour=np.asarray(total / flats.colour, np.float32),
            measured=self._profile.profile.measured,
        )

    def _halvings(self, width: int, height: int) -> int:
        dpi = sampled_dpi(self._profile.scaled(width, height).profile.camera, CARD_THICKNESS_MM)
        return max(0, int(np.log2(dpi / SMALL_DPI)))

    def _small(self, picture: Pixels, halvings: int) -> Floats:
        """Halved so often, in linear codes.

        A mean of four is what OpenCV takes fastest. The codes of a camera that is not linear are averaged as
        they are: where neighbours differ that is no mean of light, and it is the same for every frame.
        """
        for _ in range(halvings):
            height, width = picture.shape[0] // 2, picture.shape[1] // 2
            even = picture[: 2 * height, : 2 * width]
            smaller: Any = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
            picture = smaller
        return self._profile.linear(picture).astype(np.float32)

    def _flats_for(self, size: tuple[int, int], lights: tuple[int, ...]) -> Flats:
        key = size, lights
        if key not in self._flats:
            self._flats = {key: self._made(size, lights)}
        return self._flats[key]

    def _made(self, size: tuple[int, int], lights: tuple[int, ...]) -> Flats:
        _, rows, columns, _ = self._profile.flat.shape
        x = np.linspace(0, columns - 1, size[1], dtype=np.float32)
        y = np.linspace(0, rows - 1, size[0], dtype=np.float32)
        across, down = np.meshgrid(x, y)
        grey, colour = [], np.zeros((*size, 3), np.float32)
        for light in lights:
            whole = cv2.remap(self._profile.flat[light], across, down, cv2.INTER_LINEAR)
            grey.append(cv2.transform(whole, GREY))
            colour += whole
        return Flats(np.stack(grey).astype(np.float32), colour)
