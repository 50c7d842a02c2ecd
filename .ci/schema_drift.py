"""Fails when the models of the catalogue and its migrations do not describe the same tables."""

import sys
import tempfile
from pathlib import Path

from station.archive.catalogue import Catalogue
from station.documents.fault import StationError

with tempfile.TemporaryDirectory() as folder:
    try:
        Catalogue(Path(folder)).open().close()
    except StationError as error:
        sys.exit(f"schema drift: {error}; write a migration in station/archive/migrations")
