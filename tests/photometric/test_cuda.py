"""The solver on tensors against the compiled pass: the same code on torch's CPU, and on CUDA where it is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from station.documents.fault import StationError
from station.photometric import cuda
from station.photometric.coat import coat_over
from station.photometric.cuda import best_solver, gpu_present, solve_torch
from station.photometric.solve import LEAST_SQUARES, ROBUST, TRIMMED, Alignment, solve
from station.photometric.stack import LightField, NoiseFrom, Pictures, Sensor

EYE_MM = np.array([0.0, 0.0, 400.0])
ROWS = 25
"""Of a band: no divisor of the bench's 132 rows."""


@pytest.fixture(scope="module")
def torch() -> Iterator[Any]:
    """The library, on one thread. A gap fails in continuous integration and is a skip elsewhere."""
    try:
        import torch  # noqa: PLC0415
    except ImportError:
        if os.environ.get("CI") == "true":
            pytest.fail("torch is not installed: `make test` brings it", pytrace=False)
        pytest.skip("torch is not installed")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, bench: Any) -> None:
    """Bands of a few rows, six to a picture of eight lights and three channels."""
    monkeypatch.setattr(cuda, "VALUES_PER_BAND", 8 * 3 * bench.width * ROWS)


def wavy(x: Any, y: Any) -> Any:
    return 0.06 * np.sin(x / 6) + 0.02, 0.05 * np.cos(y / 8) - 0.03


def printed(bench: Any) -> Any:
    x, y = np.moveaxis(bench.grid_mm(bench.height, bench.width), 2, 0)[:2]
    return np.stack([0.4 + 0.3 * np.sin(x), 0.5 + 0.3 * np.sin(y + x / 3), np.full_like(x, 0.6)], axis=2)


def unkind(light: Any) -> Any:
    """A highlight on every twelfth pixel of each light, a shadow on every twentieth, clipped places."""
    random = np.random.default_rng(4)
    light = light.copy()
    for of_light in light:
        of_light[random.random(of_light.shape[:2]) < 0.08] *= 1.7
        of_light[random.random(of_light.shape[:2]) < 0.05] *= 0.2
    light[1, 5:25, 7:33, 1] = light[:, 30:34, 30:34] = light[3:, 40:44, 40:44] = 70000.0
    return light


def matte(bench: Any) -> Any:
    return bench.expose(bench.render(bench.normals(wavy), printed(bench)), 1), bench.field(), {}


def outliers(bench: Any) -> Any:
    light = unkind(bench.render(bench.normals(wavy), printed(bench)))
    return bench.expose(light, 2, ambient=3000.0), bench.field(), {}


def moved(bench: Any) -> Any:
    shifts = np.random.default_rng(2).uniform(-0.3, 0.3, (8, 2)).astype(np.float32)
    taken, field, _ = outliers(bench)
    return taken, field, {"alignment": Alignment(shifts, np.full(8, 0.05, np.float32))}


def steep(bench: Any) -> Any:
    """Turned away from some of the lights."""
    normals = bench.normals(lambda x, y: (1.45 + 0.2 * np.sin(x / 4), 0 * y + 0.1))
    light = np.clip(bench.render(normals, printed(bench)), 0, None)
    return bench.expose(light, 3), bench.field(), {}


def coated(bench: Any, nodes: Any = (53, 39)) -> Any:
    coat = coat_over(bench.grid_mm(*nodes), bench.lights, EYE_MM, np.array([0.0, 0.01, 0.0, 0.02, 0.0, 0.01]))
    normals = bench.normals(wavy)
    light = bench.shining(normals, bench.render(normals, printed(bench)), 0.2)
    return bench.expose(light, 5, ambient=500.0), bench.field(*nodes).coated(coat), {}


def one_channel(case: Any) -> Any:
    taken, field, settings = case
    dark = None if taken.ambient is None else taken.ambient[..., 1:2]
    return (
        replace(taken, lit=taken.lit[..., 1:2], ambient=dark),
        replace(field, flat=field.flat[..., 1:2]),
        settings,
    )


