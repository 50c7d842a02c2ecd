"""The calibration for people: where it stands, a step taken, the profile made. One at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ...documents.calibrating import (
    CalibrationBegin,
    CalibrationFinish,
    CalibrationOptions,
    CalibrationOutcome,
    CalibrationSkip,
    CalibrationState,
    CalibrationTake,
    Take,
)
from ...documents.fault import StationError
from ...documents.ids import new_id
from .finishing import finish
from .photographer import Photographer
from .procedures import take
from .session import Session
from .steps import step_named
from .taking import Bench

log = logging.getLogger(__name__)
Tell = Callable[[str, dict[str, Any], str], Awaitable[None]]
"""Type, data and cause of an event."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where and by whom calibrations are made.

    Attributes:
        data: the station's data folder.
        software: this release, in words.
        exposure_us: of scans, which the flat field is taken with.
        bench: tells what is known of rig and camera before they are calibrated; opens them if need be.
    """

    data: Path
    software: str
    exposure_us: int
    bench: Callable[[], Bench]


class Calibrating:
    """The calibration of one station, whoever asks. Methods may be called from one loop only."""

    def __init__(self, place: Place, photographer: Photographer, *, simulated: bool) -> None:
        self._place = place
        self._photographer = photographer
        self._simulated = simulated
        self._session: Session | None = None

    def begin(self, request: CalibrationBegin) -> CalibrationState:
        """Go on with the unfinished session, or begin anew.

        Raises:
            StationError: what the disk says; `calibration_unreadable`.
        """
        session = None if request.anew else Session.unfinished(self._place.data)
        if session is None:
            session = Session.create(
                self._place.data,
                software=self._place.software,
                exposure_us=self._place.exposure_us,
                options=request.options or CalibrationOptions(),
                simulated=self._simulated,
            )
        elif request.options is not None and request.options != session.options:
            session.note(options=request.options)
        self._session = session
        return session.state()

    @property
    def session(self) -> Session:
        """The one under way.

        Raises:
            StationError: `calibration_failed`, none was begun.
        """
        if self._session is None:
            self._session = Session.unfinished(self._place.data)
        if self._session is None:
            raise StationError(
                "calibration_failed", "no calibration is under way", "Run `station calibrate`."
            )
        return self._session

    def check(self, request: CalibrationTake) -> None:
        """Refuse what cannot be taken now.

        Raises:
            StationError: `bad_request`: no such place; a step that it needs is missing.
        """
        step, state = step_named(request.step), self.session.state()
        if request.place >= step.places:
            raise StationError("bad_request", f"the step {step.name} has {step.places} places")
        there = {one.name for one in state.steps if one.state in ("done", "begun")}
        if missing := [name for name in step.needs if name not in there]:
            raise StationError(
                "bad_request",
                f"the step {step.name} needs {', '.join(missing)} first",
                f"Take the step {missing[0]} first: station calibrate step {missing[0]}",
            )

    async def take(self, request: CalibrationTake) -> Take:
        """Take the pictures of one step.

        Raises:
            StationError: what rig, camera and disk say; `bad_request`.
        """
        self.check(request)
        return await take(self.session, self._photographer, self._place.bench(), request.step, request.place)

    def skip(self, request: CalibrationSkip) -> CalibrationState:
        """Leave an optional step out.

        Raises:
            StationError: `bad_request`, the step is needed.
        """
        self.session.skip(request.step)
        return self.session.state()

    def finish(self, request: CalibrationFinish) -> CalibrationOutcome:
        """Make the profile; it takes some seconds.

        Raises:
            StationError: `calibration_failed`, something is missing or cannot be made out; what the disk
                says.
        """
        return finish(self.session, self._place.data, self._place.bench(), request)


class Holder(Protocol):
    """Whoever keeps scans away meanwhile."""

    def take_hold(self, why: str) -> None:
        """Keep scans away until `let_go`."""
        ...

    def let_go(self) -> None:
        """Scans may come again."""
        ...

    async def device_failed(self, error: StationError) -> None:
        """A device fails."""
        ...


class CalibrationDesk:
    """`Calibrating` for the clients of a daemon: what takes long is begun, and ends with an event."""

    def __init__(
        self, calibrating: Calibrating, holder: Holder, opened: Callable[[], Awaitable[None]], tell: Tell
    ) -> None:
        self.calibrating = calibrating
        self._holder = holder
        self._opened = opened
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    def start_take(self, request: CalibrationTake) -> str:
        """Begin to take pictures; the event `calibrate.taken` of this cause ends it.

        Raises:
            StationError: `busy`, `bad_request`.
        """
        self.calibrating.check(request)
        run_id = new_id()
        self._holder.take_hold("a calibration takes pictures")

        async def work() -> dict[str, Any]:
            await self._opened()
            return (await self.calibrating.take(request)).model_dump(mode="json")

        self._begin(work, "calibrate.taken", run_id)
        return run_id

    def start_finish(self, request: CalibrationFinish) -> str:
        """Begin to make the profile; the event `calibrate.finished` of this cause ends it.

        Raises:
            StationError: `busy`.
        """
        run_id = new_id()
        self._holder.take_hold("a calibration is computed")

        async def work() -> dict[str, Any]:
            outcome = await asyncio.to_thread(self.calibrating.finish, request)
            return outcome.model_dump(mode="json")

        self._begin(work, "calibrate.finished", run_id)
        return run_id

    def _begin(self, work: Callable[[], Awaitable[dict[str, Any]]], kind: str, run_id: str) -> None:
        async def run() -> None:
            try:
                found = await work()
            except StationError as error:
                found = {"code": error.code, "message": str(error), "hint": error.hint}
                if error.code.startswith(("rig_", "camera_")):
                    await self._holder.device_failed(error)
            except Exception as error:
                log.exception("the calibration failed")
                found = {"code": "internal", "message": f"{type(error).__name__}: {error}"}
            finally:
                self._holder.let_go()
            await self._tell(kind, found, run_id)

        self._task = asyncio.create_task(run(), name=f"{kind} {run_id}")

    async def close(self) -> None:
        """End what runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
