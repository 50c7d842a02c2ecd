"""A whole simulated bench: scene, camera and the board in its own process."""

import logging
from pathlib import Path

from ..config import TwinSettings
from ..documents.boards import ChartSpec
from ..documents.calibrating import CalibrationOptions, StepName
from ..documents.plan import Side
from .camera import TwinCamera
from .isp import Isp
from .laying import lay
from .rigs import random_rig
from .running_board import RunningBoard, board_program
from .scene import Scene
from .spec import CardSpec
from .world import Thing

log = logging.getLogger(__name__)


class TwinBench:
    """What a machine without hardware uses instead: `open()` starts the board, `close()` ends it."""

    def __init__(
        self, folder: Path, settings: TwinSettings, lease_ms: int, *, triggered: bool = False
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._lease_ms = lease_ms
        self.port = folder / "board"
        self.light_log = folder / "lights"
        self._board = RunningBoard(self.port, self.light_log)
        drawn = settings.rig_seed
        rig = None if drawn is None else random_rig(drawn, settings.layout)
        self.scene = Scene(
            settings.seed,
            dpi=settings.dpi,
            rig=rig,
            isp=_isp(settings),
            mains_hz=settings.mains_hz,
            mains_depth=settings.mains_depth,
        )
        self.camera = TwinCamera(
            self.scene,
            self.light_log,
            bit_depth=settings.bit_depth,
            stale_frames=settings.stale_frames,
            seed=settings.seed,
            triggered=triggered,
        )

    def open(self) -> None:
        """Start the board and wait until it can be opened.

        Raises:
            StationError: `rig_missing`, the board's process ended at once; `toolchain_missing`, the real
                firmware is wanted and cannot be built.
        """
        program = board_program(self._settings.board, self._lease_ms)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._board.start(program)
        log.info("twin board (%s) ready at %s", self._settings.board, self.port)

    def place(self, seed: int, side: Side, bow_mm: float | None = None) -> None:
        """Put a card down; `bow_mm` None is the twin's own choice for that seed."""
        self.place_thing(CardSpec(seed, side, bow_mm))

    def place_thing(self, thing: Thing) -> None:
        """Put down whatever there is for the twin: a card, a sheet, a printed board, a colour chart."""
        self.scene.place(thing)

    def remove(self) -> None:
        """Take the card away."""
        self.scene.remove()

    def close(self) -> None:
        """End the board; it puts its lights off first."""
        self._board.close()

    def lay(
        self, step: StepName, place: int, options: CalibrationOptions, chart: ChartSpec | None = None
    ) -> None:
        """Put the target of a calibration's step down, as its instruction asks for."""
        lay(self.scene, step, place, options, chart)


def _isp(settings: TwinSettings) -> Isp:
    return Isp(
        gamma=settings.gamma,
        limited_range=settings.limited_range,
        sharpen=settings.sharpen,
        denoise=settings.denoise,
        mirrored=settings.mirrored,
    )
