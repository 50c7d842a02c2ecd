"""Shifts between pictures under different lights: found, sized honestly, and told apart from relief."""

from typing import Any

import numpy as np
import pytest

from station.photometric.register import coarse_shifts, register
from station.photometric.solve import mean_ratio
from station.photometric.stack import LightField


def print_at(bench: Any, shift: Any, seed: int) -> Any:
    """Blobs of ink, about three pixels wide, at random places, moved by a shift (x, y)."""
    rows, columns = np.mgrid[0 : bench.height, 0 : bench.width].astype(float)
    random = np.random.default_rng(seed)
    albedo = np.full(rows.shape, 0.7)
    for _ in range(90):
        x, y = random.uniform(0, bench.width), random.uniform(0, bench.height)
        near = np.exp(-((columns - x - shift[0]) ** 2 + (rows - y - shift[1]) ** 2) / (2 * 1.6**2))
        albedo *= 1 - random.uniform(0.2, 0.8) * near
    return albedo[..., None] * np.array([1.0, 0.8, 0.6])


def moved_stack(bench: Any, shifts: Any, seed: int, gains: Any = None) -> Any:
    wavy = bench.normals(lambda x, y: (0.03 * np.sin(x / 5), 0.03 * np.cos(y / 6)))
    light = [bench.render(wavy, print_at(bench, shift, seed), gains)[k] for k, shift in enumerate(shifts)]
    return bench.expose(np.stack(light), seed)


@pytest.mark.parametrize("seed", [1, 2])
def test_shifts_are_found_to_a_fiftieth_of_a_pixel(make_bench: Any, seed: int) -> None:
    """Under changing light, drift and noise; and the stated uncertainty is neither bold nor useless."""
    bench = make_bench(height=260, width=200)
    random = np.random.default_rng(seed)
    shifts = 0.05 * random.standard_normal((8, 2))
    shifts -= shifts.mean(axis=0)
    taken = moved_stack(bench, shifts, seed, gains=1 + 0.02 * random.standard_normal(8))
    mask = np.zeros((260, 200), bool)
    mask[4:-4, 4:-4] = True
    found = register(taken, bench.field(), mean_ratio(taken, bench.field(), 4), mask)
    error = np.sqrt(((found.shift_px - shifts) ** 2).mean())
    stated = np.sqrt((found.jitter_px**2).mean())
    assert error < 0.02
    assert 0.5 * error < stated < 5 * error + 0.002


def test_what_lies_outside_the_mask_is_not_looked_at(make_bench: Any) -> None:
    """A strip that moves by itself, such as a shadow, does not count where the mask leaves it out."""
    bench = make_bench(height=260, width=200)
    shifts = np.zeros((8, 2))
    taken = moved_stack(bench, shifts, 3)
    strange = moved_stack(bench, np.full((8, 2), 0.4) * np.arange(8)[:, None] / 8, 4)
    taken.lit[:, :60] = strange.lit[:, :60]
    mean = mean_ratio(taken, bench.field(), 4)
    mask = np.zeros((260, 200), bool)
    mask[66:-4, 4:-4] = True
    assert np.abs(register(taken, bench.field(), mean, mask).shift_px).max() < 0.01
    assert np.abs(register(taken, bench.field(), mean, ~mask).shift_px).max() > 0.02


def test_a_blank_card_says_that_it_does_not_know(bench: Any) -> None:
    flat = bench.normals(lambda x, y: (0 * x, 0 * y))
    taken = bench.expose(bench.render(flat, np.full((1, 1, 3), 0.6)), 5)
    mask = np.ones((bench.height, bench.width), bool)
    found = register(taken, bench.field(), mean_ratio(taken, bench.field(), 4), mask)
    assert np.isinf(found.jitter_px).all()
    assert (found.shift_px == 0).all()


def test_a_bump_of_many_pixels_is_found_roughly(make_bench: Any) -> None:
    bench = make_bench(height=260, width=200)
    shifts = np.zeros((8, 2))
    shifts[3:] = (14.0, -9.0)
    shifts[6] = (-6.0, 21.0)
    taken = moved_stack(bench, shifts, 6)
    found = coarse_shifts(mean_ratio(taken, bench.field(), 4).blocks, 4)
    assert np.abs(found - (shifts - shifts.mean(axis=0))).max() < 2.0


def test_pictures_with_nothing_in_common_are_not_shifted(bench: Any) -> None:
    flat = bench.normals(lambda x, y: (0 * x, 0 * y))
    taken = bench.expose(bench.render(flat, np.full((1, 1, 3), 0.1)), 7)
    assert np.abs(coarse_shifts(mean_ratio(taken, bench.field(), 4).blocks, 4)).max() < 1e-6


def test_blocks_say_where_something_clips(bench: Any) -> None:
    light = bench.render(bench.normals(lambda x, y: (0 * x, 0 * y)), np.full((1, 1, 3), 0.5))
    light[2, 9, 17] = 70000.0
    first = mean_ratio(bench.expose(light, 1), bench.field(), 4)
    assert first.blocks[2, 2, 4] == -1
    assert (first.blocks >= 0).sum() == first.blocks.size - 1
    assert first.blocks[0].mean() == pytest.approx(0.5, rel=0.01)
    assert first.mean[11, 19] == pytest.approx(0.5, rel=0.02)  # the clipped light left out; a border of two


def test_the_mean_does_not_care_for_the_grid(bench: Any) -> None:
    """Light known on few nodes or on many: the same where it is smooth."""
    taken = bench.expose(
        bench.render(bench.normals(lambda x, y: (0 * x, 0 * y)), np.full((1, 1, 3), 0.5)), None
    )
    fine, coarse = (mean_ratio(taken, bench.field(*grid), 4).mean for grid in ((67, 49), (23, 17)))
    np.testing.assert_allclose(fine, coarse, rtol=1e-3)
    one = LightField(bench.field().flat[:, :1, :1], bench.field().tangent[:, :1, :1])
    assert not np.allclose(mean_ratio(taken, one, 4).mean, fine, rtol=0.05)
