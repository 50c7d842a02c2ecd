"""`station backup` and `station restore`."""

from pathlib import Path
from typing import Annotated

import typer

from ..client import StationClient
from ..config import default_path
from ..documents.backup import BackupReport
from ..documents.fault import StationError
from .faces import size
from .rig_access import daemon


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="folder of the backups, best on another disk")],
    verify: Annotated[
        bool, typer.Option("--verify", help="make none, but read the newest one to its last byte")
    ] = False,
) -> None:
    """Back up scans, catalogue, profiles, keys and station.toml; only what TARGET does not have yet.

    The daemon may run meanwhile. What the trainer has is its own matter.
    """
    from ..offline import backup as backups  # noqa: PLC0415 - SQLAlchemy only when it is needed

    if verify:
        report = backups.verify(target)
        typer.echo(
            f"{report.backup}: {report.files} files of {report.scans} scans read, {size(report.bytes)}"
        )
    else:
        settings, config = context.obj.settings, context.obj.config or default_path()
        with daemon(settings) as client:
            asked = None if client is None else lambda: _copy(client)
            report = backups.make(settings, target, config, asked)
        typer.echo(
            f"{report.backup}: {report.scans} scans and {report.files} other files; new: "
            f"{report.copied} copied ({size(report.bytes)}), {report.linked} linked"
        )
    _raise_problems(report)


def _copy(client: StationClient) -> str:
    return str(client.call("catalogue.copy")["path"])


def restore(
    context: typer.Context,
    backup: Annotated[Path, typer.Argument(help="folder of the backups, or of one of them")],
) -> None:
    """Bring a backup back into the data folder of the configuration, which must be empty or not there yet."""
    from ..offline import backup as backups  # noqa: PLC0415

    data = context.obj.settings.station.data
    report = backups.restore(backup.expanduser().absolute(), data)
    typer.echo(f"{report.copied} files of {report.scans} scans, {size(report.bytes)}, are back in {data}")
    if (data / "station.toml").is_file():
        typer.echo(
            f"the configuration of then is {data / 'station.toml'}; it is not used from there by itself"
        )
    _raise_problems(report)


def _raise_problems(report: BackupReport) -> None:
    if report.problems:
        raise StationError("backup_failed", "\n  ".join(["not all is well:", *report.problems]))
