"""The data folder and its disk: who may look into it, whether it can be written, how much still fits."""

import os
import stat
import time
from pathlib import Path

from ...archive.room import measure
from ...documents.doctor import Check
from ...documents.fault import StationError
from ...documents.ids import new_id

SLOW_SYNC_S = 0.1
"""A scan syncs about 14 files; at this pace that is 1.4 s of each card."""
FEW_SIDES = 200


def privacy(root: Path, run: Path) -> list[Check]:
    """Whether only this user gets at the data and the sockets."""
    return [_private("data folder", root), _private("run folder", run)]


def _private(name: str, folder: Path) -> Check:
    try:
        found = folder.stat()
    except FileNotFoundError:
        return Check(name=name, state="ok", said=f"{folder} is made at the first start")
    except OSError as error:
        return Check(
            name=name,
            state="bad",
            said=f"{folder} cannot be looked at: {error.strerror}",
            next_step=f"Make {folder} and what it lies in accessible for this user.",
        )
    if found.st_uid != os.geteuid():
        return Check(
            name=name,
            state="bad",
            said=f"{folder} belongs to user {found.st_uid}, the station runs as {os.geteuid()}",
            next_step=f"`chown -R` {folder} to the user that runs the station.",
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        return Check(
            name=name,
            state="warn",
            said=f"{folder} has mode {mode:04o}: other users of this machine can look into it",
            next_step=f"`chmod 700 {folder}`, unless they are meant to.",
        )
    return Check(name=name, state="ok", said=f"{folder} is private (mode {mode:04o})")


def writing(root: Path) -> Check:
    """Whether the data folder takes a file, and how long the disk takes to make one durable."""
    place = next(path for path in (root, *root.parents) if path.exists())
    path = place / f".doctor-{new_id()}"
    try:
        began_s = time.perf_counter()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, bytes(4096))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            path.unlink()
        took_s = time.perf_counter() - began_s
    except OSError as error:
        return Check(
            name="writing",
            state="bad",
            said=f"{place} does not take a file: {error.strerror}",
            next_step="Make the folder writable for this user and the disk not read-only, or free some room.",
        )
    if took_s > SLOW_SYNC_S:
        return Check(
            name="writing",
            state="warn",
            said=f"the disk took {took_s * 1e3:.0f} ms to make one small file durable",
            next_step="Put `station.data` on another disk (an SSD) if this is so every time.",
        )
    return Check(name="writing", state="ok", said=f"a small file is durable after {took_s * 1e3:.1f} ms")


def disk(root: Path, reserve_mb: int, bytes_per_side: int | None) -> Check:
    """What is free, and how many sides fit above the reserve."""
    place = next(path for path in (root, *root.parents) if path.exists())
    try:
        room = measure(place, reserve_mb, bytes_per_side)
        room.admit()
    except StationError as error:
        return Check(name="disk", state="bad", said=str(error), next_step=error.hint)
    free = f"{room.free_bytes / 1e9:.1f} GB are free"
    if room.sides is None:
        return Check(name="disk", state="ok", said=f"{free}; bytes per side not known before the first scan")
    fits = f"{free}, room for {room.sides // 2:,} cards ({room.sides:,} sides)"
    if room.sides < FEW_SIDES:
        return Check(
            name="disk",
            state="warn",
            said=fits,
            next_step="Free some room, move `station.data`, or set [retention] in station.toml.",
        )
    return Check(name="disk", state="ok", said=fits)
