"""Writing firmware into the board: what would be written, who is there, avrdude, and who is there then."""

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..config import Settings
from ..documents.fault import StationError
from ..rig.greeting import ForeignBoardError, info_of, meet
from ..rig.image import Image, read_image
from ..rig.link import SerialLink
from ..rig.ports import Ports
from ..share import shared
from ..wire import messages as m

LEASE_MS = 1_500
AVRDUDE_S = 120.0
STARTING_S = 5.0
"""A bootloader waits for a second before it lets the new firmware start, and boards reset when opened."""
WORDS = 300
_PACKAGES = {"make": "make", "avr-gcc": "gcc-avr avr-libc"}


@dataclass(frozen=True, slots=True)
class Firmware:
    """An image in a file."""

    path: Path
    image: Image

    @property
    def says(self) -> str:
        """What it is, in words."""
        found = self.image.identity
        if found is None:
            return f"{self.path.name}, which does not say what it is ({self.image.size_bytes} bytes)"
        return (
            f"{found.version}, protocol {found.protocol} (schema {found.schema_hash:08x}), "
            f"{self.image.size_bytes} bytes"
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """Who is at the port. `version` is empty where the board does not tell it to this station."""

    says: str
    version: str = ""
    schema_hash: int | None = None
    software: bool = False

    def runs(self, firmware: Firmware) -> bool:
        """Whether the board runs this version and schema already."""
        found = firmware.image.identity
        return found is not None and (self.version, self.schema_hash) == (found.version, found.schema_hash)


@contextmanager
def firmware(named: Path | None) -> Iterator[Firmware]:
    """The image in a file, or that of this installation, built now.

    Raises:
        StationError: `firmware_unwritten`, it cannot be read, is damaged, or cannot be built.
    """
    if named is not None:
        yield _read(named)
        return
    with tempfile.TemporaryDirectory(prefix="station-") as folder:
        yield _read(_built(Path(folder)))


def _read(path: Path) -> Firmware:
    try:
        return Firmware(path, read_image(path.read_text("ascii")))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StationError("firmware_unwritten", f"{path} is no firmware: {reason}") from error


def _built(folder: Path) -> Path:
    missing = [package for program, package in _PACKAGES.items() if shutil.which(program) is None]
    if missing:
        raise StationError(
            "firmware_unwritten",
            "the firmware cannot be built here: the compiler for the board's chip is not installed",
            f"Run `sudo apt-get install {' '.join(missing)}`, or name an image with --hex.",
        )
    command = ["make", "-s", "-C", str(shared("firmware")), f"BUILD={folder}", "all"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise StationError(
            "firmware_unwritten", f"`{shlex.join(command)}` failed: {_last_words(done.stderr)}"
        )
    return folder / "scan-board.hex"


def port_of(settings: Settings, named: str | None) -> str:
    """The port to write to.

    Raises:
        StationError: `rig_missing`.
    """
    configured = named or settings.rig.port
    if configured == "twin":
        raise StationError(
            "firmware_unwritten",
            "there is no board to write to: `rig.port` is the simulated one",
            "Name the board's port with --port; `ls /dev/serial/by-id` shows what is plugged in.",
        )
    return Ports(configured).choose(lambda port: _hello(port, settings, settings.rig.open_timeout_s))


def _hello(port: str, settings: Settings, patience_s: float) -> m.HelloReply:
    return meet(SerialLink(port, settings.rig.baud), port, LEASE_MS, patience_s)


def who_is_there(port: str, settings: Settings, patience_s: float | None = None) -> Seen:
    """Ask the board; one that is silent, empty or foreign can be written to, too.

    Raises:
        StationError: `rig_missing`.
    """
    try:
        reply = _hello(port, settings, patience_s or settings.rig.open_timeout_s)
    except ForeignBoardError as error:
        return Seen(str(error), schema_hash=error.prefix.schema_hash)
    except StationError as error:
        if error.code == "rig_missing":
            raise
        return Seen(str(error))
    info = info_of(reply, port)
    version = info.firmware.partition("+")[0]
    words = (
        f"{info.board} at {port} runs firmware {info.firmware}, protocol {reply.major}.{reply.minor} "
        f"(schema {reply.schema_hash:08x})"
    )
    return Seen(words, version, reply.schema_hash, reply.board is m.BoardKind.SOFTWARE)


def refuse_mistakes(wanted: Firmware, seen: Seen, *, force: bool) -> None:
    """What should not be written without insisting.

    Raises:
        StationError: `firmware_unwritten`.
    """
    if seen.software:
        raise StationError(
            "firmware_unwritten",
            "the software board has no chip to write to",
            "Name the port of a real board with --port.",
        )
    found = wanted.image.identity
    if force or (found is not None and found.schema_hash == m.SCHEMA_HASH):
        return
    why = "does not say that it is firmware of this rig" if found is None else "is of another schema"
    raise StationError(
        "firmware_unwritten",
        f"{wanted.path.name} {why}; this station needs schema {m.SCHEMA_HASH:08x}",
        "Leave --hex out to write the firmware of this release, or insist with --force.",
    )


def avrdude_command(port: str, image: Path, baud: int) -> list[str]:
    """As a person would type it."""
    return [
        *("avrdude", "-p", "atmega328p", "-c", "arduino"),
        *("-P", port, "-b", str(baud), "-D", "-U", f"flash:w:{image}:i"),
    ]


def write(port: str, wanted: Firmware, baud: int) -> None:
    """Let avrdude write it, and read it back.

    Raises:
        StationError: `firmware_unwritten`, with the command and avrdude's own words.
    """
    command = avrdude_command(port, wanted.path, baud)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=AVRDUDE_S, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        raise StationError(
            "firmware_unwritten",
            f"avrdude is not installed; it would have been called as `{shlex.join(command)}`",
            "Run `sudo apt-get install avrdude`, then the command again.",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise StationError(
            "firmware_unwritten", f"`{shlex.join(command)}` did not end within {AVRDUDE_S:g} s"
        ) from error
    if done.returncode != 0:
        raise StationError(
            "firmware_unwritten",
            f"`{shlex.join(command)}` failed: {_last_words(done.stderr)}",
            "Check that the port is the board's and that it has an Arduino bootloader (some: --baud 57600).",
        )


def verify(port: str, wanted: Firmware, settings: Settings) -> Seen:
    """Ask the board who it is now.

    Raises:
        StationError: `firmware_unwritten`, it is not what was written.
    """
    seen = who_is_there(port, settings, STARTING_S)
    found = wanted.image.identity
    same_schema = found is not None and seen.schema_hash == found.schema_hash
    if seen.runs(wanted) or (same_schema and not seen.version) or (found is None and seen.version):
        return seen
    raise StationError("firmware_unwritten", f"avrdude wrote {wanted.says}, but afterwards {seen.says}")


def _last_words(text: str) -> str:
    words = " ".join(line.strip() for line in text.splitlines() if line.strip(" #|%"))
    return words[-WORDS:] or "it said nothing"
