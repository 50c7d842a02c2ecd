"""What a report says about a scan besides its maps."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..documents.profile import UNIT_MATRIX, Matrix
from ..documents.scan import Measurements, ScanManifest

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CardLights:
    """The near lights of the rig in the card frame (the caller transforms them).

    Attributes:
        positions_mm: (K, 3), origin at the centre of the card's surface, x right, y up, z to the camera.
        powers: (K, 3), RGB, arbitrary but common unit.
        axes: (K, 3), unit vectors of strongest emission; None: each points at the card's centre.
        lobes: (K,), exponents of the emission pattern; None: each emits alike in all directions.
    """

    positions_mm: Array
    powers: Array
    axes: Array | None = None
    lobes: Array | None = None

    def as_page_data(self) -> list[dict[str, object]]:
        """One entry per light; colours are white-balanced by the mean power of all lights.

        Raises:
            ValueError: positions, powers, axes and lobes do not belong together.
        """
        count = len(self.positions_mm)
        axes = self._aimed_at_centre() if self.axes is None else self.axes
        lobes = np.zeros(count) if self.lobes is None else self.lobes
        shapes = {self.positions_mm.shape, self.powers.shape, axes.shape}
        if shapes != {(count, 3)} or lobes.shape != (count,):
            raise ValueError("lights need positions, powers and axes of shape (K, 3) and lobes of shape (K,)")
        colours = self.powers / np.maximum(self.powers.mean(axis=0), 1e-12) if count else self.powers
        keys = ("position", "axis", "lobe", "colour")
        columns = (self.positions_mm.tolist(), axes.tolist(), lobes.tolist(), colours.tolist())
        return [dict(zip(keys, light, strict=True)) for light in zip(*columns, strict=True)]

    def _aimed_at_centre(self) -> Array:
        length = np.linalg.norm(self.positions_mm, axis=1, keepdims=True)
        return np.asarray(-self.positions_mm / np.maximum(length, 1e-9))


@dataclass(frozen=True)
class ReportFacts:
    """The documents behind a report. What is left empty of the computation is taken from the scan.

    Attributes:
        scan: manifest of the scan; says card, side, plan, and whether it was taken on the digital twin.
        measurements: what was measured on this side.
        lights: the rig's lights in the card frame.
        number: number of the result this report belongs to; 0: not stored as a result.
        computed: when the maps were computed, UTC, ISO 8601.
        software, profile, profile_sha256: what they were computed with.
        stages_s: seconds per stage of the computation.
        colour: from the camera's channels to linear sRGB, as in `CameraProfile`.
        truth_note: for simulated scans, one sentence on how the maps compare with what was simulated.
    """

    scan: ScanManifest
    measurements: Measurements
    lights: CardLights
    number: int = 0
    computed: str = ""
    software: str = ""
    profile: str = ""
    profile_sha256: str = ""
    stages_s: Mapping[str, float] = field(default_factory=dict)
    colour: Matrix = UNIT_MATRIX
    truth_note: str | None = None

    @property
    def simulated(self) -> bool:
        """Whether the scan was taken on the digital twin."""
        return self.scan.provenance.simulated

    @property
    def title(self) -> str:
        """The name a person gave, or the end of the card's identity: its start is time, and much alike."""
        return self.scan.name.strip() or f"Card {self.scan.card_id[-8:]}"
