"""`station doctor`: what is wrong with the station, and what to do."""

from typing import Annotated

import typer

from ..config import Settings
from ..documents.doctor import Check, DoctorReport
from ..documents.fault import StationError
from .rig_access import daemon


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="the whole report")] = False,
    accept_clock: Annotated[
        bool, typer.Option("--accept-clock", help="the time of this machine is right, whatever it was before")
    ] = False,
) -> None:
    """Look at devices, permissions, disk, clock, catalogue, delivery, profile and versions.

    Ends with code 1 if anything is bad.
    """
    settings = context.obj.settings
    if accept_clock:
        _accept_clock(settings)
    report = examined(settings)
    typer.echo(report.model_dump_json(indent=2) if json else report_text(report))
    if report.bad:
        raise typer.Exit(1)


def _accept_clock(settings: Settings) -> None:
    """The daemon alone refuses cards because of the clock."""
    with daemon(settings) as client:
        if client is None:
            raise StationError("daemon_absent", "no daemon runs, so none waits for the clock to be accepted")
        client.call("clock.accept")


def examined(settings: Settings) -> DoctorReport:
    """Ask the daemon, which owns data and port; without one look here."""
    with daemon(settings) as client:
        if client is not None:
            return DoctorReport.model_validate(client.call("doctor"))
    from ..offline.doctor import examine  # noqa: PLC0415 - numpy and pyserial only without a daemon

    return examine(settings)


def report_text(report: DoctorReport) -> str:
    """One line a check, and what to do below it."""
    who = "the daemon looked" if report.by == "daemon" else "no daemon runs"
    lines = [line for check in report.checks for line in _lines(check)]
    warned = sum(check.state == "warn" for check in report.checks)
    return "\n".join([*lines, f"{report.bad} bad, {warned} to watch; {who}"])


def _lines(check: Check) -> list[str]:
    line = f"{check.state:<4}  {check.name:<18}  {check.said}"
    return [line] if not check.next_step else [line, f"{'':<26}{check.next_step}"]
