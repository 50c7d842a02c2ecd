"""Right frames pass, wrong ones are named, and the right ones beside them are not blamed."""

from collections.abc import Callable
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.camera.interface import CameraMode
from station.camera.matcher import (
    COARSE_COLUMNS,
    COARSE_ROWS,
    LEAST_CORRELATION,
    Fingerprint,
    ambient_fault,
    coarse,
    coarse_flat,
    exposed_within,
    verify_stack,
)

StackOf = Callable[..., tuple[Any, list[Any]]]
MODE = CameraMode(640, 480, exposure_us=15_000, gain=1.0, period_us=33_000, readout_us=12_000)


def blamed(prints: tuple[Fingerprint, ...]) -> list[int]:
    return [position for position, one in enumerate(prints) if one.fault]


@pytest.mark.parametrize(
    ("seed", "foil", "gloss"),
    [(0, False, 1.0), (1, False, 1.0), (2, False, 2.0), (3, True, 1.0), (1, True, 2.0)],
)
def test_every_right_frame_is_known_by_a_wide_margin(
    bench: Any, stack_of: StackOf, seed: int, foil: bool, gloss: float
) -> None:
    ambient, lit = stack_of(seed, foil, gloss)
    prints = verify_stack(ambient, lit, bench.flat)
    assert blamed(prints) == []
    assert [one.best for one in prints] == list(range(8))
    assert min(one.margin for one in prints) > 0.15
    assert all(0.95 < one.brightness < 1.05 for one in prints)


@pytest.mark.parametrize(("seed", "foil"), [(1, False), (3, True), (0, False)])
def test_any_two_frames_swapped(bench: Any, stack_of: StackOf, seed: int, foil: bool) -> None:
    ambient, lit = stack_of(seed, foil)
    for first, second in combinations(range(8), 2):
        wrong = list(lit)
        wrong[first], wrong[second] = lit[second], lit[first]
        prints = verify_stack(ambient, wrong, bench.flat)
        assert blamed(prints) == [first, second]
        assert prints[first].best == second
        assert f"light at position {second}" in prints[first].fault


@pytest.mark.parametrize(("seed", "foil"), [(2, False), (3, True)])
def test_a_stale_duplicate(bench: Any, stack_of: StackOf, seed: int, foil: bool) -> None:
    ambient, lit = stack_of(seed, foil)
    for stale, shown in permutations(range(8), 2):
        wrong = list(lit)
        wrong[stale] = lit[shown]
        assert blamed(verify_stack(ambient, wrong, bench.flat)) == [stale]


def test_all_frames_one_late(bench: Any, stack_of: StackOf) -> None:
    ambient, lit = stack_of(1)
    late = [ambient, *lit[:-1]]
    assert blamed(verify_stack(ambient, late, bench.flat)) == list(range(8))
    assert blamed(verify_stack(ambient, lit[-1:] + lit[:-1], bench.flat)) == list(range(8))


def test_dead_lights(bench: Any, stack_of: StackOf) -> None:
    ambient, lit = stack_of(1)
    for dead in range(8):
        wrong = list(lit)
        wrong[dead] = ambient
        wrong[(dead + 3) % 8] = ambient
        prints = verify_stack(ambient, wrong, bench.flat)
        assert blamed(prints) == sorted([dead, (dead + 3) % 8])
        assert "dead" in prints[dead].fault


@pytest.mark.parametrize("apart", [1, 2, 3, 4])
def test_two_lights_at_once(bench: Any, stack_of: StackOf, apart: int) -> None:
    ambient, lit = stack_of(2)
    for light in range(8):
        wrong = list(lit)
        wrong[light] = bench.seen(**{f"l{light}": 1.0, f"l{(light + apart) % 8}": 1.0})
        assert blamed(verify_stack(ambient, wrong, bench.flat)) == [light]


def test_half_an_exposure_under_the_neighbour(bench: Any, stack_of: StackOf) -> None:
    ambient, lit = stack_of(2)
    for light in range(8):
        wrong = list(lit)
        wrong[light] = bench.seen(**{f"l{light}": 0.5, f"l{(light + 1) % 8}": 0.5})
        assert blamed(verify_stack(ambient, wrong, bench.flat)) == [light]


