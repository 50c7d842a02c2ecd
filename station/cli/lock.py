"""`station lock`: be the operator. The token is kept for the later commands of this user alone."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ..config import Settings
from ..documents.lock import LockState
from .connecting import token_path
from .scanning import connect


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Be the operator: others may look, and change nothing.")
    for command in (take, release, show):
        group.command()(command)
    app.add_typer(group, name="lock")


def take(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="yours, for the others to see")],
    reason: Annotated[str, typer.Option(help="what for")] = "",
    for_s: Annotated[float, typer.Option("--for-s", help="it ends so long after your last command")] = 600,
    steal: Annotated[bool, typer.Option("--steal", help="take it from whoever has it")] = False,
) -> None:
    """Take the lock; the commands of this user carry it from now on."""
    with connect(context) as client:
        params = {"name": name, "reason": reason, "for_s": for_s, "steal": steal}
        token = client.call("lock.take", params)["token"]
    _keep(context.obj.settings, token)
    typer.echo(f"{name} operates the station")


def release(context: typer.Context) -> None:
    """Let others operate again."""
    with connect(context) as client:
        if client.operator is not None:
            client.call("lock.release", {"token": client.operator})
    with suppress(FileNotFoundError):
        token_path(context.obj.settings).unlink()
    show(context)


def show(context: typer.Context) -> None:
    """Who operates the station."""
    with connect(context) as client:
        state = LockState.model_validate(client.call("lock.show"))
    why = f", {state.reason}" if state.reason else ""
    typer.echo(f"{state.name} since {state.since[:19]}Z{why}" if state.name else "nobody has the lock")


def _keep(settings: Settings, token: str) -> None:
    path: Path = token_path(settings)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token)
