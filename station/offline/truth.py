"""What was measured on a twin's card, held against what the twin knows."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..archive.results import latest_result
from ..documents.fault import StationError
from ..documents.plan import Side
from ..documents.scan import Centering

if TYPE_CHECKING:
    from ..twin.truth import Truth

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TruthComparison:
    """What was measured on a twin's card, held against what the twin knows of it.

    Attributes:
        normals_mean_deg, normals_median_deg: angle between measured and true normal, inside the card.
        flat_mean_deg: the same for the constant normal (0, 0, 1).
        centering: as measured, None where it was not assessed.
        true_left_percent, true_top_percent: of the twin's card.
    """

    normals_mean_deg: float
    normals_median_deg: float
    flat_mean_deg: float
    centering: Centering | None
    true_left_percent: float
    true_top_percent: float

    @property
    def centering_errors_points(self) -> tuple[float, float] | None:
        """Error left/right and top/bottom in percentage points; None where centering was not assessed."""
        if self.centering is None:
            return None
        return (
            abs(self.centering.left_percent - self.true_left_percent),
            abs(self.centering.top_percent - self.true_top_percent),
        )


def compare_with_truth(folder: Path, seed: int, side: Side, bow_mm: float | None) -> TruthComparison:
    """Compare the newest result of a stored scan with the truth of the twin's card.

    Raises:
        StationError: `scan_unreadable`, there is no result or it cannot be read.
    """
    from ..twin.spec import CardSpec  # noqa: PLC0415 - the twin is loaded by what needs it
    from ..twin.truth import truth  # noqa: PLC0415

    result = latest_result(folder)
    if result is None:
        raise StationError("scan_unreadable", f"{folder} holds no result to compare")
    measured = result.manifest.measurements
    real = truth(CardSpec(seed, side, bow_mm), measured.quality.rectified_dpi or 0.0)
    inside = real.mask & result.array("valid").astype(bool)
    errors = angles_deg(result.array("normals"), real.normals)[inside]
    upright = np.broadcast_to(np.array([0, 0, 1], np.float32), real.normals.shape)
    flat = angles_deg(upright, real.normals)[inside]
    return TruthComparison(
        float(errors.mean()),
        float(np.median(errors)),
        float(flat.mean()),
        measured.centering,
        *_true_percents(real),
    )


def angles_deg(one: Floats, other: Floats) -> Floats:
    """Angle between unit vectors (..., 3); by the chord, which keeps its precision at small angles."""
    chord = np.linalg.norm(one.astype(np.float64) - other, axis=-1)
    return np.asarray(np.rad2deg(2 * np.arcsin(np.clip(chord / 2, 0, 1))), np.float32)


def _true_percents(real: "Truth") -> tuple[float, float]:
    return real.borders.left_percent, real.borders.top_percent
