"""The rig profile of the virtual camera: what a calibration would find of the plain world it sees."""

import hashlib
import io
from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Literal

import numpy as np

from station.documents.profile import CameraProfile, FlatFieldProfile, LightProfile, RigProfile
from station.documents.toml import as_toml

from . import pattern
from .sensor import NOISE_CODES

ABOVE_MM = 400.0
"""Of the camera's centre over the plane."""
GRID_ROWS, GRID_COLUMNS = 41, 33
CREATED = "2026-11-22T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Eye:
    """What of the virtual camera a calibration measures.

    Attributes:
        width, height: of its pictures.
        readout_us: from the first row's exposure to the last row's.
        stamp_at, stamp_delay_us, stamp_jitter_us, stamp_late_us: see `CameraProfile`.
    """

    width: int
    height: int
    readout_us: int
    stamp_at: Literal["unknown", "start", "end"] = "unknown"
    stamp_delay_us: int = 0
    stamp_jitter_us: int = 1_000
    stamp_late_us: int = 5_000


def write_profile(folder: Path, eye: Eye) -> Path:
    """Write `v4l2.toml` and `v4l2.npz`; returns the TOML's path."""
    store = io.BytesIO()
    np.savez_compressed(store, flat=pattern.flat_field(GRID_ROWS, GRID_COLUMNS))
    (folder / "v4l2.npz").write_bytes(store.getvalue())
    document = RigProfile(
        name="v4l2",
        created=CREATED,
        simulated=True,
        note="The virtual V4L2 camera: near lights over a flat thing.",
        lights=_lights(),
        camera=_camera(eye),
        flat_field=FlatFieldProfile(
            file="v4l2.npz",
            sha256=hashlib.sha256(store.getvalue()).hexdigest(),
            reflectance=1.0,
            exposure_us=pattern.REFERENCE_US,
            plane_z_mm=0.0,
        ),
    )
    path = folder / "v4l2.toml"
    path.write_text(as_toml(document.model_dump(mode="json")), "utf-8")
    return path


def _lights() -> tuple[LightProfile, ...]:
    return tuple(
        LightProfile(
            position_mm=(float(x), float(y), float(z)),
            power=(power, power, power),
            axis=(0.0, 0.0, -1.0),
            lobe=1.0,
        )
        for (x, y, z), power in zip(pattern.positions_mm(), pattern.POWERS, strict=True)
    )


def _camera(eye: Eye) -> CameraProfile:
    focal_px = ABOVE_MM * eye.height / (2 * pattern.HALF_HEIGHT_MM)
    return CameraProfile(
        width_px=eye.width,
        height_px=eye.height,
        matrix=(focal_px, focal_px, (eye.width - 1) / 2, (eye.height - 1) / 2),
        distortion=(0.0, 0.0, 0.0, 0.0, 0.0),
        rotation=(pi, 0.0, 0.0),
        translation_mm=(0.0, 0.0, ABOVE_MM),
        bit_depth=8,
        black_level=0.0,
        full_scale=255.0,
        noise_a=0.0,
        noise_b=NOISE_CODES**2 + 1 / 12,
        readout_us=eye.readout_us,
        stamp_at=eye.stamp_at,
        stamp_delay_us=eye.stamp_delay_us,
        stamp_jitter_us=eye.stamp_jitter_us,
        stamp_late_us=eye.stamp_late_us,
    )
