"""From a stack of pictures to maps and measurements, in the order of the light's way back."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..calibrate.profile import LoadedProfile
from ..camera.interface import Pixels
from ..card.frame import find_centering
from ..card.geometry import sampled_dpi
from ..card.outline import find_outline
from ..card.rectify import rectification
from ..card.sharpness import mtf50
from ..documents.scan import Measurements, Outline, Quality
from ..photometric.brackets import Bracket, joined_unit, merged
from ..photometric.register import coarse_shifts, register
from ..photometric.solve import ROBUST, Alignment, Estimator, MeanRatio, Solver, mean_ratio, solve
from ..photometric.stack import LightField, Pictures, Sensor, pictures, unusable
from .drift import Drift, refit_light
from .figures import measurements
from .grader_maps import GraderMaps, grader_maps
from .maps import Maps, rectified_maps
from .stopwatch import Stopwatch
from .trueness import with_trueness
from .window import INSIDE_MM, Face, Surroundings, Window, around, card_mask, sensor

CARD_THICKNESS_MM = 0.3
"""Height of a card's face over the mat, nominal; half as much again changes a normal by less than 0.02
degrees."""
BLOCK_PX = 4
BUMP_PX = 3.0
"""Shifts that the block means show for certain."""
RECUTS = 4
"""Shifts of half a pixel and more are made good by cutting whole pixels further along, so often at most."""

Progress = Callable[[str], None]


def _silent(_stage: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Shorter:
    """A picture under a light that burned for less than its main one: an exposure bracket."""

    light_index: int
    on_us: int
    picture: Pixels


@dataclass(frozen=True, slots=True)
class Stack:
    """The pictures of one side, in codes of the camera.

    Attributes:
        ambient: all lights off.
        lights: one picture per light, in the order of `light_indices`.
        light_indices: 0-based, of the rig.
        exposure_us: of every picture.
        on_us: time for which each row saw the light, per light; empty: the whole exposure.
        brackets: more pictures of some of the lights.
    """

    ambient: Pixels
    lights: tuple[Pixels, ...]
    light_indices: tuple[int, ...]
    exposure_us: int
    on_us: tuple[int, ...] = ()
    brackets: tuple[Shorter, ...] = ()

    @property
    def lit_us(self) -> tuple[int, ...]:
        """Time for which each row saw its light, for every light."""
        return self.on_us or (self.exposure_us,) * len(self.lights)

    def linear(self, profile: LoadedProfile) -> "Stack":
        """The stack in linear codes: itself where the camera is linear.

        Raises:
            StationError: `stack_unusable`, its codes are not those of the profile.
        """
        if profile.response is None:
            return self
        return replace(
            self,
            ambient=profile.linear(self.ambient),
            lights=tuple(profile.linear(frame) for frame in self.lights),
            brackets=tuple(replace(one, picture=profile.linear(one.picture)) for one in self.brackets),
        )


@dataclass(frozen=True, slots=True)
class Computed:
    """What came of it. `stages_s`: how long each stage took."""

    maps: Maps
    measurements: Measurements
    stages_s: dict[str, float]
    grader: GraderMaps


def compute(
    stack: Stack,
    profile: LoadedProfile,
    *,
    rectified_dpi: int,
    progress: Progress = _silent,
    estimator: Estimator = ROBUST,
    solver: Solver = solve,
) -> Computed:
    """Maps and measurements of one side.

    Everything is solved where the camera saw it; only the results are resampled.

    Args:
        stack: the pictures.
        profile: of the rig that took them, for pictures of the same aspect ratio.
        rectified_dpi: of the maps; the camera's own resolution where that is lower.
        progress: told the name of each stage as it begins.
        estimator: how the lights of a pixel are weighed.
        solver: what computes the normals.

    Raises:
        StationError: `stack_unusable`, `profile_invalid`, `card_not_found`.
    """
    watch = _Stages(progress)
    watch.begin("outline")
    fitted = _fitting_profile(stack, profile)
    camera, stack = fitted.profile.camera, stack.linear(fitted)
    bright = _mean_picture(stack)
    outline = find_outline(bright, camera, CARD_THICKNESS_MM)
    watch.begin("register")
    seen = _look(stack, fitted, outline)
    watch.begin("gains")
    drift = refit_light(seen.around, seen.window, seen.mean, seen.inside, CARD_THICKNESS_MM)
    watch.begin("normals")
    solution = solver(
        seen.pictures, drift.field, estimator=estimator, alignment=_known(seen.alignment), mean=seen.mean
    )
    watch.begin("rectify")
    dpi = min(float(rectified_dpi), sampled_dpi(seen.window.camera, CARD_THICKNESS_MM))
    plan = rectification(seen.window.camera, outline, dpi, CARD_THICKNESS_MM)
    maps = rectified_maps(solution, plan, outline, dpi)
    watch.begin("candidates")
    grader = grader_maps(maps, solution, plan, seen.pictures, drift.field)
    watch.begin("measure")
    measured = measurements(
        maps,
        solution,
        outline,
        mask=seen.inside,
        alignment=seen.alignment,
        whole_px=seen.whole_px,
        sampled=sampled_dpi(seen.window.camera, CARD_THICKNESS_MM),
        centering=find_centering(maps.albedo, dpi, outline),
        mtf50=mtf50(bright, camera, outline, CARD_THICKNESS_MM),
    )
    quality = _held(measured.quality, stack, fitted, drift)
    measured = measured.replace(flaw_candidates=len(grader.candidates.items), quality=quality)
    return Computed(maps, measured, watch.end(), grader)


def _held(quality: Quality, stack: Stack, profile: LoadedProfile, drift: Drift) -> Quality:
    """The figures of a scan with how far the rig is from its calibration."""
    return with_trueness(
        quality,
        stack.lights,
        stack.ambient,
        profile,
        lights=stack.light_indices,
        lit_us=stack.lit_us,
        gains=drift.gains,
    )


class _Stages:
    """Tells of each stage and times it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._watch = Stopwatch()
        self._name = ""

    def begin(self, name: str) -> None:
        if self._name:
            self._watch.lap(self._name)
        self._name = name
        self._progress(name)

    def end(self) -> dict[str, float]:
        self._watch.lap(self._name)
        return self._watch.laps_s


