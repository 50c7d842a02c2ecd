"""A scan on disk: its manifest, its results, and what can be asked of it."""

from typing import Literal

from pydantic import Field

from .base import Document
from .frame import FrameRecord
from .judgement import Appearance
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
    """`manifest.json` of a scan folder. `created` is UTC, ISO 8601.

    `batch`: the hands-free batch it belongs to, empty: none. `appearance`: None: it was not looked at.
    """

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
    batch: str = ""
    appearance: Appearance | None = None


class Withdrawal(Document):
    """`withdrawn.json` beside a scan's manifest: the operator took it back. Nothing of it is deleted."""

    schema_version: Literal[1] = 1
    scan_id: str
    time: str
    why: str


class KeptMark(Document):
    """`kept.json` beside a scan's manifest: the retention policy leaves it alone while the file is there."""

    schema_version: Literal[1] = 1
    scan_id: str
    time: str


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
        bow_mm, twist_mm: height of the middle over the edges, and of the corners in turn.
        gains: brightness of each light of the stack over that of the calibration, mean 1, as the card shows
            it; a card that does not lie flat takes part in it.
        gain_spread_percent: rms of the gains about their mean.
        mat_gains: the same as the mat beside the card shows it.
        mat_shift_um: how far the middle of the picture moved over the mat since the calibration.
        mat_turn_deg: by how much the mat appears turned, clockwise.
        mat_places: places of the mat that these figures are from.
        focus_percent: contrast of the mat's fine detail, of the calibration's; where the mat shows none, the
            sharpness of the card's edges, of the calibration's.
        calibration: whether the scans up to this one say that the calibration holds; see `Ageing`.
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
    gains: tuple[float, ...] | None = None
    gain_spread_percent: float | None = None
    mat_gains: tuple[float, ...] | None = None
    mat_shift_um: float | None = None
    mat_turn_deg: float | None = None
    mat_places: int | None = None
    focus_percent: float | None = None
    calibration: Literal["ok", "soon", "now"] | None = None


class NotAssessed(Document):
    """Something a reader might expect and that was not looked at, with the reason."""

    what: str
    why: str


class Measurements(Document):
    """What was measured on one side. None: not assessed, and `not_assessed` says why.

    Attributes:
        flaw_candidates: how many places of the relief stand out of their noise; None: they were not looked
            for.
        warnings: why the figures may be wrong, a sentence for each reason: of the camera and the rig profile.
    """

    schema_version: Literal[1] = 1
    outline: Outline | None = None
    centering: Centering | None = None
    quality: Quality = Quality()
    not_assessed: tuple[NotAssessed, ...] = ()
    flaw_candidates: int | None = None
    warnings: tuple[str, ...] = ()


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
    batch: str = ""
    withdrawn: str = ""
    kept: bool = False
    removed: str = ""
