"""A kind world to switch single elements on in, and a light log as a board writes it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from station.twin.lightlog import LightLogWriter
from station.twin.scene import Scene
from station.twin.spec import Unkind


@pytest.fixture
def kind() -> Unkind:
    """Everything unkind switched off."""
    return Unkind.kind()


@pytest.fixture
def light_log(tmp_path: Path) -> Iterator[tuple[Path, LightLogWriter]]:
    """The file, and the board's end of it."""
    path = tmp_path / "lights"
    writer = LightLogWriter(path).open()
    yield path, writer
    writer.close()


@pytest.fixture
def only() -> Callable[[int], np.ndarray]:
    """The on-shares of one light."""
    return lambda light: np.eye(8)[light]


@pytest.fixture(scope="session")
def compiled() -> None:
    """The kernels, compiled once, so that no single test waits for them."""
    Scene(dpi=50).render(np.zeros(8))
