"""Coarse stacks of the twin, ambient and one frame for each light; and virtual V4L2 devices with a client."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.camera.matcher import coarse, coarse_flat
from station.twin.scene import Scene
from station.twin.spec import CardSpec, Unkind
from station.twin.v4l2.preload import build, environment
from station.twin.v4l2.server import V4l2Server
from station.twin.v4l2.wire import PixelFormat

CALIBRATION = Path(__file__).parents[2] / "calibration"
DPI = 75  # fingerprints are far coarser still


class Bench:
    """The twin's rig with a card on it, lit as asked."""

    def __init__(self) -> None:
        self._scene = Scene(1, dpi=DPI)
        file = tomllib.loads((CALIBRATION / "twin.toml").read_text())["flat_field"]["file"]
        with np.load(CALIBRATION / file) as arrays:
            self.flat = coarse_flat(arrays["flat"])
        self._sequence = 0

    def place(self, seed: int, unkind: Unkind) -> None:
        self._scene.place(CardSpec(seed, unkind=unkind))
        self._sequence = 1000 * seed

    def clear(self) -> None:
        self._scene.remove()

    def seen(self, **burning: float) -> NDArray[np.float32]:
        """The coarse frame with lights burning for a share of the exposure: `seen(l3=1.0)`."""
        on = [burning.get(f"l{light}", 0.0) for light in range(8)]
        self._sequence += 1
        return coarse(self._scene.render(on, sequence=self._sequence))

    def stack(self) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        return self.seen(), [self.seen(**{f"l{light}": 1.0}) for light in range(8)]


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench()


@pytest.fixture(scope="session")
def stack_of(bench: Bench) -> Callable[..., Any]:
    """Ambient and lit frames of a card by its seed and flavour; seed 0 is the empty mat."""

    @cache
    def make(seed: int, foil: bool = False, gloss: float = 1.0) -> Any:
        if seed == 0:
            bench.clear()
        else:
            bench.place(seed, Unkind(foil=foil, gloss=gloss))
        return bench.stack()

    return make


DEVICE, OTHER_DEVICE = "/dev/video42", "/dev/video43"
COLOUR = (180, 100, 60)


class Client:
    """`OpenCvCamera` in a process that sees the virtual device."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("v4l2_child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **variables, "PYTHONPATH": str(Path(__file__).parents[2])},
            text=True,
        )

    def ask(self, *command: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the client died"
        return json.loads(answer)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def open(self, source: str = DEVICE, **settings: object) -> Any:
        self.ask("make", source, {"silent_after_s": 20.0, **settings})
        return self.ask("open")

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        finally:
            self._process.kill()
            self._process.stdout.close()


def plain(sequence: int, start_ns: int, exposure_us: int, chosen: PixelFormat) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array(COLOUR, np.uint8), (chosen.height, chosen.width, 3)).copy()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Path:
    program("cc")
    return build(tmp_path_factory.mktemp("shim"))


class Desk:
    """Virtual devices, and the client that sees them."""

    def __init__(self, folder: Path, client: Client, running: ExitStack) -> None:
        self._folder = folder
        self._running = running
        self.client = client
        self.by_id = folder / "by-id"

    def device(self, expose: Any = plain, path: str = DEVICE, **settings: Any) -> V4l2Server:
        server = V4l2Server(self._folder / Path(path).name, expose, **settings)
        server.open()
        self._running.callback(server.close)
        return server

    def __call__(self, expose: Any = plain, **settings: Any) -> tuple[V4l2Server, Client]:
        return self.device(expose, **settings), self.client


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Iterator[tuple[Path, Client]]:
    """A folder for sockets, and the client made for it; starting Python takes longer than most tests."""
    folder = tmp_path_factory.mktemp("v4l2")
    (folder / "by-id").mkdir()
    devices = {path: folder / Path(path).name for path in (DEVICE, OTHER_DEVICE)}
    patience = {"OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "1"}
    made = Client({**environment(library, devices, folder / "by-id"), **patience})
    yield folder, made
    made.end()


@pytest.fixture
def rig(clients: tuple[Path, Client]) -> Iterator[Desk]:
    """A virtual device and a client of it: `rig(expose, offer=..., controls=...)`."""
    folder, made = clients
    with ExitStack() as running:
        yield Desk(folder, made, running)
        if made.alive:
            assert made.ask("clear") == []
    for link in (folder / "by-id").iterdir():
        link.unlink()
