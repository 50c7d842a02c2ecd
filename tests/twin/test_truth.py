"""Ground truth: consistent in itself, the same for the same seed, and every flaw where it says."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest

from station.twin.design import FlawKind, design
from station.twin.grid import CardGrid
from station.twin.spec import CardSpec, Unkind
from station.twin.surface import noise
from station.twin.truth import truth


def _angles_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """By sine and cosine: the arc cosine alone cannot tell angles below 0.02 degrees in single precision."""
    across = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.rad2deg(np.arctan2(across, np.sum(a * b, axis=-1)))


def _from_height(height_um: np.ndarray, dpi: float) -> np.ndarray:
    rows, columns = np.gradient(height_um / 1000, 25.4 / dpi)
    normals = np.stack((-columns, rows, np.ones_like(rows)), axis=-1)
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def test_normals_are_those_of_the_height(kind: Unkind) -> None:
    spec = CardSpec(3, bow_mm=0.3, twist_mm=0.1, unkind=replace(kind, dents=3))
    real = truth(spec, 300)
    errors = _angles_deg(real.normals, _from_height(real.height_um, 300))[2:-2, 2:-2]
    assert np.percentile(errors, 90) < 0.01
    assert errors.max() < 0.3
    assert _angles_deg(real.normals, np.array([0, 0, 1.0])).max() > 1.5


def test_bow_is_high_in_the_middle_and_its_normals_lean_outwards(kind: Unkind) -> None:
    real = truth(CardSpec(3, bow_mm=0.3, twist_mm=0, unkind=kind), 100)
    rows, columns = real.height_um.shape
    middle = real.height_um[rows // 2, columns // 2]
    assert middle - real.height_um[0, columns // 2] == pytest.approx(300, rel=0.03)
    assert real.normals[2, columns // 2, 1] > 0.01
    assert real.normals[-3, columns // 2, 1] < -0.01
    assert real.face_mm == pytest.approx(0.2, abs=0.003)  # the short edges rest on the mat


def test_flat_card_is_flat(kind: Unkind) -> None:
    real = truth(CardSpec(3, bow_mm=0.0, twist_mm=0.0, unkind=kind), 100)
    assert np.ptp(real.height_um) == 0
    assert (real.normals == [0, 0, 1]).all()


def test_cards_are_never_flat_by_default() -> None:
    assert min(abs(design(CardSpec(seed)).body.bow_mm) for seed in range(50)) >= 0.05


def test_frame_has_the_agreed_size_and_the_mask_the_cards_area(kind: Unkind) -> None:
    real = truth(CardSpec(5, unkind=kind), 150)
    assert real.normals.shape == (520, 372, 3)
    assert real.normals.dtype == real.albedo.dtype == real.height_um.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(real.normals, axis=-1), 1, atol=1e-5)
    area = real.width_mm * real.height_mm - (4 - pi) * real.corner_radius_mm**2
    assert real.mask.sum() * (25.4 / 150) ** 2 == pytest.approx(
        area, rel=0.01
    )  # pixels on the edge do not count


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("side", ["front", "back"])
def test_borders_are_where_the_truth_says(seed: int, side: str, kind: Unkind) -> None:
    real = truth(CardSpec(seed, side, unkind=kind), 200)
    pitch = 25.4 / 200
    rows, columns = real.mask.shape
    for line, low_mm, high_mm, size in (
        (real.albedo[rows // 2], real.borders.left_mm, real.borders.right_mm, real.width_mm),
        (real.albedo[:, columns // 2 - 20], real.borders.top_mm, real.borders.bottom_mm, real.height_mm),
    ):
        colour = np.median(line[3:8], axis=0)
        printed = np.flatnonzero(np.abs(line - colour).max(axis=-1) > 0.02)
        printed = printed[(printed > 3) & (printed < len(line) - 4)]
        nominal = len(line) * pitch
        assert (printed[0] * pitch - (nominal - size) / 2) == pytest.approx(low_mm, abs=pitch)
        assert ((len(line) - 1 - printed[-1]) * pitch - (nominal - size) / 2) == pytest.approx(
            high_mm, abs=pitch
        )


def test_borders_and_centering_keep_to_their_ranges() -> None:
    for seed in range(200):
        borders = design(CardSpec(seed)).borders
        for width in (borders.left_mm, borders.right_mm, borders.top_mm, borders.bottom_mm):
            assert 1.5 <= width <= 4.5
        assert 35 <= borders.left_percent <= 65
        assert 35 <= borders.top_percent <= 65
        assert borders.left_percent == pytest.approx(
            100 * borders.left_mm / (borders.left_mm + borders.right_mm)
        )


def test_pose_and_size_keep_to_their_ranges() -> None:
    for seed in range(200):
        drawn = design(CardSpec(seed))
        assert abs(drawn.pose.x_mm) <= 3
        assert abs(drawn.pose.y_mm) <= 3
        assert abs(drawn.pose.rotation_deg) <= 2
        assert drawn.body.width_mm == pytest.approx(63, abs=0.1)
        assert drawn.body.height_mm == pytest.approx(88, abs=0.1)


def test_same_seed_is_the_same_card_and_another_is_another() -> None:
    first, again, other = (truth(CardSpec(seed), 60) for seed in (4, 4, 5))
    for name in ("normals", "albedo", "height_um", "mask"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    assert first.flaws == again.flaws
    assert first.albedo.tobytes() != other.albedo.tobytes()
    assert first.borders != other.borders


def test_sides_are_of_one_card() -> None:
    front, back = design(CardSpec(9, "front")), design(CardSpec(9, "back"))
    assert front.body.width_mm == back.body.width_mm
    assert front.body.bow_mm == -back.body.bow_mm
    assert [(-x, y, size) for x, y, size in front.body.worn_corners] == list(back.body.worn_corners)
    assert front.borders != back.borders
    assert front.pose != back.pose
    assert truth(CardSpec(9, "front"), 60).albedo.tobytes() != truth(CardSpec(9, "back"), 60).albedo.tobytes()


def test_a_card_is_the_same_at_another_resolution(kind: Unkind) -> None:
    spec = CardSpec(6, unkind=replace(kind, dents=2, scratches=2))
    fine, coarse = truth(spec, 254), truth(spec, 127)  # pixels of 0.1 and 0.2 mm: both divide 63 and 88 mm
    halved = fine.height_um.reshape(440, 2, 315, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(halved, coarse.height_um, atol=0.6)
    blurred = fine.albedo.reshape(440, 2, 315, 2, 3).mean(axis=(1, 3))
    assert np.abs(blurred - coarse.albedo).mean() < 0.01


def test_relief_has_the_asked_height_and_correlation() -> None:
    grid = CardGrid(508)  # texels of 0.025 mm
    field = noise(grid, 0.1, seed=1, name="relief front").at(slice(None), slice(None))
    assert field.std() == pytest.approx(1, rel=0.03)
    lag = 4  # texels: one correlation length
    assert np.mean(field[:, :-lag] * field[:, lag:]) == pytest.approx(np.exp(-1), abs=0.04)
    assert np.mean(field[:-lag] * field[lag:]) == pytest.approx(np.exp(-1), abs=0.04)


@pytest.mark.parametrize(
    ("element", "flaw"),
    [
        ("scratches", "scratch"),
        ("dents", "dent"),
        ("print_lines", "print_line"),
        ("edge_wear", "edge_wear"),
        ("corner_wear", "corner_wear"),
        ("creases", "crease"),
        ("stains", "stain"),
    ],
)
def test_every_flaw_is_where_the_truth_says_and_nowhere_else(
    element: str, flaw: FlawKind, kind: Unkind
) -> None:
    clean = truth(CardSpec(8, unkind=kind), 200)
    bad = truth(CardSpec(8, unkind=replace(kind, **{element: 1})), 200)
    (found,) = bad.flaws
    assert found.kind == flaw
    changed = (np.abs(bad.albedo - clean.albedo).max(axis=-1) > 0.01) | (
        np.abs(bad.height_um - clean.height_um) > 0.3
    )
    rows, columns = np.nonzero(changed & clean.mask)
    assert len(rows) > 5
    x, y = (columns + 0.5) * 25.4 / 200 - 31.5, 44 - (rows + 0.5) * 25.4 / 200
    c, s = np.cos(np.deg2rad(found.angle_deg)), np.sin(np.deg2rad(found.angle_deg))
    along, across = (x - found.x_mm) * c + (y - found.y_mm) * s, (y - found.y_mm) * c - (x - found.x_mm) * s
    assert np.abs(along).max() < found.length_mm / 2 + 0.5
    assert np.abs(across).max() < 2 * found.width_mm + 0.5
    assert bool(found.depth_um) == bool(np.abs(bad.height_um - clean.height_um).max() > 1)


def test_scratch_and_dent_are_as_deep_as_stated(kind: Unkind) -> None:
    clean = truth(CardSpec(8, bow_mm=0, twist_mm=0, unkind=kind), 300)
    for element, least in (("scratches", 0.4), ("dents", 0.95)):  # a pixel is wider than the scratch's ground
        bad = truth(CardSpec(8, bow_mm=0, twist_mm=0, unkind=replace(kind, **{element: 1})), 300)
        deepest = (clean.height_um - bad.height_um).max()
        assert least * bad.flaws[0].depth_um < deepest < 1.01 * bad.flaws[0].depth_um


def test_print_lines_and_stains_have_no_relief(kind: Unkind) -> None:
    clean = truth(CardSpec(8, unkind=kind), 100)
    bad = truth(CardSpec(8, unkind=replace(kind, print_lines=2, stains=2)), 100)
    assert bad.height_um.tobytes() == clean.height_um.tobytes()


@pytest.mark.parametrize(
    "changes", [{"scratches": -1}, {"gloss": -0.1}, {"corner_wear": 5}, {"relief_correlation_mm": 0.0}]
)
def test_meaningless_unkindness_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        Unkind(**changes)  # type: ignore[arg-type]


def test_misspelt_element_is_refused() -> None:
    with pytest.raises(TypeError):
        Unkind().without("scratch")
