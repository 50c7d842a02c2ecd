"""The methods `twin.*` of `control`: what a station on the digital twin serves besides."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ..bus.method import Method
from ..documents.base import StrictDocument
from ..documents.fault import StationError
from ..documents.operating import Diary, DiaryRead, Operate, Prepare, Prepared
from ..documents.plan import Side
from ..documents.requests import Accepted, NoParams
from ..documents.rig import LightNumber

if TYPE_CHECKING:
    from ..twin.bench import TwinBench

Methods = tuple[Method[Any], ...]
Seed = Annotated[int, Field(ge=0)]
Millimetres = Annotated[float, Field(ge=-200, le=200)]
Degrees = Annotated[float, Field(ge=-180, le=180)]


class TwinPlace(StrictDocument):
    """`twin.place`: which simulated card lies on the mat.

    Attributes:
        bow_mm: None: the twin chooses it from the seed.
        turned: whether it lies upside down.
        copy_number: which copy of that printing.
        sleeve: whether it is in a clear sleeve.
        nudge: pushed right and up in mm, turned by degrees.
    """

    seed: Seed
    side: Side = "front"
    bow_mm: float | None = Field(default=None, ge=-5, le=5)
    turned: bool = False
    copy_number: int = Field(default=0, ge=0)
    sleeve: bool = False
    nudge: tuple[Millimetres, Millimetres, Degrees] = (0.0, 0.0, 0.0)


class TwinPair(StrictDocument):
    """`twin.pair`: two simulated cards at once; `apart` is the `nudge` of the second."""

    seeds: tuple[Seed, Seed]
    side: Side = "front"
    apart: tuple[Millimetres, Millimetres, Degrees] = (13.0, -8.0, 6.0)


class TwinHand(StrictDocument):
    """`twin.hand`: a hand over what lies there.

    Attributes:
        phase: of its movement; 0: it is gone, 1: its fingers are on the card.
        edge: of the picture, over which it comes.
        seed: of its place and its slant.
    """

    phase: float = Field(default=1.0, ge=0, le=1)
    edge: Literal["bottom", "left", "right", "top"] = "bottom"
    seed: Seed = 0


class TwinCable(StrictDocument):
    """`twin.camera`: whether the simulated camera is plugged in."""

    plugged: bool


class TwinLights(StrictDocument):
    """`twin.lights`: faults of the simulated lights; see `twin.wiring.Wiring`. Without any they are sound."""

    shares: dict[LightNumber, Annotated[float, Field(ge=0, le=100)]] = Field(default_factory=dict)
    swapped: tuple[tuple[LightNumber, LightNumber], ...] = ()
    always_on: tuple[LightNumber, ...] = ()
    covered: bool = False


def bench_methods(bench: "TwinBench") -> Methods:
    """What a station on the digital twin serves besides."""
    return (*_cards(bench), *_faults(bench), *_operator(bench), *_memory(bench))


def _cards(bench: "TwinBench") -> Methods:
    async def place(params: TwinPlace) -> Accepted:
        bench.place(**dict(params))
        return Accepted()

    async def pair(params: TwinPair) -> Accepted:
        bench.place_pair(params.seeds, params.side, params.apart)
        return Accepted()

    async def hand(params: TwinHand) -> Accepted:
        bench.reach_over(params.phase, params.edge, params.seed)
        return Accepted()

    async def remove(_: NoParams) -> Accepted:
        bench.remove()
        return Accepted()

    scene = "The simulated scene."
    return (
        Method("twin.place", place, TwinPlace, Accepted, "Put a simulated card on the mat.", effect=scene),
        Method("twin.pair", pair, TwinPair, Accepted, "Put two simulated cards on the mat.", effect=scene),
        Method(
            "twin.hand",
            hand,
            TwinHand,
            Accepted,
            "Hold a simulated hand over what lies there, or take it away.",
            effect=scene,
        ),
        Method("twin.remove", remove, NoParams, Accepted, "Take the simulated card away.", effect=scene),
    )


def _operator(bench: "TwinBench") -> Methods:
    async def operate(params: Operate) -> Accepted:
        await asyncio.to_thread(bench.operate, params)
        return Accepted()

    async def diary(params: DiaryRead) -> Diary:
        if bench.operator is None:
            raise StationError("not_ready", "nobody operates the simulated station; `twin.operate` begins it")
        return bench.operator.diary(params.since, params.limit)

    return (
        Method(
            "twin.operate",
            operate,
            Operate,
            Accepted,
            "Let a scripted operator put simulated cards down, as the station's signals ask for.",
            effect="The simulated scene, from now on.",
        ),
        Method("twin.diary", diary, DiaryRead, Diary, "What the scripted operator did so far, truthfully."),
    )


def _memory(bench: "TwinBench") -> Methods:
    async def prepare(params: Prepare) -> Prepared:
        bench.prepare(
            params.seeds,
            params.sides,
            exposure_us=params.exposure_us,
            gain=params.gain,
            look_percent=params.look_percent,
        )
        return bench.prepared()

    async def prepared(_: NoParams) -> Prepared:
        return bench.prepared()

    return (
        Method(
            "twin.prepare",
            prepare,
            Prepare,
            Prepared,
            "Begin to render pictures of simulated cards that the camera will take from memory.",
            effect="Memory: about 160 MB a side at 600 dpi.",
            completes="twin.prepared says done",
        ),
        Method("twin.prepared", prepared, NoParams, Prepared, "How far `twin.prepare` is."),
    )


def _faults(bench: "TwinBench") -> Methods:
    async def camera(params: TwinCable) -> Accepted:
        (bench.camera.plug if params.plugged else bench.camera.unplug)()
        return Accepted()

    async def lights(params: TwinLights) -> Accepted:
        bench.scene.wire(**dict(params))
        return Accepted()

    return (
        Method(
            "twin.lights",
            lights,
            TwinLights,
            Accepted,
            "Break the simulated lights, or mend them all.",
            effect="The simulated scene.",
        ),
        Method(
            "twin.camera",
            camera,
            TwinCable,
            Accepted,
            "Pull the simulated camera's cable, or plug it in again.",
            effect="The simulated camera.",
        ),
    )
