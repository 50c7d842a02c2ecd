"""Board and camera as the system shows them, without opening either: there, allowed, and held by whom."""

import grp
import os
from collections.abc import Iterator
from pathlib import Path

from ...config import CameraSettings
from ...documents.doctor import Check
from ...documents.event import DeviceStatus
from ...documents.fault import StationError, fault
from ...rig.ports import Ports

PROCESSES = Path("/proc")


def board(port: str) -> Check:
    """The serial port that the settings name; the simulated board needs none."""
    if port == "twin":
        return Check(name="board", state="ok", said="the board is simulated")
    try:
        chosen = Path(Ports(port).choose(_unknown))
    except StationError as error:
        return Check(name="board", state="bad", said=str(error), next_step=error.hint)
    return _device("board", chosen, "rig_missing")


def _unknown(port: str) -> None:
    """Several ports are plugged in, and none is opened here to see which is the board's."""
    raise StationError("rig_silent", f"{port} was not asked")


def camera(settings: CameraSettings) -> Check:
    """The camera's device; what is no device is looked at when it is opened."""
    source = settings.source
    if source == "twin":
        return Check(name="camera", state="ok", said="the camera is simulated")
    path = Path(f"/dev/video{source}" if source.isdigit() else source)
    if "://" in source:
        return Check(name="camera", state="ok", said=f"{source} is a stream, tried when it is opened")
    return _device("camera", path, "camera_missing")


def _device(name: str, path: Path, code: str) -> Check:
    hint = fault(code).next_step
    if not path.exists():
        return Check(name=name, state="bad", said=f"{path} is not there", next_step=hint)
    if not os.access(path, os.R_OK | os.W_OK):
        return Check(name=name, state="bad", said=f"this user may not open {path}", next_step=_join(path))
    if others := [f"{command} ({pid})" for pid, command in holders(path) if pid != os.getpid()]:
        return Check(
            name=name,
            state="bad",
            said=f"{path} is held by {', '.join(others)}",
            next_step="End that program, or let the station have another device.",
        )
    return Check(name=name, state="ok", said=f"{path} is there, free, and this user may open it")


def _join(path: Path) -> str:
    """How a user gets at a device: by the group it belongs to."""
    try:
        group = grp.getgrgid(path.stat().st_gid).gr_name
    except (KeyError, OSError):
        return f"Give this user access to {path} (`ls -l {path}`)."
    return f"`sudo usermod -aG {group} $USER`, then log in anew."


def holders(path: Path, processes: Path = PROCESSES) -> Iterator[tuple[int, str]]:
    """Processes that have a file open, as far as this user may see: identity and command."""
    target = str(path.resolve())
    for folder in processes.glob("[0-9]*"):
        try:
            held = any(_leads_to(link, target) for link in (folder / "fd").iterdir())
            command = (folder / "comm").read_text().strip()
        except OSError:  # it has ended, or belongs to somebody else
            continue
        if held:
            yield int(folder.name), command


def _leads_to(link: Path, target: str) -> bool:
    try:
        return str(link.readlink()) == target
    except OSError:  # closed since it was listed
        return False


def as_seen(name: str, status: DeviceStatus) -> Check:
    """A device that a daemon holds, by what it last saw of it."""
    said = f"{status.state}: {status.name} {f'({status.evidence})' if status.evidence else ''}".rstrip()
    if status.state in ("ready", "simulated"):
        return Check(name=name, state="ok", said=said)
    code = "rig_missing" if name == "board" else "camera_missing"
    return Check(
        name=name,
        state="warn" if status.state == "unknown" else "bad",
        said=said,
        next_step=fault(code).next_step,
    )
