"""What the station does for its clients: start, abort, look up, and the one atomic status."""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import get_args

from .. import __version__
from ..archive.room import Room
from ..config import Settings
from ..documents.event import Event, MachineState, Status
from ..documents.fault import StationError
from ..documents.ids import new_id
from ..documents.judgement import Expected, ProblemCode
from ..documents.limits import LIMITS
from ..documents.profile import RigProfile
from ..documents.requests import ScanStart
from ..documents.scan import Provenance, ScanSummary
from . import machine
from .admission import Admission, look, unwell
from .devices import Devices
from .journal import Journal
from .keeper import DeviceName, Keeper, Watch
from .planning import plan_of
from .processor import Processor
from .recorder import SOFTWARE, ScanRecorder, machine_name
from .runner import ANYTHING, ScanRunner
from .standing import Standing
from .view import NobodyLooks, View

log = logging.getLogger(__name__)
ENDS = ("scan.captured", "scan.failed")
NO_FAULT = frozenset(("aborted", *get_args(ProblemCode)))
"""Ends of a scan that say nothing against the station: it was asked to end, or the card was refused."""


class ScanService:
    """The scan room as its clients see it. All methods belong to the loop."""

    def __init__(
        self,
        settings: Settings,
        boot: str,
        devices: Devices,
        journal: Journal,
        runner: ScanRunner,
        recorder: ScanRecorder,
        processor: Processor,
        profile: RigProfile,
    ) -> None:
        self._settings = settings
        self._boot = boot
        self._devices = devices
        self._journal = journal
        self._runner = runner
        self._recorder = recorder
        self._processor = processor
        self._profile = profile
        self._scan: asyncio.Task[None] | None = None
        self._scanning: str | None = None
        self._fault: str | None = None
        self._ending = False
        self._mending: set[asyncio.Task[None]] = set()
        self._holder = ""
        self._reserved = ""
        self.standing = Standing()
        """What the status says beside scans."""
        station = settings.station
        self.admission = Admission(station.data, station.reserve_mb, LIMITS.outbox_depth, journal)
        self._cleared = False
        self.view: View = NobodyLooks()
        """Who looks at the mat meanwhile, and makes room for whoever works with rig and camera."""
        self._keeper = Keeper(
            {
                "rig": lambda: runner.on_rig(devices.open_rig),
                "camera": lambda: runner.on_camera(devices.open_camera),
            },
            self._is_back,
            self._watch(),
        )
        journal.listen(self._on_event)

    def _watch(self) -> Watch | None:
        """Frames can be looked at that come by themselves, and that nobody misses afterwards."""
        camera = self._settings.camera
        if camera.trigger != "none" or Path(camera.source).is_file():
            return None
        return Watch(
            lambda: self._runner.on_camera(self._devices.see),
            lambda: self._scanning is None and not self._holder and not self._reserved,
            lambda error: self._note(error.code, str(error)),
        )

    def open(self) -> None:
        """Begin to look after the devices."""
        self._keeper.open()

    @property
    def _simulated(self) -> bool:
        """Whether any device is: by its name in the settings, or by what it said of itself."""
        board, eye = self._devices.board, self._devices.eye
        said = (board is not None and board.simulated) or (eye is not None and eye.simulated)
        return self._settings.simulated or said

    @property
    def _root(self) -> Path:
        return self._settings.station.data

    async def start(self, request: ScanStart, expected: Expected = ANYTHING, batch: str = "") -> str:
        """Accept a card and begin; the scan's identity.

        Args:
            request: what it is.
            expected: what the judge holds the card against; what makes it a bad picture is always refused.
            batch: the hands-free batch that it belongs to.

        Raises:
            StationError: `busy`, or what `ready` raises: what is missing is said before a card is accepted,
                never in the middle.
        """
        await self._last_scan()
        self.require_free(batch)
        scan_id = new_id()
        self._scanning, self._ending = scan_id, False
        try:
            await self.ready()
            card_id = request.card_id or scan_id
            await self._recorder.begin(scan_id, card_id, request, simulated=self._simulated, batch=batch)
        except BaseException:
            self._scanning = None
            raise
        self._scan = asyncio.create_task(self._carry_out(scan_id, expected), name=f"scan {scan_id}")
        return scan_id

    async def _last_scan(self) -> None:
        """Whoever heard that a scan ended may start the next at once: wait for the threads to come to rest.

        Raises:
            StationError: `busy`, the last scan has not ended.
        """
        while self._scanning is not None:
            if not self._ending or self._scan is None:
                raise StationError("busy", f"scan {self._scanning} is running ({self._runner.state.phase})")
            await asyncio.wait([self._scan])

    def _on_event(self, event: Event) -> None:
        if event.cause == self._scanning and event.type in ENDS:
            self._ending = True

    def abort(self) -> None:
        """Ask the running scan to stop; without one nothing happens."""
        self._runner.post(machine.Abort())

    @property
    def free(self) -> bool:
        """Whether nothing is scanned and nobody else has the rig."""
        return self._scanning is None and not self._holder

    async def ready(self) -> None:
        """Return where a card would be accepted; what is lost is looked for once more.

        Raises:
            StationError: `not_ready`, naming the part; what `Admission.admit` raises.
        """
        await self.admission.admit()
        if self._unwell() is not None:
            with suppress(StationError):  # it is the evidence of its status then
                await self._runner.on_rig(self._devices.open_rig)
                await self._runner.on_camera(self._devices.open_camera)
        if (problem := self._unwell()) is not None:
            raise problem

    def _unwell(self) -> StationError | None:
        return unwell(rig=self._devices.rig_status, camera=self._devices.camera_status)

    def require_free(self, batch: str = "") -> None:
        """Refuse to disturb; what belongs to the open batch does not disturb it.

        Raises:
            StationError: `busy`, a scan is running or somebody else has the rig.
        """
        if self._scanning is not None and not self._ending:
            raise StationError("busy", f"scan {self._scanning} is running ({self._runner.state.phase})")
        if self._holder or (self._reserved and not batch):
            raise StationError("busy", f"the rig is taken: {self._holder or self._reserved}")

    def reserve(self, why: str) -> None:
        """From now on only scans of a batch are accepted, until `release`; see `require_free`."""
        self.require_free()
        self._reserved = why

    def release(self) -> None:
        """Everybody may scan again."""
        self._reserved = ""

    @property
    def looks_allowed(self) -> bool:
        """Whether both devices are there and nobody else has them."""
        return not self._holder and self._devices.board is not None and self._devices.eye is not None

    async def clear_view(self) -> None:
        """For whoever took hold: returns when nobody looks any more; `let_go` gives the view back."""
        if not self._cleared:
            self._cleared = True
            await self.view.clear()

    def take_hold(self, why: str) -> None:
        """Keep scans away until `let_go`; see `require_free`."""
        self.require_free()
        self._holder = why

    def let_go(self) -> None:
        """Scans may come again."""
        self._holder = ""
        if self._cleared:
            self._cleared = False
            self.view.free()

    def board_fault(self, error: StationError) -> None:
        """The board reported a fault or is gone; a scan under way fails with it."""
        if self._runner.running:
            self._runner.post(machine.Failed(error.code, str(error)))
        elif self._devices.board is not None:
            task = asyncio.create_task(self._note(error.code, str(error)))
            self._mending.add(task)
            task.add_done_callback(self._mending.discard)

    async def _carry_out(self, scan_id: str, expected: Expected) -> None:
        self._processor.give_way(capturing=True)
        try:
            await self.view.clear()
            await self._runner.on_rig(self._devices.open_rig)
            await self._runner.on_camera(self._devices.open_camera)
        except StationError as error:
            await self._recorder.tell(
                scan_id, machine.Tell("scan.failed", code=error.code, message=str(error))
            )
            await self._note(error.code, str(error))
        else:
            plan = plan_of(self._settings.scan, self._profile.camera)
            if plan.exposure_why:
                await self._recorder.tell(
                    scan_id, machine.Tell("scan.step", "plan", message=plan.exposure_why)
                )
            failure = await self._runner.run(scan_id, plan, expected)
            await self._note(failure.code, failure.message) if failure else self._well()
        finally:
            self._scanning = None
            self._processor.give_way(capturing=False)
            self.view.free()

    def _well(self) -> None:
        self._fault = None

    async def _note(self, code: str, message: str) -> None:
        """A device that failed is closed now; it is opened again in the background, or by the next scan."""
        self._fault = None if code in NO_FAULT else f"{code}: {message}"
        if code.startswith("camera_"):
            await self._runner.on_camera(lambda: self._devices.lost(code, message))
            await self._gone("camera", code, message)
        else:
            await self._runner.on_rig(lambda: self._devices.lost(code, message))
            if code.startswith("rig_"):
                await self._gone("rig", code, message)

    async def device_failed(self, error: StationError) -> None:
        """Something else than a scan found that a device fails."""
        await self._note(error.code, str(error))

    async def _gone(self, device: DeviceName, code: str, message: str) -> None:
        self._keeper.lost(device)
        await self._tell(f"{device}.lost", {"code": code, "message": message})

    async def _is_back(self, device: DeviceName) -> None:
        if self._fault is not None and self._fault.startswith(f"{device}_"):
            self._fault = None
        status = self._devices.rig_status if device == "rig" else self._devices.camera_status
        await self._tell(f"{device}.ready", {"name": status.name, "evidence": status.evidence})

    async def _tell(self, kind: str, data: dict[str, str]) -> None:
        try:
            await self._journal.tell(kind, data, "")
        except StationError as error:  # the devices are mended whether or not that can be written down
            log.warning("%s could not be written to the journal: %s", kind, error)

    def provenance(self, profile_sha256: str) -> Provenance:
        """Who made what is being scanned now."""
        board, eye = self._devices.board, self._devices.eye
        return Provenance(
            software=SOFTWARE,
            firmware=board.firmware if board else "unknown",
            board=board.board if board else "unknown",
            camera=eye.name if eye else "unknown",
            profile=self._profile.name,
            profile_sha256=profile_sha256,
            simulated=self._simulated,
            machine=machine_name(),
        )

    async def get(self, scan_id: str) -> ScanSummary:
        """One scan, with absolute paths.

        Raises:
            StationError: `not_found`.
        """
        return self._absolute(await self._journal.ask(lambda catalogue: catalogue.scan(scan_id)))

    async def newest(self, limit: int) -> list[ScanSummary]:
        """The newest scans, newest first."""
        found = await self._journal.ask(lambda catalogue: catalogue.scans(limit))
        return [self._absolute(scan) for scan in found]

    def _absolute(self, scan: ScanSummary) -> ScanSummary:
        folder = str(self._root / scan.folder) if scan.folder else ""
        return scan.replace(folder=folder, report=str(self._root / scan.report) if scan.report else None)

    async def status(self) -> Status:
        """The one atomic document: catalogue and loop as they were at one `seq`."""
        while True:
            seq = self._journal.head
            scans, seen = await self._journal.ask(lambda catalogue: (catalogue.count(), look(catalogue)))
            room, why_not = self.admission.room(seen), await self.admission.why_not(seen)
            if seq == self._journal.head:
                status = self._status(seq, scans, seen.undelivered, room)
                missing = unwell(rig=status.rig, camera=status.camera)
                return status.replace(not_ready=why_not or (str(missing) if missing else ""))

    def _status(self, seq: int, scans: int, undelivered: int, room: Room) -> Status:
        waiting, batch = self._processor.waiting, self.standing.batch()
        return Status(
            boot=self._boot,
            seq=seq,
            version=__version__,
            pid=os.getpid(),
            state=self._state(),
            quiescent=self._scanning is None and not waiting and undelivered == 0 and batch is None,
            simulated=self._simulated,
            scanning=self._scanning,
            step=self._step(),
            processing=waiting,
            undelivered=undelivered,
            rig=self._devices.rig_status,
            camera=self._devices.camera_status,
            fault=self._fault,
            scans=scans,
            bytes_per_side=room.bytes_per_side,
            room_for_sides=room.sides,
            disk_free_bytes=room.free_bytes,
            profile=self._profile.name,
            calibration=self._processor.ageing,
            data=str(self._root),
            batch=batch,
            lock=self.standing.lock(),
            delivery=self.standing.delivery(),
        )

    def _state(self) -> MachineState:
        if self._scanning is not None:
            return "storing" if self._runner.state.phase == "storing" else "capturing"
        if self._fault:
            return "fault"
        batch = self.standing.batch()
        return "idle" if batch is None else "paused" if batch.phase == "paused" else "batch"

    def _step(self) -> str:
        state = self._runner.state
        if state.phase == "exposing":
            return f"{state.phase} {'ambient' if state.light is None else f'light {state.light}'}"
        return "" if self._scanning is None else state.phase

    async def close(self) -> None:
        """Abort what runs and wait until it has ended."""
        self.abort()
        await self._keeper.close()
        scan = () if self._scan is None else (self._scan,)
        await asyncio.gather(*scan, *self._mending, return_exceptions=True)
        await self._keeper.close()  # what ended just now may have begun to look for a device
