"""Is the rig still the one that was calibrated? One dark picture and one under each light, at full size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..calibrate.mat.mat import MatDrift, drift
from ..calibrate.profile import LoadedProfile
from ..camera.interface import CameraMode, Pixels
from ..documents.calibration import (
    CalibrationFinding,
    CalibrationFindingKind,
    CalibrationQuality,
    Figure,
    worst,
)
from ..documents.calibration_check import CalibrationCheck
from ..documents.rig import Finding, FindingKind, SelftestReport
from .bounds import AMBIENT, BLACK, FOCUS, LIGHTS, SCALE, SHIFT, TURN
from .looking import MAX_ON_MS, Eyes, Threads, require_free_running
from .selftest import Looks, Scale, judge
from .trueness import spread_percent
from .window import sensor

DARKEST_PERCENT = 1.0
EIGHT_BITS = 255.0
DARK = 0.01
"""A light of less than a hundredth of its brightness is off, and has no relative uncertainty."""
NO_MAT = "the profile keeps no pictures of the mat"
NO_TEXTURE = "the mat shows too little texture at this resolution"
NOT_FOUND = "the mat of the calibration was not found"
_KINDS: dict[FindingKind, CalibrationFindingKind] = {
    "camera_blind": "too_dark",
    "overexposed": "clipped",
    "not_dark": "not_dark",
    "stays_on": "stays_on",
    "dead": "unlit",
    "weak": "drifted",
    "bright": "drifted",
    "swapped": "swapped",
    "misplaced": "swapped",
    "unclear": "uneven",
    "too_few": "too_few",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check looks at.

    Attributes:
        dark: (H, W, 3), with all lights off.
        lit: one for each light of the profile.
        looks: the same coarse, with a dark one after each.
    """

    dark: Pixels
    lit: tuple[Pixels, ...]
    looks: Looks


async def check(eyes: Eyes, threads: Threads) -> CalibrationCheck:
    """Look at the mat, or at anything that lies still, under every light; the lights are off afterwards.

    Raises:
        StationError: what rig or camera say; `camera_refused`, the camera does not run freely;
            `profile_invalid`, its pictures are of another shape than the profile's; `stack_unusable`, its
            codes are.
    """
    require_free_running(eyes, "check")
    mode = await threads.on_camera(eyes.configured)
    try:
        seen = await _seen(eyes, threads, mode)
    finally:
        await threads.on_rig(lambda: eyes.rig.switch(None, MAX_ON_MS))
    found = await threads.on_camera(lambda: checked(seen, eyes))
    return found.replace(simulated=eyes.simulated)


async def _seen(eyes: Eyes, threads: Threads, mode: CameraMode) -> Seen:
    async def frame(light: int | None) -> Pixels:
        switched = await threads.on_rig(lambda: eyes.rig.switch(light, MAX_ON_MS))
        return await threads.on_camera(lambda: eyes.frame(mode, switched))

    dark = await frame(None)
    lit, after = [], []
    for light in range(len(eyes.profile.flat)):
        lit.append(await frame(light))
        after.append(eyes.seen(await frame(None)))
    looks = Looks(eyes.seen(dark), tuple(eyes.seen(one) for one in lit), tuple(after))
    return Seen(dark, tuple(lit), looks)


def checked(seen: Seen, eyes: Eyes) -> CalibrationCheck:
    """What the pictures say.

    Raises:
        StationError: `profile_invalid`, `stack_unusable`.
    """
    profile, camera = eyes.profile, eyes.profile.profile.camera
    height, width = seen.dark.shape[:2]
    fitted = profile.scaled(width, height)
    test = judge(seen.looks, eyes.flat, Scale(camera.black_level, camera.full_scale))
    dark = profile.linear(seen.dark)
    _, unit = sensor(profile, dark.dtype)
    scan = eyes.settings.scan
    codes = unit * scan.exposure_us * scan.gain / profile.profile.flat_field.exposure_us
    mat = drift([profile.linear(one) for one in seen.lit], fitted, dark, codes)
    figures = (*_of_lights(test, mat), *_of_mat(mat, profile), *_of_darkness(test, dark, unit, profile))
    findings = (*map(_finding, test.findings), *_drifted(figures, mat))
    verdicts = [one.verdict for one in figures]
    verdict = "redo" if any(one.severe for one in findings) else worst(tuple(verdicts))
    return CalibrationCheck(
        profile=profile.profile.name,
        profile_sha256=profile.sha256,
        simulated=eyes.simulated,
        quality=CalibrationQuality(
            verdict=verdict, reason=_reason(verdict, figures, findings), figures=figures, findings=findings
        ),
        lights=test.lights,
    )


