"""By how much the printer missed the lengths: from the ruler beside the board, as a person measured it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...documents.boards import BoardSpec
from ...documents.calibration import CalibrationFinding
from ...documents.fault import StationError
from .board_view import BoardView

RULER_SIGMA_MM = 0.1
"""With which a person reads a steel rule or a calliper against a printed line."""
UNMEASURED_SIGMA = 0.01
"""Relative; by so much printers miss a length when nobody has measured it."""
_SCALE_LOOSE, _SCALE_UNKNOWN = 0.003, 0.03
_ODD_SCALE = 0.03
"""A print larger or smaller than that was fitted to the page."""


@dataclass(frozen=True, slots=True)
class PrintScale:
    """By how much the printer missed the lengths.

    Attributes:
        across, along: true length over nominal one, along the board's x and its y.
        sigma: relative standard uncertainty of both.
    """

    across: float
    along: float
    sigma: float
    findings: tuple[CalibrationFinding, ...] = ()

    def square_mm(self, spec: BoardSpec) -> float:
        """Side of a square as it was printed, the mean of both directions."""
        return spec.square_mm * (self.across + self.along) / 2

    def applied(self, view: BoardView) -> BoardView:
        """The view of the board as it was printed."""
        return view.stretched(self.across, self.along)


def print_scale(
    nominal_mm: float,
    across_mm: float | None,
    along_mm: float | None = None,
    sigma_mm: float = RULER_SIGMA_MM,
) -> PrintScale:
    """The scale of the print from what a person measured of its check rulers.

    Args:
        nominal_mm: length of a ruler as it was designed.
        across_mm: length of the horizontal one as it was printed; None: not measured.
        along_mm: of the vertical one; None: taken to be printed as large as the other.
        sigma_mm: standard uncertainty of the measurement.

    Raises:
        StationError: `calibration_failed`, a length that no print of this ruler can have.
    """
    for length in (across_mm, along_mm):
        if length is not None and not 0.5 < length / nominal_mm < 2:
            raise StationError(
                "calibration_failed",
                f"a ruler of {nominal_mm:g} mm cannot have been printed {length:g} mm long",
            )
    measured = [length / nominal_mm for length in (across_mm, along_mm) if length is not None]
    if not measured:
        scale = PrintScale(1.0, 1.0, UNMEASURED_SIGMA)
    else:
        scale = PrintScale(measured[0], measured[-1], sigma_mm / nominal_mm)
    return replace(scale, findings=tuple(_scale_findings(scale, bool(measured))))


def _scale_findings(scale: PrintScale, measured: bool) -> Iterator[CalibrationFinding]:
    if scale.sigma > _SCALE_LOOSE:
        why = "was read too coarsely" if measured else "was not measured"
        yield CalibrationFinding(
            kind="poor_scale",
            message=f"The printed ruler {why}: all lengths are uncertain by {100 * scale.sigma:.1f} %.",
            next_step="Measure the ruler beside the board to a tenth of a millimetre and enter its length.",
            severe=scale.sigma > _SCALE_UNKNOWN,
        )
    largest = max((scale.across, scale.along), key=lambda factor: abs(factor - 1))
    if abs(largest - 1) > _ODD_SCALE:
        yield CalibrationFinding(
            kind="poor_scale",
            message=f"The board was printed at {100 * largest:.1f} % of its size; it is corrected for.",
            next_step="Check the number, or print again at 100 % without fitting to the page.",
            severe=False,
        )
