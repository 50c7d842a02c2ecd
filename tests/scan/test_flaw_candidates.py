"""Scratches are found and print is not, at one threshold, on the twin's unkind cards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from station.calibrate.profile import load_profile
from station.documents.candidate import FlawCandidates
from station.photometric.candidates import THRESHOLD_SIGMA, Candidate, Candidates
from station.scan.grader_maps import as_document
from station.scan.pipeline import Computed, Stack, compute
from station.twin.design import Flaw, design
from station.twin.scene import Scene
from station.twin.spec import CardSpec, Side, Unkind
from station.twin.truth import Truth, truth

SMALL_DPI = 300
FOIL_DPI = 200
FULL_DPI = 600
SEEDS = range(1, 21)
UNWORN = Unkind(scratches=0, dents=0, edge_wear=0, corner_wear=0, creases=0)
"""Everything unkind is left on but damage: motion, drift, noise, gloss, relief, ink steps, print lines."""
NEAR_MM = 0.2
"""A point of a scratch is covered when a candidate's pixel lies so near."""
FOUND = 0.3
"""A scratch is found when this share of its length is covered."""


@dataclass(frozen=True)
class Proof:
    """One side as it was computed."""

    spec: CardSpec
    computed: Computed

    @property
    def candidates(self) -> Candidates:
        return self.computed.grader.candidates

    def flaws(self, kind: str) -> list[Flaw]:
        return [flaw for flaw in design(self.spec).flaws if flaw.kind == kind]

    def covered(self) -> Iterator[tuple[Flaw, float]]:
        """Every planted scratch with the share of its length that candidates cover."""
        pitch = 25.4 / self.computed.maps.dpi
        away = cv2.distanceTransform((self.candidates.labels == 0).astype(np.uint8), cv2.DIST_L2, 5) * pitch
        for flaw in self.flaws("scratch"):
            x, y = course_mm(flaw)
            row = np.clip(np.round((44 - y) / pitch - 0.5).astype(int), 0, away.shape[0] - 1)
            column = np.clip(np.round((x + 31.5) / pitch - 0.5).astype(int), 0, away.shape[1] - 1)
            yield flaw, float((away[row, column] <= NEAR_MM).mean())

    def truth(self) -> Truth:
        """What a perfect instrument would see."""
        return truth(self.spec, self.computed.maps.dpi)

    def dent_found(self, dent: Flaw) -> Candidate | None:
        """The candidate in the middle of a dent."""
        near = [
            item
            for item in self.candidates.items
            if np.hypot(item.x_mm - dent.x_mm, item.y_mm - dent.y_mm) < dent.length_mm / 2
        ]
        return near[0] if near else None


