"""Folders that appear whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from station.share.durable import make_folders, storing, sync_folder, write_file

PART = ".part"


class PartFolder:
    """A folder under construction, `<name>.part`, which takes its name when everything in it is durable.

    Whatever the system refuses, the partial folder is removed before the error is raised.
    """

    def __init__(self, final: Path) -> None:
        self.final = final
        self.part = final.with_name(final.name + PART)
        self._opened = False

    def write(self, name: str, content: bytes) -> None:
        """Add one durable file.

        Raises:
            StationError: `disk_full` or `data_unwritable`.
        """
        with storing(self.final), self._removed_on_error():
            self._open()
            write_file(self.part / name, content)

    def commit(self, manifest: bytes) -> None:
        """Add `manifest.json` and give the folder its name, durably.

        Raises:
            StationError: `disk_full` or `data_unwritable`; then neither the partial nor the named folder
                exists.
        """
        self.write("manifest.json", manifest)
        with storing(self.final), self._removed_on_error():
            sync_folder(self.part)
            self.part.rename(self.final)
            sync_folder(self.final.parent)
        self._opened = False

    def discard(self) -> None:
        """Remove the partial folder, if there is one."""
        if self._opened:
            self._opened = False
            # What cannot be removed now (the medium turned read-only) is swept at the next start.
            shutil.rmtree(self.part, ignore_errors=True)

    def _open(self) -> None:
        if self._opened:
            return
        if self.final.exists():
            raise ValueError(f"{self.final} exists already")
        make_folders(self.final.parent)
        shutil.rmtree(self.part, ignore_errors=True)  # left by a computation that was killed
        self.part.mkdir()
        self._opened = True

    @contextmanager
    def _removed_on_error(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            if self._opened and not self.part.exists():
                # Renamed, but not surely durable: it must not be there half promised.
                shutil.rmtree(self.final, ignore_errors=True)
            self.discard()
            raise
