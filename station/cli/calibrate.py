"""`station calibrate`: guided, or step by step; each step can be left and taken up again."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from ..documents.calibrating import (
    CalibrationBegin,
    CalibrationFinish,
    CalibrationOptions,
    CalibrationSkip,
    CalibrationState,
    CalibrationTake,
    StepName,
    StepStatus,
)
from ..documents.fault import StationError
from .calibrate_access import Calibrator, calibrator
from .calibrate_check import check
from .calibrate_faces import outcome_text, state_text, take_text
from .calibrate_foreign import IMPORT_HELP, SPHERE_HELP, import_lights, sphere

OPTIONS = CalibrationOptions()
TRIES = 3
"""Of one step, before the guide gives up on the twin, where nobody could mend anything."""

Sheet = Annotated[
    float | None, typer.Option("--sheet-mm", help="height of the white sheet's face over the mat")
]
Spacer = Annotated[
    float | None, typer.Option("--spacer-mm", help="what is put under it for the raised flat field")
]
Ball = Annotated[float | None, typer.Option("--ball-radius-mm", help="radius of the chrome sphere")]
Board = Annotated[
    float | None, typer.Option("--board-mm", help="height of the printed board's face over the mat")
]
Ruler = Annotated[
    float | None, typer.Option("--ruler-mm", help="what a steel rule says of the printed 100 mm ruler")
]
Warmth = Annotated[float | None, typer.Option("--temperature-c", help="of the room")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Calibrate rig and camera: guided, or step by step.")
    group.callback(invoke_without_command=True)(guided)
    for command in (status, step, skip, finish, check, targets):
        group.command()(command)
    group.command("sphere", help=SPHERE_HELP)(sphere)
    group.command("import", help=IMPORT_HELP)(import_lights)
    app.add_typer(group, name="calibrate")


def guided(
    context: typer.Context,
    *,
    anew: Annotated[bool, typer.Option("--anew", help="begin anew, whatever was begun before")] = False,
    name: Annotated[str, typer.Option(help="of the new profile; default: the day")] = "",
    sheet_mm: Sheet = None,
    spacer_mm: Spacer = None,
    ball_radius_mm: Ball = None,
    board_mm: Board = None,
    ruler_mm: Ruler = None,
    temperature_c: Warmth = None,
    without_colour: Annotated[
        bool, typer.Option("--without-colour", help="leave the colour chart out")
    ] = False,
    use: Annotated[
        bool, typer.Option(help="have the station use the profile, unless it is to be redone")
    ] = True,
) -> None:
    """All steps in their order; goes on where it was left. Ctrl-C leaves it, nothing taken is lost."""
    if context.invoked_subcommand is not None:
        return
    given = {
        "sheet_mm": sheet_mm, "spacer_mm": spacer_mm, "ball_radius_mm": ball_radius_mm, "board_mm": board_mm,
        "ruler_read_mm": ruler_mm, "temperature_c": temperature_c,
    }  # fmt: skip
    changed = {key: value for key, value in given.items() if value is not None}
    options = CalibrationOptions.model_validate({**OPTIONS.model_dump(), **changed}) if changed else None
    with calibrator(context.obj.settings) as found:
        state = found.begin(CalibrationBegin(anew=anew, options=options))
        if without_colour:
            state = found.skip(CalibrationSkip(step="colour"))
        typer.echo(state_text(state))
        _guide(found, state)
        typer.echo("\n" + outcome_text(found.finish(CalibrationFinish(name=name, adopt=use))))


def _guide(found: Calibrator, state: CalibrationState) -> None:
    tries = 0
    while state.next is not None:
        now = next(one for one in state.steps if one.name == state.next)
        typer.echo(f"\n{now.title}\n  {now.lay}")
        request = CalibrationTake(step=now.name, place=state.place)
        if not _ready(found, state, now, request):
            state = found.skip(CalibrationSkip(step=now.name))
            continue
        taken = found.take(request)
        typer.echo(take_text(taken))
        tries = 0 if taken.usable else tries + 1
        if tries == TRIES and state.simulated:
            raise StationError(
                "calibration_failed", f"the step {now.name} failed {TRIES} times: {taken.findings[0].message}"
            )
        state = found.state()


def _ready(found: Calibrator, state: CalibrationState, now: StepStatus, request: CalibrationTake) -> bool:
    """Wait for the person; False: the step is left out. The twin's targets lie down by themselves."""
    if state.simulated:
        found.lay(request)
        typer.echo("  (digital twin: laid down)")
        return True
    words = "  Enter when it lies there" + (", s to leave it out" if now.optional else "")
    answer: str = typer.prompt(words, default="", show_default=False)
    return not (now.optional and answer.strip().lower() == "s")


def status(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="the whole document")] = False,
) -> None:
    """Where the calibration stands."""
    with calibrator(context.obj.settings) as found:
        state = found.state()
    typer.echo(state.model_dump_json(indent=2) if json else state_text(state))


def step(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=f"one of {', '.join(get_args(StepName))}")],
    place: Annotated[int | None, typer.Option(help="which place of it, from 0; default: the next")] = None,
    json: Annotated[bool, typer.Option("--json", help="the whole document")] = False,
) -> None:
    """Take one step by itself, again if it was taken before."""
    with calibrator(context.obj.settings) as found:
        state = found.begin(CalibrationBegin())
        chosen = _named(state, name)
        where = place if place is not None else min(chosen.taken, chosen.places - 1)
        request = CalibrationTake(step=chosen.name, place=where)
        if state.simulated:
            found.lay(request)
        taken = found.take(request)
    typer.echo(taken.model_dump_json(indent=2) if json else take_text(taken))
    if not taken.usable:
        raise StationError("calibration_failed", f"the pictures of the step {name} cannot be used")


def skip(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="an optional step")],
) -> None:
    """Leave an optional step out."""
    with calibrator(context.obj.settings) as found:
        chosen = _named(found.begin(CalibrationBegin()), name)
        typer.echo(state_text(found.skip(CalibrationSkip(step=chosen.name))))


def finish(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="of the new profile; default: the day")] = "",
    use: Annotated[bool, typer.Option(help="have the station use it, unless it is to be redone")] = False,
    json: Annotated[bool, typer.Option("--json", help="the whole document")] = False,
) -> None:
    """Make the profile of what was taken, and its report."""
    with calibrator(context.obj.settings) as found:
        outcome = found.finish(CalibrationFinish(name=name, adopt=use))
    typer.echo(outcome.model_dump_json(indent=2) if json else outcome_text(outcome))


def targets(
    out: Annotated[Path, typer.Argument(help="folder to put them in", metavar="FOLDER")] = Path(),
) -> None:
    """Copy the printable targets to a folder: board, colour frame, mat; SVG and PDF, true to scale."""
    from ..offline.calibrating.printed import copy_targets  # noqa: PLC0415 - only when the command runs

    for path in copy_targets(out):
        typer.echo(str(path))
    typer.echo("print at 100 %, never fitted to the page, then measure the ruler with a steel rule")


def _named(state: CalibrationState, name: str) -> StepStatus:
    for one in state.steps:
        if one.name == name:
            return one
    raise StationError(
        "bad_request", f"there is no step {name}", f"The steps: {', '.join(get_args(StepName))}."
    )
