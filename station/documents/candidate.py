"""Places on a side whose relief stands out of its noise: a list to look through, not a judgement."""

from typing import Literal

from .base import Document

CandidateKind = Literal["line", "spot"]


class FlawCandidate(Document):
    """One place, card frame; the fields are those of `photometric.candidates.Candidate`.

    Attributes:
        kind: a hint: long and narrow, or not.
        depth_um: of its middle under its surroundings; negative: raised.
        depth_sigma_um: None where too little around it was measured.
        peak_sigma, mean_sigma: by how many standard deviations it stands out.
    """

    kind: CandidateKind
    x_mm: float
    y_mm: float
    length_mm: float
    width_mm: float
    angle_deg: float
    depth_um: float
    depth_sigma_um: float | None
    peak_sigma: float
    mean_sigma: float


class FlawCandidates(Document):
    """`candidates.json` of a result.

    Attributes:
        threshold_sigma: what a candidate's clearest pixel had to exceed.
        searched_percent: share of the card's measured pixels that were searched; the rim is not.
        candidates: the clearest first.
    """

    schema_version: Literal[1] = 1
    threshold_sigma: float
    searched_percent: float
    candidates: tuple[FlawCandidate, ...]