def _of_lights(test: SelftestReport, mat: MatDrift | None) -> tuple[Figure, ...]:
    gains, sigma = gains_of(test, mat)
    if gains is None:
        return (LIGHTS.figure(None, None, "too few lights burn to tell them against each other"),)
    return (LIGHTS.figure(spread_percent(gains), sigma),)


def gains_of(test: SelftestReport, mat: MatDrift | None) -> tuple[NDArray[np.float64] | None, float | None]:
    """Brightness of each light over the calibration's, and its uncertainty in per cent.

    From the mat where it is known; else from whatever lies there against the flat field, without uncertainty:
    what is not matte shines for some lights more than for others.
    """
    if mat is not None and mat.brightness is not None and mat.brightness_sigma is not None:
        sigma = mat.brightness_sigma / np.maximum(mat.brightness, DARK)
        return mat.brightness, 100 * float(np.median(sigma))
    seen = [one.percent for one in test.lights]
    known = [one for one in seen if one is not None]
    return (np.array(known) / 100, None) if len(known) == len(seen) else (None, None)


def _of_mat(mat: MatDrift | None, profile: LoadedProfile) -> tuple[Figure, ...]:
    if mat is None or mat.shift_um is None:
        why = NOT_FOUND if mat is not None else NO_TEXTURE if profile.mat is not None else NO_MAT
        return tuple(bound.figure(None, None, why) for bound in (SHIFT, TURN, SCALE, FOCUS))
    few = "too few places of the mat were found"
    size = "the pictures are of another size than the calibration's"
    return (
        SHIFT.figure(mat.shift_um, mat.shift_sigma_um),
        TURN.figure(mat.turn_deg, mat.turn_sigma_deg, few),
        SCALE.figure(mat.scale_percent, mat.scale_sigma_percent, few),
        FOCUS.figure(mat.focus_percent, mat.focus_sigma_percent, size),
    )


def _of_darkness(
    test: SelftestReport, dark: Pixels, unit: float, profile: LoadedProfile
) -> tuple[Figure, ...]:
    camera = profile.profile.camera
    darkest = float(np.percentile(dark[::4, ::4], DARKEST_PERCENT)) / unit
    over = (darkest - camera.black_level) * EIGHT_BITS / camera.full_scale
    return (
        AMBIENT.figure(test.ambient_percent, None, "no light was seen to compare it with"),
        BLACK.figure(over, None),
    )


def _finding(one: Finding) -> CalibrationFinding:
    return CalibrationFinding(
        kind=_KINDS[one.kind],
        lights=one.lights,
        message=one.message + ".",
        next_step=one.next_step,
        severe=one.kind not in ("not_dark", "unclear"),
    )


def _drifted(figures: Sequence[Figure], mat: MatDrift | None) -> tuple[CalibrationFinding, ...]:
    found = [
        _WORDS[one.name](one) for one in figures if one.name in _WORDS and one.verdict in ("usable", "redo")
    ]
    if mat is not None and mat.used == 0:
        found.append(
            CalibrationFinding(
                kind="shifted",
                message=f"{NOT_FOUND[0].upper()}{NOT_FOUND[1:]}: none of its {mat.places} places.",
                next_step="Clear the mat and check again; if camera or mat were moved or changed, calibrate.",
            )
        )
    return tuple(found)


def _shifted(figure: Figure) -> CalibrationFinding:
    return CalibrationFinding(
        kind="shifted",
        message=f"Camera and mat moved against each other: {_said(figure)}.",
        next_step="See that camera and mat are fast, then calibrate again.",
        severe=figure.verdict == "redo",
    )


def _unfocused(figure: Figure) -> CalibrationFinding:
    return CalibrationFinding(
        kind="unfocused",
        message=f"The picture is less sharp than at the calibration: {_said(figure)} of its contrast.",
        next_step="Clean the lens and focus on the mat, then calibrate again.",
        severe=figure.verdict == "redo",
    )


def _uneven(figure: Figure) -> CalibrationFinding:
    return CalibrationFinding(
        kind="drifted",
        message=f"The lights changed against each other: {_said(figure)} rms.",
        next_step="Clean the LEDs and check their supply; if it stays so, calibrate again.",
        severe=figure.verdict == "redo",
    )


_WORDS = {
    SHIFT.name: _shifted, TURN.name: _shifted, SCALE.name: _shifted, FOCUS.name: _unfocused,
    LIGHTS.name: _uneven,
}  # fmt: skip


def _said(figure: Figure) -> str:
    return f"{figure.value:.3g} {figure.unit}"


def _reason(verdict: str, figures: Sequence[Figure], findings: Sequence[CalibrationFinding]) -> str:
    if verdict == "pass":
        return "The rig is as it was calibrated, as far as it was looked at."
    severe = [one for one in findings if one.severe] or list(findings)
    if severe:
        return severe[0].message
    named = next((one for one in figures if one.verdict == verdict), None)
    return f"{named.title}: {named.reason}." if named else ""
