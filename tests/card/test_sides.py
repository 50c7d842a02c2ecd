"""Front or back, upright or not: learned from the sides before, and open while those are too few."""

import numpy as np
import pytest

from station.card.appearance import Look, look_at, turned
from station.card.sides import FEWEST, UPRIGHT_FEWEST, Sides
from station.documents.plan import Side
from tests.benchmarks._faces import painted, taken

COUNT = 2 * UPRIGHT_FEWEST + 4


@pytest.fixture(scope="module")
def looks() -> dict[Side, list[Look]]:
    rng = np.random.default_rng(4)
    sides: tuple[Side, Side] = ("front", "back")
    return {side: [look_at(taken(painted(seed, side), rng)) for seed in range(COUNT)] for side in sides}


def learned(looks: dict[Side, list[Look]], count: int = UPRIGHT_FEWEST) -> Sides:
    sides = Sides()
    for side, known in looks.items():
        for look in known[:count]:
            sides.remember(side, look)
    return sides


def test_side_and_way_up_are_told(looks: dict[Side, list[Look]]) -> None:
    sides = learned(looks)
    for side, known in looks.items():
        for look in known[UPRIGHT_FEWEST:]:
            assert [(v.side, v.turned) for v in map(sides.judge, (look, turned(look)))] == [
                (side, False),
                (side, True),
            ]


def test_nothing_is_told_of_what_is_hardly_known(looks: dict[Side, list[Look]]) -> None:
    sides, (*_, one, other) = learned(looks, FEWEST - 1), looks["front"]
    assert (sides.judge(one).side, sides.judge(one).turned) == (None, None)
    for side, known in looks.items():
        sides.remember(side, known[FEWEST])
    assert (sides.judge(other).side, sides.judge(other).turned) == ("front", None)
    alone = learned({"front": looks["front"]})
    assert (alone.judge(other).side, alone.judge(turned(other)).turned) == (None, True)


def test_a_side_that_looks_the_same_either_way_up_leaves_that_open() -> None:
    face = painted(1, "back")
    symmetric = look_at((face + face[::-1, ::-1]) / 2)
    sides = Sides()
    for _ in range(UPRIGHT_FEWEST):
        sides.remember("back", symmetric)
    assert sides.judge(symmetric).turned is None


def test_a_strange_face_is_neither(looks: dict[Side, list[Look]]) -> None:
    sides = learned(looks, COUNT)
    chess = np.kron(np.indices((11, 8)).sum(axis=0) % 2, np.ones((24, 24)))[..., None] * (1.0, 0.1, 0.1)
    verdict = sides.judge(look_at((0.02 + chess).astype(np.float32)))
    assert (verdict.side, verdict.turned) == (None, None)


def test_sides_that_lie_upside_down_are_turned_before_they_are_learned_from(
    looks: dict[Side, list[Look]],
) -> None:
    sides = learned(looks)
    assert all(sides.remember("front", turned(look)).turned for look in looks["front"][UPRIGHT_FEWEST:-1])
    assert not sides.remember("front", looks["front"][-1]).turned


def test_upright_is_how_most_of_them_lay(looks: dict[Side, list[Look]]) -> None:
    sides = learned({"front": [turned(look) for look in looks["front"]]})
    assert sides.judge(looks["front"][-1]).turned is True
    for look in looks["front"][UPRIGHT_FEWEST : 2 * UPRIGHT_FEWEST + 1]:
        sides.remember("front", look)
    assert sides.judge(looks["front"][-1]).turned is False


def test_what_is_forgotten_leaves_no_trace(looks: dict[Side, list[Look]]) -> None:
    sides, probe = learned(looks), looks["back"][-1]
    before = sides.judge(probe)
    lessons = [
        (side, look, sides.remember(side, look)) for side in looks for look in looks[side][UPRIGHT_FEWEST:]
    ]
    assert sides.judge(probe) != before
    for side, look, lesson in reversed(lessons):
        sides.forget(side, look, lesson)
    assert sides.judge(probe) == before
    assert sides.known("front") == UPRIGHT_FEWEST
