"""`station calibrate check`: whether the rig is still as it was calibrated, in less than a minute."""

from typing import Annotated

import typer

from ..documents.calibration import Figure
from ..documents.calibration_check import CalibrationCheck
from ..documents.fault import StationError
from .rig_access import rig

_WORDS = {"pass": "good", "usable": "usable", "redo": "calibrate again", "not_assessed": "not assessed"}


def check(
    context: typer.Context,
    port: Annotated[
        str | None, typer.Option(help="the board's port, default: rig.port, or the daemon's")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="the whole document")] = False,
) -> None:
    """Hold the rig against its profile: clear the mat, or leave lying still what lies there."""
    with rig(context.obj.settings, port) as found:
        checked = found.check()
    typer.echo(checked.model_dump_json(indent=2) if json else check_text(checked))
    if checked.quality.verdict == "redo":
        raise StationError(
            "selftest_failed",
            f"the rig is not as profile {checked.profile} says",
            "Do what is said above; calibrate again if it stays so.",
        )


def check_text(checked: CalibrationCheck) -> str:
    """The verdict, what it rests on, and what to do."""
    quality = checked.quality
    lines = [f"profile {checked.profile}: {_WORDS[quality.verdict]}. {quality.reason}".rstrip()]
    lines += [f"  {_figure(one)}" for one in quality.figures]
    for one in quality.findings:
        lines += [f"- {one.message}", f"    what to do: {one.next_step}"]
    if checked.simulated:
        lines.append("(on the digital twin)")
    return "\n".join(lines)


def _figure(one: Figure) -> str:
    if one.value is None:
        return f"{one.title}: not assessed, {one.reason}"
    sigma = "" if one.sigma is None else f" ± {one.sigma:.2g}"
    return f"{one.title}: {round(one.value, 2):g}{sigma} {one.unit}, {_WORDS[one.verdict]} ({one.reason})"
