"""What importing the client costs: none of the heavy libraries, not even by way of others."""

import subprocess
import sys

import pytest

import station.client

HEAVY = ("numpy", "cv2", "numba", "scipy", "sqlalchemy", "tifffile", "torch", "rich", "alembic")


def modules_after(statement: str) -> set[str]:
    program = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import station.client",
        "from station.client import AsyncStationClient",
        "import station.config, station.client",
    ],
)
def test_no_heavy_library_is_imported(statement: str) -> None:
    loaded = modules_after(statement)
    assert "station.client" in loaded
    assert "zmq" in loaded
    assert not loaded & set(HEAVY)


def test_the_synchronous_client_does_without_asyncio() -> None:
    loaded = modules_after("from station.client import StationClient")
    assert not loaded & {"zmq.asyncio", "station.client.aio", "station.documents.scan"}


def test_a_misspelt_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Clinet"):
        _ = station.client.Clinet
