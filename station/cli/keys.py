"""`station keys`: who may come in over TCP."""

from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="of the client: letters, digits, - and _")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Who may come in over TCP: one named key for each client.")
    group.command("add")(add)
    group.command("remove")(remove)
    group.command("list")(show)
    app.add_typer(group, name="keys")


def add(
    context: typer.Context,
    name: Name,
    out: Annotated[Path | None, typer.Option(help="where the key file goes; default: NAME.json here")] = None,
) -> None:
    """Let a client in; the key file is for its owner alone, and is written once."""
    from ..offline.keys import add_key  # noqa: PLC0415 - zmq only when it is needed

    path = out or Path(f"{name}.json")
    add_key(context.obj.settings, name, path)
    typer.echo(f"{name} is let in; give {path} to its owner, and nobody else")
    if not context.obj.settings.bus.remote_control:
        typer.echo("no endpoint is served over TCP yet: set `bus.remote_control` in station.toml")


def remove(context: typer.Context, name: Name) -> None:
    """Let a client in no longer; a connection that stands ends with the daemon."""
    from ..offline.keys import ring  # noqa: PLC0415 - as above

    ring(context.obj.settings).remove(name)
    typer.echo(f"{name} is not let in any more")


def show(context: typer.Context) -> None:
    """Who is let in."""
    from ..offline.keys import ring  # noqa: PLC0415 - as above

    typer.echo("\n".join(ring(context.obj.settings).names()) or "nobody is let in over TCP")
