"""`station service`: daemon and trainer under systemd, and the rule that lets this user have the devices."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from ..documents.fault import StationError
from ..share import shared
from ..share.durable import replace_file, storing

UNITS = ("station-daemon.service", "station-trainer.service")
RULES = "60-scan-station.rules"
RULES_FOLDER = Path("/etc/udev/rules.d")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Run daemon and trainer as systemd services of this user.")
    for command in (install, remove, show):
        group.command()(command)
    app.add_typer(group, name="service")


Folder = Annotated[
    Path | None, typer.Option("--folder", help="of the units; default: systemd's folder of this user")
]


def install(context: typer.Context, folder: Folder = None) -> None:
    """Write the units; systemd is told, and starts them with this user's session."""
    target = folder or _units_folder()
    with storing(target):
        target.mkdir(parents=True, exist_ok=True)
        for name, text in units(context.obj.config).items():
            replace_file(target / name, text.encode())
            typer.echo(f"wrote {target / name}")
    if folder is None:
        _systemctl("daemon-reload")
        _systemctl("enable", *UNITS)
        typer.echo("start them with: systemctl --user start " + " ".join(UNITS))
        typer.echo("to have them run without a login: loginctl enable-linger")
    if not (RULES_FOLDER / RULES).exists():
        rules = shlex.quote(str(shared("service", RULES)))
        typer.echo("let this user have the board and the camera, once, as root:")
        typer.echo(
            f"  sudo cp {rules} {RULES_FOLDER}/ && sudo udevadm control --reload && sudo udevadm trigger"
        )


def remove(folder: Folder = None) -> None:
    """Stop the services and remove their units; no data is touched."""
    target = folder or _units_folder()
    if folder is None:
        _systemctl("disable", "--now", *UNITS)
    for name in UNITS:
        with storing(target):
            (target / name).unlink(missing_ok=True)
        typer.echo(f"removed {target / name}")


def show(context: typer.Context) -> None:
    """Print the units and the rule as they would be installed."""
    for name, text in units(context.obj.config).items():
        typer.echo(f"# {name}\n{text}")
    typer.echo(f"# {RULES}\n{shared('service', RULES).read_text('utf-8')}")


def units(config: Path | None) -> dict[str, str]:
    """The text of each unit, for this very installation."""
    words = [sys.executable, "-m", "station.cli", *(["--config", str(config.absolute())] if config else [])]
    command = " ".join(_quoted(word) for word in words)
    return {name: shared("service", name).read_text("utf-8").replace("{command}", command) for name in UNITS}


def _quoted(word: str) -> str:
    """As systemd reads it (systemd.service(5), COMMAND LINES)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or " " in word else word


def _units_folder() -> Path:
    return Path(platformdirs.user_config_dir("systemd")) / "user"


def _systemctl(*words: str) -> None:
    try:
        done = subprocess.run(["systemctl", "--user", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise StationError(
            "service_ended", "this system has no systemctl", "Use `station up` instead."
        ) from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or [f"code {done.returncode}"]
        raise StationError(
            "service_ended", f"systemctl {' '.join(words)}: {said[0]}", "Use `station up` instead."
        )
