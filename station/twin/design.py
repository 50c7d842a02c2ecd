"""A card as numbers: size, warp, borders, colours, pose and flaws, all drawn from its seed in millimetres."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .chance import stream
from .grid import CARD_HEIGHT_MM, CARD_WIDTH_MM
from .spec import CardSpec

FlawKind = Literal["scratch", "dent", "print_line", "edge_wear", "corner_wear", "crease", "stain"]
Colour = tuple[float, float, float]

BORDERS: tuple[tuple[Colour, float], ...] = (
    ((0.86, 0.86, 0.84), 0.60),  # white stock
    ((0.80, 0.62, 0.10), 0.20),  # yellow
    ((0.56, 0.58, 0.60), 0.12),  # silver grey
    ((0.20, 0.33, 0.62), 0.08),  # blue
)
"""Border colours (linear reflectance) and how often they occur; none is as dark as the mat."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One flaw of the truth, card frame.

    Attributes:
        x_mm, y_mm: its centre.
        length_mm, width_mm: extent along and across `angle_deg`.
        depth_um: of the deepest point, below the undamaged surface; negative: raised; 0: no relief.
        angle_deg: of its long axis, counter-clockwise from x.
    """

    kind: FlawKind
    x_mm: float
    y_mm: float
    length_mm: float
    width_mm: float
    depth_um: float
    angle_deg: float


@dataclass(frozen=True, slots=True)
class Borders:
    """Widths between the card's cut edge and the print frame."""

    left_mm: float
    right_mm: float
    top_mm: float
    bottom_mm: float

    @property
    def left_percent(self) -> float:
        """Share of the left border in left plus right."""
        return 100 * self.left_mm / (self.left_mm + self.right_mm)

    @property
    def top_percent(self) -> float:
        """Share of the top border in top plus bottom."""
        return 100 * self.top_mm / (self.top_mm + self.bottom_mm)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the card's centre lies on the mat, and its rotation counter-clockwise."""

    x_mm: float
    y_mm: float
    rotation_deg: float


@dataclass(frozen=True, slots=True)
class Body:
    """What front and back share, as seen from the front."""

    width_mm: float
    height_mm: float
    corner_radius_mm: float
    bow_mm: float
    twist_mm: float
    worn_corners: tuple[tuple[int, int, float], ...]  # signs of x and y, size in mm


@dataclass(frozen=True, slots=True)
class Design:
    """One side, ready to be drawn. `body` is already turned to the side that lies up."""

    spec: CardSpec
    body: Body
    borders: Borders
    border_colour: Colour
    hue: float
    pose: Pose
    flaws: tuple[Flaw, ...]


def design(spec: CardSpec) -> Design:
    """Draw a card from its seed."""
    body = _body(spec)
    rng = stream(spec.seed, spec.side, "colours")
    weights = np.array([weight for _, weight in BORDERS])
    chosen = int(rng.choice(len(BORDERS), p=weights / weights.sum()))
    return Design(
        spec,
        body,
        _borders(spec, body),
        BORDERS[chosen][0],
        float(rng.random()),
        _pose(spec),
        _flaws(spec, body),
    )


def _body(spec: CardSpec) -> Body:
    rng = spec.own("body")
    width, height = CARD_WIDTH_MM + rng.uniform(-0.1, 0.1), CARD_HEIGHT_MM + rng.uniform(-0.1, 0.1)
    radius = rng.uniform(2.85, 3.15)
    bow = rng.choice((-1, 1)) * rng.uniform(0.05, 0.3) if spec.bow_mm is None else spec.bow_mm
    twist = rng.uniform(-0.08, 0.08) if spec.twist_mm is None else spec.twist_mm
    flip = 1 if spec.side == "front" else -1  # turned over its long axis: left becomes right, up becomes down
    return Body(
        float(width), float(height), float(radius), float(flip * bow), float(twist), _worn_corners(spec, flip)
    )


def _worn_corners(spec: CardSpec, flip: int) -> tuple[tuple[int, int, float], ...]:
    rng = spec.own("corners")
    order = rng.permutation(4)[: spec.unkind.corner_wear]
    corners = ((-1, 1), (1, 1), (1, -1), (-1, -1))
    return tuple((flip * corners[i][0], corners[i][1], float(rng.uniform(0.3, 1.1))) for i in order)


def _borders(spec: CardSpec, body: Body) -> Borders:
    """Another copy shows the same print, cut out elsewhere."""
    rng = stream(spec.seed, spec.side, "borders")
    horizontal, vertical = rng.uniform(4.6, 6.6, 2)
    if spec.copy:
        first = _body(replace(spec, copy=0))
        horizontal += body.width_mm - first.width_mm
        vertical += body.height_mm - first.height_mm
        rng = spec.own(spec.side, "borders")
    left, top = 0.5 + rng.choice((-1, 1), 2) * rng.uniform(0.0, 0.15, 2)
    return Borders(
        float(horizontal * left),
        float(horizontal * (1 - left)),
        float(vertical * top),
        float(vertical * (1 - top)),
    )


