"""Control lines of the virtual camera's process: one order in words, one answer."""

from collections.abc import Callable

from .device import Device
from .server import V4l2Server

Work = Callable[[V4l2Server, list[float]], str | None]


def _stick(server: V4l2Server, values: list[float]) -> None:
    def change(device: Device) -> None:
        device.controls[int(values[0])].sticks_at = int(values[1])

    server.change(change)


def _refuse(server: V4l2Server, values: list[float]) -> None:
    def change(device: Device) -> None:
        device.controls[int(values[0])].refuses = True

    server.change(change)


def _free(device: Device) -> None:
    for control in device.controls.values():
        control.refuses, control.sticks_at = False, None


def _heal(server: V4l2Server, _values: list[float]) -> None:
    server.silence(False)
    server.truncate(None)
    server.change(_free)


def _counts(server: V4l2Server, _values: list[float]) -> str:
    return " ".join(f"{name}={server.counts[name]}" for name in ("delivered", "dropped", "missed"))


_ORDERS: dict[str, tuple[int, Work]] = {
    "unplug": (0, lambda server, _: server.unplug()),
    "plug": (0, lambda server, _: server.plug()),
    "silence": (0, lambda server, _: server.silence()),
    "cut": (1, lambda server, values: server.truncate(values[0])),
    "short": (1, lambda server, values: server.truncate(values[0], keeps_short=True)),
    "stick": (2, _stick),
    "refuse": (1, _refuse),
    "heal": (0, _heal),
    "counts": (0, _counts),
}
"""`cut SHARE`, `short SHARE` (see `server.Faults`); `stick CONTROL VALUE`, `refuse CONTROL` by number, such
as 0x9a0902; `heal` ends all faults but the pulled cable."""


def obey(server: V4l2Server, line: str) -> str:
    """Carry out one line; returns the answer."""
    word, *rest = line.split() or [""]
    count, work = _ORDERS.get(word, (-1, None))
    try:
        values = [float(int(text, 0)) if text.isalnum() else float(text) for text in rest]
    except ValueError:
        count = -1
    if work is None or count != len(rest):
        return f"error not understood: {line.strip()}"
    try:
        told = work(server, values)
    except KeyError:
        return f"error no such control: {line.strip()}"
    return f"ok {told or line.strip()}"
