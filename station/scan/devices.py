"""Rig and camera as the station holds them: opened at the start, opened again when they were lost.

One line in the log when a device is lost, one when it is back; tries in between are silent.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ..camera.interface import Camera, CameraInfo
from ..documents.event import DeviceStatus
from ..documents.fault import StationError
from ..rig.interface import BoardInfo, Rig

log = logging.getLogger(__name__)
RIG_FAULTS = ("rig_missing", "rig_silent", "rig_protocol", "rig_fault")
CAMERA_FAULTS = ("camera_missing", "camera_silent", "camera_refused")
UNKNOWN = DeviceStatus(state="unknown", evidence="not opened yet")


def _any_board(_: BoardInfo) -> None:
    """Admit whoever answers."""


@dataclass
class Devices:
    """Both devices and what was last seen of them. `open` blocks; a status follows from evidence alone.

    Attributes:
        admit: raises `StationError` where scans must not be taken with this board.
    """

    rig: Rig
    camera: Camera
    admit: Callable[[BoardInfo], None] = _any_board
    board: BoardInfo | None = None
    eye: CameraInfo | None = None
    rig_status: DeviceStatus = field(default=UNKNOWN)
    camera_status: DeviceStatus = field(default=UNKNOWN)
    lent_to: str = ""
    _lost_s: dict[str, float] = field(default_factory=dict)

    def open_rig(self) -> BoardInfo:
        """Open the rig unless it is open.

        Raises:
            StationError: what the rig says; `busy`, its port is lent; what `admit` raises.
        """
        if self.lent_to:
            raise StationError("busy", f"the rig's port is lent to {self.lent_to}")
        if self.board is None:
            try:
                self.board = self._admitted(self.rig.open())
            except StationError as error:
                self._still_lost(error)
                raise
            self.rig_status = DeviceStatus(
                state="simulated" if self.board.simulated else "ready",
                name=self.board.board,
                evidence=_who_answered(self.board),
            )
            log.info("rig %s: %s", self._came("rig"), self.rig_status.evidence)
        return self.board

    def _admitted(self, board: BoardInfo) -> BoardInfo:
        try:
            self.admit(board)
        except StationError:
            self.rig.close()
            raise
        return board

    def _still_lost(self, error: StationError) -> None:
        """The newest reason is the evidence."""
        self.rig_status = DeviceStatus(state="lost", name=self.rig_status.name, evidence=str(error))

    def _came(self, device: str) -> str:
        lost_s = self._lost_s.pop(device, None)
        return "open" if lost_s is None else f"back after {time.monotonic() - lost_s:.1f} s"

    def open_camera(self) -> CameraInfo:
        """Open the camera unless it is open.

        Raises:
            StationError: what the camera says.
        """
        if self.eye is None:
            self.eye = self.camera.open()
            self.camera_status = DeviceStatus(
                state="simulated" if self.eye.simulated else "ready",
                name=self.eye.name,
                evidence=f"opened {self.eye.source}",
            )
            log.info("camera %s: %s", self._came("camera"), self.camera_status.evidence)
        return self.eye

    def see(self) -> None:
        """Take a frame from the camera, to see that it is still there; without an open one nothing happens.

        Raises:
            StationError: what the camera says.
        """
        if self.eye is not None:
            next(iter(self.camera.frames()))

    def lend_rig(self, to: str) -> None:
        """Let go of the rig's port, so that another program may open it, until `take_rig_back`."""
        self.lent_to = to
        self.board = None
        self.rig_status = DeviceStatus(
            state="unknown", name=self.rig_status.name, evidence=f"port lent to {to}"
        )
        self.rig.close()
        log.info("rig lent to %s", to)

    def take_rig_back(self) -> None:
        """The port is ours again; it is not opened here."""
        self.lent_to = ""

    def lost(self, code: str, message: str) -> None:
        """Remember that a device failed, so that the next scan opens it again.

        Other faults leave the devices as they are.
        """
        if code in RIG_FAULTS and self.board is not None:
            log.warning("rig lost: %s", message)
            self._lost_s["rig"] = time.monotonic()
            self.board = None
            state: Literal["fault", "lost"] = "fault" if code == "rig_fault" else "lost"
            self.rig_status = DeviceStatus(state=state, name=self.rig_status.name, evidence=message)
            self.rig.close()
        elif code in CAMERA_FAULTS and self.eye is not None:
            log.warning("camera lost: %s", message)
            self._lost_s["camera"] = time.monotonic()
            self.eye = None
            self.camera_status = DeviceStatus(state="lost", name=self.camera_status.name, evidence=message)
            self.camera.close()

    def close(self) -> None:
        """Lights off, both devices released."""
        self.rig.close()
        self.camera.close()
        self.board = self.eye = None


def _who_answered(board: BoardInfo) -> str:
    left = f"; it had switched off by itself: {board.left_fault}" if board.left_fault else ""
    return f"firmware {board.firmware} answered on {board.port}, last reset: {board.reset_cause}{left}"