def _pose(spec: CardSpec) -> Pose:
    rng = spec.own(spec.side, "pose")
    x, y, turn = rng.uniform(-1, 1, 3)
    reach = spec.unkind.offset_mm
    right, up, counter_clockwise = spec.nudge
    return Pose(
        float(x * reach) + right,
        float(y * reach) + up,
        float(turn * spec.unkind.turn_deg) + counter_clockwise + (180.0 if spec.turned else 0.0),
    )


def _flaws(spec: CardSpec, body: Body) -> tuple[Flaw, ...]:
    unkind = spec.unkind
    found = [_scratch(spec, i) for i in range(unkind.scratches)]
    found += [_dent(spec, i) for i in range(unkind.dents)]
    found += [_print_line(spec, i) for i in range(unkind.print_lines)]
    found += [_edge_wear(spec, body, i) for i in range(unkind.edge_wear)]
    found += [_corner_wear(body, *corner) for corner in body.worn_corners]
    found += [_crease(spec, body, i) for i in range(unkind.creases)]
    found += [_stain(spec, i) for i in range(unkind.stains)]
    return tuple(found)


def _scratch(spec: CardSpec, index: int) -> Flaw:
    rng = spec.own(spec.side, "scratch", index)
    x, y = rng.uniform(-20, 20), rng.uniform(-32, 32)
    length, width, depth = rng.uniform(4, 20), rng.uniform(0.08, 0.25), rng.uniform(3, 10)
    return Flaw(
        "scratch", float(x), float(y), float(length), float(width), float(depth), float(rng.uniform(0, 180))
    )


def _dent(spec: CardSpec, index: int) -> Flaw:
    rng = spec.own(spec.side, "dent", index)
    x, y, size, depth = rng.uniform(-26, 26), rng.uniform(-38, 38), rng.uniform(0.8, 2.5), rng.uniform(8, 35)
    return Flaw(
        "dent",
        float(x),
        float(y),
        float(size),
        float(size * rng.uniform(0.7, 1.0)),
        float(depth),
        float(rng.uniform(0, 180)),
    )


def _print_line(spec: CardSpec, index: int) -> Flaw:
    rng = spec.own(spec.side, "print line", index)
    return Flaw(
        "print_line",
        float(rng.uniform(-24, 24)),
        float(rng.uniform(-15, 15)),
        float(rng.uniform(20, 50)),
        float(rng.uniform(0.06, 0.15)),
        0.0,
        90.0,
    )


def _edge_wear(spec: CardSpec, body: Body, index: int) -> Flaw:
    rng = spec.own(spec.side, "edge wear", index)
    edge = int(rng.integers(4))
    length, width = float(rng.uniform(3, 14)), float(rng.uniform(0.15, 0.45))
    if edge < 2:  # left, right
        sign, at = 2 * edge - 1, float(rng.uniform(-28, 28))
        return Flaw("edge_wear", sign * (body.width_mm - width) / 2, at, length, width, 8.0, 90.0)
    sign, at = 2 * edge - 5, float(rng.uniform(-18, 18))
    return Flaw("edge_wear", at, sign * (body.height_mm - width) / 2, length, width, 8.0, 0.0)


def _corner_wear(body: Body, x_sign: int, y_sign: int, size_mm: float) -> Flaw:
    inset = body.corner_radius_mm * (1 - 0.5**0.5)
    angle = 135.0 if x_sign == y_sign else 45.0
    x, y = x_sign * (body.width_mm / 2 - inset), y_sign * (body.height_mm / 2 - inset)
    return Flaw("corner_wear", x, y, 3 * size_mm, size_mm, 8.0, angle)


def _crease(spec: CardSpec, body: Body, index: int) -> Flaw:
    rng = spec.own("crease", index)
    x_sign, y_sign = rng.choice((-1, 1), 2)
    flip, inset = (1 if spec.side == "front" else -1), float(rng.uniform(6, 14))
    x, y = flip * x_sign * (body.width_mm / 2 - inset), y_sign * (body.height_mm / 2 - inset)
    angle = 135.0 if flip * x_sign == y_sign else 45.0
    depth = flip * float(rng.uniform(25, 60))
    return Flaw("crease", float(x), float(y), float(2 * inset), float(rng.uniform(0.3, 0.6)), depth, angle)


def _stain(spec: CardSpec, index: int) -> Flaw:
    rng = spec.own(spec.side, "stain", index)
    x, y, size = rng.uniform(-24, 24), rng.uniform(-36, 36), rng.uniform(3, 9)
    return Flaw(
        "stain",
        float(x),
        float(y),
        float(size),
        float(size * rng.uniform(0.6, 1.0)),
        0.0,
        float(rng.uniform(0, 180)),
    )
