"""`station reprocess`: stored stacks computed again with another profile."""

from pathlib import Path
from typing import Annotated

import typer

from ..client import StationClient
from ..config import Settings
from ..documents.event import Status
from ..documents.fault import StationError
from ..documents.requests import Reprocessing, ScanReprocess
from .rig_access import daemon


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reprocess)


def reprocess(
    context: typer.Context,
    scans: Annotated[
        list[str] | None, typer.Argument(help="scans, by their identity or its beginning", show_default=False)
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="all that this profile and this release have not computed yet")
    ] = False,
    profile: Annotated[
        str, typer.Option(help="name, or path of a TOML; default: the one in use", show_default=False)
    ] = "",
) -> None:
    """Compute stored stacks again, such as after a better calibration. Former results are kept."""
    if bool(scans) == every:
        raise StationError("bad_request", "name the scans to compute again, or --all")
    request = ScanReprocess(scans=None if every else tuple(scans or ()), profile=_there(profile))
    settings = context.obj.settings
    told = _Told()
    with daemon(settings) as client:
        if client is None:
            _offline(settings, request, told)
        else:
            _by_daemon(client, request, told)
    told.end()


def _there(profile: str) -> str:
    """A path holds wherever the daemon was started."""
    is_path = profile.endswith(".toml") or "/" in profile
    return str(Path(profile).expanduser().absolute()) if is_path else profile


class _Told:
    """Prints what becomes of each scan."""

    def __init__(self) -> None:
        self._failed = 0

    def chosen(self, found: Reprocessing) -> None:
        for one in found.left_out:
            typer.echo(f"{one.id}  left out: {one.why}")
        typer.echo(f"{len(found.scans)} to compute with profile {found.profile}")

    def one(self, scan_id: str, number: int | None, why: str) -> None:
        self._failed += number is None
        typer.echo(f"{scan_id}  " + (f"no new result: {why}" if number is None else f"result {number}"))

    def end(self) -> None:
        if self._failed:
            raise StationError(
                "stack_unusable",
                f"{self._failed} scans could not be computed again; their former results are kept",
            )


def _offline(settings: Settings, request: ScanReprocess, told: _Told) -> None:
    from ..offline.reprocess import reprocess as compute  # noqa: PLC0415 - numpy only without a daemon

    compute(settings, request, told.chosen, told.one)


def _by_daemon(client: StationClient, request: ScanReprocess, told: _Told) -> None:
    before = client.status()
    found = Reprocessing.model_validate(client.call("scan.reprocess", request.model_dump(mode="json")))
    told.chosen(found)
    waiting = set(found.scans)
    for item in client.watch(after=before.seq) if waiting else ():
        if isinstance(item, Status):
            _require_same_run(item, before, len(waiting))
            continue
        event = item.event
        ours = event.cause in waiting and event.data.get("profile_sha256") == found.profile_sha256
        if not ours or event.type not in ("scan.processed", "scan.reprocess_failed"):
            continue
        told.one(event.cause, event.data.get("number"), event.data.get("message", ""))
        waiting.discard(event.cause)
        if not waiting:
            return


def _require_same_run(now: Status, before: Status, left: int) -> None:
    if now.boot != before.boot:
        raise StationError(
            "interrupted",
            f"the daemon was started again, and {left} scans were not computed",
            "Give the command again; with --all what is done already is left out.",
        )
