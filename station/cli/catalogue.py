"""`station catalogue upgrade | rebuild`: the index over the scan folders, mended without a daemon."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Mend the catalogue; stop the daemon first.")
    group.command("upgrade")(upgrade)
    group.command("rebuild")(rebuild)
    app.add_typer(group, name="catalogue")


def upgrade(context: typer.Context) -> None:
    """Bring the catalogue to this release; every row is kept."""
    from ..offline.catalogue import upgrade_catalogue  # noqa: PLC0415 - SQLAlchemy only when it is needed

    typer.echo(upgrade_catalogue(context.obj.settings))


def rebuild(context: typer.Context) -> None:
    """Make the catalogue anew from the scan folders; the old one is kept beside it."""
    from ..offline.catalogue import rebuild_catalogue  # noqa: PLC0415

    typer.echo(rebuild_catalogue(context.obj.settings))
