"""Rig and camera as the station holds them: opened at the start, opened again when they were lost."""

import logging
from dataclasses import dataclass, field
from typing import Literal

from ..camera.interface import Camera, CameraInfo
from ..documents.event import DeviceStatus
from ..rig.interface import BoardInfo, Rig

log = logging.getLogger(__name__)
RIG_FAULTS = ("rig_missing", "rig_silent", "rig_protocol", "rig_fault")
CAMERA_FAULTS = ("camera_missing", "camera_silent", "camera_refused")
UNKNOWN = DeviceStatus(state="unknown", evidence="not opened yet")


@dataclass
class Devices:
    """Both devices and what was last seen of them. `open` blocks; a status follows from evidence alone."""

    rig: Rig
    camera: Camera
    board: BoardInfo | None = None
    eye: CameraInfo | None = None
    rig_status: DeviceStatus = field(default=UNKNOWN)
    camera_status: DeviceStatus = field(default=UNKNOWN)

    def open_rig(self) -> BoardInfo:
        """Open the rig unless it is open.

        Raises:
            StationError: what the rig says.
        """
        if self.board is None:
            self.board = self.rig.open()
            self.rig_status = DeviceStatus(
                state="simulated" if self.board.simulated else "ready",
                name=self.board.board,
                evidence=f"firmware {self.board.firmware} answered on {self.board.port}",
            )
            log.info("rig: %s", self.rig_status.evidence)
        return self.board

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
            log.info("camera: %s", self.camera_status.evidence)
        return self.eye

    def lost(self, code: str, message: str) -> None:
        """Remember that a device failed, so that the next scan opens it again.

        Other faults leave the devices as they are.
        """
        if code in RIG_FAULTS and self.board is not None:
            log.warning("rig: %s", message)
            self.board = None
            state: Literal["fault", "lost"] = "fault" if code == "rig_fault" else "lost"
            self.rig_status = DeviceStatus(state=state, name=self.rig_status.name, evidence=message)
            self.rig.close()
        elif code in CAMERA_FAULTS and self.eye is not None:
            log.warning("camera lost: %s", message)
            self.eye = None
            self.camera_status = DeviceStatus(state="lost", name=self.camera_status.name, evidence=message)
            self.camera.close()

    def close(self) -> None:
        """Lights off, both devices released."""
        self.rig.close()
        self.camera.close()
        self.board = self.eye = None
