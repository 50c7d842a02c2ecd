"""A calibration under way: its options, what was taken so far, what is to be done next."""

from typing import Literal

from pydantic import Field

from .base import Document, StrictDocument
from .boards import BoardSpec
from .calibration import CalibrationFinding, CalibrationQuality

StepName = Literal[
    "dark", "response", "flat", "timing", "flat_high", "balls", "plane", "lens", "colour", "mat"
]
StepState = Literal["open", "begun", "done", "skipped", "stale"]
"""begun: some of its places were taken; stale: a step that it builds on was taken again since."""


class CalibrationOptions(StrictDocument):
    """What the person knows, and the station cannot see.

    Attributes:
        frames: averaged for each picture that is measured.
        sheet_mm: height of the white sheet's face over the mat; best is a card's own thickness.
        spacer_mm: what is put under the sheet for the second flat field.
        reflectance: of the white sheet. It scales the albedo and nothing else.
        board: the printed board.
        board_mm: height of the board's face over the mat where it lies flat.
        ruler_mm, ruler_read_mm: of the board's printed ruler, the length as designed and as a steel rule
            measures it.
        ball_radius_mm: of the chrome spheres.
        temperature_c: of the room; None: not known.
        chart: name of the colour chart, or the path of its TOML; empty: none.
    """

    frames: int = Field(default=16, ge=4, le=64)
    sheet_mm: float = Field(default=0.3, ge=0, le=20)
    spacer_mm: float = Field(default=20.0, ge=5, le=60)
    reflectance: float = Field(default=0.9, gt=0, le=1)
    board: BoardSpec = BoardSpec()
    board_mm: float = Field(default=0.3, ge=0, le=30)
    ruler_mm: float = Field(default=100.0, gt=0)
    ruler_read_mm: float = Field(default=100.0, gt=0)
    ball_radius_mm: float = Field(default=10.0, gt=1, le=20)
    temperature_c: float | None = Field(default=None, ge=-20, le=60)
    chart: str = "colorchecker"


class Take(Document):
    """One set of pictures, reduced to what is measured on them.

    Attributes:
        place: 0-based, where a step has several.
        file: of its arrays, beside the session's document.
        when: UTC, ISO 8601.
        usable: whether it counts; pictures with a severe finding do not.
        figures: small results, with the unit in the name.
    """

    step: StepName
    place: int
    file: str = ""
    sha256: str = ""
    when: str
    usable: bool
    findings: tuple[CalibrationFinding, ...] = ()
    figures: dict[str, float] = Field(default_factory=dict)


class CalibrationSession(Document):
    """`session.json` of a calibration folder.

    Attributes:
        takes: in the order in which they were made; of one place the last counts.
        skipped: optional steps that the person left out.
        simulated: whether rig or camera are the twin's.
        profile: path of the profile that came of it; empty: none yet.
    """

    schema_version: Literal[1] = 1
    id: str
    created: str
    software: str
    board: str = ""
    camera: str = ""
    simulated: bool = False
    exposure_us: int
    options: CalibrationOptions
    takes: tuple[Take, ...] = ()
    skipped: tuple[StepName, ...] = ()
    profile: str = ""


class StepStatus(Document):
    """One step as a person sees it.

    Attributes:
        lay: what to lay under the camera, one or two sentences.
        places, taken: how many sets of pictures it wants, and how many of them are there.
    """

    name: StepName
    title: str
    lay: str
    places: int
    taken: int
    state: StepState
    optional: bool
    findings: tuple[CalibrationFinding, ...] = ()


class CalibrationState(Document):
    """Where a calibration stands.

    Attributes:
        next: the step to be done now; None: all are done, it can be finished.
        place: which place of it.
    """

    session: str
    created: str
    simulated: bool
    steps: tuple[StepStatus, ...]
    next: StepName | None
    place: int = 0
    profile: str = ""


class CalibrationBegin(StrictDocument):
    """`calibrate.begin`: go on with the unfinished session, or begin a new one."""

    anew: bool = False
    options: CalibrationOptions | None = None


class CalibrationTake(StrictDocument):
    """`calibrate.take`: the target lies there, take the pictures."""

    step: StepName
    place: int = Field(default=0, ge=0)


class CalibrationSkip(StrictDocument):
    """`calibrate.skip`: leave an optional step out."""

    step: StepName


class CalibrationFinish(StrictDocument):
    """`calibrate.finish`: make the profile. Without a name it is called after the day."""

    name: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,48}$")
    adopt: bool = False


class CalibrationStarted(Document):
    """What was begun; the event of this cause ends it."""

    run_id: str


class CalibrationOutcome(Document):
    """What came of a calibration: the profile, where it lies, how good it is."""

    name: str
    profile: str
    report: str
    adopted: bool
    quality: CalibrationQuality
