"""How often the judge is wrong: every kind of mishap over many cards of the twin, and cards that lie well."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import cos, sin, tau
from typing import Any

import pytest

from station.calibrate.profile import load_profile
from station.documents.judgement import Expected
from station.scan.judging.judge import StackJudge
from station.twin.chance import stream
from station.twin.spec import CardSpec, Unkind
from station.twin.things import Edge, Hand, Pair
from tests.scan.judging.stacks import stack

CARDS = 40
EDGES: tuple[Edge, ...] = ("bottom", "left", "right", "top")
Things = Any


def good(card: CardSpec, number: int) -> Iterator[tuple[str, Things, str]]:
    """A card that lies well, in three ways; nothing is to be said of any."""
    yield "plain", card, ""
    yield "foil", replace(card, unkind=Unkind(foil=True)), ""
    yield "turned", replace(card, turned=True, copy=number), ""


def bad(card: CardSpec, number: int) -> Iterator[tuple[str, Things, str]]:
    """A card and each mishap, as mild as it has to be found, from some lit frame on."""
    rng = stream(number, "mishap")
    frame, way = int(rng.integers(2, 9)), float(rng.uniform(0, tau))
    jostled = replace(card, nudge=(0.3 * cos(way), 0.3 * sin(way), 0.0))
    yield "jostled by 0.3 mm", {0: card, frame: jostled}, "card_moved"
    turn = float(rng.choice((-0.3, 0.3)))
    yield "turned by 0.3 degrees", {0: card, frame: replace(card, nudge=(0.0, 0.0, turn))}, "card_moved"
    pushed = replace(card, nudge=tuple(float(x) for x in rng.uniform(1, 4, 3)))
    yield "pushed by millimetres", {0: card, frame: pushed}, "card_moved"
    hand = Hand(card, float(rng.uniform(0.5, 1.0)), EDGES[number % 4], number)
    yield (
        "a hand in some frames",
        {0: card, (first := int(rng.integers(1, 7))): hand, first + 2: card},
        ("card_moved"),
    )
    x, y = (float(rng.uniform(1.5, 30) * rng.choice((-1, 1))) for _ in range(2))
    apart = (x, y, float(rng.uniform(-20, 20)))
    yield "two cards", Pair.of(card, CardSpec(5_000 + number, card.side), apart), "two_cards"
    yield "in a sleeve", replace(card, unkind=Unkind(sleeve=True, foil=number % 2 == 0)), "card_glare"


def counted(cases: Callable[[CardSpec, int], Iterator[tuple[str, Things, str]]]) -> tuple[Counter[str], int]:
    """What was said wrongly, by kind, and of how many stacks."""
    judge, wrong, judged = StackJudge(load_profile("twin")), Counter[str](), 0
    for number in range(CARDS):
        card = CardSpec(3_000 + number // 2, "front" if number % 2 else "back")
        for kind, things, expected in cases(card, number):
            judgement, _ = judge.judge_pictures(stack(things, seed=number + 1), Expected())
            said = judgement.problems[0].code if judgement.problems else ""
            judged += 1
            if said != expected:
                wrong[f"{kind}: {said or 'nothing'} was said of {card.side} {card.seed}"] += 1
    return wrong, judged


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_no_card_that_lies_well_is_refused(record_property: Callable[[str, Any], None]) -> None:
    wrong, judged = counted(good)
    record_property("stacks", [judged, "1"])
    record_property("false_alarms", [wrong.total(), "1"])
    assert wrong == Counter()


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_no_mishap_is_missed_or_taken_for_another(record_property: Callable[[str, Any], None]) -> None:
    wrong, judged = counted(bad)
    record_property("stacks", [judged, "1"])
    record_property("misses", [wrong.total(), "1"])
    assert wrong == Counter()


def test_the_mishaps_of_the_long_proof_on_one_card() -> None:
    """So that the long proof does not rot: its cases, once."""
    judge = StackJudge(load_profile("twin"))
    said = {
        kind: [one.code for one in judge.judge_pictures(stack(things), Expected())[0].problems[:1]]
        for kind, things, _ in (*good(CardSpec(3_100), 1), *bad(CardSpec(3_100), 1))
    }
    expected = {
        kind: [code] if code else [] for kind, _, code in (*good(CardSpec(1), 1), *bad(CardSpec(1), 1))
    }
    assert said == expected
