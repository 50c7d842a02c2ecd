"""Drifted lights and the coat's highlight tail, from the pictures alone."""

from typing import Any

import numpy as np
import pytest

from station.documents.fault import StationError
from station.photometric.coat import FACING, ROUGHNESS, coated_share, lobes, transmission
from station.photometric.gains import refit

EYE = np.array([0.0, 0.0, 400.0])


def places(bench: Any, rows: int = 30, columns: int = 22) -> Any:
    """Points (N, 3) and directions (lights, N, 2)."""
    points = bench.grid_mm(rows, columns).reshape(-1, 3)
    ray = bench.lights[:, None] - points
    return points, ray[..., :2] / ray[..., 2:]


def ratios(tangent: Any, slope: Any, albedo: Any, gains: Any) -> Any:
    """Ratios to the flat field of a matte surface with slopes (N, 2)."""
    shading = 1 - np.einsum("knd,nd->kn", tangent, slope)
    return gains[:, None] * albedo * shading / np.sqrt(1 + (slope**2).sum(axis=1))


def no_lobes(points: Any) -> Any:
    return np.zeros((0, 8, len(points)))


def shape(points: Any) -> Any:
    """A bow, a twist and a dent."""
    x, y = points[:, 0], points[:, 1]
    dent = np.exp(-((x - 8) ** 2 + (y + 5) ** 2) / 20)
    return np.column_stack([0.0004 * y - 0.02 * (x - 8) * dent, 0.001 * y + 0.0004 * x])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_drifted_gains_come_back_under_a_bowed_printed_card(bench: Any, seed: int) -> None:
    points, tangent = places(bench)
    random = np.random.default_rng(seed)
    gains = 1 + 0.03 * random.standard_normal(8)
    gains /= gains.mean()
    slope = shape(points)
    seen = ratios(tangent, slope, random.uniform(0.1, 0.9, len(points)), gains)
    seen *= 1 + 0.001 * random.standard_normal(seen.shape)
    found = refit(seen, tangent, no_lobes(points))
    wrong = found.gains - gains
    blind = np.column_stack([np.ones(8), bench.lights[:, :2]])
    assert np.abs(wrong - blind @ np.linalg.lstsq(blind, wrong)[0]).max() < 2e-4
    assert np.abs(wrong).max() < 2e-3  # what looks like a tilt is only known as well as the card lies flat
    assert found.gains.mean() == pytest.approx(1.0)
    np.testing.assert_allclose(found.slope, slope - np.median(slope, axis=0), atol=6e-3)
    assert found.residual == pytest.approx(0.001, rel=0.2)


def test_without_the_refit_one_per_cent_of_drift_tilts_the_card(bench: Any) -> None:
    """What the refit is for: about 0.4 degrees."""
    _, tangent = places(bench)
    design = np.concatenate([tangent, np.ones_like(tangent[..., :1])], axis=2)[:, 0]
    tilts = []
    for seed in range(200):
        m = np.linalg.lstsq(design, 1 + 0.01 * np.random.default_rng(seed).standard_normal(8))[0]
        tilts.append(np.degrees(np.hypot(m[0], m[1]) / m[2]))
    assert 0.2 < np.mean(tilts) < 0.6


def test_the_tilt_is_taken_from_what_most_of_the_card_does(bench: Any) -> None:
    """A lifted corner does not tilt the rest."""
    points, tangent = places(bench)
    lifted = (points[:, 0] + points[:, 1]) > 45
    slope = np.where(lifted[:, None], [0.06, 0.06], [0.0, 0.0])
    found = refit(ratios(tangent, slope, 0.5, np.ones(8)), tangent, no_lobes(points))
    assert 0.02 < lifted.mean() < 0.3
    np.testing.assert_allclose(found.slope[~lifted], 0.0, atol=2e-3)
    np.testing.assert_allclose(found.slope[lifted], 0.06, atol=3e-3)


