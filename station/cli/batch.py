"""`station batch`: hands-free scanning, with a screen that is read from where the cards are."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from ..client import StationClient
from ..documents.batch import BatchBegin, BatchOrder, BatchState, BatchTrigger
from ..documents.fault import StationError
from .scanning import connect

LEAST_COLUMNS, LEAST_ROWS = 40, 12


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Scan hands-free, card after card: begin a batch, or go on with the open one.")
    group.callback(invoke_without_command=True)(batch)
    for name, summary in STEERING.items():
        group.command(name, help=summary)(_steering(name))
    group.command("show", help="Where the batch stands, in one line.")(show)
    app.add_typer(group, name="batch")


STEERING = {
    "pause": "Have a break; a scan that runs is finished first.",
    "resume": "Go on after a break.",
    "undo": "Take the newest side back.",
    "turn": "The pile of fronts is complete: their backs come now.",
    "go": "What the pedal does: scan what lies there, or try again.",
    "finish": "End the batch.",
}


def batch(
    context: typer.Context,
    *,
    order: Annotated[str, typer.Option(help=", ".join(get_args(BatchOrder)))] = "front_back",
    trigger: Annotated[
        str, typer.Option(help=f"what starts a scan: {', '.join(get_args(BatchTrigger))}")
    ] = "picture",
    pile: Annotated[int, typer.Option(help="cards of a pile (fronts_then_backs)")] = 0,
    cards: Annotated[int, typer.Option(help="how many are to come; 0: not known")] = 0,
    naming: Annotated[str, typer.Option(help="such as '{set} {number:03d}', of the set list's columns")] = "",
    set_list: Annotated[
        Path | None, typer.Option("--list", help="CSV, one row a card, in their order")
    ] = None,
    known: Annotated[
        str, typer.Option(help="a card scanned before: refuse (until put down again) or notice")
    ] = "refuse",
    watch: Annotated[bool, typer.Option(help="stay and show the state until the batch is over")] = True,
) -> None:
    """Begin a batch, or go on with the open one; Ctrl-C leaves the screen, the batch goes on."""
    if context.invoked_subcommand is not None:
        return
    asked = {
        "order": order, "trigger": trigger, "pile": pile, "cards": cards, "naming": naming,
        "set_list": _read(set_list) if set_list else "", "known": known,
    }  # fmt: skip
    with connect(context) as client:
        head = client.status().seq
        state = _open_one(client) or BatchState.model_validate(client.call("batch.begin", _checked(asked)))
        if watch:
            _show_until_over(client, state, head)
        else:
            _line(state)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise StationError("list_invalid", f"the set list {path} cannot be read: {why}") from error


def _checked(asked: dict[str, Any]) -> dict[str, Any]:
    for key, known in (("order", get_args(BatchOrder)), ("trigger", get_args(BatchTrigger))):
        if asked[key] not in known:
            raise StationError("option_invalid", f"--{key} {asked[key]}: known are {', '.join(known)}")
    if asked["known"] not in ("refuse", "notice"):
        raise StationError("option_invalid", f"--known {asked['known']}: known are refuse and notice")
    return BatchBegin.model_validate(asked).model_dump(mode="json")


def _open_one(client: StationClient) -> BatchState | None:
    return client.status().batch


def _show_until_over(client: StationClient, state: BatchState, head: int) -> None:
    with _screen() as paint:
        paint(state)
        for event in client.events(after=head):
            if event.type in ("batch.phase", "batch.finished") and event.cause == state.id:
                paint(BatchState.model_validate(event.data))
            if event.type == "batch.finished" and event.cause == state.id:
                break
    _line(BatchState.model_validate(event.data))


@contextmanager
def _screen() -> Iterator[Any]:
    """Large letters on a terminal, one line a change elsewhere."""
    from rich.console import Console  # noqa: PLC0415 - only where something is drawn
    from rich.live import Live  # noqa: PLC0415

    from .batch_faces import board, line  # noqa: PLC0415

    console = Console()
    if not console.is_terminal or console.width < LEAST_COLUMNS or console.height < LEAST_ROWS:
        yield lambda state: typer.echo(line(state))
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield lambda state: live.update(board(state, console.width, console.height), refresh=True)


def _steering(name: str) -> Any:  # noqa: ANN401 - a command of typer
    def steer(context: typer.Context) -> None:
        with connect(context) as client:
            _line(BatchState.model_validate(client.call(f"batch.{name}")))

    return steer


def show(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="the whole document")] = False,
) -> None:
    """Where the batch stands."""
    with connect(context) as client:
        state = BatchState.model_validate(client.call("batch.state"))
    typer.echo(state.model_dump_json(indent=2)) if json else _line(state)


def _line(state: BatchState) -> None:
    from .batch_faces import line  # noqa: PLC0415

    typer.echo(line(state))
