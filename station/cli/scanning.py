"""`station scan`, `station status`, `station show`: through the client, like any third-party program."""

from typing import Annotated, Any

import typer

from ..client import StationClient
from ..documents.event import Event
from ..documents.fault import StationError
from .connecting import client_of
from .faces import scan_line, scan_text, status_text


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (scan, status, show):
        app.command()(command)


def connect(context: typer.Context) -> StationClient:
    """A client of the daemon that the configuration names."""
    return client_of(context.obj.settings)


def scan(
    context: typer.Context,
    side: Annotated[str, typer.Option(help="front or back")] = "front",
    card: Annotated[str | None, typer.Option(help="identity of the card; default: a new one")] = None,
    name: Annotated[str, typer.Option(help="any words to find it by")] = "",
    abort: Annotated[bool, typer.Option("--abort", help="abort the scan that runs")] = False,
    wait: Annotated[bool, typer.Option(help="wait for the maps and the report")] = True,
    seed: Annotated[int | None, typer.Option(help="twin only: put down the card of this seed first")] = None,
    bow_mm: Annotated[float | None, typer.Option(help="twin only: bow of that card in mm")] = None,
) -> None:
    """Scan the card under the camera."""
    with connect(context) as client:
        if abort:
            client.scan_abort()
            typer.echo("asked to abort")
            return
        if seed is not None:
            client.call("twin.place", {"seed": seed, "side": side, "bow_mm": bow_mm})
        finished = follow(
            client,
            {"side": side, "card_id": card, "name": name},
            "scan.processed" if wait else "scan.captured",
        )
        typer.echo(scan_text(client.scan_get(finished)))


def follow(client: StationClient, params: dict[str, Any], end: str) -> str:
    """Start a scan and print its steps until it ends; the scan's identity.

    Raises:
        StationError: what the scan failed with.
    """
    head = client.status().seq
    scan_id = client.scan_start(**params)
    for event in client.events(after=head):
        if event.cause != scan_id:
            continue
        _print_step(event)
        raise_if_failed(event)
        if event.type == end:
            break
    return scan_id


def _print_step(event: Event) -> None:
    if event.type in ("scan.step", "scan.retake"):
        why = f": {event.data['message']}" if event.data.get("message") else ""
        typer.echo(f"  {event.type.removeprefix('scan.')} {event.data.get('step', '')}{why}")
    elif event.type == "scan.captured":
        typer.echo("\a  captured: the card may be taken away")


def raise_if_failed(event: Event) -> None:
    """Turn the event of a failed scan into the error it stands for."""
    if event.type in ("scan.failed", "scan.interrupted", "scan.deferred"):
        raise StationError(event.data.get("code", "internal"), event.data.get("message", "the scan failed"))


def status(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="the whole status document")] = False,
) -> None:
    """What the station is doing."""
    with connect(context) as client:
        answer = client.status()
    typer.echo(answer.model_dump_json(indent=2) if json else status_text(answer))


def show(
    context: typer.Context,
    scan_id: Annotated[str | None, typer.Argument(help="a scan; without one the newest are listed")] = None,
    limit: Annotated[int, typer.Option(help="how many to list")] = 20,
    json: Annotated[bool, typer.Option("--json", help="the documents themselves")] = False,
) -> None:
    """One scan with its figures and delivery state, or the list of the newest."""
    with connect(context) as client:
        scans = [client.scan_get(scan_id)] if scan_id else client.scan_list(limit)
    if json:
        for one in scans:
            typer.echo(one.model_dump_json(indent=2))
    elif scan_id:
        typer.echo(scan_text(scans[0]))
    else:
        typer.echo("\n".join(scan_line(one) for one in scans) or "no scans yet")
