"""`station config check | show`."""

import typer

from ..config import as_toml, default_path


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Look at and check station.toml.")
    group.command("check")(check)
    group.command("show")(show)
    app.add_typer(group, name="config")


def check(context: typer.Context) -> None:
    """Check station.toml; every mistake is named with its key."""
    where = context.obj.config or default_path()
    settings = context.obj.settings
    note = "" if where.exists() else " (no such file: all defaults)"
    typer.echo(f"{where}: in order{note}; data in {settings.station.data}")


def show(context: typer.Context) -> None:
    """Print every setting with the value that holds, ready to be saved as station.toml."""
    typer.echo(as_toml(context.obj.settings), nl=False)
