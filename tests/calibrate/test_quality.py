"""Verdicts: from a figure to a word with its reason, and from all of them to one."""

import pytest

from station.calibrate.quality import RULES, judged, quality, told
from station.documents.calibration import CalibrationFinding

BAD = CalibrationFinding(
    kind="swapped", lights=(1, 2), message="lights 1 and 2 are swapped", next_step="swap"
)


@pytest.mark.parametrize("name", RULES)
def test_every_limit_has_its_two_sides(name: str) -> None:
    rule = RULES[name]
    assert rule.usable < rule.redo
    assert judged(name, rule.usable).verdict == "pass"
    assert judged(name, rule.usable * 1.001).verdict == "usable"
    assert judged(name, rule.redo * 1.001).verdict == "redo"
    assert rule.why in judged(name, rule.redo * 1.001).reason


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_was_not_measured_is_not_judged(value: float | None) -> None:
    figure = judged("sheet_bow_mm", value)
    assert (figure.verdict, figure.value) == ("not_assessed", None)
    assert told("gamma", "Gamma", value).value is None


def test_the_worst_figure_decides_and_is_named() -> None:
    good, poor = judged("focal_percent", 0.01), judged("sheet_bow_mm", 0.5)
    assert quality((good,), (), ()).verdict == "pass"
    over_all = quality((good, poor, told("gamma", "Gamma", 1.0)), (), ())
    assert over_all.verdict == "usable"
    assert "bow of the white sheet above 0.3 mm" in over_all.reason


def test_a_severe_finding_decides_whatever_the_figures_say() -> None:
    found = quality((judged("focal_percent", 0.01),), (), (BAD,))
    assert found.verdict == "redo"
    assert found.reason == "lights 1 and 2 are swapped."
    assert quality((judged("focal_percent", 0.01),), (), (BAD.replace(severe=False),)).verdict == "pass"


def test_nothing_measured_is_no_pass() -> None:
    assert quality((judged("focal_percent", None),), (), ()).verdict == "not_assessed"
