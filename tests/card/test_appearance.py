"""A look survives what light, noise and place do to a picture, and knows itself upside down."""

import numpy as np
import pytest

from station.card.appearance import (
    BITS,
    LAYOUT_SHAPE,
    SMALLEST_PX,
    Look,
    from_document,
    look_at,
    to_document,
    turned,
)
from station.card.recognition import SAME
from station.documents.judgement import Appearance
from tests.benchmarks._faces import Face, painted, taken


def apart(one: Look, other: Look) -> int:
    return int(np.bitwise_count(one.bits ^ other.bits).sum())


@pytest.fixture(scope="module")
def face() -> Face:
    return painted(3)


def test_a_look_has_its_bits_and_its_layout(face: Face) -> None:
    look = look_at(face)
    assert (look.bits.dtype, look.bits.size) == (np.uint8, BITS // 8)
    assert (look.layout.dtype, look.layout.shape) == (np.uint8, LAYOUT_SHAPE)
    assert 0.4 < np.unpackbits(look.bits).mean() < 0.6


@pytest.mark.parametrize("how", [{}, {"noise": 0.04}, {"glint": True}], ids=["light", "noise", "glint"])
def test_the_same_face_taken_again_is_the_same(face: Face, how: dict[str, float]) -> None:
    rng = np.random.default_rng(5)
    assert max(apart(look_at(face), look_at(taken(face, rng, **how))) for _ in range(5)) <= SAME


def test_brightness_alone_changes_nothing(face: Face) -> None:
    look = look_at(face)
    for factor in (1e-3, 700.0):
        again = look_at(face * np.float32(factor))
        assert apart(look, again) <= 2
        assert np.abs(again.layout.astype(int) - look.layout).max() <= 1


def test_a_shift_by_a_pixel_is_forgiven(face: Face) -> None:
    for axis in (0, 1):
        assert apart(look_at(face), look_at(np.roll(face, 1, axis))) <= SAME


def test_other_cards_are_others(face: Face) -> None:
    look = look_at(face)
    others = [look_at(painted(seed)) for seed in range(10, 22)]
    assert min(min(apart(look, other), apart(turned(look), other)) for other in others) > SAME
    assert min(apart(look, look_at(painted(seed, "back"))) for seed in (3, 4)) > 2 * SAME


def test_the_size_of_the_picture_hardly_matters(face: Face) -> None:
    shrunk = face[:-1:2, ::2]
    with pytest.raises(ValueError, match="cannot be looked at"):
        look_at(shrunk)
    large = np.repeat(np.repeat(face, 2, axis=0), 2, axis=1)
    assert apart(look_at(face), look_at(large)) <= 30


def test_the_look_of_the_turned_face_needs_no_picture(face: Face) -> None:
    look, round_ = look_at(face), look_at(np.ascontiguousarray(face[::-1, ::-1]))
    assert apart(turned(look), round_) <= 5
    assert np.abs(turned(look).layout.astype(int) - round_.layout).max() <= 1
    again = turned(turned(look))
    assert apart(again, look) == 0
    assert np.array_equal(again.layout, look.layout)
    assert apart(turned(look), look) > 2 * SAME


def test_what_is_stored_is_what_was_seen(face: Face) -> None:
    look = look_at(face)
    document = Appearance.model_validate_json(to_document(look).model_dump_json())
    again = from_document(document)
    assert np.array_equal(again.bits, look.bits)
    assert np.array_equal(again.layout, look.layout)


def test_an_appearance_that_cannot_be_compared_is_refused(face: Face) -> None:
    document = to_document(look_at(face))
    for change, why in (
        ({"version": 999}, "version 999"),
        ({"bits": "00"}, "8 bits"),
        ({"bits": "no hexadecimal"}, "pattern"),
        ({"layout": "AAA&"}, "pattern"),
        ({"layout": ""}, "layout of 0"),
    ):
        with pytest.raises(ValueError, match=why):
            from_document(document.replace(**change))


def test_what_shows_nothing_is_not_looked_at() -> None:
    rows, columns = SMALLEST_PX
    for nothing in (np.zeros((rows, columns, 3)), np.ones((rows, columns)), np.ones((rows - 1, columns, 3))):
        with pytest.raises(ValueError, match="cannot be looked at"):
            look_at(nothing.astype(np.float32))


def test_a_plain_face_has_a_look() -> None:
    rows, columns = SMALLEST_PX
    plain = look_at(np.full((rows, columns, 3), 0.5, np.float32))
    assert np.all(plain.layout == 128)
