"""The library finds what it was given, either way up, however much was added and removed."""

import numpy as np
import pytest

from station.card.appearance import BITS, LAYOUT_SHAPE, Look, turned
from station.card.recognition import Library

LAYOUT = np.zeros(LAYOUT_SHAPE, np.uint8)


def some(rng: np.random.Generator) -> Look:
    return Look(rng.integers(0, 256, BITS // 8, np.uint8), LAYOUT)


def spoiled(look: Look, bits: int, rng: np.random.Generator) -> Look:
    mask = np.zeros(BITS, np.uint8)
    mask[rng.permutation(BITS)[:bits]] = 1
    return Look(look.bits ^ np.packbits(mask), LAYOUT)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def test_an_empty_library_knows_nobody(rng: np.random.Generator) -> None:
    assert Library().nearest(some(rng), 5) == ()


def test_the_nearest_comes_first_with_its_distance_and_its_way_up(rng: np.random.Generator) -> None:
    library, look = Library(), some(rng)
    for k in range(200):
        library.add(f"other {k}", some(rng))
    library.add("upright", spoiled(look, 30, rng))
    library.add("turned", turned(spoiled(look, 20, rng)))
    first, second, third = library.nearest(look, 3)
    assert (first.key, first.distance, first.turned) == ("turned", 20, True)
    assert (second.key, second.distance, second.turned) == ("upright", 30, False)
    assert third.distance > 300
    assert third.key.startswith("other")


def test_no_more_are_told_than_there_are(rng: np.random.Generator) -> None:
    library = Library()
    library.add("only", some(rng))
    assert [match.key for match in library.nearest(some(rng), 7)] == ["only"]


def test_what_was_removed_is_not_found_and_the_rest_is(rng: np.random.Generator) -> None:
    library, looks = Library(), {f"{k}": some(rng) for k in range(300)}
    for key, look in looks.items():
        library.add(key, look)
    gone = {key for key in looks if int(key) % 3 == 0}
    for key in rng.permutation(sorted(gone)).tolist():
        library.remove(key)
    library.remove("never there")
    assert len(library) == 200
    for key, look in looks.items():
        (match,) = library.nearest(look)
        assert (match.key == key) == (key not in gone)
        assert (key in library) == (key not in gone)
        assert (match.distance == 0) == (key not in gone)


def test_a_key_that_is_there_is_replaced(rng: np.random.Generator) -> None:
    library, look = Library(), some(rng)
    library.add("key", some(rng))
    library.add("key", look)
    assert len(library) == 1
    assert library.nearest(look)[0].distance == 0


def test_ten_thousand_are_searched_in_one_pass(rng: np.random.Generator) -> None:
    library, sought = Library(), some(rng)
    for k in range(10_000):
        library.add(str(k), sought if k == 6_543 else some(rng))
    near = library.nearest(sought, 2)
    assert near[0][:3] == ("6543", 0, False)
    assert 400 < near[1].distance < 500
