"""Live checks of the pictures of a step: each says what is wrong and what to do."""

import numpy as np
from numpy.typing import NDArray

from ...documents.calibration import CalibrationFinding, CalibrationFindingKind
from ...photometric.stack import CLIP_SHARE

Floats = NDArray[np.float32]
Findings = tuple[CalibrationFinding, ...]

TOO_MANY_CLIPPED = 0.001
"""Share of clipped pixels of a picture that is measured: dust that glints stays below it."""
DARKEST = 0.08
"""Share of the full scale that the middle of a measured picture must reach: below it, rounding to 8 bits is
more than a per cent."""
UNLIT = 0.05
"""Share of a middling light's brightness below which a light does not burn."""
STILL_PX = 0.3
"""Shift between the first and the last picture of a set from which something moved; a scan's own pictures
move by a tenth of it."""
UNEVEN = 12.0
"""Brightest over darkest node of one light from which something shades the sheet; the nearest light that a
rig has falls off sixfold over the picture."""


def is_clipped(mean: Floats, full: float) -> NDArray[np.bool_]:
    """Pixels (H, W) of a picture (H, W, 3) of linear codes that are clipped in any channel."""
    return np.asarray((mean >= CLIP_SHARE * full).any(axis=2))


def unlit(levels: NDArray[np.float64]) -> Findings:
    """Lights that do not burn, by the brightness (lights,) of their pictures."""
    dead = np.flatnonzero(levels < UNLIT * float(np.median(levels)))
    return tuple(
        _finding(
            "unlit",
            f"light {light} does not burn: the camera sees nothing of it",
            "Check LED, plug and driver of that light, then take the step again.",
            int(light),
        )
        for light in dead
    )


def too_dark(levels: NDArray[np.float64], full: float) -> Findings:
    """Whether the pictures use too little of the codes."""
    share = float(np.median(levels)) / full
    if share >= DARKEST:
        return ()
    return (
        _finding(
            "too_dark",
            f"the pictures are too dark: their middle reaches {100 * share:.0f} % of the full scale",
            "Raise `scan.exposure_us`, open the iris, or see that the target lies there; then take it again.",
        ),
    )


def clipped(shares: NDArray[np.float64]) -> Findings:
    """Lights whose pictures are clipped in more than specks, by share (lights,) of their pixels."""
    return tuple(
        _finding(
            "clipped",
            f"{100 * shares[light]:.1f} % of the picture is clipped under light {light}",
            "Lower `scan.exposure_us` or close the iris, begin anew, and take the step again.",
            int(light),
        )
        for light in np.flatnonzero(shares > TOO_MANY_CLIPPED)
    )


def moved(shift_px: float) -> Findings:
    """Whether something moved while a set of pictures was taken."""
    if not shift_px > STILL_PX:
        return ()
    return (
        _finding(
            "moved",
            f"something moved by {shift_px:.1f} px while the pictures were taken",
            "See that nothing touches table, camera or target, and take the step again.",
        ),
    )


def uneven(grids: Floats) -> Findings:
    """Whether something shades the white sheet, by its grids (lights, rows, columns, 3)."""
    means = np.maximum(grids.mean(axis=3), 1e-6)
    ratio = means.max(axis=(1, 2)) / means.min(axis=(1, 2))
    return tuple(
        _finding(
            "uneven",
            f"the sheet is shaded: under light {light} its brightest part has {ratio[light]:.0f} times the "
            "light of its darkest",
            "See that the sheet covers the whole picture and nothing shades it, then take it again.",
            int(light),
        )
        for light in np.flatnonzero(ratio > UNEVEN)
    )


def _finding(kind: CalibrationFindingKind, message: str, next_step: str, *lights: int) -> CalibrationFinding:
    return CalibrationFinding(kind=kind, lights=lights, message=message, next_step=next_step)
