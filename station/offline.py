"""Composition root for work that needs no daemon."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .archive.folder import latest_result
from .documents.plan import Side
from .documents.scan import Centering


@dataclass(frozen=True, slots=True)
class TruthComparison:
    """What was measured on a twin's card, held against what the twin knows of it. Angles in degrees, inside the card."""

    normals_mean_deg: float
    normals_median_deg: float
    flat_mean_deg: float
    centering_line: str
    centering_error_points: float | None


def compare_with_truth(folder: Path, seed: int, side: Side, bow_mm: float | None) -> TruthComparison:
    """Compare the newest result of a stored scan with the truth of the twin's card."""
    from .twin.truth import truth  # noqa: PLC0415 - nothing but this needs the twin here

    result = latest_result(folder)
    dpi = result.manifest.measurements.quality.rectified_dpi
    real = truth(_spec(seed, side, bow_mm), dpi)
    inside = real.mask & result.valid
    errors = _angles_deg(result.normals, real.normals)[inside]
    flat = np.rad2deg(np.arccos(np.clip(real.normals[..., 2], -1, 1)))[inside]
    line, worst = _centering(result.manifest.measurements.centering, real.left_percent, real.top_percent)
    return TruthComparison(float(errors.mean()), float(np.median(errors)), float(flat.mean()), line, worst)
