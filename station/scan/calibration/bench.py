"""What is known of rig and camera before a calibration, from the settings and from the devices themselves."""

from ...calibrate.store import board_id, profile_in_use
from ...camera.interface import Camera, CameraInfo
from ...config import Settings
from ...rig.interface import BoardInfo
from .taking import Bench


def bench_of(settings: Settings, board: BoardInfo, eye: CameraInfo, camera: Camera) -> Bench:
    """The fit of the lights begins with the profile that is in use now.

    Raises:
        StationError: `profile_invalid`, there is no profile to begin with.
    """
    held = camera.controls()
    simulated = settings.simulated or board.simulated or eye.simulated
    return Bench(
        board=board_id(board.board, simulated=simulated),
        camera=f"{eye.name} ({eye.source})",
        start=profile_in_use(settings),
        simulated=simulated,
        controls=held.values,
        refused=tuple(held.refused),
    )
