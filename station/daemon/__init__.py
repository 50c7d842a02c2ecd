"""Composition root of the daemon: it owns rig, camera and archive, and serves `control` and `events`."""

import asyncio
import logging
import signal

from ..config import Settings
from .compose import Daemon

log = logging.getLogger(__name__)
LOG_FORM = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        StationError: the daemon cannot start: another one owns the data folder, a device is missing, the
            disk is full.
    """
    logging.basicConfig(level=logging.INFO, format=LOG_FORM)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Daemon(settings):
        log.info(
            "ready: control at %s%s",
            settings.endpoint("control"),
            ", on the digital twin" if settings.simulated else "",
        )
        await stop.wait()
    log.info("stopped in order")
