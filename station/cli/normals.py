"""`station normals`: anyone's pictures, or a stored scan computed again; needs no daemon."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..documents.normals import EstimatorName, Gamma
from .normals_faces import report_text

STAGES = {
    "read": "reading the pictures",
    "noise": "estimating their noise",
    "normals": "solving for the normals",
    "height": "integrating the height",
    "write": "writing",
}
HELP = """Compute normals, albedo and height from pictures under different lights.

SOURCE is one of

- a light list .lp (RTIBuilder, RelightLab): the number of pictures, then a
line for each, NAME X Y Z: the way to its light, x right, y up, z to the
camera;

- a folder like DiLiGenT's: filenames.txt, light_directions.txt,
light_intensities.txt, and where there are any mask.png and Normal_gt.mat,
against which the normals are then held;

- a stored scan: its folder, its identity or the beginning of that (see
`station show`).

Pictures are PNG, TIFF or JPEG of 8 or 16 bits, grey or colour, all of one
size. JPEG is taken for sRGB and made linear, everything else is taken for
linear; --gamma says otherwise.

Estimators: robust sees through highlights and shadows by the noise of the
pictures; trimmed leaves the two lights out that fit worst, everywhere;
least-squares believes all; by-rank leaves each pixel's brightest and darkest
light out. Of pictures, the last two take the mean of the channels as it is.

Written are normals, albedo, height, curl and uncertainty, each as a PNG of
16 bits and as a float .npy, and at the very end quality.json, which says how
to read them: a folder without it was left unfinished.

\b
Examples:
  station normals photos/lights.lp --out result
  station normals bunny --out result --black estimate
  station normals photos/lights.lp --out result \\
      --ambient dark.png --pixel-mm 0.05 --export ptm,ply
  station normals leds.lp --light-positions --pixel-mm 0.04 --out result
  station normals 019aab1c --estimator trimmed --export lp,dome --out again
"""

Source = Annotated[str, typer.Argument(help="a .lp file, a folder, or a stored scan", show_default=False)]
Out = Annotated[Path, typer.Option(help="folder for the results; made if need be", metavar="DIR")]
Estimator = Annotated[EstimatorName, typer.Option(help="how the lights of a pixel are weighed, see above")]
Lights = Annotated[str | None, typer.Option(help="lights to use, counted from 0", metavar="0,2,4-7")]
Ambient = Annotated[Path | None, typer.Option(help="picture with all lights off", metavar="FILE")]
Black = Annotated[
    str | None,
    typer.Option(
        help="code of no light (of sRGB: linear, of 16 bits), or `estimate` it from the pictures; default: 0",
        metavar="N|estimate",
    ),
]
Mask = Annotated[Path | None, typer.Option(help="picture, bright where there is something", metavar="FILE")]
PixelMm = Annotated[
    float | None, typer.Option(help="size of a pixel on the object; without it heights are in pixels")
]
LightPositions = Annotated[
    bool,
    typer.Option(
        "--light-positions", help="the .lp holds the lights' places in mm, from the middle of the picture"
    ),
]
GammaOption = Annotated[
    Gamma | None, typer.Option(help="how codes are to be taken; default: JPEG as srgb, others as linear")
]
FullScale = Annotated[
    float | None,
    typer.Option(help="highest code of the camera, 4095 for 12 bits; default: 255 or 65535"),
]
Profile = Annotated[
    str | None,
    typer.Option(help="rig profile for a stored scan; default: the scan's own", metavar="NAME|FILE"),
]
Export = Annotated[
    str | None, typer.Option(help="write these too: lp, dome, ptm, tiff, ply, stl", metavar="lp,ptm,...")
]
MostTriangles = Annotated[int, typer.Option(help="a relief is thinned until it has no more")]
Force = Annotated[bool, typer.Option("--force", help="write into a folder that holds something")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("normals", help=HELP)(normals)


def normals(
    context: typer.Context,
    source: Source,
    *,
    out: Out,
    estimator: Estimator = "robust",
    lights: Lights = None,
    ambient: Ambient = None,
    black: Black = None,
    mask: Mask = None,
    pixel_mm: PixelMm = None,
    light_positions: LightPositions = False,
    gamma: GammaOption = None,
    full_scale: FullScale = None,
    profile: Profile = None,
    export: Export = None,
    most_triangles: MostTriangles = 2_000_000,
    force: Force = False,
) -> None:
    """Ask `offline.normals` for it and say what came of it."""
    from ..offline.normals import request  # noqa: PLC0415 - numpy only when the command runs

    asked = request.Request(
        source=source,
        out=out,
        estimator=estimator,
        lights=None if lights is None else request.lights_of(lights),
        ambient=ambient,
        black=request.black_of(black),
        mask=mask,
        pixel_mm=pixel_mm,
        near=light_positions,
        gamma=gamma,
        full_scale=full_scale,
        profile=profile,
        exports=request.exports_of(export),
        most_triangles=most_triangles,
        force=force,
    )
    from ..offline.normals.run import run  # noqa: PLC0415 - and the solver only for options that mean something

    with _stages() as stage:
        report = run(asked, context.obj.settings, stage.tell, stage.note)
    typer.echo(report_text(report, out))


class Stage:
    """What is being done now, on stderr: it is overwritten by the next; notes stay."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("beginning", total=None)

    def tell(self, name: str) -> None:
        """A stage begins."""
        self._progress.update(self._task, description=STAGES.get(name, name))

    def note(self, sentence: str) -> None:
        """Something that the user should know."""
        self._progress.console.print(f"note: {sentence}")


@contextmanager
def _stages() -> Iterator[Stage]:
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Stage(progress)
