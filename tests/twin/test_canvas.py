"""What is printed lies where it was asked for, to a fraction of a texel, because the truth says it does."""

import numpy as np
import pytest

from station.twin.art import paint, print_frame
from station.twin.canvas import Canvas, reflectance_table
from station.twin.design import design
from station.twin.grid import CardGrid
from station.twin.spec import CardSpec

AROUND = 4  # texels on either side of an edge


def edge_at(line: np.ndarray, near: float) -> float:
    """Where, in fractional indices, a line of reflectance (N, 3) steps from one colour to another."""
    middle = round(near)
    seen = line[middle - AROUND : middle + AROUND + 1].astype(float)
    before, after = seen[0], seen[-1]
    shares = (seen - after) @ (before - after) / ((before - after) @ (before - after))
    return float(middle - AROUND - 0.5 + shares.sum())


@pytest.mark.parametrize("dpi", [110, 233, 600])
@pytest.mark.parametrize("side", ["front", "back"])
@pytest.mark.parametrize("seed", [1, 5])
def test_the_print_frame_lies_where_the_truth_has_it(seed: int, side: str, dpi: int) -> None:
    drawn, grid = design(CardSpec(seed, side)), CardGrid(dpi)
    seen = reflectance_table()[paint(drawn, grid).rgb]
    left, bottom, right, top = print_frame(drawn)
    row, column = grid.rows // 3, round(grid.column((left + right) / 2)) - round(7 / grid.pitch_mm)
    for line, place in (
        (seen[row], grid.column(left)),
        (seen[row], grid.column(right)),
        (seen[:, column], grid.row(top)),
        (seen[:, column], grid.row(bottom)),
    ):
        assert edge_at(line, place) == pytest.approx(place, abs=0.1)


def test_ink_and_colour_cover_the_area_of_what_is_printed() -> None:
    grid = CardGrid(60)
    canvas = Canvas(grid)
    box = (-11.03, -7.21, 5.48, 3.979)
    canvas.gradient(*box, (255, 255, 255), (255, 255, 255))
    canvas.lay_ink(*box)
    area = (box[2] - box[0]) * (box[3] - box[1]) / grid.pitch_mm**2
    table = reflectance_table()
    coloured = (table[canvas.rgb[..., 0]] - table[0]).sum(dtype=float) / float(table[255] - table[0])
    assert canvas.ink.sum(dtype=float) / 255 == pytest.approx(area, abs=1)
    assert coloured == pytest.approx(area, abs=1)
    assert canvas.ink.max() == 255


def test_a_rectangle_beyond_the_grid_is_cut_at_its_border() -> None:
    grid = CardGrid(60)
    canvas = Canvas(grid)
    canvas.gradient(-100, -100, 100, 100, (9, 9, 9), (9, 9, 9))
    canvas.lay_ink(-100, -100, 100, 100)
    assert (canvas.rgb == 9).all()
    assert (canvas.ink == 255).all()
