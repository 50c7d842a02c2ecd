"""How near the default estimator comes to what the light allows, and what highlights do to it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.photometric.solve import LEAST_SQUARES, ROBUST, solve
from station.photometric.stack import Pictures, Sensor

SNR = 100.0
SENSOR = Sensor(black_level=0.0, full_scale=65535.0, noise_a=2.0, noise_b=50.0)
Array = NDArray[np.float64]


def wavy(x: Any, y: Any) -> Any:
    return 0.05 * np.sin(x / 6) + 0.02, 0.05 * np.cos(y / 8) - 0.03


def exposed(light: Array, sensor: Sensor, seed: int) -> Pictures:
    """Codes with the sensor's noise; no ambient picture, so no noise of one."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal(light.shape) * np.sqrt(
        sensor.noise_a * np.clip(light, 0, None) + sensor.noise_b
    )
    return Pictures(np.clip(np.round(light + noise), 0, 65535).astype(np.uint16), None, sensor)


def photon_limit_deg(light: Array, field: Any, sensor: Sensor, normals: Array) -> float:
    """Mean angle that noise alone leaves any unbiased estimator (Cramer and Rao)."""
    points = 40
    rows = np.linspace(0, light.shape[1] - 1, points).astype(int)
    columns = np.linspace(0, light.shape[2] - 1, points).astype(int)
    at = np.ix_(range(8), np.round(rows / (light.shape[1] - 1) * 22).astype(int),
                np.round(columns / (light.shape[2] - 1) * 16).astype(int))  # fmt: skip
    rays = field.flat[at][..., :1] * np.concatenate(
        [field.tangent[at], np.ones((8, points, points, 1))], axis=-1
    )
    code = light[:, rows][:, :, columns, 0]
    weight = 1.0 / (sensor.noise_a * code + sensor.noise_b)
    covariance = np.linalg.inv(np.einsum("khwi,khw,khwj->hwij", rays, weight, rays))
    unit = normals[rows][:, columns]
    albedo = np.einsum("khw,khw->hw", code, np.einsum("khwi,hwi->khw", rays, unit)) / (
        np.einsum("khwi,hwi->khw", rays, unit) ** 2
    ).sum(axis=0)
    random = np.random.default_rng(0).standard_normal((400, 1, 1, 3))
    root = np.linalg.cholesky(covariance)
    error = (root @ random[..., None])[..., 0] / albedo[..., None]
    across = error - (error * unit).sum(axis=-1, keepdims=True) * unit
    return float(np.degrees(np.linalg.norm(across, axis=-1)).mean())


@pytest.fixture
def matte(make_bench: Any) -> Any:
    """A bench, a wavy matte card's noise-free light in one channel, its field and normals."""
    bench = make_bench(height=264, width=192, peak=9000.0)
    normals = bench.normals(wavy)
    light = bench.render(normals, np.full((1, 1, 3), 0.5))[..., 1:2]
    field = bench.field()
    return bench, light, replace(field, flat=field.flat[..., 1:2]), normals


def noise_of_snr(light: Array) -> Sensor:
    """Photon noise that makes the mean level a hundred times its deviation."""
    return Sensor(0.0, 65535.0, float(light.mean()) / SNR**2, 1 / 12)


def test_a_matte_card_is_as_good_as_its_photons(matte: Any, angle_deg: Callable[..., Any]) -> None:
    _, light, field, normals = matte
    sensor = noise_of_snr(light)
    limit = photon_limit_deg(light, field, sensor, normals)
    errors = [angle_deg(solve(exposed(light, sensor, s), field).normals, normals).mean() for s in range(3)]
    assert 0.2 < limit < 0.6
    assert 0.95 * limit < np.mean(errors) < 1.1 * limit


def test_nothing_is_smoothed_to_get_there(matte: Any) -> None:
    """Errors of neighbouring pixels have nothing to do with each other."""
    _, light, field, normals = matte
    error = (solve(exposed(light, noise_of_snr(light), 5), field).normals - normals)[..., :2]
    for beside in (error[:, 1:] * error[:, :-1], error[1:] * error[:-1]):
        assert abs(beside.mean() / (error**2).mean()) < 0.05


def test_a_fine_groove_keeps_its_depth(make_bench: Any) -> None:
    """A groove 0.1 mm wide, two pixels of 0.05 mm: the slopes come back as the camera saw them."""
    bench = make_bench(height=96, width=96, span_mm=4.75)

    def groove(x: Any, y: Any) -> Any:
        return np.where(np.abs(x) < 0.05, -0.15 * np.sign(x + 1e-9), 0.0), 0 * y

    normals = bench.normals(groove)
    light = bench.render(normals, np.full((1, 1, 3), 0.5))
    sensor = noise_of_snr(light)
    found = np.mean([solve(exposed(light, sensor, s), bench.field()).normals for s in range(6)], axis=0)
    hit = np.abs(normals[..., 0]) > 0.05
    assert 0.015 < hit.mean() < 0.05
    response = (found[..., 0] * normals[..., 0])[hit].sum() / (normals[..., 0] ** 2)[hit].sum()
    assert 0.95 <= response <= 1.05


def test_one_code_of_one_light_changes_a_glossy_card_little(
    make_bench: Any, angle_deg: Callable[..., Any]
) -> None:
    """Eight-bit codes and highlights: at most twice what least squares makes of it, 99th percentile."""
    bench = make_bench(height=264, width=192, peak=190.0)
    normals = bench.normals(wavy)
    light = bench.shining(normals, bench.render(normals, np.full((1, 1, 3), 0.5)), 0.15)[..., 1:2]
    sensor = Sensor(0.0, 255.0, 0.02, 0.1)
    random = np.random.default_rng(3)
    noisy = light + random.standard_normal(light.shape) * np.sqrt(sensor.noise_a * light + sensor.noise_b)
    codes = np.clip(np.round(noisy), 1, 249).astype(np.uint8)
    moved = codes.copy()
    rows, columns = np.indices(codes.shape[1:3])
    which, step = random.integers(0, 8, rows.shape), random.choice([-1, 1], rows.shape)
    moved[which, rows, columns, 0] = (codes[which, rows, columns, 0].astype(int) + step).astype(np.uint8)
    field = bench.field()
    field = replace(field, flat=field.flat[..., 1:2])

    def change(estimator: Any) -> Any:
        both = (solve(Pictures(c, None, sensor), field, estimator=estimator).normals for c in (codes, moved))
        return np.percentile(angle_deg(*both), 99)

    assert change(ROBUST) <= 2 * change(LEAST_SQUARES)
