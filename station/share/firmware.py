"""The firmware, built for the simulator of its chip: once for each state of its sources, then found again."""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ..documents.fault import StationError
from . import in_checkout, shared

APP = "scan-station"
HEX, SIMULATOR = "scan-board.hex", "board-sim"
SIMAVR_HEADER = Path("/usr/include/simavr/sim_avr.h")
SOURCES = ("Makefile", "**/*.[ch]")
FORGOTTEN_AFTER_S = 30 * 86_400
PARTS_FORGOTTEN_AFTER_S = 3_600

Probe = tuple[str, ...]
EMPTY = ("-E", "-x", "c", "/dev/null", "-o", "/dev/null")
PACKAGES: dict[str, Probe] = {
    "make": ("make", "--version"),
    "gcc": ("gcc", "--version"),
    "libc6-dev": ("gcc", "-include", "stdio.h", *EMPTY),
    "gcc-avr": ("avr-gcc", "--version"),
    "avr-libc": ("avr-gcc", "-mmcu=atmega328p", "-include", "avr/io.h", *EMPTY),
    "libsimavr-dev": ("gcc", "-include", str(SIMAVR_HEADER), "-I", str(SIMAVR_HEADER.parent), *EMPTY),
}
"""Debian package -> a command that succeeds where it is installed."""


@dataclass(frozen=True, slots=True)
class BuiltFirmware:
    """What was built: the .hex as it is flashed, and the simulator that runs it."""

    hex: Path
    simulator: Path


def built_firmware(root: Path | None = None, sources: Path | None = None) -> BuiltFirmware:
    """The firmware of this installation, built now if it was not yet.

    Any number of processes may ask at once: each builds in a folder of its own, the first to finish is kept.

    Args:
        root: where builds are kept; None: `build/firmware` of a checkout, else the user's cache.
        sources: the folder `firmware`; None: that of this installation.

    Raises:
        StationError: `toolchain_missing`, with the command that installs what is missing; `internal`, the
            compiler refused the sources.
    """
    source = sources or shared("firmware")
    kept = root or _root()
    folder = kept / _name(source)
    if not folder.is_dir():
        _require_tools()
        _build(source, folder)
    os.utime(folder)
    _forget_old(kept, folder)
    return BuiltFirmware(folder / HEX, folder / SIMULATOR)


def missing_packages() -> list[str]:
    """Debian packages that have to be installed before the firmware can be built."""
    return [name for name, probe in PACKAGES.items() if not _succeeds(probe)]


def _root() -> Path:
    build = shared("firmware").parent / "build"
    if in_checkout() and os.access(build if build.exists() else build.parent, os.W_OK):
        return build / "firmware"
    return Path(platformdirs.user_cache_dir(APP)) / "firmware"


def _name(sources: Path) -> str:
    """Names everything the build reads; another simulator's library needs another build, too."""
    found = sorted(path for pattern in SOURCES for path in sources.glob(pattern))
    digest = hashlib.sha256()
    for path in [*found, *([SIMAVR_HEADER] if SIMAVR_HEADER.exists() else [])]:
        content = path.read_bytes()
        name = os.path.relpath(path, sources) if path.is_relative_to(sources) else str(path)
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return f"twin-{digest.hexdigest()[:16]}"


def _require_tools() -> None:
    missing = missing_packages()
    if missing:
        raise StationError(
            "toolchain_missing",
            "the real firmware cannot be built here; "
            f"run: sudo apt-get install --no-install-recommends {' '.join(missing)}",
        )


def _succeeds(command: Probe) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def _build(sources: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        _make(sources, part)
        _require_unchanged(sources, folder.name)
        _keep(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)  # gone already if it was kept


def _make(sources: Path, build: Path) -> None:
    command = ["make", "-s", "-C", str(sources), f"BUILD={build}", "all", "sim"]
    if not in_checkout():
        command.append("GIT=0")  # whatever git finds around an installed package is not its history
    # a make that called us would hand its own flags and jobs on
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    done = subprocess.run(
        command, env=outside, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        words = " ".join(done.stderr.split())
        raise StationError("internal", f"the firmware does not compile: {words[-600:]}")


def _require_unchanged(sources: Path, name: str) -> None:
    if name != _name(sources):
        raise StationError("internal", "the firmware's sources changed while they were compiled")


def _keep(part: Path, folder: Path) -> None:
    """Give the build its name, unless somebody else was faster: theirs is as good."""
    try:
        part.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _forget_old(root: Path, current: Path) -> None:
    """Remove what other states of the sources and killed builds left behind."""
    for path in _outdated(root):
        if path != current:
            shutil.rmtree(path, ignore_errors=True)


def _outdated(root: Path) -> Iterator[Path]:
    now = time.time()
    for path in root.glob("twin-*"):
        allowed = PARTS_FORGOTTEN_AFTER_S if path.suffix == ".part" else FORGOTTEN_AFTER_S
        try:
            age = now - path.stat().st_mtime
        except FileNotFoundError:  # another process removed it
            continue
        if age > allowed:
            yield path
