"""Each light shown again for a shorter time: what clips is still measured, what does not gets no worse."""

from typing import Any

import numpy as np
import pytest

from station.documents.fault import StationError
from station.photometric.brackets import Bracket, merged
from station.photometric.solve import solve
from station.photometric.stack import Pictures, Sensor

SENSOR = Sensor(black_level=4.0, full_scale=255.0, noise_a=0.03, noise_b=0.3)
SHARE = 0.25
AMBIENT = 3.0


def taken(light: Any, share: float, seed: int) -> Any:
    """Codes of a light that burned for a share of the time, over black level and ambient light."""
    random = np.random.default_rng(seed)
    mean = light * share + AMBIENT
    noisy = mean + random.standard_normal(mean.shape) * np.sqrt(SENSOR.noise_a * mean + SENSOR.noise_b)
    return np.clip(np.round(noisy + SENSOR.black_level), 0, 255).astype(np.uint8)


@pytest.fixture
def card(make_bench: Any) -> Any:
    """Bench, normals, codes without noise (three times full scale in places), stack and brackets."""
    bench = make_bench(height=132, width=96, peak=230.0)
    normals = bench.normals(lambda x, y: (0.06 * np.sin(x / 6), 0.05 * np.cos(y / 8)))
    x = bench.grid_mm(bench.height, bench.width)[..., 0]
    light = bench.render(normals, np.where(x > 0, 3.5, 0.4)[..., None] * np.ones(3))
    ambient = taken(np.zeros(light.shape[1:]), 1.0, 9)
    pictures = Pictures(taken(light, 1.0, 1), ambient, SENSOR)
    brackets = [Bracket(k, SHARE, taken(light[k], SHARE, 20 + k)) for k in range(8)]
    return bench, normals, light, pictures, brackets


def test_what_clips_is_measured_by_the_shorter_frames(card: Any, angle_deg: Any) -> None:
    bench, normals, _, pictures, brackets = card
    joined, unit = merged(pictures, brackets)
    field = bench.field()
    plain, found = solve(pictures, field), solve(joined, field.gained(np.full(8, unit)))
    bright = np.s_[:, 56:]
    assert plain.clipped[bright].mean() > 0.9
    assert not found.clipped.any()
    assert angle_deg(found.normals, normals)[bright].mean() < 1.0
    assert (
        angle_deg(found.normals, normals)[bright].mean()
        < 0.8 * angle_deg(plain.normals, normals)[bright].mean()
    )
    np.testing.assert_allclose(np.median(found.albedo[bright]), 3.5, rtol=0.01)


def test_what_does_not_clip_gets_no_worse(card: Any, angle_deg: Any) -> None:
    bench, normals, _, pictures, brackets = card
    joined, unit = merged(pictures, brackets)
    field, dim = bench.field(), np.s_[:, :40]
    before = angle_deg(solve(pictures, field).normals, normals)[dim].mean()
    after = angle_deg(solve(joined, field.gained(np.full(8, unit))).normals, normals)[dim].mean()
    assert 0.85 * before < after < 1.0 * before


def test_the_noise_that_is_told_is_the_noise_that_is_there(card: Any) -> None:
    """Below and above the code where the longer frame clips, variances within a tenth."""
    _, _, light, _, _ = card
    dark = np.full(light.shape[1:], 7, np.uint8)  # AMBIENT over black level: one and the same for all
    error, told, level = [], [], light + AMBIENT
    for seed in range(6):
        main = Pictures(taken(light, 1.0, 100 + seed), dark, SENSOR)
        more = [Bracket(k, SHARE, taken(light[k], SHARE, 300 + 10 * seed + k)) for k in range(8)]
        joined, unit = merged(main, more)
        sensor = joined.sensor
        above = level * unit
        variance = sensor.noise_a * above + sensor.noise_b
        for noise in sensor.brighter:
            beyond = above + sensor.black_level >= noise.code
            variance = np.where(beyond, noise.noise_a * above + noise.noise_b, variance)
        error.append((joined.lit - sensor.black_level - above) ** 2 / variance)
        told.append(variance)
    ratio = np.mean(error, axis=0)
    knee = (SENSOR.clipped_from - SENSOR.black_level) * np.array([0.9, 1.1])
    for part in (level < knee[0], level > knee[1]):
        assert part.mean() > 0.05
        assert ratio[part].mean() == pytest.approx(1.0, abs=0.15)


def test_light_that_clips_in_every_frame_stays_clipped(card: Any) -> None:
    _, _, light, _, _ = card
    main = Pictures(taken(light * 6, 1.0, 1), None, SENSOR)
    joined, _ = merged(main, [Bracket(k, SHARE, taken(light[k] * 6, SHARE, k)) for k in range(8)])
    both = (main.lit >= SENSOR.clipped_from) & (taken(light * 6, SHARE, 0) >= 255)
    assert both.mean() > 0.1
    assert (joined.lit[both] >= joined.sensor.clipped_from).mean() > 0.99


def test_without_brackets_nothing_changes(card: Any) -> None:
    *_, pictures, _ = card
    assert merged(pictures, []) == (pictures, 1.0)


@pytest.mark.parametrize(
    ("light", "share", "shape", "says"),
    [
        (8, 0.5, (132, 96, 3), "names light 8"),
        (0, 1.0, (132, 96, 3), "1.0 of its"),
        (0, 0.5, (9, 9, 3), "is uint8"),
    ],
)
def test_brackets_that_do_not_belong_are_refused(
    card: Any, light: int, share: float, shape: Any, says: str
) -> None:
    *_, pictures, _ = card
    with pytest.raises(StationError, match=says):
        merged(pictures, [Bracket(light, share, np.zeros(shape, np.uint8))])
