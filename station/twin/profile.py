"""Profiles of the twin's rigs: as a calibration delivers it, with errors of its own, and as it truly is.

`python -m station.twin.profile --out calibration` writes `twin.toml` and `twin.npz`, a calibration of the
standard rig on rendered frames.
"""

import argparse
import hashlib
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from station.documents.profile import CameraProfile, FlatFieldProfile, LightProfile, RigProfile, Vector
from station.documents.toml import as_toml

from .chance import stream
from .chart import CAMERA_FROM_SRGB
from .grid import Floats
from .lights import LIGHTS, Light, ring
from .optics import Doubles, Optics
from .rigs import Rig
from .scene import Scene
from .sensor import NOMINAL_EXPOSURE_US, READOUT_US, STAMP_DELAY_US, STAMP_JITTER_US, Pixels, Sensor
from .spec import Unkind
from .world import Target

DPI = 600
GRID_ROWS, GRID_COLUMNS = 104, 80
AVERAGED = 16
POSITION_ERROR_MM = 0.25
"""Rms per axis of the error with which calibration finds a light."""
AXIS_ERROR_RAD = 0.02
CREATED = "2026-11-22T00:00:00Z"
"""Of the rig, which is always the same; a rebuilt profile has the same bytes."""
DARK = 100
"""Sequence numbers from here on are dark frames."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured: flat field (lights, rows, columns, 3), and the noise line `variance = a * I + b`."""

    flat: Floats
    noise_a: float
    noise_b: float


def calibrate(dpi: float = DPI, averaged: int = AVERAGED) -> Calibration:
    """Photograph the white target under every light."""
    scene = Scene(seed=7, dpi=dpi)
    target = Target()
    scene.place(target)
    fit = BilinearFit(scene.optics)
    dark = _mean(_frames(scene, None, DARK, averaged))
    flat = np.stack([fit(_mean(_frames(scene, k, 1000 * (k + 1), averaged)) - dark) for k in range(LIGHTS)])
    still = Scene(seed=8, dpi=dpi)
    still.place(Target(unkind=Unkind().without("motion_px_rms", "light_drift")))
    return Calibration(flat.astype(np.float32), *_noise_line(still))


class BilinearFit:
    """The bilinear surface over a regular grid that lies nearest to a picture, in the sense of least squares.

    Unlike means over cells it has no bias at the picture's edges. Rows and columns are solved one after the
    other.
    """

    def __init__(self, optics: Optics) -> None:
        self._rows = np.linalg.pinv(_hats(optics.height_px, GRID_ROWS))
        self._columns = np.linalg.pinv(_hats(optics.width_px, GRID_COLUMNS))

    def __call__(self, picture: Doubles) -> Doubles:
        """(H, W, 3) to (GRID_ROWS, GRID_COLUMNS, 3)."""
        return np.stack([self._rows @ picture[..., c] @ self._columns.T for c in range(3)], axis=-1)


def _hats(pixels: int, nodes: int) -> Doubles:
    """(pixels, nodes): share of each node in each pixel; the outermost nodes lie on the outermost pixels."""
    place = np.arange(pixels) * (nodes - 1) / (pixels - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(place[:, None] - np.arange(nodes))), np.float64)


def _frames(scene: Scene, light: int | None, first: int, count: int, share: float = 1.0) -> Iterator[Pixels]:
    """Frames under one light (None: none) that burned for a share of the exposure."""
    on = np.zeros(LIGHTS)
    if light is not None:
        on[light] = share
    return (scene.render(on, sequence=first + n) for n in range(count))


def _mean(frames: Iterator[Pixels]) -> Doubles:
    first = next(frames).astype(np.float64)
    count = 1
    for frame in frames:
        first += frame
        count += 1
    return first / count


def _noise_line(scene: Scene) -> tuple[float, float]:
    """Photon transfer: half the variance of two frames' difference, per grey level, and a line through it.

    Levels within a few codes of black are left out: there rounding is not yet random.
    """
    levels, variances = [], []
    for number, share in enumerate((0.05, 0.1, 0.2, 0.5, 1.0)):
        pair = (frame.astype(np.float64) for frame in _frames(scene, 0, 50_000 + 10 * number, 2, share))
        level, variance = _photon_transfer(
            next(pair) - Sensor(8).black_level, next(pair) - Sensor(8).black_level
        )
        levels.append(level)
        variances.append(variance)
    x, y = np.concatenate(levels), np.concatenate(variances)
    a, b = np.polyfit(x, y, 1, w=1 / y)
    return float(a), float(b)


def _photon_transfer(first: Doubles, second: Doubles) -> tuple[Doubles, Doubles]:
    """Mean level and temporal variance of the pixels of each grey level that occurs often."""
    level, half = ((first + second) / 2).ravel(), ((first - second) ** 2 / 2).ravel()
    bins = np.maximum(0, np.floor(level)).astype(np.int64) // 4
    counts = np.bincount(bins, minlength=64)
    used = counts > 5_000
    total, squares = np.bincount(bins, level, 64), np.bincount(bins, half, 64)
    return total[used] / counts[used], squares[used] / counts[used]


def profile(calibration: Calibration, file: str, sha256: str, dpi: float = DPI) -> RigProfile:
    """The document."""
    return RigProfile(
        name="twin",
        created=CREATED,
        simulated=True,
        board_id="twin",
        note="Made by python -m station.twin.profile: the digital twin's rig, calibrated on rendered frames.",
        lights=tuple(_light_profile(index, light) for index, light in enumerate(ring())),
        camera=camera_profile(Optics(dpi), calibration.noise_a, calibration.noise_b),
        flat_field=FlatFieldProfile(
            file=file, sha256=sha256, reflectance=Target().reflectance, exposure_us=NOMINAL_EXPOSURE_US,
            plane_z_mm=Target().height_mm,
        ),
        quality={"flat_field_frames": float(AVERAGED), "light_position_rms_mm": POSITION_ERROR_MM * 3**0.5},
    )  # fmt: skip


