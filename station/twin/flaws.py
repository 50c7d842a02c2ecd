"""What flaws do to a face: relief, colour and gloss."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, hypot, radians, sin, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .design import Body, Flaw, FlawKind
from .grid import Floats, Strip
from .surface import Noise, edge_distance_mm

PAPER_CORE = np.array([0.78, 0.75, 0.70], np.float32)
"""Reflectance of the stock where coat and ink are rubbed off."""
BROKEN_MM = 0.06
"""Sigma of the line along a crease where the coat is broken."""


Box = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Face:
    """The arrays of a strip of one face while it is made; all float32.

    Attributes:
        height_um: (H, W), warp included.
        albedo: (H, W, 3) linear reflectance.
        roughness: (H, W) GGX alpha of the coat.
        gloss: (H, W) 0 to 1, strength of the coat.
        fray: unit-variance noise that makes wear ragged, over the whole grid.
    """

    strip: Strip
    body: Body
    height_um: Floats
    albedo: Floats
    roughness: Floats
    gloss: Floats
    fray: Noise

    def depth_mm(self, box: Box) -> Floats:
        """Distance to the cut edge, positive inside."""
        return edge_distance_mm(self.body, self.strip.x_mm()[:, box[1]], self.strip.y_mm()[box[0]])

    def frayed(self, box: Box) -> Floats:
        """The noise in a box of the strip."""
        return self.fray.at(slice(self.strip.first + box[0].start, self.strip.first + box[0].stop), box[1])


def apply(face: Face, flaw: Flaw) -> None:
    """Damage the face in place, where the flaw reaches."""
    along, across = _reach_mm(flaw, face.strip.pitch_mm)
    c, s = abs(cos(radians(flaw.angle_deg))), abs(sin(radians(flaw.angle_deg)))
    box = face.strip.box(flaw.x_mm, flaw.y_mm, c * along + s * across, s * along + c * across)
    if all(side.stop > side.start for side in box):
        _APPLY[flaw.kind](face, flaw, box)


def _reach_mm(flaw: Flaw, pitch_mm: float) -> tuple[float, float]:
    """How far along and across a flaw changes anything; a Gaussian ends at six sigma, below rounding."""
    half, width, blur = flaw.length_mm / 2, flaw.width_mm, pitch_mm / sqrt(12)
    reach = {
        "scratch": (half, 0.01 * flaw.length_mm + 0.625 * width + 6 * hypot(width / 4, blur)),
        "dent": (half, width / 2),
        "print_line": (half, 6 * hypot(width / 3, blur)),
        "edge_wear": (half, 2 * width + 0.5),
        "corner_wear": (half, half),
        "crease": (half, max(2 * width, 6 * BROKEN_MM)),
        "stain": (1.5 * half, 0.75 * width),  # the noise frays the rim
    }
    return reach[flaw.kind]


def _along_across(face: Face, flaw: Flaw, box: Box) -> tuple[Floats, Floats]:
    x, y = face.strip.x_mm()[:, box[1]] - flaw.x_mm, face.strip.y_mm()[box[0]] - flaw.y_mm
    c, s = cos(radians(flaw.angle_deg)), sin(radians(flaw.angle_deg))
    return x * c + y * s, y * c - x * s


def _texel_mean_gauss(distance: Floats, sigma_mm: float, pitch_mm: float) -> Floats:
    """A Gaussian profile of unit height, averaged over a texel (variances add, the area stays)."""
    wide = sqrt(sigma_mm**2 + pitch_mm**2 / 12)
    return np.asarray(sigma_mm / wide * np.exp(-0.5 * (distance / wide) ** 2), np.float32)


def _whiten(face: Face, box: Box, amount: Floats) -> None:
    face.albedo[box] += amount[..., None] * (PAPER_CORE - face.albedo[box])
    face.roughness[box] += amount * (0.7 - face.roughness[box])
    face.gloss[box] *= 1 - 0.8 * amount


def _scratch(face: Face, flaw: Flaw, box: Box) -> None:
    along, across = _along_across(face, flaw, box)
    across = across + 0.01 * flaw.length_mm * np.sin(
        along * (3 / flaw.length_mm)
    )  # a hand does not draw straight
    ends = np.clip((flaw.length_mm / 2 - np.abs(along)) / (0.15 * flaw.length_mm), 0, 1)
    sigma = flaw.width_mm / 4
    groove = _texel_mean_gauss(across, sigma, face.strip.pitch_mm)
    burr = 0.25 * _texel_mean_gauss(np.abs(across) - 2.5 * sigma, 0.7 * sigma, face.strip.pitch_mm)
    face.height_um[box] -= flaw.depth_um * ends * (groove - burr)
    face.roughness[box] += 0.3 * ends * groove * (0.6 - face.roughness[box])


def _dent(face: Face, flaw: Flaw, box: Box) -> None:
    along, across = _along_across(face, flaw, box)
    r2 = (along / (flaw.length_mm / 2)) ** 2 + (across / (flaw.width_mm / 2)) ** 2
    face.height_um[box] -= (flaw.depth_um * np.maximum(0, 1 - r2) ** 2).astype(np.float32)


def _print_line(face: Face, flaw: Flaw, box: Box) -> None:
    along, across = _along_across(face, flaw, box)
    line = _texel_mean_gauss(across, flaw.width_mm / 3, face.strip.pitch_mm)
    line = 0.35 * line * (np.abs(along) < flaw.length_mm / 2)
    face.albedo[box] += line[..., None] * (np.float32(0.7) - face.albedo[box])


def _edge_wear(face: Face, flaw: Flaw, box: Box) -> None:
    along, across = _along_across(face, flaw, box)
    ends = np.clip((flaw.length_mm / 2 - np.abs(along)) / 1.0, 0, 1) * (
        np.abs(across) < 2 * flaw.width_mm + 0.5
    )
    _wear(face, box, ends, flaw)


def _corner_wear(face: Face, flaw: Flaw, box: Box) -> None:
    along, across = _along_across(face, flaw, box)
    ends = np.clip((flaw.length_mm / 2 - np.hypot(along, across)) / (0.3 * flaw.length_mm), 0, 1)
    _wear(face, box, ends, flaw)


def _wear(face: Face, box: Box, ends: NDArray[np.floating[Any]], flaw: Flaw) -> None:
    reach = flaw.width_mm * ends * np.clip(0.75 + 0.25 * face.frayed(box), 0, 1.2)
    amount = np.clip((reach - face.depth_mm(box)) / 0.06, 0, 1).astype(np.float32)
    face.height_um[box] -= flaw.depth_um * amount
    _whiten(face, box, amount)


def _crease(face: Face, flaw: Flaw, box: Box) -> None:
    along, across = _along_across(face, flaw, box)
    ends = np.clip((flaw.length_mm / 2 - np.abs(along)) / 2.0, 0, 1)
    fold = np.maximum(0, 1 - np.abs(across) / (2 * flaw.width_mm)) ** 2
    face.height_um[box] -= (flaw.depth_um * ends * fold).astype(np.float32)
    broken = (
        0.6 * ends * np.exp(-0.5 * (across / BROKEN_MM) ** 2) * np.clip(0.6 + 0.4 * face.frayed(box), 0, 1)
    )
    _whiten(face, box, broken.astype(np.float32))


def _stain(face: Face, flaw: Flaw, box: Box) -> None:
    along, across = _along_across(face, flaw, box)
    r = np.hypot(along / (flaw.length_mm / 2), across / (flaw.width_mm / 2)) + 0.05 * face.frayed(box)
    depth = np.clip((1 - r) / 0.15, 0, 1) * (0.6 + 0.4 * np.clip(r, 0, 1) ** 4)  # coffee gathers at the rim
    tint = np.array([0.78, 0.66, 0.45], np.float32)
    face.albedo[box] *= 1 - depth[..., None].astype(np.float32) * (1 - tint)


_APPLY: dict[FlawKind, Callable[[Face, Flaw, Box], None]] = {
    "scratch": _scratch,
    "dent": _dent,
    "print_line": _print_line,
    "edge_wear": _edge_wear,
    "corner_wear": _corner_wear,
    "crease": _crease,
    "stain": _stain,
}
