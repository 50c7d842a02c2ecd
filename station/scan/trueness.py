"""Whether the rig is still the one that was calibrated, as far as one stack shows it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..calibrate.mat.mat import MatDrift, drift
from ..calibrate.profile import LoadedProfile
from ..camera.interface import Pixels
from ..documents.scan import Quality
from .window import sensor

Array = NDArray[np.float64]


def with_trueness(
    quality: Quality,
    pictures: Sequence[Pixels],
    dark: Pixels,
    profile: LoadedProfile,
    *,
    lights: Sequence[int],
    lit_us: Sequence[int],
    gains: Array,
) -> Quality:
    """Add the figures of drift to those of a scan.

    Args:
        quality: with the sharpness of the card's edges.
        pictures: one for each light, linear, (H, W, 3).
        dark: the ambient picture.
        profile: scaled to the pictures.
        lights: of the pictures, indices in the profile.
        lit_us: for how long each row saw its light.
        gains: (lights,), as the card shows them.

    Raises:
        StationError: `stack_unusable`, see `sensor`.
    """
    _, unit = sensor(profile, dark.dtype)
    codes = unit * np.array(lit_us) / profile.profile.flat_field.exposure_us
    seen = drift(pictures, profile, dark, codes, lights)
    of_edges = _of_edges(quality.mtf50_cy_per_mm, profile.profile.camera.mtf50_cy_per_mm)
    card = quality.replace(
        gains=tuple(map(float, gains / gains.mean())),
        gain_spread_percent=spread_percent(gains),
        focus_percent=of_edges,
    )
    return card if seen is None else _with_mat(card, seen)


def spread_percent(gains: Array) -> float:
    """Rms of gains about their mean, in per cent of it."""
    return 100 * float(np.std(gains) / np.mean(gains))


def _of_edges(now: float | None, calibrated: float | None) -> float | None:
    return 100 * now / calibrated if now is not None and calibrated else None


def _with_mat(quality: Quality, seen: MatDrift) -> Quality:
    light = seen.brightness
    return quality.replace(
        mat_gains=None if light is None else tuple(map(float, light / light.mean())),
        mat_shift_um=seen.shift_um,
        mat_turn_deg=seen.turn_deg,
        mat_places=seen.used,
        focus_percent=quality.focus_percent if seen.focus_percent is None else seen.focus_percent,
    )
