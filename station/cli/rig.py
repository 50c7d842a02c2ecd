"""`station rig info | console | selftest | flash`."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ..config import Settings
from ..documents.fault import StationError
from .rig_access import daemon, rig
from .rig_console import Console, Lines
from .rig_faces import report_text, selftest_text

LENT_S = 300.0
BOOTLOADER_BAUD = 115_200

Port = Annotated[
    str | None,
    typer.Option(help="the board's port, `auto`, or a folder of ports; default: rig.port, or the daemon's"),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="Examine the board, talk to it, test it, write its firmware."
    )
    for command in (info, console, selftest, flash):
        group.command()(command)
    app.add_typer(group, name="rig")


def info(
    context: typer.Context,
    port: Port = None,
    json: Annotated[bool, typer.Option("--json", help="the whole document")] = False,
) -> None:
    """Who the board is and how it is; every figure is the board's own."""
    with rig(context.obj.settings, port) as found:
        report = found.info()
    typer.echo(report.model_dump_json(indent=2) if json else report_text(report))


def console(context: typer.Context, port: Port = None) -> None:
    """Talk to the board in words, from a terminal or a pipe; `help` lists them."""
    person = sys.stdin.isatty()
    with rig(context.obj.settings, port) as found:
        conversation = Console(found, "rig> " if person else "")
        conversation.run(Lines(sys.stdin.fileno()))
    if conversation.failed and not person:
        raise StationError(
            "bad_request",
            f"{conversation.failed} lines came to nothing",
            "The lines that begin with ! say why; `help` lists the words.",
        )


def selftest(
    context: typer.Context,
    port: Port = None,
    json: Annotated[bool, typer.Option("--json", help="the whole document")] = False,
) -> None:
    """Light each light alone and see whether the camera sees it where the profile says."""
    with rig(context.obj.settings, port) as found:
        report = found.selftest()
    typer.echo(report.model_dump_json(indent=2) if json else selftest_text(report))
    if not report.passed:
        count = len(report.findings)
        raise StationError("selftest_failed", f"{count} {'thing is' if count == 1 else 'things are'} wrong")


def flash(
    context: typer.Context,
    port: Port = None,
    hex_file: Annotated[
        Path | None, typer.Option("--hex", help="image to write; default: built from this release's sources")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="write it whatever runs on the board")] = False,
    baud: Annotated[int, typer.Option(help="of the bootloader")] = BOOTLOADER_BAUD,
) -> None:
    """Write the firmware into the board, and see that it runs."""
    settings = context.obj.settings
    with daemon(settings) as client:
        if client is None or port is not None:
            _flash(settings, port, hex_file, baud, force=force)
            return
        lent = client.call("rig.release", {"for_s": LENT_S, "why": "station rig flash"})
        try:
            _flash(settings, lent["port"], hex_file, baud, force=force)
        except BaseException:
            with suppress(StationError):  # what went wrong first is what is to be told
                client.call("rig.retake")
            raise
        client.call("rig.retake")
        typer.echo("the daemon has the board back")


def _flash(settings: Settings, named: str | None, hex_file: Path | None, baud: int, *, force: bool) -> None:
    from ..offline import flashing  # noqa: PLC0415 - pyserial only where it is needed

    port = flashing.port_of(settings, named)
    with flashing.firmware(hex_file) as wanted:
        typer.echo(f"to be written: {wanted.says}")
        seen = flashing.who_is_there(port, settings)
        typer.echo(f"on the board:  {seen.says}")
        flashing.refuse_mistakes(wanted, seen, force=force)
        if seen.runs(wanted) and not force:
            typer.echo("nothing to do: the board runs it already (--force writes it again)")
            return
        flashing.write(port, wanted, baud)
        typer.echo(f"written and verified: {flashing.verify(port, wanted, settings).says}")