def bracketed(case: Any) -> Any:
    """Another noise from a code on that about half the pixels reach."""
    taken, field, settings = case
    s = taken.sensor
    brighter = (NoiseFrom(float(np.median(taken.lit)), 6 * s.noise_a, 20 * s.noise_b),)
    return replace(taken, sensor=replace(s, brighter=brighter)), field, settings


def of_8_bits(case: Any) -> Any:
    taken, field, settings = case
    s = taken.sensor
    sensor = Sensor(s.black_level / 256, 255.0, s.noise_a / 256, s.noise_b / 65536 + 1 / 12)
    lit, dark = ((codes >> 8).astype(np.uint8) for codes in (taken.lit, taken.ambient))
    return Pictures(lit, dark, sensor), replace(field, flat=field.flat / 256), settings


def three(bench: Any) -> Any:
    taken, field, settings = matte(bench)
    some = [0, 3, 5]
    return replace(taken, lit=taken.lit[some]), LightField(field.flat[some], field.tangent[some]), settings


def sixteen(bench: Any) -> Any:
    """A second ring inside the first; one channel."""
    taken, field, settings = one_channel(outliers(bench))
    inner = replace(bench, ring_mm=80.0)
    more, under, _ = one_channel(matte(inner))
    both = [np.concatenate(pair) for pair in ((field.flat, under.flat), (field.tangent, under.tangent))]
    return (
        replace(taken, lit=np.concatenate([taken.lit, more.lit]), ambient=None),
        LightField(*both),
        settings,
    )


def fine(bench: Any) -> Any:
    """A field with a node at every pixel."""
    taken, _, settings = matte(bench)
    return taken, bench.field(bench.height, bench.width), settings


def coarse(bench: Any) -> Any:
    """A field interpolated between columns `LINE` apart, over a width that is no multiple of it."""
    return coated(replace(bench, height=133, width=101), (5, 4))


def with_estimator(estimator: Any) -> Any:
    return lambda bench: (*outliers(bench)[:2], {"estimator": estimator})


CASES = {
    "matte": matte,
    "outliers": outliers,
    "least squares": with_estimator(LEAST_SQUARES),
    "trimmed": with_estimator(TRIMMED),
    "one left out": with_estimator(replace(ROBUST, left_out=1)),
    "moved": moved,
    "moved, one channel": lambda bench: one_channel(moved(bench)),
    "steep": steep,
    "coated": coated,
    "coated, one channel": lambda bench: one_channel(coated(bench)),
    "8 bits": lambda bench: one_channel(of_8_bits(matte(bench))),
    "brackets": lambda bench: bracketed(matte(bench)),
    "3 lights": three,
    "16 lights": sixteen,
    "fine field": fine,
    "coarse field": coarse,
    "coarse field, one channel": lambda bench: one_channel(coarse(bench)),
}


def assert_agree(a: Any, b: Any, angle_deg: Any) -> None:
    """The tolerances that `solve_torch` states."""
    for marks in ("clipped", "dark", "valid", "lights_used"):
        assert (getattr(a, marks) == getattr(b, marks)).mean() >= 0.9999, marks
    dull = a.gloss < 1e-5
    assert ((a.gloss_light == b.gloss_light) | dull).mean() >= 0.9999
    both = a.valid & b.valid
    apart = angle_deg(a.normals.astype(float), b.normals.astype(float))[both]
    assert np.percentile(apart, 99.9) < 2e-3
    assert np.count_nonzero(apart > 0.02) <= max(2, 1e-4 * apart.size)
    for name, most in (("albedo", 5e-5), ("sigma_rad", 2e-3), ("chi2", 1e-3)):
        of_a, of_b = getattr(a, name), getattr(b, name)
        relative = np.abs(of_a - of_b) / np.maximum(np.abs(of_a), 1e-2 if name == "chi2" else 1e-6)
        assert np.percentile(relative[both], 99.9) < most, name
    assert np.percentile(np.abs(a.gloss - b.gloss), 99.9) < 5e-5


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_result_is_that_of_the_compiled_pass(
    torch: Any, bench: Any, narrow: None, angle_deg: Any, case: Any
) -> None:
    taken, field, settings = case(bench)
    assert_agree(
        solve(taken, field, **settings), solve_torch(taken, field, **settings, device="cpu"), angle_deg
    )


