"""The steps of a calibration, as a table: what is laid down, how often, what must have been done before."""

from dataclasses import dataclass

from ...documents.calibrating import CalibrationOptions, StepName


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        lay: what the person does; may name options in braces.
        places: sets of pictures that are wanted.
        needs: steps whose results its own are made with; when one of them is taken anew, this one is stale.
        optional: whether a profile can be made without it.
        instead: a step of which one of the two is needed; the other may then be left out.
    """

    name: StepName
    title: str
    lay: str
    places: int = 1
    needs: tuple[StepName, ...] = ()
    optional: bool = False
    instead: StepName | None = None

    def instruction(self, options: CalibrationOptions, place: int) -> str:
        """What to do now, in words."""
        return self.lay.format(**options.model_dump(), number=place + 1, of=self.places)


LENS_PLACES = 10
BALL_PLACES = 4

STEPS: tuple[Step, ...] = (
    Step("dark", "Black level", "Cover the lens so that no light reaches it: the cap, or a dark cloth."),
    Step(
        "response",
        "Response and noise",
        "Uncover the lens. Lay the white sheet flat on the mat, over the whole picture, its face "
        "{sheet_mm:g} mm above the mat.",
        needs=("dark",),
    ),
    Step("timing", "Shutter and mains", "Leave the white sheet as it lies.", needs=("dark",)),
    Step("flat", "Flat field", "Leave the white sheet as it lies.", needs=("response",)),
    Step(
        "flat_high",
        "Flat field, raised",
        "Put {spacer_mm:g} mm under the white sheet, and turn the sheet by half a turn.",
        needs=("response",),
        optional=True,
        instead="balls",
    ),
    Step(
        "plane",
        "Card plane",
        "Lay the printed board flat on the mat, its face {board_mm:g} mm above it, some 5 degrees askew.",
        needs=("response",),
    ),
    Step(
        "lens",
        "Lens, view {number} of {of}",
        "Prop the board up so that it is tilted by 20 to 30 degrees, each time to another side: "
        "view {number} of {of}.",
        places=LENS_PLACES,
        needs=("response",),
    ),
    Step(
        "balls",
        "Chrome sphere, place {number} of {of}",
        "Lay the white sheet flat on the mat again, and the chrome sphere (radius {ball_radius_mm:g} mm) "
        "on it: place {number} of {of}, towards another corner each time.",
        places=BALL_PLACES,
        needs=("response", "plane", "lens"),
        optional=True,
        instead="flat_high",
    ),
    Step(
        "colour",
        "Colour",
        "Lay the colour chart in its printed frame flat on the mat, or leave this step out.",
        needs=("flat", "plane"),
        optional=True,
    ),
    Step(
        "mat",
        "The empty mat",
        "Take everything off the mat.",
        needs=("response", "plane", "lens"),
        optional=True,
    ),
)


def step_named(name: StepName) -> Step:
    """The step of a name."""
    return next(step for step in STEPS if step.name == name)
