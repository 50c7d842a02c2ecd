"""What stands out of noise is found and measured; noise, steps of ink and embossed print are not."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from station.documents.fault import StationError
from station.photometric.candidates import THRESHOLD_SIGMA, Candidate, Candidates, find_candidates
from station.photometric.integrate import Slopes, height_um

PITCH_MM = 0.0423
SHAPE = (420, 360)
SIGMA = 0.008

Height = Callable[[NDArray, NDArray], NDArray]


def places() -> tuple[NDArray, NDArray]:
    """Centres of the pixels in mm, x right and y up from the middle."""
    y, x = ((np.arange(count) - (count - 1) / 2) * PITCH_MM for count in SHAPE)
    return x[None, :] + 0 * y[:, None], -y[:, None] + 0 * x[None, :]


def look(
    relief_um: Height | None = None,
    *,
    albedo: NDArray | None = None,
    embossed: float = 0.0,
    seed: int = 1,
    valid: NDArray | None = None,
    sigma: float | NDArray = SIGMA,
) -> Candidates:
    """Search a surface seen with noise; `embossed`: slope per unit of the albedo's log gradient, in mm."""
    x, y = places()
    random = np.random.default_rng(seed)
    step = PITCH_MM / 2
    slope_x, slope_y = (SIGMA * random.standard_normal(SHAPE) for _ in range(2))
    if relief_um is not None:
        slope_x += (relief_um(x + step, y) - relief_um(x - step, y)) / (2000 * step)
        slope_y += (relief_um(x, y + step) - relief_um(x, y - step)) / (2000 * step)
    colour = np.full((*SHAPE, 3), 0.5) if albedo is None else albedo
    slope_x += embossed * np.gradient(np.log(colour[..., 0]), PITCH_MM, axis=1)
    surface = Slopes(slope_x.astype(np.float32), slope_y.astype(np.float32), PITCH_MM)
    return find_candidates(
        surface,
        np.broadcast_to(np.float32(sigma), SHAPE),
        colour.astype(np.float32),
        height_um(surface),
        np.ones(SHAPE, bool) if valid is None else valid,
    )


def groove(turn_deg: float, depth_um: float = 5.0, width_mm: float = 0.2, length_mm: float = 6.0) -> Height:
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))

    def relief(x: NDArray, y: NDArray) -> NDArray:
        along, across = x * c + y * s, y * c - x * s
        ends = np.clip((length_mm / 2 - np.abs(along)) / 0.3, 0, 1)
        return -depth_um * ends * np.exp(-0.5 * (across / (width_mm / 4)) ** 2)

    return relief


def edge(at_mm: float, x: NDArray) -> NDArray:
    """A print's edge as sharp as ink is, 0 to 1."""
    return 0.5 + 0.5 * np.tanh((x - at_mm) / 0.04)


def only(found: Candidates) -> Candidate:
    [item] = found.items
    return item


@pytest.mark.parametrize("seed", range(4))
def test_noise_alone_gives_nothing(seed: int) -> None:
    assert look(seed=seed).items == ()


@pytest.mark.parametrize("turn_deg", [0, 17, 45, 88, 90, 120])
@pytest.mark.parametrize("depth_um", [5.0, -5.0])
def test_a_groove_has_its_direction_length_and_depth(turn_deg: float, depth_um: float) -> None:
    found = only(look(groove(turn_deg, depth_um, width_mm=0.3)))
    assert found.kind == "line"
    assert abs((found.angle_deg - turn_deg + 90) % 180 - 90) < 3
    assert found.length_mm == pytest.approx(6.0, abs=0.5)
    assert (found.x_mm, found.y_mm) == (pytest.approx(0, abs=0.2), pytest.approx(0, abs=0.2))
    assert found.depth_um == pytest.approx(depth_um, rel=0.15)
    assert found.peak_sigma >= THRESHOLD_SIGMA
    assert found.mean_sigma <= found.peak_sigma


def test_the_depths_uncertainty_is_its_scatter() -> None:
    measured = [only(look(groove(30), seed=seed)) for seed in range(8)]
    scatter = np.std([item.depth_um for item in measured], ddof=1)
    assert np.mean([item.depth_sigma_um for item in measured]) == pytest.approx(scatter, rel=0.8)


def test_two_grooves_are_two_and_the_deeper_comes_first() -> None:
    near, far = groove(20, 4.0, 0.2, 5.0), groove(75, 9.0, 0.2, 5.0)
    found = look(lambda x, y: near(x + 4, y) + far(x - 4, y))
    assert [item.kind for item in found.items] == ["line", "line"]
    assert found.items[0].x_mm == pytest.approx(4, abs=0.3)
    assert set(np.unique(found.labels)) == {0, 1, 2}
    _, columns = np.nonzero(found.labels == 1)
    assert (columns.mean() - (SHAPE[1] - 1) / 2) * PITCH_MM == pytest.approx(found.items[0].x_mm, abs=0.3)


