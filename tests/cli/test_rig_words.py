"""What people say on the console, and what is made of it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.cli.rig_words import HELP, Wait, understand
from station.documents.rig import (
    BeepOrder,
    IndicatorOrder,
    LightOrder,
    LightsOrder,
    PlainOrder,
    ProgrammeOrder,
)


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("light 3 for 200 ms", LightOrder(light=3, max_on_ms=200)),
        ("Light 3 for 0.2s", LightOrder(light=3, max_on_ms=200)),
        ("light 7", LightOrder(light=7, max_on_ms=1_000)),
        ("lights 0 3 at 40 % for 2 s", LightsOrder(lights=(0, 3), percent=40, max_on_ms=2_000)),
        ("lights 0, 3 and 5 at 12.5%", LightsOrder(lights=(0, 3, 5), percent=12.5, max_on_ms=1_000)),
        ("lights all for 50ms", LightsOrder(lights=tuple(range(8)), max_on_ms=50)),
        ("off", PlainOrder(do="off")),
        ("  STATUS ", PlainOrder(do="status")),
        ("indicator red slow", IndicatorOrder(colour="red", pattern="slow")),
        ("Indicator GREEN", IndicatorOrder(colour="green")),
        ("led off", IndicatorOrder(colour="off")),
        ("beep", BeepOrder()),
        ("beep at 880 Hz for 80 ms", BeepOrder(frequency_hz=880, duration_ms=80)),
        ("beep for 1 s", BeepOrder(duration_ms=1_000)),
        ("programme dark 0 7", ProgrammeOrder(lights=(None, 0, 7))),
        (
            "program 1 2 expose 15 ms settle 500 us gap 1 s trigger",
            ProgrammeOrder(lights=(1, 2), expose_us=15_000, settle_us=500, gap_us=1_000_000, trigger=True),
        ),
        ("wait 250 ms", Wait(0.25)),
        ("help", "help"),
        ("exit", "quit"),
        ("", None),
        ("# a remark", None),
    ],
)
def test_words_are_understood(line: str, order: object) -> None:
    assert understand(line) == order


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("lihgt 3", "`lihgt` is not known; did you mean `light`?"),
        ("xyzzy", "`xyzzy` is not known; try `help`"),
        ("light", "say: light NUMBER [for TIME], such as `light 3 for 200 ms`"),
        ("light three", "say: light NUMBER [for TIME], such as `light 3 for 200 ms`"),
        ("light 3 for 200", "say: light NUMBER [for TIME], such as `light 3 for 200 ms`"),
        ("light 8", "light: should be less than or equal to 7, not 8"),
        ("light 3 for 11 s", "max_on_ms: should be less than or equal to 10000, not 11000"),
        ("light 3 for 0 s", "max_on_ms: should be greater than or equal to 1, not 0"),
        ("lights 0 at 0 %", "percent: should be greater than 0, not 0.0"),
        ("lights 0 at 101 %", "percent: should be less than or equal to 100, not 101.0"),
        ("lights 0 9", "lights: should be less than or equal to 7, not 9"),
        ("beep at 20 Hz", "frequency_hz: should be greater than or equal to 100, not 20"),
        ("off now", "say: `off` alone"),
        ("quit now", "say: `quit` alone"),
        ("programme expose 1 ms", "say: programme STEPS"),
        ("wait", "say: wait TIME, such as `wait 2 s`"),
    ],
)
def test_what_is_not_understood_gets_one_sentence(line: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the sentence is looked at below
        understand(line)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_every_line_of_the_help_is_understood() -> None:
    for line in HELP.splitlines():
        example = line.split("   ")[0].strip().replace("[", "").replace("]", "")
        for words in example.split(", ") if example[:5] in ("statu", "help,") else [example]:
            if words:
                assert understand(words) is not None


@given(
    st.text(max_size=60)
    | st.from_regex(r"(light|lights|beep|indicator|programme|wait) [0-9 a-z%.]{0,30}", fullmatch=True)
)
def test_any_line_is_understood_or_refused(line: str) -> None:
    with suppress(ValueError):
        understand(line)  # whatever else it raised would fail this test
