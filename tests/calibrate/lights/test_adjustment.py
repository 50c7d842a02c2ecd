"""The adjustment's pieces: derivatives are those of the values, normal equations those of the rows."""

import numpy as np
import pytest

from station.calibrate.lights.ball_rows import ball_jacobians, ball_residuals
from station.calibrate.lights.flat_rows import look_logs
from station.calibrate.lights.normal import add_up, inverse, solve
from station.calibrate.lights.posing import pose
from station.calibrate.lights.problem import Problem
from tests.calibrate.lights.synthetic import camera, session

STEP = 1e-5


@pytest.fixture(scope="module")
def problem() -> Problem:
    seen = session(40)
    return pose(camera(), seen.flats, seen.balls, seen.start, np.arange(8)).both


@pytest.fixture(scope="module")
def somewhere(problem: Problem) -> np.ndarray:
    """Not where anything is zero."""
    return problem.first + 0.01 * np.random.default_rng(1).normal(size=len(problem.first))


@pytest.mark.parametrize(
    "group", ["place", "level", "aim", "lobe", "vignetting", "shape", "blotch", "height", "tilt"]
)
@pytest.mark.parametrize("look", [0, 1])
def test_a_looks_derivatives(problem: Problem, somewhere: np.ndarray, group: str, look: int) -> None:
    _, jacobian = look_logs(problem, somewhere, look)
    for index in problem.unknowns.at(group).ravel():
        step = STEP * np.eye(len(somewhere))[index]
        up, down = (look_logs(problem, somewhere + sign * step, look)[0] for sign in (1, -1))
        assert jacobian[..., index] == pytest.approx((up - down) / (2 * STEP), abs=1e-7)


@pytest.mark.parametrize("group", ["place", "ball"])
def test_the_spheres_derivatives(problem: Problem, somewhere: np.ndarray, group: str) -> None:
    highlights, outlines = ball_jacobians(problem, somewhere)
    for index in problem.unknowns.at(group).ravel():
        step = 1e-4 * np.eye(len(somewhere))[index]
        up, down = (ball_residuals(problem, somewhere + sign * step) for sign in (1, -1))
        assert highlights[..., index] == pytest.approx((up[0] - down[0]) / 2e-4, rel=1e-3, abs=1e-3)
        assert outlines[..., index] == pytest.approx((up[1] - down[1]) / 2e-4, rel=1e-3, abs=1e-3)


def test_normal_equations_of_parts_are_those_of_the_whole() -> None:
    rng = np.random.default_rng(2)
    jacobian, residuals = rng.normal(size=(700, 90)), rng.normal(size=700)
    jacobian[:300, 40:] = 0
    parts = [(residuals[:300], jacobian[:300]), (residuals[300:], jacobian[300:])]
    half, slope, normal = add_up(parts, 90)
    assert half == pytest.approx(0.5 * residuals @ residuals)
    assert slope == pytest.approx(jacobian.T @ residuals)
    assert normal == pytest.approx(jacobian.T @ jacobian)
    assert normal @ solve(normal, slope) == pytest.approx(slope)
    assert normal @ inverse(normal) == pytest.approx(np.eye(90), abs=1e-9)