@pytest.mark.parametrize("depth_um", [12.0, -12.0])
def test_a_dent_is_a_spot_of_its_size_and_depth(depth_um: float) -> None:
    def dent(x: NDArray, y: NDArray) -> NDArray:
        return -depth_um * np.maximum(0, 1 - ((x - 2) ** 2 + (y + 3) ** 2) / 0.6**2) ** 2

    found = only(look(dent))
    assert found.kind == "spot"
    assert (found.x_mm, found.y_mm) == (pytest.approx(2, abs=0.15), pytest.approx(-3, abs=0.15))
    assert found.depth_um == pytest.approx(depth_um, rel=0.2)
    assert 0.8 < found.length_mm < 2.2


@pytest.mark.parametrize("height_um_", [1.0, -1.0])
def test_a_step_of_ink_is_no_flaw_with_or_without_contrast(height_um_: float) -> None:
    x, _ = places()
    step = edge(0.01, x)
    printed = 0.8 * (1 - step) + 0.1 * step
    for albedo in (None, np.repeat(printed[..., None], 3, axis=2)):
        assert look(lambda x, _: height_um_ * edge(0.01, x), albedo=albedo).items == ()


def test_a_fine_line_of_print_embossed_by_motion_is_no_flaw() -> None:
    """It falls and rises as a groove does, but its own contrast tells."""
    x, _ = places()
    line = 0.6 - 0.5 * np.exp(-0.5 * (x / 0.05) ** 2)
    albedo = np.repeat(line[..., None], 3, axis=2)
    shifted = 0.02 * PITCH_MM / 2  # two hundredths of a pixel, seen from 45 degrees by eight lights
    assert look(albedo=albedo, embossed=shifted).items == ()
    assert look(albedo=albedo, embossed=-shifted).items == ()


@pytest.mark.parametrize("rms_um", [0.3, 2.0])
def test_the_papers_own_relief_is_no_flaw_and_hides_none_deeper(rms_um: float) -> None:
    """Random waves, 0.1 mm and longer; the second sheet is seven times as rough as ordinary stock."""
    random = np.random.default_rng(3)
    waves = random.normal(0, np.sqrt(2) / 0.1, (24, 2))
    phases = random.uniform(0, 2 * np.pi, 24)

    def paper(x: NDArray, y: NDArray) -> NDArray:
        total = sum(np.cos(a * x + b * y + c) for (a, b), c in zip(waves, phases, strict=True))
        return np.asarray(rms_um * np.sqrt(2 / 24) * total)

    cut = groove(60, 10 * rms_um, 0.3)
    assert look(paper).items == ()
    assert "line" in [item.kind for item in look(lambda x, y: paper(x, y) + cut(x, y)).items]


def test_bow_is_no_flaw() -> None:
    assert look(lambda x, y: 300 * (y / 8) ** 2 + 100 * (x / 8) * (y / 8)).items == ()


def test_the_rim_is_not_searched_and_a_lost_pixel_is_no_rim() -> None:
    valid = np.ones(SHAPE, bool)
    valid[:, :40] = False
    valid[200, 200] = False
    found = look(valid=valid)
    reach = int(0.6 / PITCH_MM)
    assert not found.searched[:, : 40 + reach].any()
    assert found.searched[200, 199]
    assert not found.searched[200, 200]
    assert look(valid=np.zeros(SHAPE, bool)).items == ()


@pytest.mark.parametrize("unknown", [np.inf, np.nan, 0.0])
def test_where_nothing_is_known_of_the_noise_nothing_is_searched(unknown: float) -> None:
    assert not look(groove(30), sigma=unknown).searched.any()
    half = np.full(SHAPE, SIGMA)
    half[:, : SHAPE[1] // 2] = unknown
    found = look(groove(30, length_mm=9.0), sigma=half)
    assert not found.searched[:, : SHAPE[1] // 2].any()
    assert only(found).x_mm > 0


def test_the_same_maps_give_the_same_candidates() -> None:
    first, second = look(groove(33)), look(groove(33))
    assert first.items == second.items
    assert (first.labels == second.labels).all()


def test_maps_of_different_size_are_refused() -> None:
    surface = Slopes(np.zeros((9, 9), np.float32), np.zeros((9, 9), np.float32), PITCH_MM)
    flat = np.zeros((9, 8), np.float32)
    with pytest.raises(StationError, match="cannot be searched"):
        find_candidates(surface, flat, np.ones((9, 9, 3), np.float32), surface.x, np.ones((9, 9), bool))
