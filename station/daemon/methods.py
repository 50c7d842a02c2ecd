"""The methods of `control`, each with what it takes, gives and changes."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ..bus.method import Method
from ..documents.base import StrictDocument
from ..documents.event import Event, Status
from ..documents.plan import Side
from ..documents.requests import Accepted, EventsSince, NoParams, ScanGet, ScanList, ScanStart, ScanStarted
from ..documents.rig import LightNumber
from ..documents.scan import ScanSummary
from ..scan.journal import Journal
from ..scan.service import ScanService

if TYPE_CHECKING:
    from ..twin.bench import TwinBench

Methods = tuple[Method[Any], ...]


class TwinPlace(StrictDocument):
    """`twin.place`: which simulated card lies on the mat.

    Without `bow_mm` the twin chooses it from the seed.
    """

    seed: int = Field(ge=0)
    side: Side = "front"
    bow_mm: float | None = Field(default=None, ge=-5, le=5)


class TwinCable(StrictDocument):
    """`twin.camera`: whether the simulated camera is plugged in."""

    plugged: bool


class TwinLights(StrictDocument):
    """`twin.lights`: faults of the simulated lights; see `twin.wiring.Wiring`. Without any they are sound."""

    shares: dict[LightNumber, Annotated[float, Field(ge=0, le=100)]] = Field(default_factory=dict)
    swapped: tuple[tuple[LightNumber, LightNumber], ...] = ()
    always_on: tuple[LightNumber, ...] = ()
    covered: bool = False


def station_methods(service: ScanService, journal: Journal) -> Methods:
    """What every station serves."""

    async def start(params: ScanStart) -> ScanStarted:
        return ScanStarted(scan_id=await service.start(params))

    async def abort(_: NoParams) -> Accepted:
        service.abort()
        return Accepted()

    async def status(_: NoParams) -> Status:
        return await service.status()

    async def get(params: ScanGet) -> ScanSummary:
        return await service.get(params.id)

    async def newest(params: ScanList) -> list[ScanSummary]:
        return await service.newest(params.limit)

    async def since(params: EventsSince) -> list[Event]:
        return await journal.ask(lambda catalogue: catalogue.events_since(params.seq, params.limit))

    return (
        Method("status", status, NoParams, Status, "What is going on, in one atomic document."),
        Method(
            "scan.start",
            start,
            ScanStart,
            ScanStarted,
            "Scan the card under the camera.",
            effect="Lights go on and off; a scan is stored.",
            completes="scan.captured, then scan.processed; or scan.failed",
        ),
        Method(
            "scan.abort",
            abort,
            NoParams,
            Accepted,
            "Stop the running scan; pictures that are being stored already are kept.",
            effect="Lights go off.",
            completes="scan.failed",
        ),
        Method("scan.get", get, ScanGet, ScanSummary, "One scan with its newest result and its delivery."),
        Method("scan.list", newest, ScanList, list[ScanSummary], "The newest scans, newest first."),
        Method("events.since", since, EventsSince, list[Event], "Events of the journal after a number."),
    )


def bench_methods(bench: "TwinBench") -> Methods:
    """What a station on the digital twin serves besides."""

    async def place(params: TwinPlace) -> Accepted:
        bench.place(params.seed, params.side, params.bow_mm)
        return Accepted()

    async def remove(_: NoParams) -> Accepted:
        bench.remove()
        return Accepted()

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
        Method(
            "twin.place",
            place,
            TwinPlace,
            Accepted,
            "Put a simulated card on the mat.",
            effect="The simulated scene.",
        ),
        Method(
            "twin.remove",
            remove,
            NoParams,
            Accepted,
            "Take the simulated card away.",
            effect="The simulated scene.",
        ),
    )
