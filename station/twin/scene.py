"""What lies on the mat, and its picture under any lights."""

import threading
from functools import cache
from math import erf, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .chance import stream
from .exposure import TAPS, expose
from .flicker import Mains
from .grid import Floats
from .isp import Isp
from .optics import Doubles, Optics
from .readout import QUANTILES, digitise
from .rigs import Rig, standard
from .sensor import (
    BANDS,
    ELECTRONS_PER_RADIANCE,
    FULL_WELL_E,
    NOMINAL_EXPOSURE_US,
    PERIOD_US,
    READ_NOISE_E,
    READOUT_US,
    Pixels,
    Sensor,
)
from .served import Served
from .spec import Unkind
from .things import Hand, Thing
from .wiring import Wiring
from .world import World


class Scene:
    """The mat and what lies on it, under one rig (None: the standard one). Safe from any thread.

    The same rig, seed, thing, light and sequence number give the same bytes.

    Args:
        seed: of noise, motion and drift.
        dpi: what the camera samples at the mat.
        rig: lights and lens.
        isp: what the camera makes of its sensor's codes; the default leaves them linear.
        mains_hz, mains_depth: flicker of the room's light, see `Mains`; it shows where ambient light does.
    """

    def __init__(
        self, seed: int = 1, *, dpi: float = 600, rig: Rig | None = None, isp: Isp | None = None,
        mains_hz: Literal[0, 50, 60] = 0, mains_depth: float = 0.0,
    ) -> None:  # fmt: skip
        self.seed = seed
        self.rig = standard() if rig is None else rig
        self.optics = Optics(dpi, self.rig.lens)
        self._lock = threading.Lock()
        self._rendering = threading.Lock()
        self._world = World(None, dpi, self.rig)
        self._electrons: Floats | None = None
        self.wiring = Wiring()
        """Replace it to break lights; it holds for whatever is rendered from then on."""
        self.isp = Isp() if isp is None else isp
        self.served: Served | None = None
        """Replace it to have frames taken from memory."""
        self.mains = Mains(mains_hz, mains_depth)
        """Both may be replaced, too."""

    @property
    def dpi(self) -> float:
        """What the camera samples at the mat."""
        return self.optics.dpi

    @property
    def current(self) -> Thing:
        """What lies on the mat now; None: nothing."""
        return self.world.thing

    @property
    def world(self) -> World:
        """The world as it is now; a frame exposed now is rendered from it whenever it is asked for."""
        with self._lock:
            return self._world

    def place(self, thing: Thing) -> None:
        """Lay something on the mat in place of what lay there; its picture is prepared when first wanted."""
        with self._lock:
            here = self._world.over(thing) or self._world.over(
                thing.over if isinstance(thing, Hand) else None
            )
            if here is None or here.thing != thing:
                here = World(thing, self.dpi, self.rig, here if isinstance(thing, Hand) else None)
            self._world = here

    def wire(self, **faults: Any) -> None:  # noqa: ANN401 - the fields of `Wiring`
        """Break the lights in this way, from the next frame rendered on; without faults they are sound."""
        self.wiring = Wiring(**faults)

    def prepare(self) -> None:
        """Make what lies on the mat ready to be rendered now: at 600 dpi that takes about a second."""
        self.world.arrays()

    def remove(self) -> None:
        """Clear the mat."""
        self.place(None)

    def render(
        self, on: NDArray[np.float64] | list[list[float]], *,
        exposure_us: int = NOMINAL_EXPOSURE_US, gain: float = 1.0, bit_depth: int = 8, sequence: int = 0,
        world: World | None = None, first_ns: int | None = None, readout_us: int = READOUT_US,
    ) -> Pixels:  # fmt: skip
        """One frame: codes (H, W, 3), RGB, uint8 or uint16.

        Args:
            on: (bands, lights) or (lights,), share of the exposure that each light burned, 0 to 1.
            exposure_us: of every row.
            gain: analogue gain.
            bit_depth: 8 or 16.
            sequence: number of the frame; it seeds noise, motion and drift.
            world: as it was when the frame was exposed; None: as it is now.
            first_ns: when the first row's exposure began, on the monotonic clock; only flicker depends on it.
                None: as if the camera had run freely since 0.
            readout_us: from the first row's exposure to the last's.

        Raises:
            ValueError: `on` has another number of lights, or a bit depth that is not offered.
        """
        shares = np.asarray(on, np.float64)
        lights = len(self.rig.lights)
        if shares.shape[-1] != lights or bit_depth not in (8, 16):
            raise ValueError(
                f"{shares.shape[-1]} lights and {bit_depth} bit; the twin has {lights} lights, 8 or 16 bit"
            )
        chosen = world if world is not None else self.world
        began_ns = sequence * PERIOD_US * 1_000 if first_ns is None else first_ns
        room = self.mains.shares(began_ns, readout_us, exposure_us, BANDS)
        isp = self.isp
        sensor = Sensor(bit_depth if isp.linear else 16, gain)
        with self._rendering:
            shining = self.wiring.shining(np.broadcast_to(shares, (BANDS, lights)))
            electrons = self._expose(chosen, shining, exposure_us, sequence, room)
            if self.wiring.covered:
                electrons[:] = 0
            codes = self._digitise(electrons, sensor, chosen.unkind, sequence)
        return isp.turn(codes if isp.linear else isp.develop(codes, bit_depth))

    def _expose(self, world: World, on: Doubles, exposure_us: int, sequence: int, room: Doubles) -> Floats:
        buffer, fields = world.arrays()
        rng = stream(self.seed, "frame", sequence)
        motion = world.unkind.motion_px_rms * rng.standard_normal(2)
        drift = 1 + world.unkind.light_drift * rng.standard_normal(len(self.rig.lights))
        scale = ELECTRONS_PER_RADIANCE * exposure_us / NOMINAL_EXPOSURE_US
        weights = (scale * drift * on).astype(np.float32)
        level = (scale * world.unkind.ambient * room).astype(np.float32)
        ambient = level[:, None] * np.array([1.1, 1.0, 0.85], np.float32)
        lens = self.rig.lens
        taps = np.stack([_taps(float(shift), lens.blur_px) for shift in motion])
        colours = np.array([light.colour for light in self.rig.lights], np.float32)
        shape = (self.optics.height_px, 3, self.optics.width_px)
        if self._electrons is None:  # kept, because fresh pages cost more than the light
            self._electrons = np.empty(shape, np.float32)
        loss = lens.vignetting
        light = self._electrons, buffer, world.segments, fields, weights, colours, ambient, taps, loss
        if world.balls is None:
            expose(*light)
        else:
            world.balls.expose(*light, motion)
        for film in world.films:
            film.shine(self._electrons, weights, colours)
        return self._electrons

    def _digitise(self, electrons: Floats, sensor: Sensor, unkind: Unkind, sequence: int) -> Pixels:
        height, _, width = electrons.shape
        codes = sensor.blank(height, width)
        seed = stream(self.seed, "noise", sequence).integers(0, 2**63, dtype=np.uint64)
        noise = np.array([unkind.shot_noise, READ_NOISE_E**2 * unkind.read_noise], np.float32)
        scale = np.array(
            [sensor.codes_per_electron, sensor.black_level, sensor.full_scale + 0.49, FULL_WELL_E], np.float32
        )
        digitise(codes, electrons, _quantiles(), seed, noise, scale)
        return codes


def _taps(shift_px: float, blur_px: float) -> Floats:
    """Weights of the samples around a pixel that moved by `shift_px`: its square and the lens's Gaussian."""
    wide = sqrt(2) * blur_px
    places = (np.arange(TAPS) - (TAPS - 1) / 2) / 2 - shift_px
    weights = np.array([erf((x + 0.5) / wide) - erf((x - 0.5) / wide) for x in places])
    weights /= weights.sum()
    return weights.astype(np.float32)


@cache
def _quantiles() -> Floats:
    """Equally likely values of a normal deviate, scaled to unit variance."""
    from scipy.special import ndtri  # noqa: PLC0415 - scipy is slow to import, and only a renderer needs it

    table = ndtri((np.arange(QUANTILES) + 0.5) / QUANTILES)
    return np.asarray(table / table.std(), np.float32)
