"""A whole simulated bench: scene, camera and the board in its own process."""

import logging
import os
import subprocess
import sys
from pathlib import Path

from ..config import TwinSettings
from ..documents.fault import StationError
from ..documents.plan import Side
from .camera import TwinCamera
from .scene import Scene
from .spec import CardSpec

log = logging.getLogger(__name__)
BOARD_START_TIMEOUT_S = 20.0


class TwinBench:
    """What a machine without hardware uses instead: `open()` starts the board, `close()` ends it.

    The board is another process on purpose: when the daemon dies, the board must put its lights off by
    itself, as a real one does.
    """

    def __init__(self, folder: Path, settings: TwinSettings, lease_ms: int) -> None:
        self._folder = folder
        self._lease_ms = lease_ms
        self._board: subprocess.Popen[str] | None = None
        self.port = folder / "board"
        self.light_log = folder / "lights"
        self.scene = Scene(settings.seed, dpi=settings.dpi)
        self.camera = TwinCamera(
            self.scene,
            self.light_log,
            bit_depth=settings.bit_depth,
            stale_frames=settings.stale_frames,
            seed=settings.seed,
        )

    def open(self) -> None:
        """Start the board and wait until it can be opened.

        Raises:
            StationError: `rig_missing`, the board's process ended at once.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._board = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "station.twin.board",
                *("--link", str(self.port)),
                *("--light-log", str(self.light_log)),
                *("--lease-ms", str(self._lease_ms)),
                *("--owner-pid", str(os.getpid())),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        line = self._board.stdout.readline() if self._board.stdout else ""
        if not line.startswith("ready"):
            self.close()
            raise StationError("rig_missing", f"the twin's board did not start (it said {line.strip()!r})")
        log.info("twin board ready at %s", self.port)

    def place(self, seed: int, side: Side, bow_mm: float | None = None) -> None:
        """Put a card down; `bow_mm` None is the twin's own choice for that seed."""
        self.scene.place(CardSpec(seed, side, bow_mm))

    def remove(self) -> None:
        """Take the card away."""
        self.scene.remove()

    def close(self) -> None:
        """End the board; it puts its lights off first."""
        board, self._board = self._board, None
        if board is None:
            return
        board.terminate()
        try:
            board.wait(timeout=5)
        except subprocess.TimeoutExpired:
            board.kill()
            board.wait()
        if board.stdout:
            board.stdout.close()