def course_mm(flaw: Flaw, points: int = 1000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points along a scratch, which is not drawn quite straight: x and y, card frame."""
    along = ((np.arange(points) + 0.5) / points - 0.5) * flaw.length_mm
    across = -0.01 * flaw.length_mm * np.sin(along * 3 / flaw.length_mm)
    c, s = np.cos(np.radians(flaw.angle_deg)), np.sin(np.radians(flaw.angle_deg))
    return flaw.x_mm + along * c - across * s, flaw.y_mm + along * s + across * c


def side_of(seed: int, dpi: int, unkind: Unkind, side: Side = "front") -> Proof:
    """Render a side and compute it."""
    spec = CardSpec(seed, side, unkind=unkind)
    scene = Scene(seed, dpi=dpi)
    scene.place(spec)
    ambient, *lit = (scene.render(on, sequence=k) for k, on in enumerate(np.eye(9, 8, -1)))
    stack = Stack(ambient, tuple(lit), tuple(range(8)), 15_000)
    return Proof(spec, compute(stack, load_profile("twin"), rectified_dpi=dpi))


@pytest.fixture(scope="module", params=(1, 3))
def damaged(request: pytest.FixtureRequest) -> Proof:
    return side_of(request.param, SMALL_DPI, Unkind())


@pytest.mark.parametrize("seed", [1, 3])
def test_a_flat_printed_card_has_no_candidates(seed: int) -> None:
    clean = side_of(seed, SMALL_DPI, UNWORN)
    assert clean.candidates.items == ()
    assert clean.computed.measurements.flaw_candidates == 0
    searched = clean.candidates.searched
    assert searched[clean.computed.maps.valid].mean() > 0.9


def test_scratches_and_the_dent_are_found_for_what_they_are(damaged: Proof) -> None:
    for flaw, share in damaged.covered():
        assert share > 2 * FOUND
        near = [item for item in damaged.candidates.items if item.kind == "line"]
        assert any(abs((item.angle_deg - flaw.angle_deg + 90) % 180 - 90) < 10 for item in near)
    [dent] = damaged.flaws("dent")
    found = damaged.dent_found(dent)
    assert found is not None
    assert found.kind == "spot"
    assert found.depth_um > 0


def test_candidates_are_labelled_and_stored_as_they_are(damaged: Proof) -> None:
    found = damaged.candidates
    assert damaged.computed.measurements.flaw_candidates == len(found.items)
    assert set(np.unique(found.labels)) == set(range(len(found.items) + 1))
    peaks = [item.peak_sigma for item in found.items]
    assert peaks == sorted(peaks, reverse=True)
    assert min(peaks) >= THRESHOLD_SIGMA
    stored = as_document(damaged.computed.grader)
    again = FlawCandidates.model_validate_json(stored.model_dump_json())
    assert [item.x_mm for item in again.candidates] == [item.x_mm for item in found.items]
    assert 80 < again.searched_percent <= 100


def test_foil_is_told_from_varnished_print_and_distrusted() -> None:
    foiled = side_of(1, FOIL_DPI, replace(UNWORN, foil=True))
    grader, valid = foiled.computed.grader, foiled.computed.maps.valid
    foil = foiled.truth().foil
    on, off = valid & (foil > 0.99), valid & (foil < 0.01)
    assert area_under_curve(grader.holo[on], grader.holo[off]) > 0.99
    assert np.median(grader.confidence[on]) < 0.3
    assert np.median(grader.confidence[off]) > 0.8
    assert not [item for item in foiled.candidates.items if item.kind == "line"]
    assert foiled.candidates.searched[on].mean() < 0.02


def area_under_curve(higher: Any, lower: Any) -> float:
    """Probability that a value of the first exceeds one of the second (Mann and Whitney)."""
    order = np.argsort(np.argsort(np.concatenate([higher, lower]), kind="stable")) + 1.0
    count = len(higher)
    return float((order[:count].sum() - count * (count + 1) / 2) / (count * len(lower)))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_false_candidate_at_the_threshold_that_finds_the_scratches(
    record_property: Callable[[str, object], None],
) -> None:
    """20 cards at full resolution, clean and damaged; see `FOUND` for what counts as found."""
    false, shares, dents, peaks = 0, [], [], []
    for seed in SEEDS:
        false += len(side_of(seed, FULL_DPI, UNWORN).candidates.items)
        worn = side_of(seed, FULL_DPI, Unkind())
        shares += [share for _, share in worn.covered()]
        dents += [worn.dent_found(dent) is not None for dent in worn.flaws("dent")]
        peaks += [item.peak_sigma for item in worn.candidates.items]
    found = float(np.mean(np.array(shares) >= FOUND))
    record_property("false candidates on 20 flat printed cards", [false, "candidates"])
    record_property("scratches found", [100 * found, "%"])
    record_property("covered share of a scratch, mean", [float(np.mean(shares)), "1"])
    record_property("dents found", [100 * float(np.mean(dents)), "%"])
    record_property("clearest pixel of the weakest candidate", [min(peaks), "deviations"])
    assert false == 0
    assert found >= 0.95