def coated(points: Any, normals: Any, lights: Any, roughness: float) -> Any:
    """Cook and Torrance's highlight over a white matte target, written out light by light."""
    out = np.empty((len(lights), len(points)))
    for k, light in enumerate(lights):
        for i, point in enumerate(points):
            to_light, to_eye = light - point, EYE - point
            to_light, to_eye = to_light / np.linalg.norm(to_light), to_eye / np.linalg.norm(to_eye)
            half = (to_light + to_eye) / np.linalg.norm(to_light + to_eye)
            theta = np.arccos(half @ normals[i])
            spread = np.pi * np.cos(theta) ** 4 * (roughness**2 + np.tan(theta) ** 2) ** 2
            brdf = FACING * (roughness**2 / spread) / (4 * (to_light @ normals[i]) * (to_eye @ normals[i]))
            out[k, i] = np.pi * brdf * (to_light @ normals[i]) / to_light[2]
    return out


def test_lobes_are_the_law_they_claim(bench: Any) -> None:
    points, _ = places(bench, 4, 3)
    slope = shape(points)
    normals = np.column_stack([-slope, np.ones(len(slope))])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    for number, roughness in enumerate(ROUGHNESS):
        mine = FACING * lobes(points, normals, bench.lights, EYE)[number]
        np.testing.assert_allclose(mine, coated(points, normals, bench.lights, roughness), rtol=1e-9)


@pytest.mark.parametrize("roughness", [0.06, 0.085, 0.12])
def test_a_coat_is_told_from_a_bow(bench: Any, roughness: float) -> None:
    """Taken for shading, the highlight's tail bends the card; with lobes fitted, a fifth is left."""
    points, tangent = places(bench)
    random = np.random.default_rng(4)
    flat = np.zeros((len(points), 2))
    up = np.tile([0.0, 0.0, 1.0], (len(points), 1))
    gains = 1 + 0.01 * random.standard_normal(8)
    gains /= gains.mean()
    matte = ratios(tangent, flat, random.uniform(0.2, 0.8, len(points)), np.ones(8))
    seen = gains[:, None] * (matte + coated(points, up, bench.lights, roughness))
    seen *= 1 + 0.0005 * random.standard_normal(seen.shape)
    blind = refit(seen, tangent, no_lobes(points))
    found = refit(seen, tangent, lobes(points, up, bench.lights, EYE))

    def bent(fit: Any) -> float:
        return float(np.abs(np.polyfit(points[:, 1], fit.slope[:, 1], 1)[0]) * 44)

    assert bent(blind) > 0.004
    assert bent(found) < 0.2 * bent(blind)
    np.testing.assert_allclose(found.gains, gains, atol=2e-3)


def test_a_matte_card_gets_no_coat(bench: Any) -> None:
    points, tangent = places(bench)
    random = np.random.default_rng(5)
    up = np.tile([0.0, 0.0, 1.0], (len(points), 1))
    seen = ratios(tangent, shape(points), random.uniform(0.2, 0.8, len(points)), np.ones(8))
    seen *= 1 + 0.001 * random.standard_normal(seen.shape)
    found = refit(seen, tangent, lobes(points, up, bench.lights, EYE))
    assert coated_share(found.coat) < 0.1


def test_the_coat_lets_less_through_at_a_slant(bench: Any) -> None:
    through = transmission(np.zeros((1, 3)), np.array([[0.0, 0.0, 100.0], [300.0, 0.0, 100.0]]), 1.0)
    assert through[0, 0] == 1.0
    assert through[1, 0] == pytest.approx(1 - (1 - 1 / np.sqrt(10)) ** 5)
    assert (transmission(np.zeros((1, 3)), bench.lights, 0.0) == 1.0).all()


def test_clipped_places_are_left_out(bench: Any) -> None:
    points, tangent = places(bench)
    seen = ratios(tangent, shape(points), 0.5, np.ones(8))
    seen[0, ::3] = -1.0
    seen[:6, ::7] = -1.0
    found = refit(seen, tangent, no_lobes(points))
    np.testing.assert_allclose(found.gains, 1.0, atol=1e-3)
    assert np.isnan(found.slope[::7]).all()
    assert np.isfinite(found.slope[1::21]).all()


def test_a_card_that_clips_nearly_everywhere_is_refused(bench: Any) -> None:
    points, tangent = places(bench)
    seen = np.full((8, len(points)), -1.0)
    seen[:, :5] = 0.5
    with pytest.raises(StationError, match="hardly any place") as refused:
        refit(seen, tangent, no_lobes(points))
    assert refused.value.code == "stack_unusable"
