"""Numbers of frames jump where stamps say that frames never came, and nowhere else."""

import random

import numpy as np
import pytest

from station.camera.numbering import Numbering
from station.camera.tail import Tails


def numbers(stamps: list[float], gaps_show: bool = True) -> list[int]:
    counted = Numbering(gaps_show)
    return [counted.number(stamp) for stamp in stamps]


def test_jitter_is_no_gap() -> None:
    chance = random.Random(1)
    stamps = [k / 30 + chance.uniform(-2e-3, 2e-3) for k in range(200)]
    assert numbers(stamps) == list(range(1, 201))


@pytest.mark.parametrize("lost", [1, 2, 7])
def test_lost_frames_leave_a_gap(lost: int) -> None:
    came = [k for k in range(60) if not 20 <= k < 20 + lost]
    assert numbers([k / 30 for k in came]) == [k + 1 for k in came]


def test_a_slower_pace_is_no_gap_for_long() -> None:
    """A camera that stretches its period: its frames are numbered one by one again soon."""
    stamps = [k / 30 for k in range(30)] + [1 + k / 15 for k in range(30)]
    assert list(np.diff(numbers(stamps))[-15:]) == [1] * 15


def test_a_new_pace_that_was_announced() -> None:
    counted = Numbering(True)
    for k in range(20):
        counted.number(k / 30)
    counted.restart()
    assert [counted.number(10 + k / 5) for k in range(10)] == list(range(21, 31))


def test_where_stamps_tell_nothing_frames_are_counted() -> None:
    assert numbers([0.0, 0.1, 5.0, 5.1, 60.0, 60.1, 90.0, 95.0, 95.1], gaps_show=False) == list(range(1, 10))


def noisy(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 3, shape).astype(np.uint8)


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 2), (48, 64, 3), (5, 7)])
def test_an_end_seen_before(shape: tuple[int, ...]) -> None:
    tails = Tails()
    assert [tails.stale(noisy(seed, shape)) for seed in (1, 2, 3, 4, 1, 5)] == [False] * 4 + [True, False]


def test_dark_and_clipped_ends_may_repeat() -> None:
    tails = Tails()
    for picture in (np.zeros((48, 64), np.uint8), np.full((48, 64, 3), 255, np.uint8)):
        assert not any(tails.stale(picture) for _ in range(3))
    coloured = np.zeros((48, 64, 2), np.uint8)
    coloured[:, ::2, 1], coloured[:, 1::2, 1] = 90, 170  # even colour, as YUYV has it
    assert not any(tails.stale(coloured) for _ in range(3))
