"""Taking a file that another process of this user has on the same disk: by a second name, not by a copy.

The offered path is believed for nothing. Each part of it below a trusted folder is opened without following
symbolic links, what is opened must be a regular file of this user, and its bytes are read and hashed. The
name is then given to that very file, whatever lies under the path by then.
"""

import hashlib
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..bus.parcel import Offer, ParcelFile
from .parts import READ_ONLY, BlobFolder

log = logging.getLogger(__name__)
CATALOGUE = "catalogue.sqlite3"
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def share(offer: Offer, blobs: BlobFolder, trusted: Sequence[Path]) -> int:
    """Take what can be taken of an offer; how many files that were. The others have to be sent.

    Args:
        offer: its `places` say where the files lie.
        blobs: where the second names go.
        trusted: data folders of stations, beside the one that the offer names.
    """
    folders = [*trusted, *_named(offer)]
    taken = 0
    for file, place in zip(offer.files, offer.places, strict=False):
        if blobs.missing_from(file) is None:
            continue
        try:
            taken += _take(file, Path(place), folders, blobs.path(file.sha256))
        except (OSError, ValueError) as error:
            # as if it had not been offered: what is wrong with it shows when its bytes are sent
            log.debug("%s is not shared: %s", place, error)
    return taken


def _named(offer: Offer) -> Iterator[Path]:
    """The data folder that the offer names, if this user has one there."""
    root = Path(offer.root)
    if not offer.root or not root.is_absolute():
        return
    try:
        own = root.stat().st_uid == os.geteuid() and (root / CATALOGUE).lstat().st_uid == os.geteuid()
        own = own and stat.S_ISREG((root / CATALOGUE).lstat().st_mode)
    except (OSError, ValueError):  # a path with a null byte is none
        return
    if own:
        yield root


def _take(file: ParcelFile, place: Path, folders: Sequence[Path], final: Path) -> bool:
    within = next((folder for folder in folders if place.is_relative_to(folder)), None)
    if within is None or ".." in place.parts:
        return False
    with _opened(within, place) as descriptor:
        if not _is(descriptor, file):
            return False
        os.fchmod(descriptor, READ_ONLY)
        os.fsync(descriptor)
        _link(descriptor, final)
        return True


def _link(descriptor: int, final: Path) -> None:
    """Give the open file itself a second name; what its path leads to by now does not matter."""
    folder = os.open(final.parent, FOLDER)
    try:
        # only with a folder's descriptor does Python make the call that follows /proc to the file
        os.link(f"/proc/self/fd/{descriptor}", final.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


@contextmanager
def _opened(within: Path, place: Path) -> Iterator[int]:
    """The file, reached from a trusted folder without a symbolic link."""
    *folders, name = place.relative_to(within).parts
    current = os.open(within.resolve(), FOLDER)
    try:
        for folder in folders:
            following = os.open(folder, FOLDER, dir_fd=current)
            os.close(current)
            current = following
        following = os.open(name, FILE, dir_fd=current)
    finally:
        os.close(current)
    try:
        yield following
    finally:
        os.close(following)


def _is(descriptor: int, file: ParcelFile) -> bool:
    """Whether this is a regular file of this user with the content that the manifest says."""
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode) or before.st_uid != os.geteuid() or before.st_size != file.bytes:
        return False
    with open(descriptor, "rb", closefd=False) as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    after = os.fstat(descriptor)
    same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    return same and found == file.sha256
