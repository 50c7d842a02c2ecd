"""All commands in one place; each module imports what is heavy only when its command runs."""

from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..config import Settings, load
from . import (
    backup,
    batch,
    calibrate,
    catalogue,
    configuring,
    demo,
    doctor,
    intake,
    keeping,
    keys,
    lock,
    normals,
    profile,
    reprocess,
    rig,
    scanning,
    service,
    services,
    up,
)

app = typer.Typer(
    name="station",
    help="Scan trading cards by photometric stereo: normals, albedo, height, centering, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Context:
    """What every command may ask for: the settings, read when first needed."""

    def __init__(self, config: Path | None) -> None:
        self.config = config
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The checked configuration."""
        if self._settings is None:
            self._settings = load(self.config)
        return self._settings


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"station {__version__}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="station.toml to use; default: the XDG configuration folder"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Options that stand before every command."""
    del version
    context.obj = Context(config)


scanning.register(app)
batch.register(app)
services.register(app)
up.register(app)
service.register(app)
demo.register(app)
configuring.register(app)
catalogue.register(app)
normals.register(app)
rig.register(app)
calibrate.register(app)
profile.register(app)
reprocess.register(app)
keeping.register(app)
keys.register(app)
lock.register(app)
doctor.register(app)
intake.register(app)
backup.register(app)


def run() -> None:
    """Run the command line; usage mistakes end with exit code 2, as usual."""
    app()
