"""Foil is told from print, from varnish and from a wrong albedo."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.documents.fault import StationError
from station.photometric.holo import BLOCK_PX, Holo, holo
from station.photometric.solve import solve

HUES = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 0.5, 0], [0, 0.5, 1]])
"""Colours of a grating's light under eight lights."""


class Printed:
    """A coloured matte card; foil or a white highlight may be laid over its left half."""

    def __init__(self, bench: Any) -> None:
        self.bench, self.field = bench, bench.field(53, 39)
        level = bench.normals(lambda x, y: (0 * x, 0 * y))
        x, y = np.moveaxis(bench.grid_mm(bench.height, bench.width), 2, 0)[:2]
        checks = np.sign(np.sin(x / 2) * np.sin(y / 3))
        self.albedo = 0.4 + 0.25 * checks[..., None] * np.array([1.0, -0.6, 0.4])
        self.matte = bench.render(level, self.albedo)
        self.white = bench.flat(bench.grid_mm(bench.height, bench.width))

    def seen(self, extra: NDArray, light: NDArray | None = None) -> Holo:
        """`extra`: (lights, channels), what the left half sends besides, in units of albedo."""
        lit = (self.matte if light is None else light).copy()
        half = lit.shape[2] // 2
        lit[:, :, :half] += (self.white * extra[:, None, None])[:, :, :half]
        stack = self.bench.expose(lit, 1)
        return holo(stack, self.field, solve(stack, self.field))


@pytest.fixture
def printed(make_bench: Any) -> Printed:
    return Printed(make_bench(peak=9000.0))


def halves(image: NDArray) -> tuple[NDArray, NDArray]:
    middle = image.shape[1] // 2
    return image[:, : middle - 1], image[:, middle + 1 :]


def test_foil_stands_out_in_colour_and_over_many_lights(printed: Printed) -> None:
    found = printed.seen(0.15 * HUES)
    foil, matte = halves(found.colour)
    assert np.percentile(foil, 5) > 10 * np.percentile(matte, 95)
    assert np.median(halves(found.lights)[0]) > 2
    assert np.median(halves(found.lights)[1]) == 0


def test_a_white_highlight_has_no_colour_and_one_light(printed: Printed) -> None:
    one = np.zeros((8, 3))
    one[2] = 0.4
    found = printed.seen(one)
    glossy, matte = halves(found.colour)
    foil, _ = halves(printed.seen(0.15 * HUES).colour)
    assert np.percentile(glossy, 95) < 0.1 * np.percentile(foil, 5)
    assert np.percentile(matte, 95) < 0.01
    assert np.median(halves(found.lights)[0]) == pytest.approx(1, abs=0.05)


def test_a_wrong_albedo_is_not_foil(printed: Printed) -> None:
    stack = printed.bench.expose(printed.matte, 1)
    solution = solve(stack, printed.field)
    tinted = replace(solution, albedo=solution.albedo * np.array([1.2, 1.0, 0.9], np.float32))
    assert np.percentile(holo(stack, printed.field, tinted).colour, 99) < 0.02


def test_a_clipped_light_has_no_say(printed: Printed) -> None:
    one = np.zeros((8, 3))
    one[4] = [30.0, 0.0, 0.0]
    clipped, _ = halves(printed.seen(one).colour)
    assert np.percentile(clipped, 95) < 0.02


def test_a_solution_of_another_size_is_refused(printed: Printed) -> None:
    stack = printed.bench.expose(printed.matte, 1)
    solution = solve(stack, printed.field)
    small = replace(solution, albedo=solution.albedo[:-BLOCK_PX])
    with pytest.raises(StationError, match="does not fit"):
        holo(stack, printed.field, small)
