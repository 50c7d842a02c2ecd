"""Chrome balls on a white sheet in the rig: where each lies, and where each mirrors the near lights.

Two exposures of each light are needed. In the usual one the sheet shows, and with it the outlines: a ball is
dark in its middle, where it mirrors the dark room, and near its rim it mirrors the sheet, a little darker
than the sheet itself. In a short one everything is black but the lights' reflections, which are not clipped
there.
"""

from dataclasses import dataclass

import numpy as np

from ...card.geometry import pitch_mm, pixels_to_plane
from ...documents.calibration import CalibrationFinding
from ...documents.profile import CameraProfile
from ..observed import BallLook
from .ball import Outline, measured
from .composites import Pictures, composites, grey
from .highlight import Highlight, highlights_on
from .search import outlines

RADIUS_KNOWN_TO = 0.05
"""Of the radius in pixels: what a camera's scale and the stated size of a ball may be off by together."""
SEARCHED = 0.1
"""Of the radius: how far an outline may lie from the rough circle by which it was found. The picture is made
small for that circle, and it may be off by a pixel or two of the small one; the sheet's mirror image begins
a quarter of the radius inside, and is never taken for the outline."""
MIRRORS_ABOVE = 0.72
"""Of the radius. From 0.71 on a ball mirrors what is lower than itself: the sheet, its neighbours."""
FEWEST_LIGHTS = 3
"""A round thing that mirrors fewer is no ball."""
CLIPPED = 0.03
"""Radius of a clipped reflection as a share of the ball's: beyond, it is more than a lamp."""


@dataclass(frozen=True, slots=True)
class BallsSeen:
    """All balls of one picture.

    Attributes:
        looks: one for each ball, from the picture's top to its bottom.
        outlines: of the same balls.
        motion_px: root mean square shift of the pictures against each other, per axis, as the outlines show
            it in the bright ones; it is part of the looks' uncertainties.
        findings: what a person should know.
    """

    looks: tuple[BallLook, ...]
    outlines: tuple[Outline, ...]
    motion_px: float
    findings: tuple[CalibrationFinding, ...]


def look_at_balls(
    bright: Pictures,
    short: Pictures,
    camera: CameraProfile,
    radius_mm: float,
    rests_on_mm: float,
    *,
    full_scale: float | None = None,
) -> BallsSeen:
    """Find all balls and the reflections in them.

    Args:
        bright: pictures (H, W) or (H, W, 3) of each light at the usual exposure, linear.
        short: of each light, in the same order, exposed so that the reflections are not clipped.
        camera: tells how large a ball appears.
        radius_mm: of every ball.
        rests_on_mm: height over the mat of what the balls lie on.
        full_scale: highest code of `short`; None: of its type.

    Raises:
        StationError: `calibration_failed`: no pictures, or pictures of different sizes.
    """
    seen, dark = composites(bright), composites(short)
    radius = radius_px(camera, radius_mm, rests_on_mm)
    reach = (radius * (1 - RADIUS_KNOWN_TO), radius * (1 + RADIUS_KNOWN_TO))
    balls = []
    for outline in outlines(seen, reach, SEARCHED):
        spots = highlights_on(short, dark.least, outline, MIRRORS_ABOVE, full_scale)
        if sum(spot is not None for spot in spots) >= FEWEST_LIGHTS and _fits(outline, reach):
            balls.append((outline, spots))
    balls.sort(key=lambda ball: (ball[0].y_px, ball[0].x_px))
    found = tuple(outline for outline, _ in balls)
    motion = motion_px(bright, found)
    return BallsSeen(
        looks=tuple(_look(*ball, radius_mm, rests_on_mm, motion, len(bright)) for ball in balls),
        outlines=found,
        motion_px=motion,
        findings=_findings(balls, len(short)),
    )


def radius_px(camera: CameraProfile, radius_mm: float, rests_on_mm: float) -> float:
    """How large a ball appears in the middle of the picture."""
    height = rests_on_mm + radius_mm
    middle = np.array([[(camera.width_px - 1) / 2, (camera.height_px - 1) / 2]])
    x, y = pixels_to_plane(camera, middle, height)[0].tolist()
    return radius_mm / pitch_mm(camera, (x, y), height)


def _fits(outline: Outline, reach: tuple[float, float]) -> bool:
    return reach[0] <= outline.radius_px <= reach[1]


def motion_px(pictures: Pictures, outlines: tuple[Outline, ...]) -> float:
    """By how much the pictures are shifted against each other: root mean square, per axis.

    Of each picture the balls' outlines are measured anew; what their middles have in common is its shift.
    Where few balls lie there, this holds some of the error of an outline too.
    """
    shifts = []
    for number in range(len(pictures)):
        image = grey(pictures[number])
        fits = [(measured(image, one.circle), one) for one in outlines]
        off = [fit.values[:2] - (one.x_px, one.y_px) for fit, one in fits if fit is not None]
        if off:
            shifts.append(np.mean(off, axis=0))
    if len(shifts) < 2:
        return 0.0
    return float(np.sqrt(np.var(shifts, axis=0, ddof=1).mean()))


def _look(
    outline: Outline,
    spots: tuple[Highlight | None, ...],
    radius_mm: float,
    rests_on_mm: float,
    motion: float,
    averaged: int,
) -> BallLook:
    centre = np.sqrt(np.trace(outline.covariance[:2, :2]) / 2 + motion**2 / averaged)
    return BallLook(
        radius_mm=radius_mm,
        rests_on_mm=rests_on_mm,
        centre_px=(outline.x_px, outline.y_px),
        centre_sigma_px=float(centre),
        highlights_px=np.array([(spot.x_px, spot.y_px) if spot else (np.nan, np.nan) for spot in spots]),
        sigma_px=np.array([np.hypot(spot.sigma_px, motion) if spot else np.nan for spot in spots]),
    )


def _findings(
    balls: list[tuple[Outline, tuple[Highlight | None, ...]]], lights: int
) -> tuple[CalibrationFinding, ...]:
    if not balls:
        return (
            CalibrationFinding(
                kind="not_found",
                message="no ball was found: none has the outline and the reflections of one of this size",
                next_step="Lay the balls on the white sheet, well inside the picture, and check their size.",
            ),
        )
    unlit = tuple(light for light in range(lights) if all(spots[light] is None for _, spots in balls))
    cut = tuple(
        light
        for light in range(lights)
        if any((spot := spots[light]) and spot.clipped_px > CLIPPED * one.radius_px for one, spots in balls)
    )
    found = []
    if unlit:
        found.append(
            CalibrationFinding(
                kind="unlit",
                lights=unlit,
                message="no ball mirrors the light",
                next_step="See that it burns and that nothing stands between it and the balls.",
            )
        )
    if cut:
        found.append(
            CalibrationFinding(
                kind="clipped_highlight",
                lights=cut,
                message="the reflection in a ball is a large overexposed area",
                next_step="Take the short pictures with a shorter exposure.",
                severe=False,
            )
        )
    return tuple(found)
