"""What goes into the computation: the pictures, the sensor they came from, the light that fell on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..documents.fault import StationError
from ._fields import table_of
from ._pixels import MOST_CHANNELS
from .coat import Coat

Floats = NDArray[np.float32]
Codes = NDArray[Any]

FEWEST_LIGHTS = 3
MOST_LIGHTS = 128
CLIP_SHARE = 0.98
"""Codes from this share of full scale on count as clipped: sensors bend before they saturate."""


@dataclass(frozen=True, slots=True)
class NoiseFrom:
    """Noise of codes from `code` on: variance of a code I above black level is `noise_a * I + noise_b`."""

    code: float
    noise_a: float
    noise_b: float


@dataclass(frozen=True, slots=True)
class Sensor:
    """How codes come about.

    Attributes:
        black_level: code of no light at all.
        full_scale: highest code.
        noise_a, noise_b: variance of a code I above black level is `noise_a * I + noise_b`.
        brighter: noise that holds instead from some codes on, ascending; see `brackets`.
    """

    black_level: float
    full_scale: float
    noise_a: float
    noise_b: float
    brighter: tuple[NoiseFrom, ...] = ()

    @property
    def clipped_from(self) -> float:
        """The lowest code that counts as clipped."""
        return CLIP_SHARE * self.full_scale


@dataclass(frozen=True, slots=True)
class LightField:
    """What each light does at each place of the picture, on a coarse grid that is interpolated linearly.

    The first and last nodes lie at the centres of the corner pixels; a grid of one node holds everywhere. A
    surface of albedo rho and unit normal n answers `flat * (rho * n . (tangent_x, tangent_y, 1) + shine)`:
    `flat` is the code of a white matte target lying flat, and (tangent_x, tangent_y, 1) points to the light.

    Attributes:
        flat: float32 (lights, rows, columns, channels), positive.
        tangent: float32 (lights, rows, columns, 2), x right, y up.
        shine: float32 (lights, rows, columns), what a coat adds to a surface that lies as expected; None: the
            surface is matte.
        coat: if known, the shine is moved to where each pixel's own normal puts it.
    """

    flat: Floats
    tangent: Floats
    shine: Floats | None = None
    coat: Coat | None = None

    def coated(self, coat: Coat) -> "LightField":
        """The field under a coat at the same nodes."""
        return replace(self, shine=coat.shine, coat=coat)

    def gained(self, gains: NDArray[np.floating]) -> "LightField":
        """The field with each light's power multiplied by its gain (lights,)."""
        scaled = self.flat * np.asarray(gains, np.float32)[:, None, None, None]
        return replace(self, flat=scaled)

    def ways(self) -> Floats:
        """Directions, shine and coat together, float32 (lights, rows, columns, 2, 3 or 11)."""
        shine = [] if self.shine is None else [self.shine[..., None]]
        coat = [] if self.coat is None else [self.coat.half, self.coat.spread, self.coat.slope]
        return np.concatenate([self.tangent, *shine, *coat], axis=3).astype(np.float32)

    def table(self, width: int) -> Floats:
        """For a picture so wide, as the passes take it: 1 / flat of each channel, and `ways`."""
        return table_of(np.concatenate([1.0 / self.flat, self.ways()], axis=3), width)


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of one stack, all of one size.

    Attributes:
        lit: uint8 or uint16 (lights, H, W, channels), codes as the camera gave them.
        ambient: (H, W, channels), all lights off, of the same type; None: the black level is all there is
            without light.
        sensor: of all of them.
    """

    lit: Codes
    ambient: Codes | None
    sensor: Sensor

    @property
    def lights(self) -> int:
        """How many."""
        return int(self.lit.shape[0])

    @property
    def channels(self) -> int:
        """How many."""
        return int(self.lit.shape[3])

    def rows(self) -> tuple[Codes, Codes]:
        """Lit (lights, H, W channels) and ambient (H, W channels) or (0, 0), as the passes take them."""
        lights, height, width, channels = self.lit.shape
        lit = np.ascontiguousarray(self.lit).reshape(lights, height, width * channels)
        if self.ambient is None:
            return lit, np.empty((0, 0), lit.dtype)
        return lit, np.ascontiguousarray(self.ambient).reshape(height, width * channels)

    def above_dark(self) -> Floats:
        """Codes above those without light, (lights, H, W, channels)."""
        dark = self.sensor.black_level if self.ambient is None else self.ambient.astype(np.float32)
        return np.asarray(self.lit.astype(np.float32) - dark, np.float32)


def pictures(lit: Sequence[NDArray[Any]], ambient: NDArray[Any] | None, sensor: Sensor) -> Pictures:
    """Put frames (H, W) or (H, W, channels) of uint8 or uint16 together.

    Args:
        lit: one frame per light, in any order that the light field shares.
        ambient: all lights off; None: the sensor's black level stands for it.
        sensor: they all came from.

    Raises:
        StationError: `stack_unusable`: fewer than three lights or more than 128, more than four channels,
            frames that differ in size or kind, or no pixels.
    """
    if len(lit) < FEWEST_LIGHTS:
        raise unusable(f"the stack holds {len(lit)} lit pictures, and normals need at least {FEWEST_LIGHTS}")
    if len(lit) > MOST_LIGHTS:
        raise unusable(f"the stack holds {len(lit)} lit pictures, more than {MOST_LIGHTS}")
    first = lit[0]
    for number, frame in enumerate((*lit, *([] if ambient is None else [ambient]))):
        name = "the ambient picture" if number == len(lit) else f"the picture of light {number}"
        if frame.dtype not in (np.uint8, np.uint16):
            raise unusable(f"{name} holds {frame.dtype} values, not the camera's uint8 or uint16 codes")
        if frame.dtype != first.dtype or frame.shape != first.shape:
            raise unusable(
                f"{name} is {frame.dtype} {frame.shape}, the first one {first.dtype} {first.shape}"
            )
    if first.ndim not in (2, 3) or first.size == 0:
        raise unusable(f"pictures of shape {first.shape} are not (H, W) or (H, W, channels)")
    shape = first.shape if first.ndim == 3 else (*first.shape, 1)
    if shape[2] > MOST_CHANNELS:
        raise unusable(f"the pictures have {shape[2]} channels, more than {MOST_CHANNELS}")
    stacked = np.empty((len(lit), *shape), first.dtype)
    for number, frame in enumerate(lit):
        stacked[number] = frame.reshape(shape)
    dark = None if ambient is None else np.ascontiguousarray(ambient.reshape(shape))
    return Pictures(stacked, dark, sensor)


def check_field(field: LightField, lit: Codes) -> None:
    """See that field and pictures belong together and the field holds usable numbers.

    Raises:
        StationError: `stack_unusable`, with the first thing that is wrong.
    """
    lights, channels = lit.shape[0], lit.shape[3]
    if field.flat.ndim != 4 or field.flat.shape[0] != lights or field.flat.shape[3] != channels:
        raise unusable(
            f"the light field is {field.flat.shape}, the stack has {lights} lights and {channels} channels"
        )
    if field.tangent.shape != (*field.flat.shape[:3], 2):
        raise unusable(f"light directions {field.tangent.shape} do not fit the field {field.flat.shape}")
    if field.shine is not None and field.shine.shape != field.flat.shape[:3]:
        raise unusable(f"the coat's shine {field.shine.shape} does not fit the field {field.flat.shape}")
    if field.coat is not None and (field.shine is None or field.coat.shine.shape != field.shine.shape):
        raise unusable(f"the coat {field.coat.shine.shape} does not fit the field {field.flat.shape}")
    if not np.isfinite(field.ways()).all():
        raise unusable("the light field holds directions that are not numbers")
    if not (np.isfinite(field.flat).all() and (field.flat > 0).all()):
        raise unusable("the light field holds a brightness that is not a positive number")


def unusable(sentence: str) -> StationError:
    """The error of this room."""
    return StationError("stack_unusable", sentence)
