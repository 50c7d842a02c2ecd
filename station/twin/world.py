"""Something on the mat as the renderer needs it: what does not depend on which light burns, computed once."""

import threading
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from . import samples
from .ball_picture import BallPicture
from .balls import Balls, BallView
from .chart import ChartTarget
from .charuco import BoardTarget
from .design import design
from .grid import CARD_HEIGHT_MM, CARD_WIDTH_MM, Floats
from .lights import light_field
from .optics import Doubles, Optics
from .plate import lay
from .rigs import Rig
from .sheet import Sheet
from .spec import CardSpec, Unkind
from .surface import face_height_mm, noise_tile, warp_mm
from .texel import pack
from .texture import Print, Texture, build, prepare

MAT_REFLECTANCE = 0.055
MAT_GRAIN = 0.12
MIDDLE_ROUGHNESS = 0.085


Target = Sheet
"""A sheet of which nothing more is said: white, flat, even and level."""

Thing = CardSpec | Sheet | BoardTarget | ChartTarget | Balls | None


class World:
    """One thing on the mat of one rig, immutable; its arrays are made when first needed."""

    def __init__(self, thing: Thing, dpi: float, rig: Rig) -> None:
        self.thing = thing
        self.rig = rig
        self.optics = Optics(dpi, rig.lens)
        self.unkind = thing.unkind if thing is not None else Unkind()
        self._lock = threading.Lock()
        self._arrays: tuple[NDArray[np.int16], Floats] | None = None
        self.balls: BallPicture | None = None
        """Made with the arrays, where balls lie on the mat."""

    @property
    def segments(self) -> int:
        """Segments of samples in a row, see `samples`."""
        return -(-(2 * self.optics.width_px + 2 * samples.HALO) // samples.SEGMENT)

    def arrays(self) -> tuple[NDArray[np.int16], Floats]:
        """The sample buffer (flat int16) and the light fields (lights, node rows, node columns, FIELDS)."""
        with self._lock:
            if self._arrays is None:
                self._arrays = self._make()
            return self._arrays

    def _make(self) -> tuple[NDArray[np.int16], Floats]:
        rows = 2 * self.optics.height_px + 2 * samples.HALO
        buffer = np.empty(rows * self.segments * samples.STRIDE, np.int16)
        pixels = self._node_pixels(rows)
        thing = self.thing.sheet if isinstance(self.thing, Balls) else self.thing
        if isinstance(thing, CardSpec):
            places = self._fill_card(buffer, thing, pixels)
        elif isinstance(thing, Sheet) and thing.ideal:
            places = self._at_height(pixels, thing.height_mm)
            _fill_even(buffer, thing.reflectance)
        else:
            places = self._at_height(pixels, 0.0)
            self._fill(buffer, None, places, places)
            if thing is not None:
                plate = thing.plate(25.4 / self.optics.dpi / 2)
                lay(buffer, self.segments, plate, self.optics)
                places = plate.on_mat_mm(plate.met_by(self.optics, pixels))
        eye = self.optics.centre_mm
        fields = np.stack([light_field(light, places, eye, MIDDLE_ROUGHNESS) for light in self.rig.lights])
        if isinstance(self.thing, Balls):
            self.balls = BallPicture(BallView(self.thing, self.optics, self.rig.lights), places)
            self.balls.brighten(fields)
        return buffer, fields

    def _node_pixels(self, rows: int) -> Doubles:
        """Pixel coordinates (node rows, node columns, 2) of every 32nd sample."""
        down = np.arange((rows - 1) // samples.SEGMENT + 2) * samples.SEGMENT
        across = np.arange(self.segments + 1) * samples.SEGMENT
        y, x = np.meshgrid(samples.to_pixel(down), samples.to_pixel(across), indexing="ij")
        return np.stack((x, y), axis=-1)

    def _at_height(self, pixels: Doubles, z_mm: Doubles | float) -> Doubles:
        flat = self.optics.on_height(pixels, z_mm)
        return np.concatenate(
            (flat, np.broadcast_to(np.asarray(z_mm)[..., None], (*flat.shape[:2], 1))), axis=-1
        )

    def _fill_card(self, buffer: NDArray[np.int16], spec: CardSpec, pixels: Doubles) -> Doubles:
        drawn = design(spec)
        face = face_height_mm(drawn)
        c, s = cos(radians(drawn.pose.rotation_deg)), sin(radians(drawn.pose.rotation_deg))
        z: Doubles = np.full(pixels.shape[:2], face)
        for _ in range(
            4
        ):  # where the ray meets the warped sheet: the warp is slight, so this converges at once
            places = self._at_height(pixels, z)
            dx, dy = places[..., 0] - drawn.pose.x_mm, places[..., 1] - drawn.pose.y_mm
            card = np.stack((c * dx + s * dy, c * dy - s * dx), axis=-1)
            x = np.clip(card[..., 0], -CARD_WIDTH_MM / 2, CARD_WIDTH_MM / 2)
            y = np.clip(card[..., 1], -CARD_HEIGHT_MM / 2, CARD_HEIGHT_MM / 2)
            z = face + warp_mm(drawn.body, x.astype(np.float32), y.astype(np.float32)).astype(np.float64)
        sheet = prepare(drawn, self.optics.dpi)
        grid = sheet.grid
        nodes = np.stack(
            (grid.column(0.0) + card[..., 0] / grid.pitch_mm, grid.row(0.0) - card[..., 1] / grid.pitch_mm),
            axis=-1,
        )
        self._fill(buffer, (_packed(sheet), sheet.foil()), self._at_height(pixels, 0.0), nodes, turn=(c, s))
        return places

    def _fill(
        self,
        buffer: NDArray[np.int16],
        card: tuple[NDArray[np.int16], NDArray[np.uint8]] | None,
        ground: Doubles,
        nodes: Doubles,
        turn: tuple[float, float] = (1.0, 0.0),
    ) -> None:
        pitch = 25.4 / self.optics.dpi / 2
        grain = noise_tile(pitch, 0.15, seed=1, name="mat")
        mat = np.round(MAT_REFLECTANCE * np.clip(1 + MAT_GRAIN * grain, 0.4, 1.6) * samples.UNIT).astype(
            np.int16
        )
        ground = ground[..., :2] * (1, -1) / pitch + 10 * len(mat)
        both = np.concatenate((nodes[..., :2], ground), axis=-1).astype(np.float32)
        if card is None:
            card = np.zeros((2, 2, samples.CHANNELS), np.int16), np.zeros((0, 0), np.uint8)
            both[..., :2] = -1
        samples.fill(buffer, both, *card, mat, np.array(turn, np.float32), self.segments)


def _fill_even(buffer: NDArray[np.int16], reflectance: float) -> None:
    planes = buffer.reshape(-1, samples.PLANES, samples.SEGMENT)
    planes[:] = 0
    planes[:, 2:5] = round(reflectance * samples.UNIT)
    planes[:, 5] = 63 << 9


def _packed(sheet: Print) -> NDArray[np.int16]:
    """The face as the sampling kernel wants it."""
    grid = sheet.grid
    packed = np.empty((grid.rows, grid.columns, samples.CHANNELS), np.int16)
    per_um = np.float32(1 / (2000 * grid.pitch_mm))

    def take(face: Texture) -> None:
        others = face.coverage, face.roughness, face.gloss
        skip = face.rows.start - face.first
        pack(packed[face.rows], skip, per_um, face.height_um, face.albedo, others)

    build(sheet, take)
    return packed
