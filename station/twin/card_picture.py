"""Cards as samples of the picture: what each sample sees of one face, of two, and of the mat beside them."""

import threading
from collections import OrderedDict
from dataclasses import replace
from math import cos, radians, sin

import numpy as np

from . import samples
from .design import Design, design
from .grid import CARD_HEIGHT_MM, CARD_WIDTH_MM, CardGrid
from .optics import Doubles, Optics
from .overlay import Buffer, between_nodes
from .samples import Bytes, Shorts
from .spec import CardSpec
from .surface import edge_distance_mm, face_height_mm, noise_tile, warp_mm
from .texel import pack
from .texture import Print, Texture, build, prepare
from .things import Pair

MAT_REFLECTANCE = 0.055
MAT_GRAIN = 0.12
KEPT_BYTES = 64 << 20

Face = tuple[Shorts, Bytes]


def fill_mat(buffer: Buffer, ground: Doubles) -> None:
    """Nothing but the mat; `ground` (node rows, node columns, 3) are the places of it that are seen."""
    card = np.zeros((2, 2, samples.CHANNELS), np.int16), np.zeros((0, 0), np.uint8)
    _fill(buffer, card, ground, np.full((*ground.shape[:2], 2), -1.0), (1.0, 0.0))


def fill_card(buffer: Buffer, spec: CardSpec, pixels: Doubles, lift_mm: float = 0.0) -> Doubles:
    """A card on the mat, or on something `lift_mm` high.

    Args:
        buffer: written.
        spec: the card.
        pixels: (node rows, node columns, 2).
        lift_mm: of its lowest point.

    Returns:
        (node rows, node columns, 3), mat frame: what the pixels look at.
    """
    drawn, optics = design(spec), buffer.optics
    places, on_card = met(drawn, optics, pixels, lift_mm)
    grid = CardGrid(optics.dpi)
    nodes = np.stack(
        (grid.column(0.0) + on_card[..., 0] / grid.pitch_mm, grid.row(0.0) - on_card[..., 1] / grid.pitch_mm),
        axis=-1,
    )
    turned = radians(drawn.pose.rotation_deg)
    face = FACES.face(drawn, optics.dpi)
    _fill(buffer, face, at_height(optics, pixels, 0.0), nodes, (cos(turned), sin(turned)))
    return places


def fill_pair(buffer: Buffer, pair: Pair, pixels: Doubles) -> Doubles:
    """Two cards, the upper one as high as it would lie on the lower one. See `fill_card`."""
    fill_card(buffer, pair.below, pixels)
    upper = buffer.like()
    lift_mm = pair.below.unkind.thickness_mm
    places = fill_card(upper, pair.above, pixels, lift_mm)
    drawn = design(pair.above)
    _, on_card = met(drawn, buffer.optics, pixels, lift_mm)
    for strip in buffer.strips():
        x, y = np.moveaxis(between_nodes(on_card, strip, buffer.width), -1, 0)
        buffer.take(upper, strip, edge_distance_mm(drawn.body, x, y) >= 0)
    return places


def at_height(optics: Optics, pixels: Doubles, z_mm: Doubles | float) -> Doubles:
    """Places (..., 3) at a height (a number or an array (...)) that pixels (..., 2) look at."""
    flat = optics.on_height(pixels, z_mm)
    return np.concatenate(
        (flat, np.broadcast_to(np.asarray(z_mm)[..., None], (*flat.shape[:-1], 1))), axis=-1
    )


def met(drawn: Design, optics: Optics, pixels: Doubles, lift_mm: float) -> tuple[Doubles, Doubles]:
    """Where pixels' rays meet a card: places (..., 3) in the mat frame and (..., 2) in the card's."""
    face, pose = lift_mm + face_height_mm(drawn), drawn.pose
    c, s = cos(radians(pose.rotation_deg)), sin(radians(pose.rotation_deg))
    z: Doubles = np.full(pixels.shape[:2], face)
    for _ in range(4):  # the warp is slight, so this converges at once
        places = at_height(optics, pixels, z)
        dx, dy = places[..., 0] - pose.x_mm, places[..., 1] - pose.y_mm
        card = np.stack((c * dx + s * dy, c * dy - s * dx), axis=-1)
        x = np.clip(card[..., 0], -CARD_WIDTH_MM / 2, CARD_WIDTH_MM / 2)
        y = np.clip(card[..., 1], -CARD_HEIGHT_MM / 2, CARD_HEIGHT_MM / 2)
        z = face + warp_mm(drawn.body, x.astype(np.float32), y.astype(np.float32)).astype(np.float64)
    return places, card


def _fill(buffer: Buffer, card: Face, ground: Doubles, nodes: Doubles, turn: tuple[float, float]) -> None:
    pitch = 25.4 / buffer.optics.dpi / 2
    grain = noise_tile(pitch, 0.15, seed=1, name="mat")
    mat = np.round(MAT_REFLECTANCE * np.clip(1 + MAT_GRAIN * grain, 0.4, 1.6) * samples.UNIT).astype(np.int16)
    ground = ground[..., :2] * (1, -1) / pitch + 10 * len(mat)
    both = np.concatenate((nodes[..., :2], ground), axis=-1).astype(np.float32)
    samples.fill(buffer.flat, both, *card, mat, np.array(turn, np.float32), buffer.segments)


class Faces:
    """Faces as the sampling kernel wants them; the newest small ones are kept, as a card is moved about.

    Args:
        most_bytes: of all that are kept; a face at 600 dpi alone is larger, and is not.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[CardSpec, float], Face] = OrderedDict()
        self._lock = threading.Lock()

    def face(self, drawn: Design, dpi: float) -> Face:
        """What lies there, wherever it lies."""
        spec = drawn.spec
        bare = replace(spec.unkind, sleeve=False)
        key = replace(spec, unkind=bare, turned=False, nudge=(0.0, 0.0, 0.0)), dpi
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        sheet = prepare(drawn, dpi)
        made = _packed(sheet), sheet.foil()
        with self._lock:
            self._kept[key] = made
            while sum(packed.nbytes + foil.nbytes for packed, foil in self._kept.values()) > self._most_bytes:
                self._kept.popitem(last=False)
        return made


FACES = Faces(KEPT_BYTES)


def _packed(sheet: Print) -> Shorts:
    grid = sheet.grid
    packed = np.empty((grid.rows, grid.columns, samples.CHANNELS), np.int16)
    per_um = np.float32(1 / (2000 * grid.pitch_mm))

    def take(face: Texture) -> None:
        others = face.coverage, face.roughness, face.gloss
        skip = face.rows.start - face.first
        pack(packed[face.rows], skip, per_um, face.height_um, face.albedo, others)

    build(sheet, take)
    return packed
