"""The rig profile: what calibration knows about lights, camera and card plane.

All lengths in the mat frame: origin where the profile's plane z = 0 meets the mat's centre, x right, y up,
z to the camera.
"""

from typing import Literal

from pydantic import Field

from .base import StrictDocument
from .calibration import CalibrationQuality

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]
UNIT_MATRIX: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class LightProfile(StrictDocument):
    """One near light: `I = power * cos(angle to axis)**lobe / distance_mm**2`.

    Attributes:
        position_mm: mat frame.
        power: per colour channel, arbitrary but common unit.
        axis: unit vector of strongest emission.
        lobe: exponent of the emission pattern, 1.0 is a Lambertian emitter.
    """

    position_mm: Vector
    power: Vector
    axis: Vector
    lobe: float = Field(ge=0)


class CameraProfile(StrictDocument):
    """Pinhole with OpenCV's distortion model.

    Attributes:
        matrix: fx, fy, cx, cy in pixels.
        distortion: k1, k2, p1, p2, k3 (OpenCV order).
        rotation: Rodrigues vector (rad), mat frame to camera frame (OpenCV: x right, y down, z forward).
        translation_mm: of the same transform.
        black_level: codes to subtract from every frame.
        full_scale: highest code; at or above 0.98 of it a value counts as clipped.
        noise_a, noise_b: variance of a value I (codes, after black level) is `noise_a * I + noise_b`.
        readout_us: time from the first row's exposure start to the last row's.
        stamp_at: which event of a frame its driver stamps: the start of the first row's exposure or the end
            of the last row's. Unknown: lights cannot be locked to the frames.
        stamp_delay_us: usual time from that event to the stamp.
        stamp_jitter_us: by how much a stamp may lie before or after that.
        stamp_late_us: by how much a driver may stamp a frame after its last row was exposed, at most:
            transfer and jitter. Until it has been measured for a camera the default is generous.
        response: linear, codes are proportional to light over the black level; table, the array file holds
            `response` float32 (3, codes): for each channel and code of the camera the linear code, 0 to
            `full_scale`. Black level, noise and flat field are those of linear codes.
        gamma: exponent of the power law nearest to the response, for people.
        colour: matrix from white-balanced linear RGB of the camera (relative to the flat field) to linear
            sRGB.
        mains_hz: of the lamps in the room; exposures are kept to multiples of half its period. 0: none seen.
        overshoot_percent: by how much the camera overshoots at an edge by sharpening; None: not measured.
        mtf50_cy_per_mm: sharpness on the card plane when it was calibrated; None: not measured.
        scale_um_per_px: of the card plane at the picture's centre; None: follows from matrix and pose alone.
    """

    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    matrix: tuple[float, float, float, float]
    distortion: tuple[float, float, float, float, float]
    rotation: Vector
    translation_mm: Vector
    bit_depth: Literal[8, 10, 12, 14, 16]
    black_level: float
    full_scale: float
    noise_a: float = Field(ge=0)
    noise_b: float = Field(ge=0)
    readout_us: int = Field(ge=0)
    stamp_at: Literal["unknown", "start", "end"] = "unknown"
    stamp_delay_us: int = 0
    stamp_jitter_us: int = Field(default=2_000, ge=0)
    stamp_late_us: int = Field(default=5_000, ge=0)
    response: Literal["linear", "table"] = "linear"
    gamma: float = Field(default=1.0, gt=0)
    colour: Matrix = UNIT_MATRIX
    mains_hz: Literal[0, 50, 60] = 0
    overshoot_percent: float | None = None
    mtf50_cy_per_mm: float | None = None
    scale_um_per_px: float | None = None


class FlatFieldProfile(StrictDocument):
    """The flat field, an array file beside the TOML.

    The `.npz` holds `flat` float32 (lights, rows, columns, 3): linear codes of a matte target of reflectance
    `reflectance` under each light at `exposure_us`, on a regular grid over the whole picture (first and
    last sample at the centres of the corner pixels), and lies at height `plane_z_mm` above the mat.
    """

    file: str
    sha256: str
    reflectance: float = Field(gt=0, le=1)
    exposure_us: int = Field(gt=0)
    plane_z_mm: float


class RigProfile(StrictDocument):
    """One rig, calibrated. `simulated` marks the profiles of the twin.

    Attributes:
        measured: False: a starting point from nominal figures, never measured on a rig.
        temperature_c: of the room or the board when it was calibrated; None: not known.
        controls: what the camera's controls were set to, as it read them back.
        mat: whether the array file holds reference pictures of the mat, `mat` float32 (places, lights + 1,
            rows, columns) and `mat_px` float64 (places, 2), by which drift is noticed: linear codes less the
            ambient ones, mean of the channels, as at the flat field's exposure; the last plane is the mean
            over the lights, and `mat_px` are the pixels x, y of the places' middles.
        quality: figures of profiles of schema version 1.
        calibration: how good it is, and why.
    """

    schema_version: Literal[1, 2] = 2
    name: str
    created: str
    simulated: bool = False
    measured: bool = True
    board_id: str = ""
    temperature_c: float | None = None
    note: str = ""
    lights: tuple[LightProfile, ...]
    camera: CameraProfile
    flat_field: FlatFieldProfile
    controls: dict[str, int] = Field(default_factory=dict)
    mat: bool = False
    quality: dict[str, float] = Field(default_factory=dict)
    calibration: CalibrationQuality = CalibrationQuality()
