"""What physics does for a real board: without power there is no light.

A simulated board that is killed outright can no longer write into its light log, and its lights would seem
to burn for ever. A small process beside it waits for that end and writes the last edge.
"""

import mmap
import os
import signal
import struct
import time
from pathlib import Path
from typing import Self

from .lightlog import SIZE, LightLogReader, LightLogWriter


class LightLogHeir(LightLogWriter):
    """Goes on with a log whose writer is gone."""

    def open(self) -> Self:
        """Map the file as it is."""
        self._file = self._path.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), SIZE)
        self._count = struct.unpack_from("<Q", self._map, 8)[0]
        return self


class Guard:
    """A forked process that outlives the board by one moment."""

    def __init__(self, light_log: Path) -> None:
        self._light_log = light_log
        self._pid = 0
        self._lifeline = -1

    def start(self) -> None:
        """Fork. To be called before there are threads, and before the board holds anything but the log."""
        ended, self._lifeline = os.pipe()
        self._pid = os.fork()
        if self._pid:
            os.close(ended)
            return
        try:
            os.close(self._lifeline)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            os.read(ended, 1)  # returns when the board's end of the pipe is gone, however it went
            darken(self._light_log)
        finally:
            os._exit(0)

    def dismiss(self) -> None:
        """The board ends in order, its lights are off."""
        os.close(self._lifeline)
        os.waitpid(self._pid, 0)


def darken(light_log: Path) -> None:
    """Write the last edge of a board that is gone, if it left lights burning."""
    if not light_log.exists():
        return
    reader = LightLogReader(light_log).open()
    _, pins = next(reader.edges_back(), (0, 0))  # lights, and the trigger line
    reader.close()
    if pins:
        heir = LightLogHeir(light_log).open()
        heir.write(time.monotonic_ns(), 0)
        heir.close()
