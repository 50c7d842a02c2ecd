"""The way to the rig: over `control` while a daemon owns it, else the port itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ..client import StationClient
from ..config import Settings
from ..documents.calibration_check import CalibrationCheck
from ..documents.fault import StationError
from ..documents.rig import RigAnswer, RigAsk, RigOrder, RigReport, RigTraffic, SelftestReport
from .connecting import client_of

IPC = "ipc://"


class Rig(Protocol):
    """What the commands of `station rig` need. Every call raises `StationError`."""

    def info(self) -> RigReport:
        """Who the board is and how it is."""
        ...

    def ask(self, order: RigOrder) -> RigAnswer:
        """Carry out what a person says."""
        ...

    def traffic(self, number: int) -> list[RigTraffic]:
        """Messages on the line since the one of this number."""
        ...

    def selftest(self) -> SelftestReport:
        """Look at each light."""
        ...

    def check(self) -> CalibrationCheck:
        """Hold the rig against its profile."""
        ...


class ControlRig:
    """The rig of a daemon."""

    def __init__(self, client: StationClient) -> None:
        self._client = client

    def info(self) -> RigReport:
        """See `Rig`."""
        return RigReport.model_validate(self._client.call("rig.info"))

    def ask(self, order: RigOrder) -> RigAnswer:
        """See `Rig`."""
        params = RigAsk(order=order).model_dump(mode="json")
        return RigAnswer.model_validate(self._client.call("rig.ask", params))

    def traffic(self, number: int) -> list[RigTraffic]:
        """See `Rig`."""
        found = self._client.call("rig.traffic", {"number": number})
        return [RigTraffic.model_validate(entry) for entry in found]

    def selftest(self) -> SelftestReport:
        """See `Rig`."""
        head = self._client.status().seq
        return SelftestReport.model_validate(
            ended(self._client, head, "rig.tested", self._client.call("rig.selftest")["test_id"])
        )

    def check(self) -> CalibrationCheck:
        """See `Rig`."""
        head = self._client.status().seq
        return CalibrationCheck.model_validate(
            ended(self._client, head, "calibrate.checked", self._client.call("calibrate.check")["check_id"])
        )


def ended(client: StationClient, head: int, kind: str, cause: str) -> dict[str, Any]:
    """What the event says that ends something begun after the event `head`.

    Raises:
        StationError: what it failed with.
    """
    end = next(event for event in client.events(after=head) if event.type == kind and event.cause == cause)
    if "code" in end.data:
        raise StationError(end.data["code"], end.data["message"], end.data.get("hint"))
    return end.data


@contextmanager
def daemon(settings: Settings) -> Iterator[StationClient | None]:
    """A client of the daemon of this configuration; None where none runs."""
    control = settings.endpoint("control")
    if control.startswith(IPC) and not Path(control.removeprefix(IPC)).exists():
        yield None
        return
    with client_of(settings) as client:
        yield client if _answers(client) else None


def _answers(client: StationClient) -> bool:
    try:
        client.status()
    except StationError as error:
        if error.code != "daemon_absent":
            raise
        return False
    return True


@contextmanager
def rig(settings: Settings, port: str | None) -> Iterator[Rig]:
    """The rig, over the daemon if one runs; a port that is named is opened here."""
    if port is None:
        with daemon(settings) as client:
            if client is not None:
                yield ControlRig(client)
                return
    from ..offline.rig import OfflineRig  # noqa: PLC0415 - numpy and pyserial only without a daemon

    with OfflineRig(settings, port) as found:
        yield found
