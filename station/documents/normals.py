"""What `station normals` says of its maps: `quality.json`, written last."""

from typing import Literal

from pydantic import Field

from .base import Document

EstimatorName = Literal["robust", "least-squares", "trimmed", "by-rank"]
Gamma = Literal["linear", "srgb"]
Unit = Literal["mm", "px"]
SourceKind = Literal["light list", "DiLiGenT folder", "stored scan"]
BlackFrom = Literal["none", "given", "estimated", "ambient picture"]


class LightRecord(Document):
    """A light that was used, and its picture.

    Attributes:
        number: 0-based place in the source.
        picture: the file, as the source names it.
        sha256: of the file.
        vector: towards the light, x right, y up, z to the camera; or its place in mm where `near`.
        near: whether the vector is a place.
        intensity: of each channel; 1 where the source does not say.
    """

    number: int
    picture: str
    sha256: str
    vector: tuple[float, float, float]
    near: bool = False
    intensity: tuple[float, ...] = (1.0,)


class FileRecord(Document):
    """A file of the result, and how to read it.

    Attributes:
        holds: for people.
        offset, scale: `value = offset + scale * code`, None where the codes are no such values.
        unit: of the values; None: they have none.
    """

    file: str
    holds: str
    offset: float | None = None
    scale: float | None = None
    unit: str | None = None


class ErrorFigures(Document):
    """Angles to the true normals, degrees, over the pixels that are in the mask and have a true normal."""

    mean_deg: float
    median_deg: float
    p95_deg: float
    pixels: int


class InputRecord(Document):
    """What the maps were computed from.

    Attributes:
        kind, source: of it, and where it lies.
        lights: in the order of the source.
        ambient, mask: files, None where there were none.
        files_sha256: hashes of the further files that were read, by path.
        gamma: how the codes were taken; sRGB codes were made linear, on a scale of 16 bits.
        full_scale: highest code.
        profile: of the rig, for a stored scan.
    """

    kind: SourceKind
    source: str
    lights: tuple[LightRecord, ...]
    ambient: str | None = None
    mask: str | None = None
    files_sha256: dict[str, str] = Field(default_factory=dict)
    gamma: Gamma = "linear"
    full_scale: float
    profile: str | None = None
    profile_sha256: str | None = None


class NormalsFigures(Document):
    """Figures of merit; None is "not measured".

    Attributes:
        black_level: linear code of no light; None where the ambient picture stands for it.
        noise_codes: standard deviation of a code as it was estimated from the pictures; of a stored scan the
            profile's noise model holds instead.
        valid_percent, clipped_percent, dark_percent: of the pixels in the mask, or of the card.
        chi2_median: median of the reduced chi-square of the fit; about 1 where the model holds.
        sigma_median_deg: median standard uncertainty of a normal, per axis.
        curl_rms: rms of the curl of the slopes, per unit of length; of a true surface it is zero.
        bow, twist: the quadratic part of the height, in the unit of length.
        errors: where the true normals are known.
    """

    black_level: float | None = None
    black_from: BlackFrom
    noise_codes: float | None = None
    valid_percent: float
    clipped_percent: float
    dark_percent: float | None = None
    chi2_median: float | None = None
    sigma_median_deg: float | None = None
    curl_rms: float | None = None
    bow: float | None = None
    twist: float | None = None
    errors: ErrorFigures | None = None


class NormalsReport(Document):
    """`quality.json`: a folder without it was left unfinished.

    Attributes:
        pitch: distance of neighbouring pixels in `unit`; the unit of all heights is the same.
        notes: what the user was told on the way.
    """

    schema_version: Literal[1] = 1
    software: str
    created: str
    estimator: EstimatorName
    input: InputRecord
    shape: tuple[int, int]
    unit: Unit
    pitch: float
    figures: NormalsFigures
    files: tuple[FileRecord, ...]
    notes: tuple[str, ...] = ()