def _light_profile(index: int, light: Light) -> LightProfile:
    """What a careful calibration finds of a light: near the truth; the lobe it takes for Lambert's."""
    rng = stream(20_181, "calibration error", index)
    place = light.position_mm + np.clip(rng.normal(0, POSITION_ERROR_MM, 3), -0.45, 0.45)
    axis = light.axis + rng.normal(0, AXIS_ERROR_RAD, 3)
    axis /= np.linalg.norm(axis)
    red, green, blue = (light.power * c * float(rng.normal(1, 0.01)) for c in light.colour)
    return LightProfile(
        position_mm=_vector(place, 3), power=_vector((red, green, blue), 4), axis=_vector(axis, 5), lobe=1.0
    )


def camera_profile(optics: Optics, noise_a: float, noise_b: float) -> CameraProfile:
    """The camera as it is, with a noise line as somebody found it."""
    rotation = np.asarray(cv2.Rodrigues(optics.rotation)[0], np.float64).ravel()
    sensor = Sensor(8)
    fx, fy, cx, cy = (round(value, 4) for value in optics.matrix)
    return CameraProfile(
        width_px=optics.width_px,
        height_px=optics.height_px,
        matrix=(fx, fy, cx, cy),
        distortion=optics.lens.distortion,
        rotation=_vector(rotation, 8),
        translation_mm=_vector(-optics.rotation @ optics.centre_mm, 5),
        bit_depth=8,
        black_level=sensor.black_level,
        full_scale=float(sensor.full_scale),
        noise_a=round(noise_a, 6),
        noise_b=round(noise_b, 6),
        readout_us=READOUT_US,
        stamp_at="end",
        stamp_delay_us=STAMP_DELAY_US,
        stamp_jitter_us=STAMP_JITTER_US,
    )


def _vector(values: Doubles | tuple[float, ...], digits: int) -> Vector:
    x, y, z = (round(float(value), digits) for value in values)
    return x, y, z


def write(folder: Path, *, dpi: float = DPI, averaged: int = AVERAGED) -> Path:
    """Calibrate and write both files; returns the TOML's path."""
    measured = calibrate(dpi, averaged)
    return store(folder, "twin", measured.flat, lambda file, sha256: profile(measured, file, sha256, dpi))


def true_profile(rig: Rig, dpi: float, folder: Path, name: str) -> Path:
    """Write the profile that knows the truth about a rig; returns the TOML's path.

    The yardstick for calibrations: lights, camera, noise and colour are those of the twin, and the flat field
    that of an ideal sheet, without noise, motion, drift and room light, at a card's height.
    """
    flat = _true_flat(rig, dpi)
    return store(folder, name, flat, lambda file, sha256: _true_document(rig, dpi, name, file, sha256))


def _true_flat(rig: Rig, dpi: float) -> Floats:
    """In codes of 8 bits; taken with 16 and at half the exposure, lest rounding or clipping matter."""
    scene = Scene(seed=7, dpi=dpi, rig=rig)
    scene.place(Target(unkind=Unkind.kind()))
    fit, fine = BilinearFit(scene.optics), Sensor(16)
    codes = 2 * Sensor(8).full_scale / fine.full_scale
    half = NOMINAL_EXPOSURE_US // 2
    frames = (scene.render(on, exposure_us=half, bit_depth=16) for on in np.eye(len(rig.lights)))
    seen = (frame.astype(np.float64) - fine.black_level for frame in frames)
    return np.stack([codes * fit(picture) for picture in seen]).astype(np.float32)


def _true_document(rig: Rig, dpi: float, name: str, file: str, sha256: str) -> RigProfile:
    sensor = Sensor(8)
    camera = camera_profile(Optics(dpi, rig.lens), sensor.noise_a, sensor.noise_b)
    red, green, blue = (_vector(row, 8) for row in np.linalg.inv(CAMERA_FROM_SRGB))
    return RigProfile(
        name=name,
        created=CREATED,
        simulated=True,
        board_id="twin",
        note=f"The truth about the twin's rig {rig.name}, as no calibration knows it.",
        lights=tuple(
            LightProfile(
                position_mm=_vector(light.position_mm, 6),
                power=_vector(light.power * np.array(light.colour), 6),
                axis=_vector(light.axis, 8),
                lobe=light.lobe,
            )
            for light in rig.lights
        ),
        camera=camera.replace(colour=(red, green, blue)),
        flat_field=FlatFieldProfile(
            file=file, sha256=sha256, reflectance=Target().reflectance, exposure_us=NOMINAL_EXPOSURE_US,
            plane_z_mm=Target().height_mm,
        ),
    )  # fmt: skip


def store(folder: Path, name: str, flat: Floats, document: Callable[[str, str], RigProfile]) -> Path:
    """Write a profile and its flat field; returns the TOML's path.

    Args:
        folder: made if it is not there.
        name: of the files, without their endings.
        flat: of the array file.
        document: made of the array file's name and hash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    array = io.BytesIO()
    np.savez_compressed(array, flat=flat)
    (folder / f"{name}.npz").write_bytes(array.getvalue())
    made = document(f"{name}.npz", hashlib.sha256(array.getvalue()).hexdigest())
    path = folder / f"{name}.toml"
    path.write_text(as_toml(made.model_dump(mode="json")), "utf-8")
    return path


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Calibrate the digital twin's rig and write its profile.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write twin.toml and twin.npz to")
    sys.stdout.write(f"{write(parser.parse_args().out)}\n")


if __name__ == "__main__":
    main()
