"""`station daemon` and `station trainer`: the services in the foreground."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("daemon")(daemon)
    app.command("trainer")(trainer)


def daemon(context: typer.Context) -> None:
    """Run the daemon that owns rig, camera and archive, until SIGTERM or Ctrl-C."""
    settings = context.obj.settings
    from ..daemon import run  # noqa: PLC0415 - numpy and friends only when the daemon itself runs

    run(settings)


def trainer(context: typer.Context) -> None:
    """Run the trainer, which takes delivery of the scans, until SIGTERM or Ctrl-C."""
    settings = context.obj.settings
    from ..trainer import run  # noqa: PLC0415

    run(settings)
