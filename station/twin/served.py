"""Pictures rendered beforehand: a camera at full resolution and rate that costs next to nothing.

For measuring how fast everything else is. Of each thing there is a picture in the dark, one under every
single light, and one under each half of the lights, dimmed, as they burn while nobody scans; noise and place
are frozen in them. A frame that was lit otherwise, or shows another thing, is rendered as ever.
"""

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from station.camera.interface import CameraMode

from ..documents.fault import StationError
from .sensor import Pixels
from .spec import CardSpec
from .things import Thing
from .world import World

if TYPE_CHECKING:
    from .scene import Scene

DIMMED_BY = 0.4
"""By so much, relatively, may a dimmed light differ from the prepared one: rows see whole turns of the dimmer
or parts of them."""

Lit = tuple[frozenset[int], bool]
"""Which lights burn, and whether they are dimmed."""


@dataclass(frozen=True, slots=True)
class Taking:
    """How pictures are taken.

    Attributes:
        exposure_us, gain, bit_depth: of the camera.
        look_percent: how brightly a half of the lights burns while nobody scans.
    """

    exposure_us: int = 15_000
    gain: float = 1.0
    bit_depth: int = 8
    look_percent: float = 25.0


class Served:
    """Prepared pictures of some things; safe from any thread.

    Args:
        scene: whose things they are.
        most_bytes: of all pictures together.
    """

    def __init__(self, scene: "Scene", most_bytes: int) -> None:
        self._scene = scene
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._pictures: dict[tuple[Thing, int, float, int], dict[Lit, Pixels]] = {}
        self._dimmed: dict[tuple[Thing, int, float, int], float] = {}
        self.served = 0
        """Frames that were served from memory."""
        self.rendered = 0
        """Frames for which there was no picture."""

    @property
    def bytes(self) -> int:
        """Of all pictures."""
        with self._lock:
            return sum(pixels.nbytes for pictures in self._pictures.values() for pixels in pictures.values())

    def require_room(self, things: list[Thing], taking: Taking) -> None:
        """Refuse what the memory does not hold.

        Raises:
            StationError: `bad_request`.
        """
        optics, lights = self._scene.optics, len(self._scene.rig.lights)
        each = optics.width_px * optics.height_px * 3 * (taking.bit_depth // 8) * (lights + 3)
        fresh = {key for thing in things if (key := _key(thing, taking)) not in self._pictures}
        needed = self.bytes + each * len(fresh)
        if needed > self._most_bytes:
            raise StationError(
                "bad_request",
                f"{len(fresh)} sides more take {each / 1e6:.1f} MB each, {needed / 1e6:.1f} MB in all; "
                f"`twin.served_mb` is {self._most_bytes / 1e6:.0f}",
            )

    def prepare(self, thing: Thing, taking: Taking) -> None:
        """Render all pictures of a thing, unless they are there."""
        key = _key(thing, taking)
        with self._lock:
            if key in self._pictures:
                return
        count, share = len(self._scene.rig.lights), taking.look_percent / 100
        every = tuple(range(count))
        sets = [(), *((light,) for light in every)]
        wanted = [((frozenset(lights), False), 1.0) for lights in sets]
        wanted += [((frozenset(every[half::2]), True), share) for half in (0, 1)]
        world, made = World(key[0], self._scene.dpi, self._scene.rig), dict[Lit, Pixels]()
        for sequence, (lit, strength) in enumerate(wanted):
            on = np.array([strength if light in lit[0] else 0.0 for light in every])
            made[lit] = self._scene.render(
                on,
                exposure_us=taking.exposure_us,
                gain=taking.gain,
                bit_depth=taking.bit_depth,
                sequence=sequence,
                world=world,
            )
            made[lit].flags.writeable = False  # many frames share it
        with self._lock:
            self._pictures[key], self._dimmed[key] = made, share

    def find(self, thing: Thing, on: list[list[float]], mode: CameraMode, bit_depth: int) -> Pixels | None:
        """The prepared picture of a thing under `on` (bands, lights); None: there is none like it."""
        key = _key(thing, Taking(mode.exposure_us, mode.gain, bit_depth))
        with self._lock:
            pictures = self._pictures.get(key, {})
            lit = _lit(np.asarray(on), self._dimmed.get(key, 0.0))
            found = pictures.get(lit) if lit is not None else None
            self.served += found is not None
            self.rendered += found is None
        return found


def _key(thing: Thing, taking: Taking) -> tuple[Thing, int, float, int]:
    """A card that was put down a little differently is still the same picture."""
    if isinstance(thing, CardSpec):
        thing = replace(thing, nudge=(0.0, 0.0, 0.0))
    return thing, taking.exposure_us, taking.gain, taking.bit_depth


def _lit(on: NDArray[np.float64], dimmed: float) -> Lit | None:
    """What burned for all rows alike; None: something else."""
    burning = frozenset(np.flatnonzero(on.max(axis=0) > 0).tolist())
    shares = on[:, sorted(burning)]
    if (shares > 1 - 1e-9).all() and len(burning) <= 1:
        return burning, False
    mean = shares.mean(axis=0)
    return (burning, True) if (np.abs(mean - dimmed) < DIMMED_BY * dimmed).all() else None
