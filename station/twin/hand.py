"""A hand over the mat: four fingers, a thumb and a palm, as rounded rods seen from above."""

from math import cos, radians, sin

import cv2
import numpy as np

from . import samples
from .card_picture import at_height
from .chance import stream
from .grid import Floats
from .optics import Doubles
from .overlay import Buffer, Mask, Strip, between_nodes
from .things import Edge, Hand

HEIGHT_MM = 14.0
"""Over the mat, of the plane in which its outline is drawn."""
SKIN = np.array([0.19, 0.115, 0.08], np.float32)
NAIL = np.array([0.30, 0.20, 0.17], np.float32)
ROUGHNESS, GLOSS = 0.45, 0.25
STEEPEST = 0.92
"""Sine of the steepest slope of the skin that is seen."""
STEP = 4
"""Every so many samples the skin is modelled; between them it is smooth."""
REACH_MM = 34.0
"""How far the fingers come in over the picture's edge."""
BEYOND_MM = 14.0
"""How far they are away from it before the movement begins."""
EDGES: dict[Edge, tuple[float, float]] = {
    "bottom": (0.0, 52.0), "top": (180.0, 52.0), "left": (-90.0, 40.7), "right": (90.0, 40.7),
}  # fmt: skip
"""By how much the hand is turned from pointing upwards, and how far the edge is from the mat's middle."""
RODS_MM = (
    # x and y of the tip, x and y of the other end, radius at the tip and there
    (-19.0, -9.0, -27.0, -75.0, 6.8, 9.0),
    (-2.0, 0.0, -9.0, -75.0, 7.4, 10.0),
    (15.0, -1.0, 9.0, -75.0, 7.2, 10.0),
    (31.0, -11.0, 26.0, -75.0, 6.2, 9.0),
    (-41.0, -31.0, -33.0, -95.0, 8.0, 15.0),
    (-14.0, -90.0, 12.0, -90.0, 34.0, 34.0),
)
"""Of the hand's frame: the middle finger's tip near its origin, the fingers pointing upwards."""


def reach_over(buffer: Buffer, hand: Hand) -> Mask:
    """Lay a hand over a buffer.

    Returns:
        (rows, columns) of the picture: where it covers what lies there.
    """
    places = _in_hand(hand, at_height(buffer.optics, buffer.node_pixels(), HEIGHT_MM)[..., :2])
    pitch_mm = 25.4 / buffer.optics.dpi / 2
    covered = np.zeros((buffer.rows, buffer.width), np.bool_)
    for strip in buffer.strips():
        covered[strip.first : strip.last] = _lay(buffer, strip, hand, places, pitch_mm)
    inner = covered[samples.HALO :: 2, samples.HALO :: 2]
    return inner[: buffer.optics.height_px, : buffer.optics.width_px]


def _in_hand(hand: Hand, places: Doubles) -> Doubles:
    """Places (..., 2) of the mat in the hand's frame."""
    rng = stream(hand.seed, "hand")
    turned, edge = EDGES[hand.edge]
    aside, deeper, slant = rng.uniform(-9, 9), rng.uniform(-5, 8), rng.uniform(-14, 14)
    ahead = (REACH_MM + BEYOND_MM + deeper) * hand.phase - BEYOND_MM
    way = radians(turned)
    x = cos(way) * places[..., 0] + sin(way) * places[..., 1] - aside
    y = cos(way) * places[..., 1] - sin(way) * places[..., 0] + edge - ahead
    lean = radians(float(slant))
    return np.stack((cos(lean) * x + sin(lean) * y, cos(lean) * y - sin(lean) * x), axis=-1)


def _lay(buffer: Buffer, strip: Strip, hand: Hand, places: Doubles, pitch_mm: float) -> Mask:
    """One strip; where it is covered (rows, width)."""
    fine = _coarse(places, strip, buffer.width)
    if not (fine[..., 0] > -2.0).any():
        return np.zeros((strip.last - strip.first, buffer.width), np.bool_)
    whole = cv2.resize(fine, (buffer.width, strip.last - strip.first), interpolation=cv2.INTER_LINEAR)
    cover = np.clip(0.5 + whole[..., 0] / pitch_mm, 0, 1).astype(np.float32)
    way = radians(EDGES[hand.edge][0])
    lean = way + radians(float(stream(hand.seed, "hand").uniform(-1, 1, 3)[2] * 14))
    turn = np.array([[cos(lean), sin(lean)], [-sin(lean), cos(lean)]], np.float32)
    normals = whole[..., 1:3] @ turn
    nail = np.clip(whole[..., 3:4], 0, 1)
    albedo = (SKIN + nail * (NAIL - SKIN)) * (1 + 0.25 * whole[..., 4:5])
    buffer.blend(strip, slice(0, 5), np.concatenate((normals, albedo), axis=-1), cover)
    mask: Mask = cover > 0.5
    buffer.coat(strip, mask, ROUGHNESS, GLOSS)
    return mask


def _coarse(places: Doubles, strip: Strip, width: int) -> Floats:
    """Depth in mm, normal (2), nail and creases at every few samples: (rows, columns, 5)."""
    near = between_nodes(places, strip, width)[STEP // 2 :: STEP, STEP // 2 :: STEP]
    return _skin(near[..., 0], near[..., 1])


def _skin(x: Floats, y: Floats) -> Floats:
    depth = np.full(x.shape, -np.inf, np.float32)
    height = np.full(x.shape, -np.inf, np.float32)
    normal, nail = np.zeros((*x.shape, 2), np.float32), np.zeros(x.shape, np.float32)
    for k, (tip_x, tip_y, end_x, end_y, tip_r, end_r) in enumerate(RODS_MM):
        along_x, along_y = end_x - tip_x, end_y - tip_y
        share = np.clip(((x - tip_x) * along_x + (y - tip_y) * along_y) / (along_x**2 + along_y**2), 0, 1)
        off_x, off_y = x - tip_x - share * along_x, y - tip_y - share * along_y
        radius = tip_r + share * (end_r - tip_r)
        far = np.hypot(off_x, off_y)
        thick = np.minimum(radius, 11.0)
        inwards = np.clip((far - radius + thick) / thick, 0, STEEPEST)
        up = thick * np.sqrt(1 - inwards**2) - np.where(far > radius, far - radius, 0)
        above = up > height
        height = np.where(above, up, height)
        way = inwards / np.maximum(far, 1e-6)
        normal = np.where(above[..., None], np.stack((off_x * way, off_y * way), axis=-1), normal)
        if k < 5:
            n = np.hypot((x - tip_x) / 0.62, y - tip_y + 0.1 * tip_r)
            nail = np.where(above, np.clip((0.72 * tip_r - n) / 0.8, 0, 1), nail)
        depth = np.maximum(depth, radius - far)
    creases = 0.5 * np.sin(y / 1.7) * np.exp(-((np.mod(y + 22, 24) - 12) ** 2) / 8)
    stacked = np.stack((depth, normal[..., 0], normal[..., 1], nail, creases), axis=-1)
    return np.asarray(stacked, np.float32)
