"""The trainer process: it owns what was delivered. Composition root."""

import asyncio
import fcntl
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .bus.intake import IntakeServer
from .bus.keys import KeyRing
from .config import Settings, load
from .documents.fault import StationError
from .training.intake_store import FileIntakeStore

log = logging.getLogger(__name__)


def main(config: Path | None = None) -> None:
    """Run the trainer of a configuration file; see `run`."""
    run(load(config))


def run(settings: Settings) -> None:
    """Receive parcels until SIGTERM or SIGINT.

    Raises:
        StationError: `data_busy`, another trainer owns the folder; or what store and endpoint raise.
    """
    with owning(settings.trainer_data), FileIntakeStore(settings.trainer_data) as store:
        keys = KeyRing(settings.station.data / "keys")
        endpoint = settings.endpoint("intake")
        asyncio.run(_serve(IntakeServer(endpoint, store, keys=keys), endpoint))


async def _serve(intake: IntakeServer, endpoint: str) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with intake:
        sys.stdout.write(f"trainer ready: receives at {endpoint}\n")
        sys.stdout.flush()
        await stopped.wait()
    log.info("trainer stopped")


@contextmanager
def owning(folder: Path) -> Iterator[None]:
    """Hold the folder against a second trainer; the lock goes with the process, however it ends.

    Raises:
        StationError: `data_busy` or `data_unwritable`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "trainer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StationError("data_unwritable", f"{folder} cannot be used: {error.strerror}") from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise StationError(
            "data_busy",
            f"another trainer (process {holder}) owns {folder}",
            "Stop the other trainer, or give this one its own folder with `trainer.data` in station.toml.",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
