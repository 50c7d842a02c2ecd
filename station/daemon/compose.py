"""Puts the rooms together in the order in which they depend on each other, and apart in the opposite one."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from ..archive.catalogue import Catalogue
from ..archive.recovery import Recovery, recover
from ..bus.delivery import Deliverer
from ..bus.events import EventPublishers
from ..bus.method import Method
from ..bus.preview import Previews
from ..calibrate.profile import LoadedProfile
from ..calibrate.store import profile_in_use, require_own
from ..camera.interface import Camera
from ..camera.opencv_camera import OpenCvCamera
from ..config import Settings
from ..documents.ids import new_id
from ..photometric.cuda import best_solver
from ..rig.interface import BoardInfo, PanelEvent
from ..rig.serial_rig import SerialRig
from ..scan.calibration.bench import bench_of
from ..scan.calibration.desk import Calibrating, CalibrationDesk, Place
from ..scan.calibration.photographer import DevicePhotographer
from ..scan.calibration.taking import Bench
from ..scan.desk import RigDesk
from ..scan.devices import Devices
from ..scan.exposure import LightCheck
from ..scan.journal import Journal
from ..scan.judging.judge import StackJudge
from ..scan.looking import Eyes
from ..scan.processor import Processor
from ..scan.recognising import Recogniser
from ..scan.recorder import SOFTWARE, ScanRecorder
from ..scan.reprocess import Reprocessor
from ..scan.runner import ScanRunner
from ..scan.service import ScanService
from ..scan.standing import Standing
from ..share.durable import storing
from .batch_methods import batch_methods
from .calibration_methods import calibration_methods, laying_methods
from .doctoring import doctor_method
from .endpoints import Endpoints
from .file_methods import file_methods
from .hands_free import HandsFree
from .health import Parts
from .keeping_methods import keeping_methods
from .methods import station_methods
from .outgoing import Outgoing
from .result_methods import result_methods
from .retaining import Retaining
from .rig_methods import rig_methods
from .twin_methods import bench_methods

if TYPE_CHECKING:
    from ..twin.bench import TwinBench

log = logging.getLogger(__name__)
T = TypeVar("T")
NEW_IN_OUTBOX = ("scan.captured", "scan.processed", "scan.withdrawn")


class Scanning(NamedTuple):
    """The devices, and those who work with them."""

    rig: SerialRig
    devices: Devices
    runner: ScanRunner
    service: ScanService
    processor: Processor
    desk: RigDesk


class Daemon:
    """Everything the daemon process holds.

    Entering opens it all or nothing; leaving closes it, lights first.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = settings.station.data
        self._boot = new_id()
        self._stack = AsyncExitStack()
        self._hands_free: HandsFree | None = None
        self._recogniser = Recogniser()
        self._parts: Parts | None = None

    @property
    def parts(self) -> Parts:
        """What the watchdog asks; there once it is open."""
        assert self._parts is not None  # noqa: S101 - see above
        return self._parts

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        settings = self._settings
        profile = profile_in_use(settings)
        catalogue, recovery = self._open_archive()
        bench = self._open_bench()
        sockets = Endpoints(settings, self._entered)
        publisher = await sockets.events(self._boot, catalogue.head_seq())
        journal = self._open_journal(catalogue, publisher)
        scanning = self._open_scanning(profile, journal, bench)
        await scanning.runner.on_rig(scanning.devices.open_rig)
        await scanning.runner.on_camera(scanning.devices.open_camera)
        scanning.service.open()
        for scan_id in recovery.pending:
            scanning.processor.submit(scan_id)
        scanning.processor.open()
        self._stack.push_async_callback(scanning.processor.close)
        deliverer = await self._open_delivery(journal)
        hands_free = await self._open_hands_free(profile, scanning, journal, await sockets.previews(), bench)
        scanning.service.standing = Standing(
            lambda: hands_free.batches.current, sockets.lock.show, lambda: deliverer.trouble
        )
        await sockets.serve(self._methods(scanning, journal, hands_free, bench), journal.tell)
        self._parts = Parts(scanning.service, scanning.runner, journal)
        for event in recovery.events:
            publisher.publish(event)

    def _methods(
        self, scanning: Scanning, journal: Journal, hands_free: HandsFree, bench: "TwinBench | None"
    ) -> tuple[Method[Any], ...]:
        """Everything that is served; what answers it and is not there yet is opened here."""
        settings, service = self._settings, scanning.service
        calibration = self._open_calibration(scanning, journal)
        retaining = self._open_retaining(scanning, journal, hands_free)
        return (
            *station_methods(service, journal),
            *file_methods(service),
            *rig_methods(scanning.desk),
            *calibration_methods(calibration),
            *result_methods(Reprocessor(settings, journal, scanning.processor)),
            *keeping_methods(service, journal, retaining),
            *batch_methods(hands_free.batches),
            doctor_method(settings, journal, scanning.devices, service),
            *((*bench_methods(bench), *laying_methods(bench, calibration.calibrating)) if bench else ()),
        )

    def _open_journal(self, catalogue: Catalogue, publisher: EventPublishers) -> Journal:
        journal = Journal(catalogue, publisher, catalogue.head_seq())
        self._stack.callback(journal.close)
        if unreadable := self._recogniser.load(catalogue.appearances()):
            log.warning("%d stored sides cannot be recognised: another release looked at them", unreadable)
        journal.listen(self._recogniser.happened)
        return journal

    async def _open_hands_free(
        self,
        profile: LoadedProfile,
        scanning: Scanning,
        journal: Journal,
        previews: Previews,
        bench: "TwinBench | None",
    ) -> HandsFree:
        camera, runner = scanning.devices.camera, scanning.runner
        hands_free = HandsFree(
            self._settings, profile, scanning.rig, camera, runner, scanning.service, journal, previews, bench
        )
        self._hands_free = hands_free
        self._stack.push_async_callback(hands_free.close)
        await hands_free.open()
        if self._settings.scan.compute == "between_batches":
            processor = scanning.processor
            processor.held = lambda: hands_free.batches.is_open
            journal.listen(lambda event: processor.wake() if event.type == "batch.finished" else None)
        return hands_free

    def _open_retaining(self, scanning: Scanning, journal: Journal, hands_free: HandsFree) -> Retaining:
        service, processor = scanning.service, scanning.processor

        def idle() -> bool:
            working = processor.waiting or hands_free.batches.open_id or service.admission.clock.jumped
            return service.free and not working

        retaining = Retaining(
            self._settings, journal, idle, lambda: set(processor.waiting), lambda: hands_free.batches.open_id
        )
        self._stack.push_async_callback(retaining.close)
        retaining.open()
        return retaining

    def _open_archive(self) -> tuple[Catalogue, Recovery]:
        with storing(self._root):
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        catalogue = Catalogue(self._root, station=self._settings.station.name, boot=self._boot).open()
        self._stack.callback(catalogue.close)
        recovery = recover(self._root, catalogue)
        for what in (
            "swept",
            "interrupted",
            "adopted",
            "adopted_results",
            "unreadable",
            "returned",
            "requeued",
            "removed",
            "marked",
            "pending",
        ):
            if found := getattr(recovery, what):
                log.warning("recovery: %s: %s", what.replace("_", " "), found)
        return catalogue, recovery

    def _open_bench(self) -> "TwinBench | None":
        if not self._settings.simulated:
            return None
        from ..twin.bench import TwinBench  # noqa: PLC0415 - the twin only where there is no hardware

        run = self._root / "run"
        bench = TwinBench(
            run, self._settings.twin, self._settings.rig.lease_ms, triggered=self._settings.camera.wired
        )
        bench.open()
        self._stack.callback(bench.close)
        bench.place(self._settings.twin.seed, "front")
        return bench

    def _open_scanning(self, profile: LoadedProfile, journal: Journal, bench: "TwinBench | None") -> Scanning:
        settings = self._settings
        service: ScanService
        loop = asyncio.get_running_loop()
        rig = SerialRig(
            self._port(bench),
            settings.rig.baud,
            settings.rig.lease_ms,
            settings.rig.open_timeout_s,
            on_fault=lambda error: _in_loop(loop, lambda: service.board_fault(error)),
            on_panel=lambda moved: _in_loop(loop, lambda: self._moved(moved)),
        )
        devices = Devices(rig, self._camera(bench), self._admission(profile))
        processor = Processor(self._root, journal, profile, best_solver())
        recorder = ScanRecorder(
            self._root,
            journal,
            lambda: service.provenance(profile.sha256),
            processor.submit,
            self._recogniser.stored,
        )
        judge = StackJudge(profile, self._recogniser)
        check = LightCheck(profile, settings.camera)
        runner = ScanRunner(rig, devices.camera, check, recorder, judge)
        service = ScanService(
            settings, self._boot, devices, journal, runner, recorder, processor, profile.profile
        )
        self._stack.callback(recorder.close)
        self._stack.callback(runner.close)
        self._stack.callback(devices.close)
        self._stack.push_async_callback(service.close)
        eyes = Eyes(rig, devices.camera, profile, settings, settings.simulated)
        desk = RigDesk(service, devices, eyes, rig, settings.rig.baud, journal, runner)
        self._stack.push_async_callback(desk.close)
        return Scanning(rig, devices, runner, service, processor, desk)

    def _moved(self, moved: PanelEvent) -> None:
        if self._hands_free is not None:
            self._hands_free.batches.moved(moved)

    def _open_calibration(self, scanning: Scanning, journal: Journal) -> CalibrationDesk:
        settings = self._settings
        devices, runner, service = scanning.devices, scanning.runner, scanning.service
        photographer = DevicePhotographer(devices.rig, devices.camera, settings.camera, runner)

        def bench() -> Bench:
            return bench_of(settings, devices.open_rig(), devices.open_camera(), devices.camera)

        place = Place(self._root, SOFTWARE, settings.scan.exposure_us, bench)
        calibrating = Calibrating(place, photographer, simulated=settings.simulated)

        async def opened() -> None:
            await service.clear_view()
            await runner.on_rig(devices.open_rig)
            await runner.on_camera(devices.open_camera)

        desk = CalibrationDesk(calibrating, service, opened, journal.tell)
        self._stack.push_async_callback(desk.close)
        return desk

    def _admission(self, profile: LoadedProfile) -> Callable[[BoardInfo], None]:
        """Refuses a board that the profile does not belong to."""
        simulated = self._settings.simulated
        return lambda board: require_own(profile.profile, board.board, simulated=simulated or board.simulated)

    def _port(self, bench: "TwinBench | None") -> str:
        port = self._settings.rig.port
        return str(bench.port) if bench is not None and port == "twin" else port

    def _camera(self, bench: "TwinBench | None") -> Camera:
        camera = self._settings.camera
        if bench is not None and camera.source == "twin":
            return bench.camera
        return OpenCvCamera.of(camera)

    async def _open_delivery(self, journal: Journal) -> Deliverer:
        outgoing = Outgoing(self._root, journal)
        deliverer = await self._entered(
            Deliverer(
                self._settings.endpoint("intake"), outgoing, self._settings.station.name, root=self._root
            )
        )
        journal.listen(lambda event: deliverer.wake() if event.type in NEW_IN_OUTBOX else None)
        return deliverer

    async def _entered(self, resource: AbstractAsyncContextManager[T]) -> T:
        return await self._stack.enter_async_context(resource)


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """From a device's thread to the loop; a loop that is closed has nobody left to tell."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