def test_a_wrong_light_is_told(torch: Any, bench: Any, angle_deg: Any) -> None:
    """The comparison itself sees two lights swapped."""
    taken, field, _ = matte(bench)
    swapped = replace(taken, lit=taken.lit[[1, 0, *range(2, 8)]])
    with pytest.raises(AssertionError):
        assert_agree(solve(taken, field), solve_torch(swapped, field, device="cpu"), angle_deg)


def test_two_runs_give_the_same_bits(torch: Any, bench: Any, narrow: None) -> None:
    taken, field, settings = moved(bench)
    one, other = (solve_torch(taken, field, **settings, device="cpu") for _ in range(2))
    for name in ("normals", "albedo", "sigma_rad", "chi2", "gloss", "lights_used", "gloss_light", "valid"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("nodes", [(5, 4), (53, 39)], ids=["coarse field", "field with a column per pixel"])
def test_no_tensor_is_larger_than_a_band(torch: Any, bench: Any, narrow: None, nodes: Any) -> None:
    from torch.utils._python_dispatch import TorchDispatchMode  # noqa: PLC0415

    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal largest
            made = op(*args, **(kwargs or {}))
            if isinstance(made, torch.Tensor):
                largest = max(largest, made.nbytes)
            return made

    taken, field, settings = coated(bench, nodes)
    with Watch():
        solve_torch(taken, field, **settings, device="cpu")
    of_band = 4 * cuda.VALUES_PER_BAND
    assert of_band / 2 <= largest <= 9 / 8 * of_band  # the ambient picture travels with those of eight lights


def test_what_solve_refuses_is_refused_alike(torch: Any, bench: Any) -> None:
    taken, field, _ = matte(bench)
    cases = [
        ({"pictures": replace(taken, lit=np.full_like(taken.lit, 65535))}, "neither clipped nor dark"),
        ({"field": LightField(field.flat[:7], field.tangent[:7])}, "8 lights"),
        ({"estimator": replace(ROBUST, left_out=3)}, "cannot be left out"),
    ]
    for changed, says in cases:
        arguments = {"pictures": taken, "field": field, **changed}
        refused = []
        for solver in (solve, lambda **given: solve_torch(**given, device="cpu")):
            with pytest.raises(StationError, match=says) as error:
                solver(**arguments)
            refused.append((error.value.code, str(error.value)))
        assert refused[0] == refused[1]


def test_without_torch_the_compiled_pass_is_the_best(monkeypatch: pytest.MonkeyPatch, bench: Any) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not gpu_present()
    assert best_solver() is solve
    taken, field, _ = matte(bench)
    with pytest.raises(StationError, match="not installed") as refused:
        solve_torch(taken, field)
    assert refused.value.code == "gpu_missing"


def test_the_module_alone_loads_no_torch() -> None:
    code = "import sys, station.photometric.cuda; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


def test_the_best_solver_is_the_one_that_works_here(torch: Any, bench: Any) -> None:
    there = torch.cuda.is_available()
    assert gpu_present() == there
    assert best_solver() is (solve_torch if there else solve)
    if not there:
        taken, field, _ = matte(bench)
        with pytest.raises(StationError, match="no CUDA device") as refused:
            solve_torch(taken, field)
        assert refused.value.code == "gpu_missing"


@pytest.mark.skipif(not gpu_present(), reason="no CUDA device here")
def test_a_cuda_device_gives_the_same(torch: Any, bench: Any, narrow: None, angle_deg: Any) -> None:
    for case in CASES.values():
        taken, field, settings = case(bench)
        one, other = (solve_torch(taken, field, **settings) for _ in range(2))
        assert_agree(solve(taken, field, **settings), one, angle_deg)
        np.testing.assert_array_equal(one.normals, other.normals)
