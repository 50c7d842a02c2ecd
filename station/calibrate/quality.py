"""From a figure to a verdict in words. Every limit stands here, with where it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from ..documents.calibration import (
    CalibrationFinding,
    CalibrationQuality,
    Figure,
    LightFit,
    Verdict,
    worst,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a figure is good enough; smaller is better.

    Attributes:
        usable: above this it is not "pass" any more.
        redo: above this numbers would be wrong.
        why: what a large value does, as the end of a sentence.
    """

    title: str
    unit: str
    usable: float
    redo: float
    why: str


RULES: dict[str, Rule] = {
    # a light's direction enters normals in second order only, beside a measured flat field: 0.5 degrees of it
    # change a normal by about 0.05 degrees, and 2 degrees by what the sensor's noise is
    "light_direction_deg": Rule(
        "Direction of the lights, worst", "°", 0.5, 2.0, "normals tilt with the direction of their lights"
    ),
    "light_position_mm": Rule(
        "Place of the lights, worst", "mm", 5.0, 15.0, "a bowed card is carried to a wrong brightness"
    ),
    # a 1 % step of one light is a slope of about half a degree
    "flat_residual_percent": Rule(
        "Flat field against the fitted lights",
        "%",
        1.0,
        4.0,
        "the sheet, the lights or the lens are not as fitted",
    ),
    "flat_noise_percent": Rule(
        "Noise of the flat field", "%", 0.3, 1.0, "it adds to the noise of every card"
    ),
    "highlight_residual_px": Rule(
        "Sphere reflections against the fitted lights",
        "px",
        0.5,
        2.0,
        "a sphere moved or is of another radius",
    ),
    # bow over the picture's height; 0.3 mm tilt the sheet by some 0.4 degrees at its ends
    "sheet_bow_mm": Rule(
        "Bow of the white sheet", "mm", 0.3, 1.5, "the sheet's own slope is in the flat field"
    ),
    "lens_residual_px": Rule(
        "Board corners against the lens", "px", 0.3, 1.5, "maps are stretched where the lens is not known"
    ),
    "focal_percent": Rule(
        "Focal length", "%", 0.5, 3.0, "heights of the camera and the lights are off by as much"
    ),
    "plane_residual_px": Rule(
        "Board on the mat against a plane", "px", 0.5, 2.0, "the board was bent or did not lie flat"
    ),
    "scale_percent": Rule("Scale of the card plane", "%", 0.3, 1.0, "all lengths are off by as much"),
    "nonlinearity_percent": Rule(
        "Deviation from linear, after inversion", "%", 1.0, 4.0, "brightness is not proportional to light"
    ),
    "overshoot_percent": Rule(
        "Overshoot at edges", "%", 1.5, 25.0, "the camera sharpens: edges of print look like relief"
    ),
    "colour_delta_e": Rule(
        "Colour, mean difference", "", 4.0, 12.0, "colours are shown wrong; normals are not"
    ),
    "mains_percent": Rule(
        "Mains flicker of the room's light", "%", 20.0, 100.0, "the dark picture does not fit the lit ones"
    ),
}


def judged(name: str, value: float | None, sigma: float | None = None) -> Figure:
    """A figure with its verdict; None, or what is no number, is not assessed."""
    rule = RULES[name]
    if value is None or not isfinite(value):
        return Figure(
            name=name, title=rule.title, value=None, unit=rule.unit, verdict="not_assessed",
            reason="it was not measured",
        )  # fmt: skip
    verdict: Verdict = "pass"
    if value > rule.usable:
        verdict = "redo" if value > rule.redo else "usable"
    limit = rule.redo if verdict == "redo" else rule.usable
    bound = f"{limit:g}{_spaced(rule.unit)}"
    reason = f"at most {bound}" if verdict == "pass" else f"above {bound}: {rule.why}"
    return Figure(
        name=name, title=rule.title, value=value, sigma=sigma, unit=rule.unit, verdict=verdict, reason=reason
    )


def _spaced(unit: str) -> str:
    return f" {unit}" if unit not in ("", "°") else unit


def told(name: str, title: str, value: float | None, sigma: float | None = None, unit: str = "") -> Figure:
    """A figure that is only told: no value of it is wrong."""
    if value is None or not isfinite(value):
        return Figure(
            name=name,
            title=title,
            value=None,
            unit=unit,
            verdict="not_assessed",
            reason="it was not measured",
        )
    return Figure(
        name=name, title=title, value=value, sigma=sigma, unit=unit, verdict="not_assessed", reason="no limit"
    )


def quality(
    figures: Sequence[Figure], lights: Sequence[LightFit], findings: Sequence[CalibrationFinding]
) -> CalibrationQuality:
    """The verdict over everything, with its reason."""
    verdict = worst(tuple(figure.verdict for figure in figures))
    severe = [finding for finding in findings if finding.severe]
    if severe:
        verdict = "redo"
    return CalibrationQuality(
        verdict=verdict,
        reason=_reason(verdict, figures, severe),
        figures=tuple(figures),
        lights=tuple(lights),
        findings=tuple(findings),
    )


def _reason(verdict: Verdict, figures: Sequence[Figure], severe: Sequence[CalibrationFinding]) -> str:
    if severe:
        more = f", and {len(severe) - 1} more" if len(severe) > 1 else ""
        return f"{severe[0].message}{more}."
    bad = [figure for figure in figures if figure.verdict == verdict]
    if verdict in ("redo", "usable"):
        named = "; ".join(f"{figure.title.lower()} {figure.reason}" for figure in bad[:2])
        return f"{named}{' and others' if len(bad) > 2 else ''}."
    if verdict == "pass":
        return "Every figure that was measured is within its limit."
    return "Nothing was measured."