@dataclass(frozen=True, slots=True)
class _Seen:
    """The stack around the card, before it is solved.

    Attributes:
        window, around: where it was cut from, and what lights it.
        pictures, mean: its pixels and the first look at them.
        inside: (H, W), on the card and away from its edge.
        alignment: shifts of the cut pictures.
        whole_px: (lights, 2), how much further along each was cut.
    """

    window: Window
    around: Surroundings
    pictures: Pictures
    mean: MeanRatio
    inside: NDArray[np.bool_]
    alignment: Alignment
    whole_px: NDArray[np.float64]


def _fitting_profile(stack: Stack, profile: LoadedProfile) -> LoadedProfile:
    known, indices = len(profile.profile.lights), stack.light_indices
    if len(stack.lights) != len(indices) or len(set(indices)) != len(indices):
        raise unusable(f"{len(stack.lights)} lit pictures belong to the lights {list(indices)}")
    if not all(0 <= index < known for index in indices):
        raise unusable(f"the stack names lights {list(indices)}, the profile knows {known}")
    if not stack.lights or stack.ambient.ndim != 3 or stack.ambient.shape[2] != 3 or stack.exposure_us <= 0:
        raise unusable("the stack lacks lit pictures, colour or an exposure time")
    if len(stack.lit_us) != len(stack.lights) or min(stack.lit_us, default=0) <= 0:
        raise unusable(f"{len(stack.lights)} lit pictures have the on-times {list(stack.on_us)}")
    if any(shorter.light_index not in indices for shorter in stack.brackets):
        raise unusable("an exposure bracket belongs to a light that the stack has no main picture of")
    more = (shorter.picture for shorter in stack.brackets)
    if any(frame.shape != stack.ambient.shape for frame in (*stack.lights, *more)):
        raise unusable("the pictures of the stack differ in size")
    height, width, _ = stack.ambient.shape
    return profile.scaled(width, height)


