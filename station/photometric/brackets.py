"""Exposure brackets: each light shown again for a shorter time, so that highlights and foil do not clip.

The frames of a light are joined per pixel and channel by inverse variance, those that clip left out; what
comes of it is a stack of deeper codes with a noise model of its own, and everything after goes on as ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .stack import CLIP_SHARE, Codes, NoiseFrom, Pictures, Sensor, unusable

Floats = NDArray[np.float32]

TOP = 64_000.0
"""Code of the brightest light that some frame still measures; above it, clipped."""
CLIPPED = 65_535


@dataclass(frozen=True, slots=True)
class Bracket:
    """One more frame of a light.

    Attributes:
        light: place of the light in the stack.
        share: time for which the light burned, over that of the light's main frame: more than 0, less than 1.
            The camera's own exposure is the same, so is what the ambient light adds.
        frame: (H, W, channels), like those of the stack.
    """

    light: int
    share: float
    frame: Codes


def merged(pictures: Pictures, brackets: Sequence[Bracket]) -> tuple[Pictures, float]:
    """The stack with its brackets joined in.

    The signal of a pixel is the mean of its frames' signals over their shares, weighted by the inverse
    variances that the sensor's noise model gives for it; the model of the joined code is right where few or
    many photons count, and at most 5 % off in variance between.

    Args:
        pictures: the main frames.
        brackets: any number for each light; none leaves the stack as it is.

    Returns:
        uint16 pictures, and how many of their codes make one of the given: the field's flat times that fits.

    Raises:
        StationError: `stack_unusable`: a frame of another shape or type, a share that is none, a
            light that is not there.
    """
    if not brackets:
        return pictures, 1.0
    for bracket in brackets:
        _check(bracket, pictures)
    shares = sorted({1.0, *(bracket.share for bracket in brackets)}, reverse=True)
    old = pictures.sensor
    unit = joined_unit(old, shares)
    lit = np.empty(pictures.lit.shape, np.uint16)
    for light in range(pictures.lights):
        own = [(1.0, pictures.lit[light]), *((b.share, b.frame) for b in brackets if b.light == light)]
        lit[light] = _joined(own, pictures.ambient, old, unit)
    dark = None if pictures.ambient is None else np.round(pictures.ambient * unit).astype(np.uint16)
    return Pictures(lit, dark, _sensor(old, shares, unit)), unit


def joined_unit(sensor: Sensor, shares: Sequence[float]) -> float:
    """How many joined codes make one of the sensor's; 1 where there is no bracket."""
    if not shares:
        return 1.0
    return TOP / (sensor.black_level + (sensor.clipped_from - sensor.black_level) / min(shares))


def _check(bracket: Bracket, pictures: Pictures) -> None:
    if not 0 <= bracket.light < pictures.lights:
        raise unusable(f"a bracket names light {bracket.light} of {pictures.lights}")
    if not 0 < bracket.share < 1:
        raise unusable(f"a bracket of light {bracket.light} has {bracket.share} of its exposure")
    if bracket.frame.shape != pictures.lit.shape[1:] or bracket.frame.dtype != pictures.lit.dtype:
        raise unusable(
            f"a bracket of light {bracket.light} is {bracket.frame.dtype} {bracket.frame.shape}, the stack"
            f" {pictures.lit.dtype} {pictures.lit.shape[1:]}"
        )


def _joined(
    frames: Sequence[tuple[float, Codes]], ambient: Codes | None, sensor: Sensor, unit: float
) -> NDArray[np.uint16]:
    dark = np.float32(sensor.black_level) if ambient is None else ambient.astype(np.float32)
    unclipped = [(share, frame.astype(np.float32), frame < sensor.clipped_from) for share, frame in frames]
    # weights must not follow the noise of the codes they weigh, or low codes would count more
    time = sum(share * use for share, _, use in unclipped)
    rough = sum((code - dark) * use for _, code, use in unclipped) / np.maximum(time, 1e-6)
    total, weight = np.zeros_like(rough), np.zeros_like(rough)
    for share, code, use in unclipped:
        seen = np.maximum(dark + rough * np.float32(share) - np.float32(sensor.black_level), 0)
        own = use * np.float32(share**2) / (np.float32(sensor.noise_a) * seen + np.float32(sensor.noise_b))
        total += own * (code - dark) / np.float32(share)
        weight += own
    signal = np.where(weight > 0, total / np.maximum(weight, 1e-30) + dark, np.inf) * unit
    return np.where(signal < CLIPPED, np.clip(np.round(signal), 0, CLIPPED), CLIPPED).astype(np.uint16)


def _sensor(old: Sensor, shares: Sequence[float], unit: float) -> Sensor:
    """The noise of joined codes: less below where the longest frame clips, more above."""
    reach = [old.black_level + (old.clipped_from - old.black_level) / share for share in shares]
    noise = []
    for first, begins in enumerate([0.0, *reach[:-1]]):
        left = np.array(shares[first:])
        rounding = 1 / 12
        a, b = old.noise_a / left.sum() * unit, old.noise_b / np.square(left).sum() * unit**2 + rounding
        noise.append(NoiseFrom(begins * unit, float(a), float(b)))
    return replace(
        old,
        black_level=old.black_level * unit,
        full_scale=TOP / CLIP_SHARE,
        noise_a=noise[0].noise_a,
        noise_b=noise[0].noise_b,
        brighter=tuple(noise[1:]),
    )
