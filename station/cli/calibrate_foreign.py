"""`station calibrate sphere` and `station calibrate import`: lights of anyone's rig, without a daemon."""

from pathlib import Path
from typing import Annotated

import typer

from .calibrate_foreign_faces import import_text, sphere_text

SPHERE_HELP = """Find the directions of lights from pictures of a chrome sphere.

DIR holds one picture for each light, PNG, TIFF or JPEG of 8 or 16 bits, the
sphere and the camera at rest, named in the lights' order (10 comes after 9).
A picture whose name holds the word mask is taken for a mask, bright where
the sphere is; without one the sphere is looked for. Its outline is measured
in the pictures themselves, so that a mask need not be exact.

Expose short: the reflections should be small spots that are not clipped. The
lights are taken as far away: ten times the sphere's size or more.

\b
Examples:
  station calibrate sphere chrome --out chrome/lights.lp
  station calibrate sphere chrome --out statue/lights.lp --for statue
  station calibrate sphere chrome --out new.lp --check old.lp
"""
IMPORT_HELP = """Make a rig profile from another program's list of lights.

FILE is a .lp (RTIBuilder, RelightLab) or a .dome (RelightLab). Places of a
.dome are used as they are; directions are put at --distance-mm. The profile
is a starting point: it says of itself that nothing was measured.

\b
Examples:
  station calibrate import rig.dome --out my-ring --like twin
  station calibrate import lights.lp --out my-ring --distance-mm 220
"""

Pictures = Annotated[Path, typer.Argument(metavar="DIR", help="one picture for each light")]
OutList = Annotated[Path, typer.Option(help="the light list to write", metavar="FILE.lp")]
Mask = Annotated[Path | None, typer.Option(help="picture, bright where the sphere is", metavar="FILE")]
Check = Annotated[
    Path | None, typer.Option(help="a light list to hold against what is found", metavar="FILE.lp")
]
For = Annotated[
    Path | None,
    typer.Option("--for", help="pictures under the same lights, which the list is to name", metavar="DIR"),
]
ListFile = Annotated[Path, typer.Argument(metavar="FILE", help="a .lp or a .dome")]
Name = Annotated[str, typer.Option("--out", help="name of the new profile", metavar="NAME")]
Distance = Annotated[
    float | None, typer.Option(help="from the card's middle to lights whose distance is not known")
]
Like = Annotated[str | None, typer.Option(help="rig profile whose camera is taken over", metavar="NAME|FILE")]
Positions = Annotated[
    bool, typer.Option("--light-positions", help="the .lp holds the lights' places in mm, not directions")
]


def sphere(
    folder: Pictures, *, out: OutList, mask: Mask = None, check: Check = None, pictures: For = None
) -> None:
    """Ask `offline.calibrating` for it and say what came of it."""
    from ..offline.calibrating import sphere as work  # noqa: PLC0415 - numpy only when the command runs

    typer.echo(sphere_text(work.run(work.SphereRequest(folder, out, mask, check, pictures))))


def import_lights(
    context: typer.Context,
    file: ListFile,
    *,
    name: Name,
    distance_mm: Distance = None,
    like: Like = None,
    light_positions: Positions = False,
) -> None:
    """Ask `offline.calibrating` for it and say what came of it."""
    from ..offline.calibrating import importing as work  # noqa: PLC0415 - numpy only when the command runs

    asked = work.ImportRequest(file, name, distance_mm, like, light_positions)
    typer.echo(import_text(work.run(asked, context.obj.settings)))
