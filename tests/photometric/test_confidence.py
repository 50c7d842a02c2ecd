"""Confidence: its law, and whether it knows the normals that are wrong."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.photometric.confidence import TOLERANCE_DEG, confidence
from station.photometric.solve import Solution, solve


def pixels(**changes: Any) -> Solution:
    """Pixels of a row, alike but for what is changed."""
    width = max(len(value) for value in changes.values())
    ones, shape = np.ones((1, width), np.float32), (1, width)
    plain = Solution(
        normals=np.zeros((*shape, 3), np.float32),
        albedo=np.zeros((*shape, 3), np.float32),
        sigma_rad=0.01 * ones,
        chi2=ones,
        lights_used=np.full(shape, 8, np.uint8),
        gloss=0 * ones,
        gloss_light=np.zeros(shape, np.int8),
        clipped=np.zeros(shape, bool),
        dark=np.zeros(shape, bool),
        valid=np.ones(shape, bool),
    )
    return replace(
        plain, **{name: np.array([value], getattr(plain, name).dtype) for name, value in changes.items()}
    )


@pytest.mark.parametrize(
    "worse",
    [
        {"sigma_rad": [0.005, 0.02, 0.1, 1.0]},
        {"chi2": [1.5, 4, 20, 500]},
        {"lights_used": [8, 6, 5, 4]},
        {"clipped": [False, True]},
        {"dark": [False, True]},
        {"valid": [True, False]},
    ],
)
def test_it_falls_with_everything_that_speaks_against_a_pixel(worse: dict[str, Any]) -> None:
    trust = confidence(pixels(**worse))[0]
    assert (np.diff(trust) < 0).all()
    assert 0 <= trust.min() < trust.max() <= 1


def test_it_is_the_share_of_errors_within_the_tolerance() -> None:
    """The scale estimated from as many residuals as there are lights beyond three; drawn, not derived."""
    random = np.random.default_rng(1)
    sigma_deg, freedom, count = 1.6, 5, 200_000
    scale = sigma_deg * np.sqrt(random.chisquare(freedom, count) / freedom)
    error = np.hypot(*random.standard_normal((2, count))) * sigma_deg
    within = np.mean(error / scale < TOLERANCE_DEG / sigma_deg)
    told = confidence(pixels(sigma_rad=[np.radians(sigma_deg)]))[0, 0]
    assert told == pytest.approx(within, abs=0.005)


def test_a_pixel_that_is_no_number_is_not_trusted() -> None:
    trust = confidence(pixels(sigma_rad=[np.nan, np.inf, 0.01]))[0]
    assert (trust[:2] == 0).all()
    assert trust[2] > 0.9


def area_under_curve(higher: NDArray, lower: NDArray) -> float:
    """Probability that a value of the first exceeds one of the second (Mann and Whitney)."""
    order = np.argsort(np.argsort(np.concatenate([higher, lower]), kind="stable")) + 1.0
    count = len(higher)
    return float((order[:count].sum() - count * (count + 1) / 2) / (count * len(lower)))


@pytest.mark.parametrize("roughness", [0.15, 0.3, 0.5])
def test_errors_above_the_tolerance_are_known(make_bench: Any, angle_deg: Any, roughness: float) -> None:
    """A varnished card with relief, taken for matte."""
    bench = make_bench(height=264, width=192)
    normals = bench.normals(
        lambda x, y: (0.05 * np.sin(x / 0.9) * np.cos(y / 1.1), 0.05 * np.cos(y / 0.8) * np.sin(x / 1.3))
    )
    x, y = np.moveaxis(bench.grid_mm(bench.height, bench.width), 2, 0)[:2]
    albedo = 0.45 + 0.25 * np.sign(np.sin(x / 2) * np.sin(y / 3)) + 0.1 * np.sin(x / 9)
    matte = bench.render(normals, albedo[..., None] * np.ones(3))
    found = solve(bench.expose(bench.shining(normals, matte, roughness), 1), bench.field(53, 39))
    wrong = angle_deg(found.normals, normals) > TOLERANCE_DEG
    assert 0.005 < wrong.mean() < 0.5
    trust = confidence(found)
    assert area_under_curve(-trust[wrong], -trust[~wrong]) >= 0.9
