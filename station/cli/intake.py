"""`station intake`: what the trainer has received and refused, asked over the bus."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from ..client import StationClient
from ..config import Settings
from ..documents.fault import StationError
from ..documents.limits import LIMITS
from ..documents.trainer import ParcelPage, Received, Refusal, RefusalPage, TrainerStatus
from .faces import size

Limit = Annotated[int, typer.Option(help="how many", min=1, max=LIMITS.page_parcels)]
Before = Annotated[int | None, typer.Option(help="those with a number below this one", min=1)]
Json = Annotated[bool, typer.Option("--json", help="the document itself")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What the trainer has received and refused.")
    group.callback(invoke_without_command=True)(status)
    group.command("list")(parcels)
    group.command("refusals")(refusals)
    app.add_typer(group, name="intake")


@contextmanager
def trainer(settings: Settings) -> Iterator[StationClient]:
    """A client of the trainer that the configuration names.

    Raises:
        StationError: whatever it answers; `daemon_absent`, none is there.
    """
    control = settings.endpoint("trainer_control")
    with StationClient(control, settings.endpoint("trainer_events")) as client:
        try:
            yield client
        except StationError as error:
            if error.code != "daemon_absent":
                raise
            hint = "Start it with `station trainer`."
            raise StationError("daemon_absent", f"no trainer answers at {control}", hint) from error


def status(context: typer.Context, json: Json = False) -> None:
    """What the trainer has received in all, and from whom."""
    if context.invoked_subcommand is not None:
        return
    found = TrainerStatus.model_validate(_ask(context, "status"))
    typer.echo(found.model_dump_json(indent=2) if json else status_text(found))


def parcels(context: typer.Context, limit: Limit = 20, before: Before = None, json: Json = False) -> None:
    """The newest parcels that were received."""
    page = ParcelPage.model_validate(_ask(context, "intake.parcels", limit=limit, before=before))
    if json:
        typer.echo(page.model_dump_json(indent=2))
        return
    lines = [parcel_line(one) for one in page.parcels] or ["nothing was received yet"]
    typer.echo("\n".join([*lines, *_more(page.before)]))


def refusals(context: typer.Context, limit: Limit = 20, before: Before = None, json: Json = False) -> None:
    """The newest parcels that were refused: why, and where the file lies that was put aside."""
    page = RefusalPage.model_validate(_ask(context, "intake.refusals", limit=limit, before=before))
    if json:
        typer.echo(page.model_dump_json(indent=2))
        return
    lines = [refusal_text(one) for one in page.refusals] or ["nothing was refused"]
    typer.echo("\n".join([*lines, *_more(page.before)]))


def _ask(context: typer.Context, method: str, **params: Any) -> Any:  # noqa: ANN401 - as JSON has it
    with trainer(context.obj.settings) as client:
        return client.call(method, params)


def _more(before: int | None) -> list[str]:
    return [] if before is None else [f"older ones: --before {before}"]


def status_text(found: TrainerStatus) -> str:
    """The trainer's status in lines."""
    doing = "quiescent" if found.quiescent else f"{found.in_hand} parcels in hand"
    lines = [
        f"trainer    {found.version}, process {found.pid}, {doing}",
        f"received   {found.parcels} parcels, {size(found.blobs_bytes)} in {found.data}",
        f"refused    {found.refused}, {found.quarantined} files put aside",
        f"disk       {size(found.disk_free_bytes)} free",
    ]
    for one in found.stations:
        refused = f", {one.refused} refused" if one.refused else ""
        lines.append(
            f"station    {one.name or '(no name)'}: {one.parcels} parcels{refused}, last {_time(one.last)}"
        )
    return "\n".join(lines)


def parcel_line(one: Received) -> str:
    """A received parcel in a line."""
    total = f"{len(one.files)} files  {size(sum(file.bytes for file in one.files))}"
    return f"{one.number:>6}  {_time(one.received)}  {one.scan_id}  {one.station}  {total}"


def refusal_text(one: Refusal) -> str:
    """A refusal in one line, or two."""
    line = f"{one.number:>6}  {_time(one.time)}  {one.parcel}  {one.station}  {one.why}"
    return f"{line}\n        put aside: {one.quarantined}" if one.quarantined else line


def _time(stamp: str) -> str:
    return stamp[:19].replace("T", " ")