def test_half_an_exposure_in_the_dark(bench: Any, stack_of: StackOf) -> None:
    ambient, lit = stack_of(2)
    wrong = list(lit)
    wrong[5] = bench.seen(l5=0.5)
    prints = verify_stack(ambient, wrong, bench.flat)
    assert blamed(prints) == [5]
    assert prints[5].brightness == pytest.approx(0.5, abs=0.03)


def test_a_hand_over_half_the_picture_in_one_frame(bench: Any, stack_of: StackOf) -> None:
    ambient, lit = stack_of(1)
    wrong = list(lit)
    wrong[4] = lit[4].copy()
    wrong[4][:, :4] = ambient[:, :4]
    assert 4 in blamed(verify_stack(ambient, wrong, bench.flat))


def test_noise_fits_no_light(bench: Any, stack_of: StackOf) -> None:
    ambient, lit = stack_of(1)
    wrong = list(lit)
    wrong[2] = np.random.default_rng(1).uniform(20, 120, lit[2].shape).astype(np.float32)
    print_of = verify_stack(ambient, wrong, bench.flat)[2]
    assert print_of.fault
    assert LEAST_CORRELATION > 0.5


def test_nothing_but_darkness(bench: Any, stack_of: StackOf) -> None:
    ambient, _ = stack_of(1)
    prints = verify_stack(ambient, [ambient] * 8, bench.flat)
    assert all("dark" in one.fault for one in prints)


def test_a_choice_of_lights_and_too_few(bench: Any, stack_of: StackOf) -> None:
    ambient, lit = stack_of(1)
    some = [6, 1, 3]
    assert blamed(verify_stack(ambient, [lit[k] for k in some], bench.flat[some])) == []
    assert all("fewer than 3" in one.fault for one in verify_stack(ambient, lit[:2], bench.flat[:2]))
    with pytest.raises(ValueError, match="8 frames"):
        verify_stack(ambient, lit, bench.flat[:7])


def test_ambient_taken_with_a_light_on(bench: Any, stack_of: StackOf) -> None:
    ambient, lit = stack_of(1)
    assert ambient_fault(ambient, lit) == ""
    assert "off" in ambient_fault(bench.seen(l2=1.0), lit)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1200, 960), (1230, 957, 3), (100, 90, 3)])
def test_coarse_is_the_mean_of_each_cell(dtype: Any, shape: tuple[int, ...]) -> None:
    down, right = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    smooth = 40 + 0.1 * down * 1200 / shape[0] + 0.05 * right * 960 / shape[1]
    picture = smooth if len(shape) == 2 else smooth[..., None] * np.array([0.9, 1.0, 1.1])
    cells = coarse(picture.astype(dtype))
    assert cells.shape == (COARSE_ROWS, COARSE_COLUMNS)
    rows, columns = np.mgrid[0:COARSE_ROWS, 0:COARSE_COLUMNS]
    expected = 40 + 0.1 * (rows + 0.5) * 75 + 0.05 * (columns + 0.5) * 80
    assert np.abs(cells - expected).max() < 1.5


def test_coarse_keeps_fractions_of_a_code() -> None:
    picture: NDArray[np.uint8] = np.full((640, 480, 3), 4, np.uint8)
    picture[::2] = 5
    picture[:, :, 2] = 4
    assert np.allclose(coarse(picture), 4 + 1 / 3, atol=0.05)


def test_coarse_flat_has_the_cells_of_coarse() -> None:
    flat = np.random.default_rng(1).uniform(50, 60, (8, 41, 33, 3)).astype(np.float32)
    assert coarse_flat(flat).shape == (8, COARSE_ROWS, COARSE_COLUMNS)


@pytest.mark.parametrize("position", ["start", "end", "late"])
def test_the_gate_whatever_the_stamp_means(position: str) -> None:
    """First row exposed from 100.000 to 100.015 s, last row to 100.027 s, stamped up to 1 ms later."""
    stamp = {"start": 100.0, "end": 100.027, "late": 100.028}[position]
    slack = {"start": 0.028, "end": 0.001, "late": 0.0}[position]
    assert exposed_within(stamp, MODE, 1_000, 100.0 - slack - 1e-6, None)
    assert not exposed_within(stamp, MODE, 1_000, 100.0 + 1e-6, None)
    ends = {"start": 100.027, "end": 100.054, "late": 100.055}[position]
    assert exposed_within(stamp, MODE, 1_000, 99.0, ends + 1e-6)
    assert not exposed_within(stamp, MODE, 1_000, 99.0, 100.027 - 1e-6)
