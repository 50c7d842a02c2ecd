"""The sensor behind the virtual device: its light comes from the board's pins, by way of the light log."""

import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from ..lightlog import LightLogReader
from .encode import Picture
from .lit import Shares, Shutter, shares
from .pace import Shot
from .pattern import LIGHTS, World
from .truth import FrameTruth, TruthWriter, by_light
from .wire import PixelFormat

BANDS = 32
DEAD_NS = 4_000_000_000
NOISE_CODES = 0.6
"""Standard deviation, of 255; no two frames of a sensor are the same."""


class Lamps:
    """A light log that may begin later than the camera, or begin anew with a restarted board."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log: LightLogReader | None = None
        self._inode = -1
        self._seen = 0

    def edges_back(self) -> Iterator[tuple[int, int]]:
        """Edges (ns, mask), newest first; none while there is no board."""
        self._follow()
        return iter(()) if self._log is None else self._log.edges_back()

    def news(self) -> list[tuple[int, int]]:
        """Edges since it was last asked, oldest first."""
        self._follow()
        if self._log is None:
            return []
        count = self._log.count()
        fresh = list(islice(self._log.edges_back(), count - self._seen))[::-1]
        self._seen += len(fresh)
        return fresh

    def known_until_ns(self) -> int:
        """Up to when the log is complete; a board that is dead, or does not say, keeps nobody waiting."""
        self._follow()
        now_ns = time.monotonic_ns()
        known_ns = 0 if self._log is None else self._log.known_until_ns()
        return known_ns if known_ns > now_ns - DEAD_NS else now_ns

    def _follow(self) -> None:
        try:
            inode = os.stat(self._path).st_ino  # noqa: PTH116 - looked at for every frame
        except FileNotFoundError:
            return
        if inode == self._inode:
            return
        try:
            fresh = LightLogReader(self._path).open()
        except (FileNotFoundError, ValueError):  # being made at this moment
            return
        self.close()
        self._log, self._inode, self._seen = fresh, inode, 0

    def close(self) -> None:
        """Let go of the log."""
        if self._log is not None:
            self._log.close()
            self._log = None


class LitSensor:
    """Renders each frame from what the log says burned, after the fact, and keeps the truth of it."""

    def __init__(
        self, lamps: Lamps, readout_us: int, truth: TruthWriter | None = None, *, card: bool = False
    ) -> None:
        self._card = card
        self._lamps = lamps
        self._readout_us = readout_us
        self._truth = truth
        self._chance = np.random.default_rng(1)
        self._newest: tuple[int, Shares] = (0, np.zeros((1, LIGHTS)))

    def expose(self, sequence: int, start_ns: int, exposure_us: int, chosen: PixelFormat) -> Picture:
        """RGB (H, W, 3), uint16 for Y16 (256 times the codes of 8 bit), else uint8."""
        bands = min(BANDS, chosen.height)
        shutter = Shutter(start_ns, exposure_us, self._readout_us)
        burned = shares(self._lamps.edges_back(), shutter, bands, LIGHTS)
        self._newest = sequence, burned
        codes = World.of(chosen.width, chosen.height, card=self._card).picture(burned, exposure_us)
        codes += self._chance.normal(0.0, NOISE_CODES, codes.shape[:2]).astype(np.float32)[..., None]
        if chosen.fourcc == "Y16":
            return np.clip(np.round(codes * 256.0), 0, 65_535).astype(np.uint16)
        return np.clip(np.round(codes), 0, 255).astype(np.uint8)

    def note(self, shot: Shot, stamp_ns: int, delivered: bool) -> None:
        """Keep the truth of a frame just exposed."""
        sequence, burned = self._newest
        if self._truth is None or sequence != shot.sequence:
            return
        self._truth.write(
            FrameTruth(
                shot.sequence,
                stamp_ns // 1_000,
                shot.start_ns,
                shot.exposure_us,
                self._readout_us,
                delivered,
                by_light(burned),
            )
        )
