"""Signals can be told apart by the eye alone, and without telling red from green."""

from typing import get_args

import pytest

from station.documents.batch import SignalKind
from station.scan.signals import SIGNALS
from station.wire.messages import BUZZER_MAX_MS

KINDS: tuple[SignalKind, ...] = get_args(SignalKind)
TURNED_ONE_BY_ONE = [kind for kind in KINDS if kind != "turn_pile"]
TURNED_AS_A_PILE = [kind for kind in KINDS if kind != "flip"]


def test_every_signal_has_its_light_and_every_tone_can_be_played() -> None:
    assert set(SIGNALS) == set(KINDS)
    for signal in SIGNALS.values():
        for tone in signal.tune:
            assert 100 <= tone.frequency_hz <= 10_000
            assert 1 <= tone.milliseconds <= BUZZER_MAX_MS
            assert tone.pause_ms >= 0


@pytest.mark.parametrize("kinds", [TURNED_ONE_BY_ONE, TURNED_AS_A_PILE], ids=["cards", "piles"])
def test_who_hears_nothing_sees_in_any_batch_which_signal_it_is(kinds: list[SignalKind]) -> None:
    assert len({(SIGNALS[kind].colour, SIGNALS[kind].pattern) for kind in kinds}) == len(kinds)


def test_who_sees_no_colour_knows_each_signal_by_pattern_and_tune() -> None:
    shining = {(SIGNALS[kind].colour != "off", SIGNALS[kind].pattern, SIGNALS[kind].tune) for kind in KINDS}
    assert len(shining) == len(KINDS)


def test_the_beep_that_says_safe_on_disk_is_two_tones_an_octave_above_all_others() -> None:
    safe = SIGNALS["take_away"].tune
    others = [tone for kind in KINDS if kind != "take_away" for tone in SIGNALS[kind].tune]
    assert len(safe) == 2
    assert min(tone.frequency_hz for tone in safe) >= 2 * max(tone.frequency_hz for tone in others) * 0.999


def test_green_asks_for_the_next_card_and_red_for_help() -> None:
    assert {kind for kind in KINDS if SIGNALS[kind].colour == "red"} == {"wrong", "fault"}
    assert {kind for kind in KINDS if SIGNALS[kind].colour == "green"} == {
        "place",
        "take_away",
        "flip",
        "turn_pile",
    }
