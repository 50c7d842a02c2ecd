"""The manifest of a backup, and what a run of `station backup` or `station restore` did."""

from typing import Literal

from pydantic import Field

from .base import Document


class BackupResult(Document):
    """One result of a scan: its number, and the hash of its manifest, which names its files."""

    number: int
    manifest_sha256: str


class BackupScan(Document):
    """One scan folder in a backup. `folder` is relative to the data root, and to the backup as well."""

    folder: str
    manifest_sha256: str
    results: tuple[BackupResult, ...] = ()


class BackupFile(Document):
    """Any other file. `name` is relative to the data root; `mode` its permissions."""

    name: str
    sha256: str
    bytes: int
    mode: int = 0o600


class BackupManifest(Document):
    """`backup.json` of one complete backup.

    Attributes:
        created: UTC, ISO 8601.
        catalogue: whether the catalogue is among the files; without it, it is made anew from the scans.
        scans: everything that is immutable; shared by all backups in one target.
        files: everything else, which each backup has a copy of.
        damaged: what could not be backed up because it could not be read, a sentence for each.
    """

    schema_version: Literal[1] = 1
    created: str
    station: str
    software: str
    catalogue: bool
    scans: tuple[BackupScan, ...] = ()
    files: tuple[BackupFile, ...] = ()
    damaged: tuple[str, ...] = ()


class CatalogueCopy(Document):
    """What `catalogue.copy` answers: a copy made for the caller, who removes it; empty: a server holds it."""

    path: str


class BackupReport(Document):
    """What a backup, its verification or a restoration did.

    Attributes:
        backup: folder of the complete backup.
        scans, files: what it holds.
        copied, linked: files that were new, by how they came.
        bytes: of the files that were new, or read to verify.
        problems: a sentence for each thing that is not as it should be.
    """

    backup: str
    scans: int
    files: int
    copied: int = 0
    linked: int = 0
    bytes: int = 0
    problems: tuple[str, ...] = Field(default=())