def _mean_picture(stack: Stack) -> NDArray[np.float32]:
    """Mean of the lit pictures over lights and channels, above the ambient one: (H, W) in codes."""
    total = np.zeros(stack.ambient.shape, np.float32)
    for frame in stack.lights:
        cv2.accumulate(frame, total)
    weights = np.full((1, 3), 1 / 3, np.float32)
    lit = cv2.transform(total, weights / len(stack.lights))
    dark = cv2.transform(stack.ambient.astype(np.float32), weights)
    return np.asarray(lit - dark, np.float32)


def _look(stack: Stack, profile: LoadedProfile, outline: Outline) -> _Seen:
    """Cut the card out and find how far it moved from picture to picture."""
    camera = profile.profile.camera
    window = around(outline, camera, CARD_THICKNESS_MM)
    sensed, unit = sensor(profile, stack.ambient.dtype)
    unit *= joined_unit(sensed, [share for *_, share in _shares(stack)])
    lit = np.array(stack.lit_us) / profile.profile.flat_field.exposure_us
    surroundings = Surroundings(profile, stack.light_indices, unit * lit)
    field = surroundings.field(window, Face.level(window, CARD_THICKNESS_MM))
    inside = card_mask(outline, window.camera, CARD_THICKNESS_MM, INSIDE_MM)
    whole = np.zeros((len(stack.lights), 2))
    taken, mean = _cut(stack, window, whole, sensed, field)
    rough = coarse_shifts(mean.blocks, BLOCK_PX)
    if np.ptp(rough, axis=0).max() > BUMP_PX:
        whole = np.round(rough)
        taken, mean = _cut(stack, window, whole, sensed, field)
    found = register(taken, field, mean, inside)
    for _ in range(RECUTS):
        further = np.round(found.shift_px)
        if not further.any():
            break
        whole = whole + further
        taken, mean = _cut(stack, window, whole, sensed, field)
        found = register(taken, field, mean, inside)
    return _Seen(window, surroundings, taken, mean, inside, found, whole)


def _known(alignment: Alignment) -> Alignment | None:
    """None where there is no print: no motion can be seen, and there is nothing it could spoil."""
    return alignment if np.isfinite(alignment.jitter_px).all() else None


def _cut(
    stack: Stack, window: Window, whole_px: NDArray[np.floating], sensed: Sensor, field: LightField
) -> tuple[Pictures, MeanRatio]:
    """The card's part of every picture, moved by whole pixels, and the first look at it."""
    cut = [window.cut(frame, shift) for frame, shift in zip(stack.lights, whole_px, strict=True)]
    main = pictures(cut, window.cut(stack.ambient), sensed)
    more = [
        Bracket(place, share, window.cut(shorter.picture, whole_px[place]))
        for shorter, place, share in _shares(stack)
    ]
    taken, _ = merged(main, more)
    return taken, mean_ratio(taken, field, BLOCK_PX)


def _shares(stack: Stack) -> list[tuple[Shorter, int, float]]:
    """Each bracket with the place of its light and its share of that light's time."""
    places = [stack.light_indices.index(shorter.light_index) for shorter in stack.brackets]
    return [
        (shorter, place, shorter.on_us / stack.lit_us[place])
        for shorter, place in zip(stack.brackets, places, strict=True)
    ]


def rectified_light_frames(
    stack: Stack, profile: LoadedProfile, outline: Outline, dpi: float
) -> tuple[NDArray[np.float32], ...]:
    """Each light's picture less the ambient one, in the card frame: linear codes float32 (H, W, 3).

    Raises:
        StationError: `stack_unusable`, `profile_invalid`.
    """
    camera = _fitting_profile(stack, profile).profile.camera
    plan = rectification(camera, outline, dpi, CARD_THICKNESS_MM)
    dark = profile.linear(stack.ambient).astype(np.float32)
    return tuple(plan.apply(profile.linear(frame).astype(np.float32) - dark) for frame in stack.lights)
