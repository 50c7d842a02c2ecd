"""The report of a twin scan: lit as each light, the page shows what the camera saw under that light."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from station.calibrate.profile import LoadedProfile, load_profile
from station.documents.plan import ScanPlan
from station.documents.scan import Provenance, ResultManifest, ScanManifest
from station.scan.pipeline import Computed, Stack, compute, rectified_light_frames
from station.scan.reporting import report_of
from station.twin.scene import Scene
from station.twin.spec import CardSpec

DPI = 120
LIGHTS = range(8)


@dataclass(frozen=True)
class Scanned:
    page: bytes
    computed: Computed
    frames: tuple[Any, ...]


@pytest.fixture(scope="module", params=[(31, "front"), (77, "back")], ids=["front", "back"])
def scanned(request: pytest.FixtureRequest) -> Scanned:
    seed, side = request.param
    scene = Scene(seed, dpi=DPI)
    scene.place(CardSpec(seed, side))
    ambient, *lit = (scene.render(on, sequence=k) for k, on in enumerate(np.eye(9, 8, -1)))
    stack = Stack(ambient, tuple(lit), tuple(LIGHTS), 15_000)
    profile = load_profile("twin")
    computed = compute(stack, profile, rectified_dpi=600)
    outline = computed.measurements.outline
    assert outline is not None
    frames = rectified_light_frames(stack, profile, outline, computed.maps.dpi)
    return Scanned(report(side, computed, profile), computed, frames)


def report(side: str, computed: Computed, profile: LoadedProfile) -> bytes:
    now = datetime.now(UTC).isoformat()
    made = {"software": "test", "profile": "twin", "profile_sha256": profile.sha256}
    provenance = Provenance(firmware="", board="", camera="", simulated=True, machine="", **made)
    scan = ScanManifest(
        id="0" * 32, card_id="1", side=side, created=now, plan=ScanPlan(), provenance=provenance, frames=()
    )
    result = ResultManifest(
        scan_id=scan.id,
        number=1,
        created=now,
        parent_sha256="",
        artifacts=(),
        measurements=computed.measurements,
        **made,
    )
    return report_of(scan, result, computed, profile)


def test_lit_as_light_k_the_page_resembles_frame_k(scanned: Scanned, open_report: Any, compare: Any) -> None:
    valid = scanned.computed.maps.valid
    height, width = valid.shape
    opened = open_report(scanned.page, "only=card", width=width, height=height)
    shown = [compare.lit(opened, k) for k in LIGHTS]
    table = np.array([[compare.correlation(s, true, valid) for true in scanned.frames] for s in shown])
    assert np.diag(table).min() >= 0.9
    assert (table.argmax(axis=1) == np.arange(8)).all(), "each resembles its own light most"
    assert not opened.complaints
