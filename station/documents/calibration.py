"""What a calibration found: figures with their uncertainty, and what is wrong in words."""

from typing import Literal

from pydantic import Field

from .base import Document

Verdict = Literal["pass", "usable", "redo", "not_assessed"]
"""usable: scans are right, but less exact than they could be; redo: numbers would be wrong."""

CalibrationFindingKind = Literal[
    "too_dark", "clipped", "blurred", "not_flat", "moved", "uneven", "not_covered", "not_found", "too_few",
    "unlit", "swapped", "mirrored", "normals_not_lights", "rotated", "clipped_highlight", "bent_target",
    "disagree", "not_linear", "limited_range", "sharpens", "denoises", "flicker", "rolling_unknown",
    "control_refused", "poor_scale", "poor_spread", "drifted", "unfocused", "shifted",
    "not_dark", "stays_on",
]  # fmt: skip


class CalibrationFinding(Document):
    """Something that is wrong, or that a person should know.

    Attributes:
        lights: 0-based, those concerned; empty: none in particular.
        message: one sentence: what is wrong and where.
        next_step: one sentence: what to do.
        severe: whether the pictures of the step cannot be used.
    """

    kind: CalibrationFindingKind
    lights: tuple[int, ...] = ()
    message: str
    next_step: str
    severe: bool = True


class Figure(Document):
    """One figure of merit.

    Attributes:
        name: for programs, with its unit, such as `light_direction_deg`.
        title: for people.
        value: None: it was not measured.
        sigma: standard uncertainty of the value, in its unit; None: the value is itself a spread or residual.
        unit: as it is printed; empty: none.
        reason: one sentence that explains the verdict.
    """

    name: str
    title: str
    value: float | None = None
    sigma: float | None = None
    unit: str = ""
    verdict: Verdict
    reason: str = ""


def worst(verdicts: tuple[Verdict, ...]) -> Verdict:
    """The verdict over several figures; what was not assessed does not count while anything was."""
    order: tuple[Verdict, ...] = ("redo", "usable", "pass")
    return next((one for one in order if one in verdicts), "not_assessed")


class LightFit(Document):
    """How well one light is known.

    Attributes:
        position_sigma_mm: standard uncertainty of each coordinate.
        direction_sigma_deg: of the direction from the card plane's middle to the light.
        power_sigma_percent: of its power against the other lights'.
        highlight_rms_px: residual of its reflections in the spheres; None: none were used.
        flat_rms_percent: residual of its flat field against the fitted light; None: none was used.
    """

    light: int
    position_sigma_mm: tuple[float, float, float]
    direction_sigma_deg: float
    power_sigma_percent: float | None = None
    highlight_rms_px: float | None = None
    flat_rms_percent: float | None = None


class CalibrationQuality(Document):
    """The quality of a profile. `verdict` is the worst of its figures'."""

    verdict: Verdict = "not_assessed"
    reason: str = ""
    figures: tuple[Figure, ...] = ()
    lights: tuple[LightFit, ...] = ()
    findings: tuple[CalibrationFinding, ...] = Field(default=())
