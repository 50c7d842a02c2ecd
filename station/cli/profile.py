"""`station profile list | use | show`: the rig profiles, and which of them scans are taken with."""

from typing import Annotated

import typer

from .profile_faces import entries_text, profile_text
from .rig_access import daemon


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Look at the rig profiles, and choose one.")
    group.command("list")(listed)
    group.command("use")(use)
    group.command("show")(show)
    app.add_typer(group, name="profile")


def listed(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="a document for each")] = False,
) -> None:
    """All profiles, your own first; a star marks the one in use."""
    from ..offline.profiles import profiles  # noqa: PLC0415 - numpy only where a profile is read

    found = profiles(context.obj.settings)
    typer.echo("\n".join(one.model_dump_json() for one in found) if json else entries_text(found))


def use(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="a profile of `station profile list`", show_default=False)],
) -> None:
    """Take scans with this profile from now on; the others are kept."""
    from ..offline.profiles import use as take  # noqa: PLC0415

    settings = context.obj.settings
    typer.echo(take(settings, name))
    with daemon(settings) as client:
        if client is not None:
            typer.echo("the daemon that runs takes it at its next start")


def show(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="name, or path of a TOML; default: the one in use")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="the whole document")] = False,
) -> None:
    """What a profile says of lights, camera and itself."""
    from ..offline.profiles import profile  # noqa: PLC0415

    found, sha256 = profile(context.obj.settings, name)
    typer.echo(found.model_dump_json(indent=2) if json else profile_text(found, sha256))
