"""What the page of a calibration is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..documents.profile import RigProfile

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

_SHAPES: dict[str, tuple[int | str | None, ...]] = {
    "layout_positions_mm": ("lights", 3),
    "flat_field": ("lights", None, None, 3),
    "flat_residual_percent": ("lights", None, None),
    "lens_residuals": (None, 4),
    "ball_places_px": (None, 2),
    "response": (3, None),
    "noise_points": (None, 3),
}
"""Of each array: a length, any length (None), or one entry per light of the profile."""


class CalibrationStep(NamedTuple):
    """One step as it was carried out.

    Attributes:
        title: for people.
        state: one word, such as `done`, `skipped` or `failed`.
        when: UTC, ISO 8601; empty: not recorded.
        detail: a sentence; may be empty.
    """

    title: str
    state: str
    when: str
    detail: str


@dataclass(frozen=True, slots=True)
class CalibrationFacts:
    """The documents and arrays behind the page; what is None was not measured.

    Attributes:
        profile: the result, with its figures, fits and findings.
        profile_sha256: of the stored profile; empty: not stored.
        software: what computed it.
        session: id of the calibration session; empty: none.
        layout_positions_mm: (K, 3), where the lights are nominally, mat frame.
        flat_field: (K, rows, columns, 3), linear codes, grid as in `FlatFieldProfile`.
        flat_residual_percent: (K, rows, columns), flat field less the fitted light, in percent of
            the latter; NaN where it was not measured.
        lens_residuals: (N, 4), u, v, du, dv in px: where a corner was seen, and by how much it lay
            beside where the fitted lens puts it.
        ball_places_px: (N, 2), where the spheres lay.
        response: (3, codes), the linear code of each camera code, RGB.
        noise_points: (M, 3), level (codes over black), variance (codes squared), standard uncertainty of the
            variance.
        noise_line: a and b of `variance = a * level + b`; None: those of the profile's camera.
        steps: as carried out; plain tuples of the same four fields will do.
    """

    profile: RigProfile
    profile_sha256: str = ""
    software: str = ""
    session: str = ""
    layout_positions_mm: Points | None = None
    flat_field: Floats | None = None
    flat_residual_percent: Floats | None = None
    lens_residuals: Points | None = None
    ball_places_px: Points | None = None
    response: Floats | None = None
    noise_points: Points | None = None
    noise_line: tuple[float, float] | None = None
    steps: Sequence[tuple[str, str, str, str]] = ()

    def checked(self) -> Self:
        """The same facts; arrays without an entry are None.

        Raises:
            ValueError: an array has not the shape that its name promises, or not one entry per light.
        """
        absent: dict[str, None] = {}
        for name, wanted in _SHAPES.items():
            array: NDArray[np.floating] | None = getattr(self, name)
            if array is None:
                continue
            _require(
                name, array.shape, tuple(len(self.profile.lights) if n == "lights" else n for n in wanted)
            )
            if array.size == 0:
                absent[name] = None
        return replace(self, **absent)  # type: ignore[arg-type]  # names of arrays that may all be None

    @property
    def line(self) -> tuple[float, float]:
        """The noise as a and b."""
        camera = self.profile.camera
        return self.noise_line or (camera.noise_a, camera.noise_b)


def _require(name: str, shape: tuple[int, ...], wanted: tuple[int | str | None, ...]) -> None:
    fits = len(shape) == len(wanted) and all(n is None or n == m for n, m in zip(wanted, shape, strict=True))
    if not fits:
        said = ", ".join("any" if n is None else str(n) for n in wanted)
        raise ValueError(f"`{name}` has the shape {shape}, not ({said})")
