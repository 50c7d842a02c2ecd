"""Starting points for rigs that nobody has measured yet: drawings of the layouts, and the light by formula.

`python -m station.twin.starting --out calibration` writes `ring-8` and `rings-4-4`, a `.toml` and a `.npz`
each.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from station.documents.profile import FlatFieldProfile, LightProfile, RigProfile

from .grid import Floats
from .lights import HEIGHT_MM, RING_MM, Light
from .optics import Doubles, Lens, Optics
from .profile import CREATED, camera_profile, store
from .rigs import CAMERA_MM, Layout, nominal
from .sensor import ELECTRONS_PER_RADIANCE, NOMINAL_EXPOSURE_US, Sensor

DPI = 600
ROWS, COLUMNS = 27, 21
"""Nodes 4 mm apart: between them the light of a near LED bends by less than a thousandth."""
REFLECTANCE = 0.9
PLANE_Z_MM = 0.3
NAMES: dict[Layout, str] = {"ring": "ring-8", "two_rings": "rings-4-4"}
SAID: dict[Layout, str] = {
    "ring": "eight lights at zenith 45 degrees, all 212 mm from the mat's centre",
    "two_rings": "four lights at zenith 35 and four at 55 degrees, all 212 mm from the mat's centre",
}
PINHOLE = Lens(
    centre_mm=(0.0, 0.0, CAMERA_MM), tilt_deg=(0.0, 0.0, 0.0), distortion=(0.0,) * 5, focal_mm=CAMERA_MM,
    aspect=1.0, principal_px=(0.0, 0.0),
)  # fmt: skip
"""A camera that looks straight down on the mat's centre, from its nominal height."""


def starting_point(layout: Layout, file: str, sha256: str) -> RigProfile:
    """The document."""
    sensor = Sensor(8)
    return RigProfile(
        name=NAMES[layout],
        created=CREATED,
        measured=False,
        note=f"A starting point for calibration: {SAID[layout]}. Nothing here was measured.",
        lights=tuple(_light(light) for light in nominal(layout)),
        camera=camera_profile(Optics(DPI, PINHOLE), sensor.noise_a, sensor.noise_b).replace(
            stamp_at="unknown", stamp_delay_us=0, stamp_jitter_us=2_000
        ),
        flat_field=FlatFieldProfile(
            file=file, sha256=sha256, reflectance=REFLECTANCE, exposure_us=NOMINAL_EXPOSURE_US,
            plane_z_mm=PLANE_Z_MM,
        ),
    )  # fmt: skip


def _light(light: Light) -> LightProfile:
    x, y, z = (round(float(part), 3) + 0.0 for part in light.position_mm)
    along, across, down = (round(float(part), 6) + 0.0 for part in light.axis)  # no negative zeros
    power = light.power
    return LightProfile(
        position_mm=(x, y, z), power=(power, power, power), axis=(along, across, down), lobe=light.lobe
    )


def flat_field(layout: Layout) -> Floats:
    """Float32 (lights, ROWS, COLUMNS, 3), codes: inverse square, Lambert's lobe and Lambert's cosine."""
    optics = Optics(DPI, PINHOLE)
    rows = np.linspace(0, optics.height_px - 1, ROWS)
    columns = np.linspace(0, optics.width_px - 1, COLUMNS)
    pixels = np.stack(np.broadcast_arrays(columns, rows[:, None]), axis=-1)
    places = np.dstack((optics.on_height(pixels, PLANE_Z_MM), np.full((ROWS, COLUMNS), PLANE_Z_MM)))
    unit = REFLECTANCE * ELECTRONS_PER_RADIANCE * Sensor(8).codes_per_electron
    unit *= (RING_MM**2 + HEIGHT_MM**2) * np.sqrt(2)  # one for the ring's lights at the mat's centre
    codes = [unit * _bright(light, places) for light in nominal(layout)]
    return np.repeat(np.stack(codes)[..., None], 3, axis=-1).astype(np.float32)


def _bright(light: Light, places: Doubles) -> Doubles:
    way = light.position_mm - places
    distance = np.linalg.norm(way, axis=-1)
    emitted = np.maximum(0, -(way @ light.axis) / distance) ** light.lobe
    return np.asarray(light.power * emitted * way[..., 2] / distance**3, np.float64)


def write(folder: Path, layout: Layout) -> Path:
    """Write both files; returns the TOML's path."""
    return store(
        folder,
        NAMES[layout],
        flat_field(layout),
        lambda file, sha256: starting_point(layout, file, sha256),
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the starting points of both layouts.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the profiles to")
    folder = parser.parse_args().out
    for layout in NAMES:
        sys.stdout.write(f"{write(folder, layout)}\n")


if __name__ == "__main__":
    main()
