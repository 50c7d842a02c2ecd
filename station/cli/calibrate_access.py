"""The way to a calibration: over `control` while a daemon owns the rig, else the devices themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ..client import StationClient
from ..config import Settings
from ..documents.calibrating import (
    CalibrationBegin,
    CalibrationFinish,
    CalibrationOutcome,
    CalibrationSkip,
    CalibrationState,
    CalibrationTake,
    Take,
)
from .rig_access import daemon, ended


class Calibrator(Protocol):
    """What the commands of `station calibrate` need. Every call raises `StationError`."""

    def begin(self, request: CalibrationBegin) -> CalibrationState:
        """Go on with the unfinished calibration, or begin one."""
        ...

    def state(self) -> CalibrationState:
        """Where it stands."""
        ...

    def lay(self, request: CalibrationTake) -> None:
        """On the twin: put the target of a step down."""
        ...

    def take(self, request: CalibrationTake) -> Take:
        """Take the pictures of a step."""
        ...

    def skip(self, request: CalibrationSkip) -> CalibrationState:
        """Leave an optional step out."""
        ...

    def finish(self, request: CalibrationFinish) -> CalibrationOutcome:
        """Make the profile."""
        ...


class ControlCalibrator:
    """The calibration of a daemon."""

    def __init__(self, client: StationClient) -> None:
        self._client = client

    def begin(self, request: CalibrationBegin) -> CalibrationState:
        """See `Calibrator`."""
        params = request.model_dump(mode="json", exclude_none=True)
        return CalibrationState.model_validate(self._client.call("calibrate.begin", params))

    def state(self) -> CalibrationState:
        """See `Calibrator`."""
        return CalibrationState.model_validate(self._client.call("calibrate.state"))

    def lay(self, request: CalibrationTake) -> None:
        """See `Calibrator`."""
        self._client.call("twin.lay", request.model_dump(mode="json"))

    def take(self, request: CalibrationTake) -> Take:
        """See `Calibrator`."""
        params = request.model_dump(mode="json")
        return Take.model_validate(self._ended("calibrate.take", params, "calibrate.taken"))

    def skip(self, request: CalibrationSkip) -> CalibrationState:
        """See `Calibrator`."""
        params = request.model_dump(mode="json")
        return CalibrationState.model_validate(self._client.call("calibrate.skip", params))

    def finish(self, request: CalibrationFinish) -> CalibrationOutcome:
        """See `Calibrator`."""
        params = request.model_dump(mode="json")
        return CalibrationOutcome.model_validate(
            self._ended("calibrate.finish", params, "calibrate.finished")
        )

    def _ended(self, method: str, params: dict[str, Any], kind: str) -> dict[str, Any]:
        head = self._client.status().seq
        return ended(self._client, head, kind, self._client.call(method, params)["run_id"])


@contextmanager
def calibrator(settings: Settings) -> Iterator[Calibrator]:
    """The calibration, over the daemon if one runs, else with the devices opened here."""
    with daemon(settings) as client:
        if client is not None:
            yield ControlCalibrator(client)
            return
    from ..offline.calibrating.here import OfflineCalibrator  # noqa: PLC0415 - numpy and pyserial only without a daemon

    with OfflineCalibrator(settings) as found:
        yield found
