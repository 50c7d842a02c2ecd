"""Normals and albedo: conventions, near light, noise, outliers, clipping, bad input."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from station.documents.fault import StationError
from station.photometric.lights import directional_field, near_tangents
from station.photometric.scale import with_estimated_black, with_estimated_noise
from station.photometric.solve import LEAST_SQUARES, ROBUST, TRIMMED, Alignment, solve
from station.photometric.stack import LightField, Pictures, Sensor, pictures

EXACT = replace(LEAST_SQUARES, model_error=0.0)


def wavy(x: Any, y: Any) -> Any:
    return 0.06 * np.sin(x / 6) + 0.02, 0.05 * np.cos(y / 8) - 0.03


def printed(bench: Any) -> Any:
    x, y = np.moveaxis(bench.grid_mm(bench.height, bench.width), 2, 0)[:2]
    return np.stack([0.4 + 0.3 * np.sin(x), 0.5 + 0.3 * np.sin(y + x / 3), np.full_like(x, 0.6)], axis=2)


@pytest.mark.parametrize("estimator", [LEAST_SQUARES, ROBUST, TRIMMED])
def test_a_known_surface_comes_back(bench: Any, angle_deg: Any, estimator: Any) -> None:
    normals, albedo = bench.normals(wavy), printed(bench)
    found = solve(bench.expose(bench.render(normals, albedo), None), bench.field(), estimator=estimator)
    assert found.valid.all()
    assert angle_deg(found.normals, normals).max() < 0.25  # rounding of dark codes
    assert angle_deg(found.normals, normals).mean() < 0.02
    np.testing.assert_allclose(found.albedo, albedo, atol=1e-3)


def test_x_is_right_and_y_is_up(bench: Any) -> None:
    """A slope that rises to the right leans its normal to the left; one that rises upward leans it down."""
    normals = bench.normals(lambda x, y: (0 * x + 0.1, 0 * y + 0.05))
    found = solve(bench.expose(bench.render(normals, np.full((1, 1, 3), 0.5)), None), bench.field())
    x, y, _ = np.median(found.normals, axis=(0, 1))
    assert x == pytest.approx(-0.1, abs=2e-3)
    assert y == pytest.approx(-0.05, abs=2e-3)


def test_pictures_turned_upside_down_give_normals_upside_down(bench: Any) -> None:
    light = bench.render(bench.normals(wavy), printed(bench))
    upright = solve(bench.expose(light, None), bench.field(), estimator=EXACT)
    field = bench.field()
    flipped = LightField(field.flat[:, ::-1], field.tangent[:, ::-1] * np.float32([1, -1]))
    turned = solve(bench.expose(light[:, ::-1], None), flipped, estimator=EXACT)
    np.testing.assert_allclose(turned.normals[::-1] * [1, -1, 1], upright.normals, atol=1e-4)


def test_the_order_of_the_lights_does_not_matter_but_their_names_do(bench: Any, angle_deg: Any) -> None:
    normals = bench.normals(wavy)
    taken = bench.expose(bench.render(normals, printed(bench)), None)
    field = bench.field()
    order = np.array([3, 0, 7, 5, 1, 2, 6, 4])
    shuffled = LightField(field.flat[order], field.tangent[order])
    same = solve(replace(taken, lit=taken.lit[order]), shuffled)
    np.testing.assert_allclose(same.normals, solve(taken, field).normals, atol=2e-5)
    swapped = solve(replace(taken, lit=taken.lit[[1, 0, 2, 3, 4, 5, 6, 7]]), field, estimator=LEAST_SQUARES)
    assert angle_deg(swapped.normals, normals).mean() > 1.0
    assert np.median(swapped.chi2) > 10


def test_lights_at_hand_are_not_lights_far_away(bench: Any, angle_deg: Any) -> None:
    """The same flat card, solved as if the lights shone from far away: off by more than ten degrees."""
    flat = bench.normals(lambda x, y: (0 * x, 0 * y))
    taken = bench.expose(bench.render(flat, np.full((1, 1, 3), 0.5)), None)
    middle = bench.flat(np.zeros((1, 3)))[:, 0]
    facing = np.linalg.norm(bench.lights, axis=1, keepdims=True) / bench.above_mm
    far = directional_field(bench.lights, middle * facing)
    assert angle_deg(solve(taken, far, estimator=LEAST_SQUARES).normals, flat).mean() > 10
    assert angle_deg(solve(taken, bench.field(), estimator=LEAST_SQUARES).normals, flat).mean() < 0.02


def test_the_stated_uncertainty_is_the_scatter(bench: Any) -> None:
    """Monte Carlo: deviation and mean chi-square over many noisy copies of one picture."""
    normals, albedo = bench.normals(wavy), printed(bench) * 0.3
    light = bench.render(normals, albedo)
    runs = [
        solve(bench.expose(light, seed, ambient=3000.0), bench.field(), estimator=EXACT) for seed in range(12)
    ]
    p = np.stack([run.normals[..., :2] for run in runs])
    scatter = np.sqrt(((p - normals[..., :2]) ** 2).mean())
    stated = np.sqrt(np.mean([(run.sigma_rad**2).mean() for run in runs]))
    assert scatter == pytest.approx(stated, rel=0.03)
    assert np.mean([run.chi2.mean() for run in runs]) == pytest.approx(1.0, abs=0.03)


def test_the_noise_law_of_a_ring(make_bench: Any) -> None:
    """At the middle of a ring of N lights at zenith t: sigma per axis = cot(t) sqrt(2/N) / SNR."""
    bench = make_bench(height=64, width=64, span_mm=4.0)
    flat = bench.normals(lambda x, y: (0 * x, 0 * y))
    light = np.full((8, 64, 64, 1), 10000.0)
    sensor = Sensor(black_level=0.0, full_scale=65535.0, noise_a=0.0, noise_b=100.0**2)
    random = np.random.default_rng(7)
    lit = [np.round(c + 100.0 * random.standard_normal(c.shape)).astype(np.uint16) for c in light]
    field = replace(bench.field(), flat=np.full((8, 23, 17, 1), 20000.0, np.float32))
    found = solve(pictures(lit, np.zeros_like(lit[0]), sensor), field, estimator=EXACT)
    law = 1.0 / np.tan(np.radians(45)) * np.sqrt(2 / 8) / 100.0
    assert (found.normals - flat)[..., :2].std() == pytest.approx(law, rel=0.03)


def with_highlight(light: Any, rows: Any, columns: Any, of_light: Any, strength: Any) -> Any:
    bright = light.copy()
    bright[of_light, rows, columns] *= strength
    return bright


def test_a_highlight_is_left_out_and_named(bench: Any, angle_deg: Any) -> None:
    normals, albedo = bench.normals(wavy), np.full((1, 1, 3), 0.4)
    light = with_highlight(bench.render(normals, albedo), slice(40, 60), slice(30, 50), 5, 1.5)
    taken = bench.expose(light, 3)
    robust, plain = solve(taken, bench.field()), solve(taken, bench.field(), estimator=LEAST_SQUARES)
    trimmed = solve(taken, bench.field(), estimator=TRIMMED)
    spot = np.s_[40:60, 30:50]
    assert angle_deg(plain.normals, normals)[spot].mean() > 4
    assert angle_deg(robust.normals, normals)[spot].mean() < 0.5
    assert angle_deg(trimmed.normals, normals)[spot].mean() < 0.8
    assert (trimmed.lights_used == 6).all()
    assert (robust.gloss_light[spot] == 5).all()
    assert robust.gloss[spot].mean() == pytest.approx(0.2, rel=0.1)
    assert np.median(robust.lights_used[spot]) == 7


def test_a_shadow_is_left_out_too(bench: Any, angle_deg: Any) -> None:
    normals = bench.normals(wavy)
    light = with_highlight(
        bench.render(normals, np.full((1, 1, 3), 0.4)), slice(40, 60), slice(30, 50), 2, 0.3
    )
    found = solve(bench.expose(light, 3), bench.field())
    assert angle_deg(found.normals, normals)[40:60, 30:50].mean() < 0.6


def test_lights_behind_a_steep_surface_do_not_bend_it(bench: Any, angle_deg: Any) -> None:
    """A slope of 55 degrees that turns away from three of eight lights: too many for outliers."""
    steep = bench.normals(lambda x, y: (0 * x + 1.45, 0 * y + 0.1))
    light = np.clip(bench.render(steep, np.full((1, 1, 3), 0.4)), 0, None)
    behind = (light[..., 1] <= 0).sum(axis=0)
    taken = bench.expose(light, 3)
    believed = solve(taken, bench.field(), estimator=replace(ROBUST, shadow=0.0))
    found = solve(taken, bench.field())
    many = behind >= 3
    assert many.mean() > 0.3
    assert angle_deg(found.normals, steep)[many].mean() < 0.6
    assert angle_deg(believed.normals, steep)[many].mean() > 2
    assert found.dark[many].all()
    assert (found.lights_used[many] == 5).mean() > 0.9


def test_a_dark_print_is_not_a_shadow(bench: Any) -> None:
    """Where all lights are weak alike, all of them count."""
    taken = bench.expose(bench.render(bench.normals(wavy), np.full((1, 1, 3), 0.003)), 3)
    assert np.median(solve(taken, bench.field()).lights_used) == 8


def test_a_clipped_channel_is_censored_alone(bench: Any, angle_deg: Any) -> None:
    """Green clips under one light: red and blue of it still count, green's albedo comes from the others."""
    normals, albedo = bench.normals(wavy), np.full((1, 1, 3), 0.5)
    light = bench.render(normals, albedo)
    light[1, 50:80, 20:60, 1] = 70000.0
    found = solve(bench.expose(light, 1), bench.field(), estimator=LEAST_SQUARES)
    spot = np.s_[50:80, 20:60]
    assert found.clipped[spot].all()
    assert not found.clipped[:40].any()
    assert (found.lights_used[spot] == 8).all()
    assert angle_deg(found.normals, normals)[spot].mean() < 0.5
    np.testing.assert_allclose(found.albedo[spot].mean(axis=(0, 1)), 0.5, rtol=5e-3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("noise_b", [0.0, 0.3])
def test_whatever_the_codes_every_number_is_a_number(channels: int, noise_b: float) -> None:
    """Black, white and random codes, also without read noise: what cannot be told is marked, and finite."""
    random = np.random.default_rng(8)
    codes = random.integers(0, 256, (5, 40, 150, channels), np.uint8)
    codes[:, :8] = 0
    codes[:, 8:16] = 255
    codes[:3, 16:24] = 255
    codes[1:, 24:32] = 0
    dark = random.integers(0, 9, codes.shape[1:]).astype(np.uint8)
    directions = np.array([[1, 0, 1], [0, 1, 1], [-1, 0, 1], [0, -1, 1], [0.1, 0.2, 1]])
    taken = Pictures(codes, dark, Sensor(4.0, 255.0, 0.02, noise_b))
    for estimator in (LEAST_SQUARES, ROBUST, TRIMMED):
        found = solve(
            taken, directional_field(directions, np.full((5, channels), 200.0)), estimator=estimator
        )
        for name in ("normals", "albedo", "sigma_rad", "chi2", "gloss"):
            assert np.isfinite(getattr(found, name)).all(), (name, estimator)
        assert not found.valid[8:16].any()
        assert (found.normals[~found.valid] == (0, 0, 1)).all()
        np.testing.assert_allclose(np.linalg.norm(found.normals, axis=2), 1, atol=1e-5)


def test_a_pixel_clipped_in_all_lights_is_marked_not_guessed(bench: Any) -> None:
    light = bench.render(bench.normals(wavy), np.full((1, 1, 3), 0.5))
    light[:, 10:20, 10:20] = 70000.0
    light[2:, 30:40, 10:20] = 70000.0
    found = solve(bench.expose(light, 1), bench.field())
    assert not found.valid[10:20, 10:20].any()
    assert not found.valid[30:40, 10:20].any()
    assert found.valid[50:].all()
    for values in (found.normals, found.albedo, found.sigma_rad, found.chi2, found.gloss):
        assert np.isfinite(values).all()


def test_a_dark_pixel_says_how_little_it_knows(bench: Any) -> None:
    albedo = np.full((bench.height, bench.width, 3), 0.5)
    albedo[20:60, 20:60] = 1e-4
    found = solve(bench.expose(bench.render(bench.normals(wavy), albedo), 2), bench.field())
    assert found.dark[20:60, 20:60].mean() > 0.99
    assert not found.dark[70:].any()
    known = found.valid[20:60, 20:60]
    assert np.degrees(np.median(found.sigma_rad[20:60, 20:60][known])) > 15


def test_one_code_more_or_less_changes_little(bench: Any, angle_deg: Any) -> None:
    """A code of rounding more or less: the robust estimator makes at most twice as much of it."""
    light = bench.render(bench.normals(wavy), np.full((1, 1, 3), 0.05))
    taken = bench.expose(light, None)
    random = np.random.default_rng(5)
    step = random.integers(-1, 2, taken.lit.shape).astype(np.int32)
    moved = replace(taken, lit=(taken.lit + step).astype(np.uint16))

    def change(estimator: Any) -> Any:
        a, b = (solve(s, bench.field(), estimator=estimator).normals for s in (taken, moved))
        return np.percentile(angle_deg(a, b), 99)

    assert change(ROBUST) <= 2 * change(LEAST_SQUARES)


def test_first_order_shift_correction(make_bench: Any) -> None:
    """Pictures moved by up to 0.3 px, corrected with their shifts; uncorrected, print turns into relief."""
    bench = make_bench(height=160, width=120)
    rows, columns = np.mgrid[0:160, 0:120].astype(float)
    shifts = np.random.default_rng(2).uniform(-0.3, 0.3, (8, 2))
    shifts -= shifts.mean(axis=0)

    def albedo(dx: Any, dy: Any) -> Any:
        return (0.5 + 0.3 * np.sin((columns - dx) / 1.7) * np.cos((rows - dy) / 2.1))[..., None] * np.ones(3)

    flat = bench.normals(lambda x, y: (0 * x, 0 * y))
    light = np.stack([bench.render(flat, albedo(*shifts[k]))[k] for k in range(8)])
    taken = bench.expose(light, None)
    about = Alignment(shifts.astype(np.float32), np.zeros(8, np.float32))
    inside = np.s_[4:-4, 4:-4]
    kept = solve(taken, bench.field(), estimator=EXACT, alignment=about).normals[inside]
    left = solve(taken, bench.field(), estimator=EXACT).normals[inside]
    assert np.abs(left[..., :2]).mean() > 0.008
    assert np.abs(kept[..., :2]).mean() < 0.1 * np.abs(left[..., :2]).mean()


def test_what_is_left_of_the_shifts_widens_the_uncertainty_of_print_only(bench: Any) -> None:
    albedo = np.full((bench.height, bench.width, 3), 0.3)
    albedo[:, 48:] = 0.6
    taken = bench.expose(bench.render(bench.normals(wavy), albedo), 1)
    about = Alignment(np.zeros((8, 2), np.float32), np.full(8, 0.1, np.float32))
    sure, unsure = solve(taken, bench.field()), solve(taken, bench.field(), alignment=about)
    assert np.median(unsure.sigma_rad[:, 47:49]) > 2 * np.median(sure.sigma_rad[:, 47:49])
    assert np.median(unsure.sigma_rad[:, :40]) < 1.2 * np.median(sure.sigma_rad[:, :40])


@pytest.mark.parametrize("lights", [3, 4, 12])
def test_any_number_of_lights_from_three(lights: Any, angle_deg: Any) -> None:
    around = np.arange(lights) * 2 * np.pi / lights
    vectors = np.stack([np.cos(around), np.sin(around), np.full(lights, 1.2)], axis=1)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    normal = np.array([0.1, -0.2, 0.97]) / np.linalg.norm([0.1, -0.2, 0.97])
    codes = np.round(20000 * unit @ normal).astype(np.uint16)
    frames = [np.full((5, 7), code, np.uint16) for code in codes]
    taken = pictures(frames, np.zeros((5, 7), np.uint16), Sensor(0.0, 65535.0, 1.0, 4.0))
    field = directional_field(vectors * 3, np.full((lights, 1), 20000.0))
    assert angle_deg(solve(taken, field).normals, normal).max() < 0.02


def test_a_coat_s_shine_is_taken_off(bench: Any, angle_deg: Any) -> None:
    """A known addition to one side's lights: gone from normals and albedo when the field says so."""
    normals, albedo = bench.normals(wavy), printed(bench)
    shine = np.zeros((8, 23, 17), np.float32)
    shine[:3] = 0.04
    white = bench.flat(bench.grid_mm(bench.height, bench.width))
    light = bench.render(normals, albedo) + white * np.where(np.arange(8) < 3, 0.04, 0.0)[:, None, None, None]
    taken = bench.expose(light, None)
    told = solve(taken, replace(bench.field(), shine=shine))
    assert angle_deg(told.normals, normals).mean() < 0.05
    np.testing.assert_allclose(told.albedo, albedo, atol=3e-3)
    assert angle_deg(solve(taken, bench.field(), estimator=LEAST_SQUARES).normals, normals).mean() > 2


def test_noise_that_nobody_measured_is_estimated(bench: Any) -> None:
    """Even noise of 150 codes, and a highlight that must not count for noise."""
    light = bench.render(bench.normals(wavy), printed(bench))
    light[4, 30:60, 20:60] *= 1.6
    random = np.random.default_rng(8)
    codes = [np.round(c + 150 * random.standard_normal(c.shape)).clip(0).astype(np.uint16) for c in light]
    taken = pictures(codes, np.zeros_like(codes[0]), Sensor(0.0, 65535.0, 0.0, 1.0))
    found = with_estimated_noise(taken, bench.field()).sensor
    assert found.noise_a == 0.0
    assert np.sqrt(found.noise_b) == pytest.approx(150, rel=0.15)


def test_noise_of_a_dark_stack_cannot_be_estimated(bench: Any) -> None:
    taken = bench.expose(np.zeros((8, bench.height, bench.width, 3)), None)
    with pytest.raises(StationError, match="bright enough"):
        with_estimated_noise(taken, bench.field())


def test_a_black_level_that_looks_like_albedo_cannot_be_told(bench: Any) -> None:
    """Under one ring every surface explains a common code."""
    light = bench.render(bench.normals(wavy), printed(bench))
    field = directional_field(bench.lights, np.full((8, 3), 30000.0))
    taken = replace(bench.expose(light, 1), ambient=None)
    with pytest.raises(StationError, match="take a dark picture"):
        with_estimated_black(taken, field)
    with pytest.raises(StationError, match="come with a dark one"):
        with_estimated_black(bench.expose(light, 1), field)


@pytest.mark.parametrize("left_out", [3, -1])
def test_too_many_lights_cannot_be_left_out(bench: Any, left_out: int) -> None:
    taken = bench.expose(bench.render(bench.normals(wavy), np.full((1, 1, 3), 0.5)), None)
    with pytest.raises(StationError, match="left out"):
        solve(taken, bench.field(), estimator=replace(TRIMMED, left_out=left_out))


def frames(count: Any = 4, shape: Any = (6, 8, 3), dtype: Any = np.uint16) -> Any:
    return [np.full(shape, 100 + 10 * k, dtype) for k in range(count)]


@pytest.mark.parametrize(
    ("lit", "ambient", "says"),
    [
        (frames(2), frames(1)[0], "2 lit pictures"),
        ([*frames(3), np.ones((6, 9, 3), np.uint16)], frames(1)[0], "light 3"),
        (frames(4), np.ones((6, 8), np.uint16), "ambient"),
        (frames(4, dtype=np.float32), np.ones((6, 8, 3), np.float32), "float32"),
        (frames(4, shape=(0, 8, 3)), np.ones((0, 8, 3), np.uint16), "not \\(H, W\\)"),
        ([*frames(3), frames(1, dtype=np.uint8)[0]], frames(1)[0], "uint8"),
    ],
)
def test_pictures_that_do_not_belong_together_are_refused(lit: Any, ambient: Any, says: Any) -> None:
    with pytest.raises(StationError, match=says) as refused:
        pictures(lit, ambient, Sensor(0.0, 65535.0, 1.0, 1.0))
    assert refused.value.code == "stack_unusable"


@pytest.mark.parametrize(
    "directions",
    [np.zeros((4, 3)), np.full((4, 3), np.nan), np.tile([1.0, 0.0, -0.1], (4, 1)), np.ones((3, 2))],
)
def test_directions_that_point_nowhere_are_refused(directions: Any) -> None:
    with pytest.raises(StationError) as refused:
        directional_field(directions, np.ones((len(directions), 1)))
    assert refused.value.code == "stack_unusable"


def test_a_light_below_the_card_is_refused() -> None:
    with pytest.raises(StationError, match="above"):
        near_tangents(np.array([[10.0, 0.0, -1.0]]), np.zeros((2, 2, 3)))


def test_a_field_with_holes_is_refused(bench: Any) -> None:
    taken = bench.expose(bench.render(bench.normals(wavy), np.full((1, 1, 3), 0.5)), 1)
    field = bench.field()
    for value in (0.0, -1.0, np.nan):
        broken = field.flat.copy()
        broken[3, 2, 2, 1] = value
        with pytest.raises(StationError, match="positive"):
            solve(taken, replace(field, flat=broken))
    with pytest.raises(StationError, match="8 lights"):
        solve(taken, LightField(field.flat[:7], field.tangent[:7]))
    with pytest.raises(StationError, match="not numbers"):
        solve(taken, replace(field, tangent=field.tangent * np.float32(np.nan)))


def test_a_stack_clipped_all_over_is_refused(bench: Any) -> None:
    codes = np.full((8, bench.height, bench.width, 3), 65535, np.uint16)
    taken = Pictures(codes, np.zeros_like(codes[0]), Sensor(0.0, 65535.0, 1.0, 1.0))
    with pytest.raises(StationError, match="clipped"):
        solve(taken, bench.field())
