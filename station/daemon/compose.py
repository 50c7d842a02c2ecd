"""Puts the rooms together in the order in which they depend on each other, and apart in the opposite one."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from ..archive.catalogue import Catalogue
from ..archive.recovery import Recovery, recover
from ..bus.control import ControlServer
from ..bus.delivery import Deliverer
from ..bus.events import EventPublisher
from ..bus.method import table
from ..calibrate.profile import LoadedProfile
from ..calibrate.store import profile_in_use, require_own
from ..camera.interface import Camera
from ..camera.opencv_camera import OpenCvCamera
from ..config import Settings
from ..documents.ids import new_id
from ..photometric.cuda import best_solver
from ..rig.interface import BoardInfo
from ..rig.serial_rig import SerialRig
from ..scan.calibration.bench import bench_of
from ..scan.calibration.desk import Calibrating, CalibrationDesk, Place
from ..scan.calibration.photographer import DevicePhotographer
from ..scan.calibration.taking import Bench
from ..scan.desk import RigDesk
from ..scan.devices import Devices
from ..scan.exposure import LightCheck
from ..scan.journal import Journal
from ..scan.looking import Eyes
from ..scan.processor import Processor
from ..scan.recorder import SOFTWARE, ScanRecorder
from ..scan.reprocess import Reprocessor
from ..scan.runner import ScanRunner
from ..scan.service import ScanService
from ..share.durable import storing
from .calibration_methods import calibration_methods, laying_methods
from .methods import bench_methods, station_methods
from .outgoing import Outgoing
from .result_methods import result_methods
from .rig_methods import rig_methods

if TYPE_CHECKING:
    from ..twin.bench import TwinBench

log = logging.getLogger(__name__)
T = TypeVar("T")
NEW_IN_OUTBOX = ("scan.captured", "scan.processed")


class Daemon:
    """Everything the daemon process holds.

    Entering opens it all or nothing; leaving closes it, lights first.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = settings.station.data
        self._boot = new_id()
        self._stack = AsyncExitStack()

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
        publisher = await self._entered(
            EventPublisher(settings.endpoint("events"), self._boot, catalogue.head_seq())
        )
        journal = Journal(catalogue, publisher, catalogue.head_seq())
        self._stack.callback(journal.close)
        devices, runner, service, processor, desk = self._open_scanning(profile, journal, bench)
        await runner.on_rig(devices.open_rig)
        await runner.on_camera(devices.open_camera)
        service.open()
        for scan_id in recovery.pending:
            processor.submit(scan_id)
        processor.open()
        self._stack.push_async_callback(processor.close)
        await self._open_delivery(journal)
        calibration = self._open_calibration(devices, runner, service, journal)
        methods = table(
            *station_methods(service, journal),
            *rig_methods(desk),
            *calibration_methods(calibration),
            *result_methods(Reprocessor(settings, journal, processor)),
            *((*bench_methods(bench), *laying_methods(bench, calibration.calibrating)) if bench else ()),
        )
        await self._entered(ControlServer(settings.endpoint("control"), methods))
        for event in recovery.events:
            publisher.publish(event)

    def _open_archive(self) -> tuple[Catalogue, Recovery]:
        with storing(self._root):
            self._root.mkdir(parents=True, exist_ok=True)
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

    def _open_scanning(
        self, profile: LoadedProfile, journal: Journal, bench: "TwinBench | None"
    ) -> tuple[Devices, ScanRunner, ScanService, Processor, RigDesk]:
        settings = self._settings
        service: ScanService
        loop = asyncio.get_running_loop()
        rig = SerialRig(
            self._port(bench),
            settings.rig.baud,
            settings.rig.lease_ms,
            settings.rig.open_timeout_s,
            on_fault=lambda error: _in_loop(loop, lambda: service.board_fault(error)),
        )
        devices = Devices(rig, self._camera(bench), self._admission(profile))
        processor = Processor(self._root, journal, profile, best_solver())
        recorder = ScanRecorder(
            self._root, journal, lambda: service.provenance(profile.sha256), processor.submit
        )
        runner = ScanRunner(rig, devices.camera, LightCheck(profile, settings.camera), recorder)
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
        return devices, runner, service, processor, desk

    def _open_calibration(
        self, devices: Devices, runner: ScanRunner, service: ScanService, journal: Journal
    ) -> CalibrationDesk:
        settings = self._settings
        photographer = DevicePhotographer(devices.rig, devices.camera, settings.camera, runner)

        def bench() -> Bench:
            return bench_of(settings, devices.open_rig(), devices.open_camera(), devices.camera)

        place = Place(self._root, SOFTWARE, settings.scan.exposure_us, bench)
        calibrating = Calibrating(place, photographer, simulated=settings.simulated)

        async def opened() -> None:
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

    async def _open_delivery(self, journal: Journal) -> None:
        outgoing = Outgoing(self._root, journal)
        deliverer = await self._entered(
            Deliverer(self._settings.endpoint("intake"), outgoing, self._settings.station.name)
        )
        journal.listen(lambda event: deliverer.wake() if event.type in NEW_IN_OUTBOX else None)

    async def _entered(self, resource: AbstractAsyncContextManager[T]) -> T:
        return await self._stack.enter_async_context(resource)


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """From a device's thread to the loop; a loop that is closed has nobody left to tell."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
