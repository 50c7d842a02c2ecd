"""What was measured on one side, and what was not looked at."""

import numpy as np
from numpy.typing import NDArray

from ..documents.scan import Centering, Measurements, NotAssessed, Outline, Quality
from ..photometric.integrate import bend, curl_rms, slopes
from ..photometric.solve import Alignment, Solution
from .maps import MM_PER_INCH, Maps

NEVER = (
    NotAssessed(what="corners", why="this release does not measure wear of corners"),
    NotAssessed(what="edges", why="this release does not measure wear of edges"),
    NotAssessed(what="surface flaws", why="places that stand out of the relief are counted, not judged"),
    NotAssessed(what="grade", why="without corners, edges and surface there is nothing to base a grade on"),
    NotAssessed(
        what="colour", why="albedo is relative to the flat-field target; no colour chart was measured"
    ),
    NotAssessed(what="absolute tilt", why="the card's middle slope is taken as lying flat on the mat"),
)


def measurements(
    maps: Maps,
    solution: Solution,
    outline: Outline,
    *,
    mask: NDArray[np.bool_],
    alignment: Alignment,
    whole_px: NDArray[np.floating],
    sampled: float,
    centering: Centering | None,
    mtf50: float | None,
) -> Measurements:
    """Put the figures together; what could not be measured is None and named.

    Args:
        maps: in the card frame.
        solution: in the camera's frame.
        outline: of the card.
        mask: the card without its edge in the camera's frame.
        alignment: shifts left after cutting.
        whole_px: (lights, 2), whole pixels made good by cutting.
        sampled: resolution of the camera at the card, dpi.
        centering: None: no print frame was found.
        mtf50: None: no edge allowed a measurement.
    """
    lacking = list(NEVER)
    if centering is None:
        lacking.append(NotAssessed(what="centering", why="no print frame of four straight lines was found"))
    if mtf50 is None:
        lacking.append(NotAssessed(what="sharpness", why="no edge of the card allowed a measurement"))
    known = bool(np.isfinite(alignment.jitter_px).all())
    if not known:
        lacking.append(NotAssessed(what="registration", why="there is too little print to see motion by"))
    quality = _quality(maps, solution, mask, alignment).replace(
        sampled_dpi=sampled,
        mtf50_cy_per_mm=mtf50,
        registration_shift_px=float(np.ptp(alignment.shift_px + whole_px, axis=0).max()) if known else None,
    )
    return Measurements(outline=outline, centering=centering, quality=quality, not_assessed=tuple(lacking))


def _quality(maps: Maps, solution: Solution, mask: NDArray[np.bool_], alignment: Alignment) -> Quality:
    pitch_mm = MM_PER_INCH / maps.dpi
    known = bool(np.isfinite(alignment.jitter_px).all())
    bent = bend(maps.height_um, maps.valid, pitch_mm)
    fitted = mask & solution.valid & (solution.lights_used > 3)
    return Quality(
        rectified_dpi=maps.dpi,
        registration_px=float(np.sqrt(np.mean(alignment.jitter_px**2))) if known else None,
        normal_sigma_deg=float(np.median(maps.sigma_deg[maps.valid])),
        chi2_median=float(np.median(solution.chi2[fitted])) if fitted.any() else None,
        curl_rms=curl_rms(slopes(maps.normals, maps.valid, pitch_mm), maps.valid),
        clipped_percent=100 * float(maps.clipped.sum() / maps.valid.sum()),
        dark_percent=100 * float(maps.dark.sum() / maps.valid.sum()),
        bow_mm=bent.bow_mm,
        twist_mm=bent.twist_mm,
    )
