"""The trainer process: it owns what was delivered, and serves `trainer_control` and `trainer_events`."""

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from ..config import Settings, load
from ..share.alive import Alive
from ..share.descriptors import allow_many
from ..share.logs import logging_to
from ..share.metrics import serving_metrics
from .compose import Trainer
from .health import Health
from .owner import owning

__all__ = ["Trainer", "main", "owning", "run"]

log = logging.getLogger(__name__)


def main(config: Path | None = None) -> None:
    """Run the trainer of a configuration file; see `run`."""
    run(load(config))


def run(settings: Settings) -> None:
    """Receive parcels until SIGTERM or SIGINT.

    Raises:
        StationError: `data_busy`, another trainer owns the folder; or what store and endpoints raise.
    """
    allow_many()
    log_to = settings.log
    with (
        owning(settings.trainer_data),
        logging_to(settings.station.data / "logs", "trainer", log_to.level, log_to.file_mb, log_to.files),
    ):
        asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        trainer = await stack.enter_async_context(Trainer(settings))
        health = Health(trainer.look)
        stack.enter_context(serving_metrics(settings.metrics.trainer_port, health.metrics))
        await stack.enter_async_context(Alive(health.organs()))
        sys.stdout.write(f"trainer ready: receives at {settings.endpoint('intake')}\n")
        sys.stdout.flush()
        await stopped.wait()
    log.info("trainer stopped")
