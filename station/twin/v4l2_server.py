"""The virtual V4L2 camera as a process: lit by the pins of a simulated board, by way of its light log.

    python -m station.twin.v4l2_server --socket PATH --light-log PATH [--truth PATH] [options]

Prints `ready PATH` when it can be opened by processes that `v4l2.preload` prepared. It ends on SIGTERM, or,
without --stay, when its standard input ends. Control lines there (see `v4l2.orders`) are answered with `ok`
or `error` on its standard output.
"""

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from .v4l2.device import Offer
from .v4l2.orders import obey
from .v4l2.pace import FreeRunning, Timing, Triggered
from .v4l2.sensor import Lamps, LitSensor
from .v4l2.server import V4l2Server
from .v4l2.truth import TruthWriter

FORMATS = ("YUYV", "MJPG", "GREY", "Y16")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A V4L2 camera that is not there, lit by a simulated board.")
    usual = Timing()
    parser.add_argument("--socket", type=Path, required=True, help="where the preloaded library finds it")
    parser.add_argument("--light-log", type=Path, required=True, help="file that tells which lights burn")
    parser.add_argument("--truth", type=Path, help="file to keep the truth of every frame in")
    parser.add_argument("--formats", default=",".join(FORMATS), help="those offered, the usual one first")
    parser.add_argument("--size", type=_size, default=(320, 240), help="WIDTHxHEIGHT")
    parser.add_argument("--period-us", type=int, default=33_333)
    parser.add_argument("--readout-us", type=int, default=usual.readout_us)
    parser.add_argument("--transfer-us", type=int, default=usual.transfer_us)
    parser.add_argument("--stamps", choices=("start", "arrival"), default=usual.stamps)
    parser.add_argument("--jitter-us", type=int, default=usual.jitter_us, help="of the stamps, either way")
    parser.add_argument("--hold-us", type=int, default=3_000, help="time for the board to note its edges")
    parser.add_argument("--lag-frames", type=int, default=2, help="until a new exposure time takes effect")
    parser.add_argument("--warm-up", type=int, default=3, help="useless frames as a stream begins")
    parser.add_argument("--trigger", action="store_true", help="expose when the board's trigger rises only")
    parser.add_argument("--seed", type=int, default=usual.seed, help="of the stamps' jitter")
    parser.add_argument("--card", action="store_true", help="a card on a dark mat, not a plain world")
    parser.add_argument("--stay", action="store_true", help="end only on a signal")
    return parser.parse_args(arguments)


def _timing(chosen: argparse.Namespace) -> Timing:
    return Timing(
        readout_us=chosen.readout_us,
        transfer_us=chosen.transfer_us,
        stamps=chosen.stamps,
        jitter_us=chosen.jitter_us,
        hold_us=chosen.hold_us,
        lag_frames=chosen.lag_frames,
        warm_up=chosen.warm_up,
        seed=chosen.seed,
    )


@contextmanager
def _served(chosen: argparse.Namespace) -> Iterator[V4l2Server]:
    """The whole camera.

    Raises:
        OSError: a file or the socket cannot be made.
    """
    timing = _timing(chosen)
    offer = Offer({name: [chosen.size] for name in chosen.formats.split(",")}, chosen.period_us)
    with ExitStack() as stack:
        truth = None
        if chosen.truth is not None:
            truth = TruthWriter(chosen.truth)
            truth.open()
            stack.callback(truth.close)
        lamps, tail = Lamps(chosen.light_log), Lamps(chosen.light_log)
        stack.callback(lamps.close)
        stack.callback(tail.close)
        sensor = LitSensor(lamps, timing.readout_us, truth, card=chosen.card)
        pace = Triggered(tail, timing) if chosen.trigger else FreeRunning()
        server = V4l2Server(
            chosen.socket,
            sensor.expose,
            offer=offer,
            timing=timing,
            pace=pace,
            note=sensor.note,
            known_until_ns=lamps.known_until_ns,
        )
        server.open()
        stack.callback(server.close)
        yield server


def _end(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise SystemExit(0)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run a camera; returns the exit code."""
    chosen = _arguments(sys.argv[1:] if arguments is None else arguments)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        with _served(chosen) as server:
            _say(f"ready {chosen.socket}")
            for line in sys.stdin:
                _say(obey(server, line))
            while chosen.stay:
                signal.pause()
    except OSError as error:
        sys.stderr.write(f"the virtual camera cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
