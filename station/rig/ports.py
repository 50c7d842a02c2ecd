"""Which port is the board's: a path, the one board of a folder, or the same board under another name.

Linux numbers serial ports as they appear: a board that was unplugged may come back as `/dev/ttyACM1`. The
links in `/dev/serial/by-id` carry the board's own serial number and are re-pointed by udev.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from ..documents.fault import StationError

AUTO = "auto"
BY_ID = Path("/dev/serial/by-id")


class Ports:
    """What `rig.port` stands for, now and after the board was plugged in again.

    Args:
        configured: a path, `auto`, or a folder: the one board among its ports.
        by_id: where `auto` looks, and where a plain path's lasting name is looked up.
    """

    def __init__(self, configured: str, by_id: Path = BY_ID) -> None:
        self._configured = configured
        self._by_id = by_id
        self._known = ""

    def choose(self, greets: Callable[[str], object]) -> str:
        """The port to open.

        Args:
            greets: called with a port when one of several must be chosen; raises `StationError` unless a
                board answers there. `rig_protocol` is an answer, too.

        Raises:
            StationError: `rig_missing`, with what was found.
        """
        if self._known and Path(self._known).exists():
            return self._known
        folder = self._folder()
        return self._configured if folder is None else _only_board(folder, greets)

    def remember(self, port: str) -> None:
        """A board answered at `port`: from now on it is looked for under its lasting name first."""
        target = Path(port).resolve()
        if Path(port).parent == self._by_id:
            self._known = port
        else:
            self._known = next((str(link) for link in _links(self._by_id) if link.resolve() == target), "")

    def _folder(self) -> Path | None:
        if self._configured == AUTO:
            return self._by_id
        path = Path(self._configured)
        return path if path.is_dir() else None


def _links(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.iterdir()) if folder.is_dir() else ()


def _only_board(folder: Path, greets: Callable[[str], object]) -> str:
    ports = [str(link) for link in _links(folder) if link.exists()]
    if len(ports) == 1:
        return ports[0]
    if not ports:
        raise StationError("rig_missing", f"no serial port is plugged in: {folder} is empty or absent")
    silent: list[str] = []
    answering: list[str] = []
    for port in ports:
        try:
            greets(port)
        except StationError as error:
            if error.code != "rig_protocol":
                silent.append(f"{port} ({error})")
                continue
        answering.append(port)
    if len(answering) == 1:
        return answering[0]
    if answering:
        raise StationError(
            "rig_missing",
            f"{len(answering)} boards answer: {', '.join(answering)}",
            "Name the one to use with `rig.port` in station.toml, or with --port.",
        )
    raise StationError("rig_missing", f"none of {len(ports)} serial ports has a board: {'; '.join(silent)}")
