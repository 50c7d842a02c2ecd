"""Something on the mat as the renderer needs it: what does not depend on which light burns, computed once."""

import threading

import numpy as np
from numpy.typing import NDArray

from . import samples
from .ball_picture import BallPicture
from .balls import Balls, BallView
from .card_picture import at_height, fill_card, fill_mat, fill_pair
from .film import Film, films
from .grid import Floats
from .hand import reach_over
from .lights import light_field
from .optics import Doubles, Optics
from .overlay import Buffer
from .plate import lay
from .rigs import Rig
from .sheet import Sheet
from .spec import CardSpec, Unkind
from .things import Hand, Lying, Pair, Thing

MIDDLE_ROUGHNESS = 0.085


Target = Sheet
"""A sheet of which nothing more is said: white, flat, even and level."""


class World:
    """One thing on the mat of one rig, immutable; its arrays are made when first needed.

    `beneath` is the world of what a hand reaches over, if there is one already.
    """

    def __init__(self, thing: Thing, dpi: float, rig: Rig, beneath: "World | None" = None) -> None:
        self.thing = thing
        self.rig = rig
        self.optics = Optics(dpi, rig.lens)
        self.unkind = thing.unkind if thing is not None else Unkind()
        self._lock = threading.Lock()
        self._arrays: tuple[NDArray[np.int16], Floats] | None = None
        self._beneath = beneath
        self.balls: BallPicture | None = None
        self.films: tuple[Film, ...] = ()
        """Both are made with the arrays, where balls or sleeves lie on the mat."""

    @property
    def segments(self) -> int:
        """Segments of samples in a row, see `samples`."""
        return -(-(2 * self.optics.width_px + 2 * samples.HALO) // samples.SEGMENT)

    def over(self, thing: Thing) -> "World | None":
        """The world of this thing, where it is this one or the one beneath."""
        return self if self.thing == thing else self._beneath and self._beneath.over(thing)

    def arrays(self) -> tuple[NDArray[np.int16], Floats]:
        """The sample buffer (flat int16) and the light fields (lights, node rows, node columns, FIELDS)."""
        with self._lock:
            if self._arrays is None:
                thing = self.thing
                self._arrays = self._reached_over(thing) if isinstance(thing, Hand) else self._make(thing)
            return self._arrays

    def _reached_over(self, hand: Hand) -> tuple[NDArray[np.int16], Floats]:
        if self._beneath is None:
            self._beneath = World(hand.over, self.optics.dpi, self.rig)
        flat, fields = self._beneath.arrays()
        buffer = Buffer(flat, self.segments, self.optics).copied()
        covered = reach_over(buffer, hand)
        self.balls = self._beneath.balls
        self.films = tuple(film.behind(covered) for film in self._beneath.films)
        return buffer.flat, fields

    def _make(self, thing: Lying) -> tuple[NDArray[np.int16], Floats]:
        buffer = Buffer.blank(self.optics)
        places = self._fill(buffer, thing.sheet if isinstance(thing, Balls) else thing)
        eye = self.optics.centre_mm
        fields = np.stack([light_field(light, places, eye, MIDDLE_ROUGHNESS) for light in self.rig.lights])
        if isinstance(thing, Balls):
            self.balls = BallPicture(BallView(thing, self.optics, self.rig.lights), places)
            self.balls.brighten(fields)
        self.films = films(buffer, thing, fields)
        return buffer.flat, fields

    def _fill(self, buffer: Buffer, thing: Lying) -> Doubles:
        """Show a thing; the places (node rows, node columns, 3) that are looked at."""
        pixels = buffer.node_pixels()
        if isinstance(thing, CardSpec):
            return fill_card(buffer, thing, pixels)
        if isinstance(thing, Pair):
            return fill_pair(buffer, thing, pixels)
        if isinstance(thing, Sheet) and thing.ideal:
            _fill_even(buffer.flat, thing.reflectance)
            return at_height(self.optics, pixels, thing.height_mm)
        ground = at_height(self.optics, pixels, 0.0)
        fill_mat(buffer, ground)
        if thing is None or isinstance(thing, Balls):
            return ground
        plate = thing.plate(25.4 / self.optics.dpi / 2)
        lay(buffer.flat, self.segments, plate, self.optics)
        return plate.on_mat_mm(plate.met_by(self.optics, pixels))


def _fill_even(buffer: NDArray[np.int16], reflectance: float) -> None:
    planes = buffer.reshape(-1, samples.PLANES, samples.SEGMENT)
    planes[:] = 0
    planes[:, 2:5] = round(reflectance * samples.UNIT)
    planes[:, 5] = 63 << 9
