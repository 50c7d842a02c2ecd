"""Composition root of the daemon: it owns rig, camera and archive, and serves `control` and `events`."""

import asyncio
import logging
import signal
import sys

from ..config import Settings
from ..share.alive import Alive
from ..share.descriptors import allow_many
from ..share.durable import storing
from ..share.logs import logging_to
from ..share.metrics import serving_metrics
from .compose import Daemon
from .health import Health

log = logging.getLogger(__name__)
SWITCH_S = 0.0005
"""How long one thread may keep the interpreter while others wait: with the usual 5 ms a loop that is flooded
with requests lets each question to the catalogue wait for that long, several times."""


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        StationError: the daemon cannot start: another one owns the data folder, a device is missing, the
            disk is full.
    """
    allow_many()
    sys.setswitchinterval(SWITCH_S)
    data = settings.station.data
    with storing(data):
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    log_to = settings.log
    with logging_to(data / "logs", "daemon", log_to.level, log_to.file_mb, log_to.files):
        asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Daemon(settings) as daemon:
        health = Health(daemon.parts)
        with serving_metrics(settings.metrics.daemon_port, health.metrics):
            async with Alive(health.organs()):
                log.info(
                    "ready: control at %s%s",
                    settings.endpoint("control"),
                    ", on the digital twin" if settings.simulated else "",
                )
                await stop.wait()
    log.info("stopped in order")
