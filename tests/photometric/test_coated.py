"""A varnished card under the ring: the highlight's tail taken off, and what is said where it cannot be."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from station.documents.fault import StationError
from station.photometric.coat import coat_over, lobes
from station.photometric.gains import refit
from station.photometric.solve import LEAST_SQUARES, mean_ratio, solve
from station.photometric.stack import Pictures, Sensor

EYE_MM = np.array([0.0, 0.0, 400.0])
BLOCK = 4


class Varnished:
    """A printed card with relief, its pictures with and without the coat, SNR 100, one channel."""

    def __init__(self, bench: Any, relief: float, roughness: float) -> None:
        self.bench = bench
        self.normals = bench.normals(
            lambda x, y: (
                relief * np.sin(x / 0.9) * np.cos(y / 1.1),
                relief * np.cos(y / 0.8) * np.sin(x / 1.3),
            )
        )
        x, y = np.moveaxis(bench.grid_mm(bench.height, bench.width), 2, 0)[:2]
        albedo = 0.45 + 0.25 * np.sign(np.sin(x / 2) * np.sin(y / 3)) + 0.1 * np.sin(x / 9)
        matte = bench.render(self.normals, albedo[..., None] * np.ones(3))
        glossy = bench.shining(self.normals, matte, roughness)
        self.sensor = Sensor(0.0, 65535.0, float(matte[..., 1].mean()) / 100**2, 1 / 12)
        self.matte, self.glossy = self.taken(matte), self.taken(glossy)
        self.field = bench.field(53, 39)
        self.field = replace(self.field, flat=self.field.flat[..., 1:2])

    def taken(self, light: Any) -> Pictures:
        random = np.random.default_rng(1)
        light = light[..., 1:2]
        noise = random.standard_normal(light.shape) * np.sqrt(
            self.sensor.noise_a * light + self.sensor.noise_b
        )
        return Pictures(np.clip(np.round(light + noise), 0, 65535).astype(np.uint16), None, self.sensor)

    def coat(self) -> Any:
        """Found from the pictures alone."""
        bench, blocks = self.bench, mean_ratio(self.glossy, self.field, BLOCK).blocks
        rows, columns = (np.arange(count) * BLOCK + BLOCK // 2 for count in blocks.shape[1:])
        points = bench.grid_mm(bench.height, bench.width)[rows][:, columns].reshape(-1, 3)
        ray = bench.lights[:, None] - points
        slope = np.zeros((len(points), 2))
        for _ in range(4):
            normals = np.column_stack([-slope, np.ones(len(slope))])
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            shapes = lobes(points, normals, bench.lights, EYE_MM)
            found = refit(blocks.reshape(8, -1), ray[..., :2] / ray[..., 2:], shapes)
            slope = np.nan_to_num(found.slope)
        return coat_over(bench.grid_mm(53, 39), bench.lights, EYE_MM, found.coat)


@pytest.fixture
def bench264(make_bench: Any) -> Any:
    return make_bench(height=264, width=192, peak=9000.0)


@pytest.mark.parametrize(
    ("relief", "roughness", "most"),
    [(0.02, 0.15, 1.15), (0.02, 0.3, 1.7), (0.05, 0.15, 1.3), (0.05, 0.3, 1.7)],
)
def test_a_coat_costs_little(
    bench264: Any, angle_deg: Callable[..., Any], relief: float, roughness: float, most: float
) -> None:
    """Against least squares on the same card without its coat; taken for matte it is three times as wrong."""
    card = Varnished(bench264, relief, roughness)
    base = angle_deg(solve(card.matte, card.field, estimator=LEAST_SQUARES).normals, card.normals).mean()
    found = solve(card.glossy, card.field.coated(card.coat()))
    assert angle_deg(found.normals, card.normals).mean() <= most * base
    assert angle_deg(solve(card.glossy, card.field).normals, card.normals).mean() > 3 * base


@pytest.mark.parametrize("roughness", [0.15, 0.3, 0.5])
def test_where_gloss_misleads_the_uncertainty_says_so(
    bench264: Any, angle_deg: Callable[..., Any], roughness: float
) -> None:
    """Nobody told of a coat: pixels off by more than 3 degrees are known by their own figures."""
    card = Varnished(bench264, 0.05, roughness)
    found = solve(card.glossy, card.field)
    wrong = (angle_deg(found.normals, card.normals) > 3).ravel()
    assert 0.005 < wrong.mean() < 0.5
    order = np.argsort(np.argsort(found.widened_sigma_rad.ravel(), kind="stable")) + 1.0
    bad, good = wrong.sum(), (~wrong).sum()
    area = (order[wrong].sum() - bad * (bad + 1) / 2) / (bad * good)
    assert area >= 0.9


@pytest.mark.parametrize("tilt", [0.0, 0.04])
def test_the_shine_is_the_lobes_law(bench264: Any, tilt: float) -> None:
    """Exact at the expected normal; within a few per cent where the surface leans by two degrees and more."""
    points = bench264.grid_mm(53, 39)
    weights = np.array([0.0, 0.0, 0.0, 0.02, 0.01, 0.0])
    expected = np.array([-tilt, 0.02, 1.0]) / np.sqrt(1 + tilt**2 + 0.02**2)
    normals = np.broadcast_to(expected, points.shape)
    coat = coat_over(points, bench264.lights, EYE_MM, weights, normals)
    law = np.tensordot(weights, lobes(points, normals, bench264.lights, EYE_MM), axes=1)
    np.testing.assert_allclose(coat.shine, law, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(coat.at(normals), law, rtol=1e-4, atol=1e-7)
    leaning = normals + np.array([0.03, -0.03, 0.0])
    leaning /= np.linalg.norm(leaning, axis=-1, keepdims=True)
    law = np.tensordot(weights, lobes(points, leaning, bench264.lights, EYE_MM), axes=1)
    off = coat.at(leaning) / law - 1
    assert np.median(np.abs(off)) < 0.02
    assert np.abs(off).max() < 0.12
    assert np.abs(coat.shine / law - 1).max() > 0.3


def test_the_shine_taken_off_is_that_of_the_pixel_s_own_normal(
    bench264: Any, angle_deg: Callable[..., Any]
) -> None:
    """Without noise, a tilted plane under its very coat: one step leaves a tenth of the error of none."""
    points = bench264.grid_mm(53, 39)
    coat = coat_over(points, bench264.lights, EYE_MM, np.array([0.0, 0.0, 0.0, 0.0, 0.02, 0.0]))
    normals = bench264.normals(lambda x, y: (0 * x + 0.04, 0 * y - 0.03))
    field = bench264.field(53, 39)
    light = bench264.render(normals, np.full((1, 1, 3), 0.5))
    fine = coat_over(
        bench264.grid_mm(264, 192), bench264.lights, EYE_MM, np.array([0.0, 0.0, 0.0, 0.0, 0.02, 0.0])
    )
    light += bench264.flat(bench264.grid_mm(264, 192)) * fine.at(normals)[..., None]
    taken = bench264.expose(light, None)
    level = solve(taken, replace(field, shine=coat.shine))
    own = solve(taken, field.coated(coat))
    off = [angle_deg(found.normals, normals).mean() for found in (level, own)]
    assert off[0] > 0.3
    assert off[1] < 0.25 * off[0]


@pytest.mark.parametrize(("albedo", "least"), [(0.015, 0.6), (0.05, 0.94), (0.5, 0.94)])
def test_a_dent_under_dark_varnished_ink_keeps_its_slopes(bench264: Any, albedo: float, least: float) -> None:
    """There the coat sends back as much as the print: a step that ignored that left nothing of a dent.

    In the blackest ink, a third as bright as its coat, a good two thirds of the slope are seen.
    """
    weights = np.array([0.0, 0.0, 0.0, 0.02, 0.02, 0.0])
    points = bench264.grid_mm(264, 192)

    def dent(x: Any, y: Any) -> Any:
        steep = 0.06 / 8 * np.exp(-(x**2 + y**2) / 128)
        return -steep * x, -steep * y

    normals = bench264.normals(dent)
    shine = coat_over(points, bench264.lights, EYE_MM, weights, normals).shine
    light = bench264.render(normals, np.full((1, 1, 3), albedo))
    light += bench264.flat(points) * shine[..., None]
    coat = coat_over(bench264.grid_mm(53, 39), bench264.lights, EYE_MM, weights)
    field = bench264.field(53, 39).gained(np.full(8, 10.0)).coated(coat)
    found = np.mean([solve(bench264.expose(10 * light, s), field).normals for s in range(3)], axis=0)
    inside = np.abs(normals[..., :2]).max(axis=2) > 0.01
    slope, true = (-a[inside][:, :2] / a[inside][:, 2:] for a in (found, normals))
    assert least <= (slope * true).sum() / (true**2).sum() <= 1.06


def test_a_coat_that_does_not_fit_is_refused(bench264: Any) -> None:
    card = Varnished(bench264, 0.02, 0.15)
    coat = coat_over(bench264.grid_mm(53, 39), bench264.lights[:7], EYE_MM, np.ones(6))
    with pytest.raises(StationError, match="does not fit"):
        solve(card.glossy, card.field.coated(coat))
    fitting = coat_over(bench264.grid_mm(53, 39), bench264.lights, EYE_MM, np.ones(6))
    with pytest.raises(StationError, match="does not fit"):
        solve(card.glossy, replace(card.field, coat=fitting))
