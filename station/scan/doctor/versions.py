"""What the station runs on: Python, itself, libzmq, SQLite, and the board's firmware."""

import platform
import re
import sqlite3
import sys

from ... import __version__
from ...bus.library import libzmq_version
from ...documents.doctor import Check
from ...share import shared

OLDEST_PYTHON = (3, 11)
OLDEST_LIBZMQ = (4, 3, 1)
"""Heartbeats and CURVE as they are used here, without the reading beyond a frame of CVE-2019-6250."""
_FIXED = {(3, 44): 6, (3, 50): 7}


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Whether two connections can damage a database in WAL mode.

    SQLite 3.7.0 to 3.51.2; mended in 3.51.3 and, of older lines, in 3.44.6 and 3.50.7
    (https://sqlite.org/wal.html).
    """
    line, patch = version[:2], version[2] if len(version) > 2 else 0
    if line in _FIXED and patch >= _FIXED[line]:
        return False
    return (3, 7, 0) <= version < (3, 51, 3)


def versions() -> list[Check]:
    """What this process runs on."""
    return [_python(), _libzmq(), _sqlite(sqlite3.sqlite_version_info)]


def _python() -> Check:
    said = f"station {__version__} on Python {platform.python_version()}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        needed = ".".join(map(str, OLDEST_PYTHON))
        return Check(name="python", state="bad", said=said, next_step=f"Install Python {needed} or newer.")
    return Check(name="python", state="ok", said=said)


def _libzmq() -> Check:
    found = libzmq_version()
    said = f"libzmq {'.'.join(map(str, found))}"
    if found < OLDEST_LIBZMQ:
        return Check(
            name="libzmq", state="warn", said=f"{said} is old", next_step="Install the pyzmq of this release."
        )
    return Check(name="libzmq", state="ok", said=said)


def _sqlite(version: tuple[int, ...]) -> Check:
    said = f"SQLite {'.'.join(map(str, version))}"
    if has_wal_reset_bug(version):
        said += (
            " has the WAL-reset bug, which needs two connections; the catalogue is locked for one alone, so "
            "it cannot strike here"
        )
    return Check(name="sqlite", state="ok", said=said)


def firmware(found: str | None) -> Check:
    """The board's firmware against the one of this release; None: the board was not asked."""
    needed = shipped_firmware()
    if found is None:
        return Check(
            name="firmware", state="ok", said=f"the board was not asked; this release brings {needed}"
        )
    if _numbers(found) < _numbers(needed):
        return Check(
            name="firmware",
            state="warn",
            said=f"the board runs firmware {found}, this release brings {needed}",
            next_step="Write the newer one: `station rig flash --port <your port>`.",
        )
    return Check(name="firmware", state="ok", said=f"the board runs {found}, this release brings {needed}")


def shipped_firmware() -> str:
    """Version of the firmware that belongs to this release."""
    text = shared("firmware", "core", "version.h").read_text("utf-8")
    found = [re.search(rf"FIRMWARE_{part}\s+(\d+)", text) for part in ("MAJOR", "MINOR", "PATCH")]
    return ".".join(part[1] for part in found if part is not None)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0]))
