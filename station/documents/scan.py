"""A scan on disk: its manifest, its results, and what can be asked of it."""

from typing import Literal

from pydantic import Field

from .base import Document
from .frame import FrameRecord
from .plan import ScanPlan, Side

ScanState = Literal["capturing", "captured", "processed", "failed", "interrupted"]
"""captured: durable on disk, the card may be taken away; processed: at least one result exists."""

DeliveryState = Literal["none", "queued", "sending", "delivered", "refused"]


class Provenance(Document):
    """Who made it: enough to make it again."""

    software: str
    firmware: str
    board: str
    camera: str
    profile: str
    profile_sha256: str
    simulated: bool
    machine: str


class ScanManifest(Document):
    """`manifest.json` of a scan folder. `created` is UTC, ISO 8601."""

    schema_version: Literal[1] = 1
    id: str
    card_id: str
    side: Side
    name: str = ""
    created: str
    plan: ScanPlan
    provenance: Provenance
    frames: tuple[FrameRecord, ...]
    stages_s: dict[str, float] = Field(default_factory=dict)


class Artifact(Document):
    """A file of a result. `shape` and `dtype` only where it is an array."""

    name: str
    file: str
    sha256: str
    bytes: int
    shape: tuple[int, ...] | None = None
    dtype: str | None = None


class Centering(Document):
    """Border widths and what follows from them.

    Attributes:
        left_mm, right_mm, top_mm, bottom_mm: mean width of each border, between the card's edge and the
            print frame.
        sigma_mm: standard uncertainty of one border width.
        horizontal_percent: share of the wider of left and right in their sum, 50 to 100.
        vertical_percent: the same for top and bottom.
        left_percent, top_percent: share of the left (top) border in the sum, 0 to 100.
    """

    left_mm: float
    right_mm: float
    top_mm: float
    bottom_mm: float
    sigma_mm: float
    left_percent: float
    top_percent: float
    horizontal_percent: float
    vertical_percent: float


class Outline(Document):
    """Where the card lies on the mat.

    Attributes:
        corners_mm: the four virtual corners (edges prolonged) in the mat frame, in the card's own order:
            top left, top right, bottom right, bottom left.
        rotation_deg: of the card's x axis against the mat's, counter-clockwise.
        residual_mm: rms distance of the found edge points from the fitted lines.
    """

    corners_mm: tuple[tuple[float, float], ...]
    width_mm: float
    height_mm: float
    rotation_deg: float
    residual_mm: float


class Quality(Document):
    """Figures of merit of a scan; None is "not measured".

    Attributes:
        sampled_dpi: what the camera samples at the card.
        rectified_dpi: resolution of the maps, at most `sampled_dpi`.
        mtf50_cy_per_mm: spatial frequency where the contrast falls to half, from the card's own edges.
        registration_px: residual misregistration between frames, rms over the frames.
        registration_shift_px: largest shift found between frames.
        normal_sigma_deg: median standard uncertainty of a normal, from the noise model and registration.
        chi2_median: median of the reduced chi-square of the fit; about 1 when the noise model holds.
        curl_rms: rms of the curl of the slope field, 1/mm.
        clipped_percent, dark_percent: share of card pixels clipped, or too dark to measure, in any light.
    """

    sampled_dpi: float | None = None
    rectified_dpi: float | None = None
    mtf50_cy_per_mm: float | None = None
    registration_px: float | None = None
    registration_shift_px: float | None = None
    normal_sigma_deg: float | None = None
    chi2_median: float | None = None
    curl_rms: float | None = None
    clipped_percent: float | None = None
    dark_percent: float | None = None
    bow_mm: float | None = None
    twist_mm: float | None = None


class NotAssessed(Document):
    """Something a reader might expect and that was not looked at, with the reason."""

    what: str
    why: str


class Measurements(Document):
    """What was measured on one side. None: not assessed, and `not_assessed` says why.

    Attributes:
        flaw_candidates: how many places of the relief stand out of their noise; None: they were not looked
            for.
    """

    schema_version: Literal[1] = 1
    outline: Outline | None = None
    centering: Centering | None = None
    quality: Quality = Quality()
    not_assessed: tuple[NotAssessed, ...] = ()
    flaw_candidates: int | None = None


class ResultManifest(Document):
    """`manifest.json` of `results/<n>/`: one computation of a stored stack, never overwritten."""

    schema_version: Literal[1] = 1
    scan_id: str
    number: int
    created: str
    software: str
    profile: str
    profile_sha256: str
    parent_sha256: str
    artifacts: tuple[Artifact, ...]
    measurements: Measurements
    stages_s: dict[str, float] = Field(default_factory=dict)


class ScanSummary(Document):
    """What `scan.get` answers: the catalogue's row with the newest result."""

    id: str
    card_id: str
    side: Side
    name: str
    state: ScanState
    created: str
    simulated: bool
    folder: str
    bytes: int
    delivery: DeliveryState
    delivery_detail: str = ""
    reason: str = ""
    result: ResultManifest | None = None
    report: str | None = None
    stages_s: dict[str, float] = Field(default_factory=dict)
