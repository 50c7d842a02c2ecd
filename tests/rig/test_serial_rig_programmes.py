"""Exposure programmes, reported on this machine's clock."""

import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest

from station.documents.fault import StationError
from station.rig.interface import ExposureStep, StepReport
from station.rig.serial_rig import SerialRig
from station.wire import messages as m

STEP_S = 0.006
SWEEP = tuple(ExposureStep(light, 1_000, 4_000, 1_000) for light in (None, *range(8)))


# their reports have room, so that no step waits for us
FEW = SWEEP[1 : m.EVENT_QUEUE - m.EVENT_RESERVE - m.PANEL_RESERVE]
AHEAD_S = 0.8  # longer than loading takes here
STALE_S = 0.75  # the clocks are compared more often than this
ROUNDING_S = 3e-6  # moments are whole microseconds and ticks


@pytest.fixture(params=[-5_000, 0, 5_000], ids="{} ppm".format)
def off_board(request: pytest.FixtureRequest, start_software: Any) -> Any:
    """A board whose clock is slow or fast."""
    return start_software("--clock-ppm", str(request.param))


def agree(board: Any, reports: tuple[StepReport, ...]) -> None:
    """Every report is as near to the light log as it says."""
    lit = [report for report in reports if report.light is not None]
    changes = board.changes()[-2 * len(lit) :]
    assert [mask for _, mask in changes] == [mask for report in lit for mask in (1 << report.light, 0)]
    for report, (on_ns, _), (off_ns, _) in zip(lit, changes[::2], changes[1::2], strict=True):
        assert abs(report.on_s - on_ns / 1e9) <= report.uncertainty_s
        assert abs(report.off_s - off_ns / 1e9) <= report.uncertainty_s
        assert report.on_s < report.exposed_from_s < report.off_s


def test_steps_are_reported_as_near_to_the_truth_as_is_said(off_board: Any, make_rig: Any, poll: Any) -> None:
    rig = make_rig(off_board.link)
    rig.open()
    agree(off_board, rig.run(SWEEP))  # when only the nominal rate is known
    poll(lambda: rig.clock.rate_hz() != rig.clock.nominal_hz, "the rate was known")
    agree(off_board, rig.run(SWEEP))


def test_the_lights_go_on_when_they_were_to(off_board: Any, make_rig: Any, poll: Any) -> None:
    rig = make_rig(off_board.link)
    rig.open()
    for known in (False, True):
        if known:
            poll(lambda: rig.clock.rate_hz() != rig.clock.nominal_hz, "the rate was known")
        at_s = time.monotonic() + AHEAD_S
        errors_s = [rig.clock_error_s(AHEAD_S + STALE_S + STEP_S * number) for number in range(len(FEW))]
        agree(off_board, rig.run(FEW, at_s))
        lit_s = [when_ns / 1e9 for when_ns, mask in off_board.changes() if mask][-len(FEW) :]
        for number, on_s in enumerate(lit_s):
            assert abs(on_s - (at_s + STEP_S * number)) <= errors_s[number] + ROUNDING_S


@pytest.mark.parametrize("ahead_s", [-1.0, -0.001, 6.0])
def test_a_start_in_the_past_or_too_far_ahead_is_one_sentence(
    software_board: Any, rig: SerialRig, told: Any, failure: Any, ahead_s: float
) -> None:
    rig.switch(1, 5_000)
    error = failure(lambda: rig.run(SWEEP, time.monotonic() + ahead_s))
    assert (error.code, "has passed or lies too far ahead" in str(error)) == ("rig_fault", True)
    assert software_board.masks() == [0b10, 0]
    assert told.faults == []
    assert len(rig.run(SWEEP)) == len(SWEEP)
    rig.switch(3, 5_000)
    assert software_board.lit() == 1 << 3


def test_the_lease_is_kept_while_a_start_is_awaited(software_board: Any, make_rig: Any) -> None:
    rig = make_rig(software_board.link, lease_ms=m.LEASE_MIN_MS)
    rig.open()
    assert len(rig.run(SWEEP, time.monotonic() + 3 * m.LEASE_MIN_MS / 1_000)) == len(SWEEP)


def test_a_restart_while_a_start_is_awaited_is_raised(
    software_board: Any, rig: SerialRig, poll: Any, failure: Any
) -> None:
    errors: list[StationError] = []
    runner = threading.Thread(
        target=lambda: errors.append(failure(lambda: rig.run(SWEEP, time.monotonic() + 4)))
    )
    counts = rig.counts
    assert counts is not None
    loaded = counts.commands + len(SWEEP) + 5  # a comparison, begin, steps, end, arm, start
    runner.start()
    poll(lambda: counts.commands >= loaded, "the start was awaited")
    software_board.order("reset")
    runner.join()
    assert "restarted" in str(errors[0])
    assert software_board.masks() == []


def test_a_rig_that_was_never_open_knows_no_clock(make_rig: Any, failure: Any) -> None:
    assert failure(lambda: make_rig("/dev/null").clock_error_s(1.0)).code == "rig_missing"


def test_a_programme_is_loaded_once(rig: SerialRig) -> None:
    rig.run(SWEEP)
    counts = rig.counts
    assert counts is not None
    before = counts.commands
    rig.run(SWEEP)
    assert counts.commands - before < len(SWEEP)


def test_a_programme_beyond_the_limits_is_refused_and_the_next_runs(rig: SerialRig, failure: Any) -> None:
    too_long = (ExposureStep(0, 0, 11_000_000, 1_000),)
    assert "duration" in str(failure(lambda: rig.run(too_long)))
    assert len(rig.run(SWEEP)) == len(SWEEP)


def test_a_programme_completes_on_a_bad_line(software_board: Any, rig: SerialRig) -> None:
    software_board.order("corrupt 2%")
    software_board.order("drop 2%")
    reports = rig.run(SWEEP)
    assert [report.index for report in reports] == list(range(len(SWEEP)))


def test_a_restart_during_a_programme_ends_it(
    software_board: Any, rig: SerialRig, poll: Any, failure: Any
) -> None:
    long = (ExposureStep(1, 0, 9_000_000, 1_000),)
    errors: list[StationError] = []
    runner = threading.Thread(target=lambda: errors.append(failure(lambda: rig.run(long))))
    runner.start()
    poll(lambda: software_board.lit() == 0b10, "the step had begun")
    software_board.order("reset")
    runner.join()
    assert "restarted" in str(errors[0])
    assert len(rig.run(SWEEP)) == len(SWEEP)


@pytest.mark.soak
def test_many_starts_are_met(
    off_board: Any, make_rig: Any, record_property: Callable[[str, object], None]
) -> None:
    rig = make_rig(off_board.link)
    rig.open()
    met_s, shares = [], []
    for _ in range(40):
        at_s = time.monotonic() + AHEAD_S
        error_s = rig.clock_error_s(AHEAD_S + STALE_S)
        agree(off_board, rig.run(FEW, at_s))
        on_s = off_board.changes()[-2 * len(FEW)][0] / 1e9
        met_s.append(abs(on_s - at_s))
        shares.append(met_s[-1] / error_s)
    record_property("start met, worst", [max(met_s[5:]) * 1e6, "us"])  # the rate is known by then
    record_property("start met, median", [median(met_s) * 1e6, "us"])
    record_property("start met, worst share of the error told", [max(shares), "1"])
    assert max(shares) <= 1.0
