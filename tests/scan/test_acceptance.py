"""Which frames count: every bound at its worst, on both sides of it."""

from dataclasses import replace

import pytest

from station.camera.frame_clock import Grid, Stamping
from station.camera.interface import CameraMode
from station.camera.timing import DARK_US, LATENCY_US, Known, decide
from station.documents.plan import ScanPlan, Timing
from station.rig.interface import StepReport
from station.scan.acceptance import StampGate, judge_locked, judge_triggered
from station.scan.locking import LEAST, STROBE_LOSS, Lead, has_room, horizon_s, known, settled
from station.scan.schedule import Exposure, Schedule, exposures_of, locked, triggered

PERIOD_US = 33_000
FRAME_ERROR_S, REPORT_ERROR_S = 0.0004, 0.0003
ALL = exposures_of(ScanPlan(lights=(0, 1, 2)))
GRID = Grid(0, 100, 50.0, ((-FRAME_ERROR_S, PERIOD_US / 1e6), (FRAME_ERROR_S, PERIOD_US / 1e6)))
TINY_S = 20e-6


def mode_of(exposure_us: int, readout_us: int) -> CameraMode:
    return CameraMode(640, 820, exposure_us, 1.0, PERIOD_US, readout_us)


WHOLE, STROBE, ALTERNATE = mode_of(15_000, 12_000), mode_of(32_000, 12_000), mode_of(32_000, 28_000)
cases = pytest.mark.parametrize(
    ("mode", "kind"),
    [(WHOLE, "whole"), (STROBE, "strobe"), (ALTERNATE, "alternate")],
    ids=["whole", "strobe", "alternate"],
)


def planned(mode: CameraMode) -> tuple[Timing, Schedule, list[StepReport]]:
    """A programme, and the reports of a board that does what it was told."""
    timing = decide(Known(mode, PERIOD_US, 1_000))
    schedule = locked(ALL, timing, mode, GRID, 53.0)
    assert schedule.at_s is not None
    reports, now_s = [], schedule.at_s
    for index, step in enumerate(schedule.steps):
        off_s = now_s + step.expose_us / 1e6
        reports.append(StepReport(index, step.light, now_s, now_s, off_s, REPORT_ERROR_S))
        now_s = off_s + step.gap_us / 1e6
    return timing, schedule, reports


def moved(report: StepReport, on_s: float, off_s: float) -> StepReport:
    return replace(report, on_s=report.on_s + on_s, off_s=report.off_s + off_s)


@cases
def test_what_went_as_planned_counts(mode: CameraMode, kind: str) -> None:
    timing, schedule, reports = planned(mode)
    assert timing.kind == kind
    assert judge_locked(schedule, reports, GRID, timing, mode) == ("",) * len(ALL)


@cases
def test_a_light_may_be_out_of_place_by_what_both_clocks_leave_and_no_more(
    mode: CameraMode, kind: str
) -> None:
    """The room on either side less the errors of the frame's start and of the report."""
    timing, schedule, reports = planned(mode)
    frames = timing.frames_per_light
    spare_us = (frames * PERIOD_US - mode.exposure_us - mode.readout_us - DARK_US) / 2
    room_s = (1_000 if kind == "strobe" else spare_us) / 1e6 - FRAME_ERROR_S - REPORT_ERROR_S
    # a light that goes off later may touch the next frame before it leaves its own
    for on_s, off_s in ((room_s, 0.0), (0.0, -room_s)):
        sign = -1 if kind == "strobe" else 1
        for beyond_s, counts in ((-TINY_S, True), (TINY_S, False)):
            edge = [sign * (s + beyond_s * (1 if s > 0 else -1)) if s else 0.0 for s in (on_s, off_s)]
            reports_then = [*reports[:2], moved(reports[2], *edge), *reports[3:]]
            found = judge_locked(schedule, reports_then, GRID, timing, mode)
            assert (found[2] == "") is counts, found
            assert counts or "ms out of place" in found[2]
            assert found[0] == found[1] == found[3] == ""


@cases
def test_a_light_that_touches_a_neighbour_spoils_that_frame(mode: CameraMode, kind: str) -> None:
    timing, schedule, reports = planned(mode)
    del kind
    start = GRID.start(schedule.frames[2])
    reports[1] = replace(reports[1], off_s=start.at_s - FRAME_ERROR_S - REPORT_ERROR_S + TINY_S)
    found = judge_locked(schedule, reports, GRID, timing, mode)
    assert found[2] == "light 0 may have burned during its frame"
    reports[1] = replace(reports[1], off_s=start.at_s - FRAME_ERROR_S - REPORT_ERROR_S - TINY_S)
    assert judge_locked(schedule, reports, GRID, timing, mode)[2] == ""


@cases
def test_ambient_counts_only_in_the_dark(mode: CameraMode, kind: str) -> None:
    timing, schedule, reports = planned(mode)
    del kind
    end_s = GRID.start(schedule.frames[0]).at_s + (mode.exposure_us + mode.readout_us) / 1e6
    early = replace(reports[1], on_s=end_s - 0.001)
    assert "light 0" in judge_locked(schedule, [reports[0], early, *reports[2:]], GRID, timing, mode)[0]


def test_a_late_board_spoils_what_follows_and_nothing_is_taken_for_another_light() -> None:
    timing, schedule, reports = planned(WHOLE)
    late = [*reports[:2], *(moved(one, PERIOD_US / 1e6, PERIOD_US / 1e6) for one in reports[2:])]
    assert [bool(why) for why in judge_locked(schedule, late, GRID, timing, WHOLE)] == [
        False,
        False,
        True,
        True,
    ]


def test_the_board_s_word_on_which_light_it_was_is_heard() -> None:
    timing, schedule, reports = planned(WHOLE)
    reports[2] = replace(reports[2], light=5)
    assert judge_locked(schedule, reports, GRID, timing, WHOLE)[2] == "the board reports light 5 in its step"


GATE = StampGate(Stamping(0.0015, 0.001), 5_000)
BLIND = StampGate(None, 5_000)


def pulsed(mode: CameraMode) -> tuple[Schedule, list[StepReport]]:
    schedule = triggered(ALL, mode, 5_000)
    reports, now_s = [], 53.0
    for index, step in enumerate(schedule.steps):
        from_s = now_s + step.settle_us / 1e6
        off_s = from_s + step.expose_us / 1e6
        reports.append(StepReport(index, step.light, now_s, from_s, off_s, REPORT_ERROR_S))
        now_s = off_s + step.gap_us / 1e6
    return schedule, reports


def test_a_triggered_frame_counts_where_its_light_outlasted_its_last_row() -> None:
    schedule, reports = pulsed(WHOLE)
    assert judge_triggered(schedule, reports, WHOLE) == ("",) * len(ALL)
    needed_s = (LATENCY_US + WHOLE.exposure_us + WHOLE.readout_us) / 1e6
    reports[1] = replace(reports[1], off_s=reports[1].exposed_from_s + needed_s - TINY_S)
    reports[3] = replace(reports[3], light=7)
    found = judge_triggered(schedule, reports, WHOLE)
    assert [bool(why) for why in found] == [False, True, False, True]
    assert "27.5" in found[1] or "27.4" in found[1]
    reports[2] = replace(reports[2], on_s=reports[1].exposed_from_s + 0.001)
    assert judge_triggered(schedule, [*reports[:1], pulsed(WHOLE)[1][1], *reports[2:]], WHOLE)[1] == (
        "another light burned before its last row was done"
    )


@pytest.mark.parametrize("gate", [GATE, BLIND], ids=["stamps known", "stamps unknown"])
def test_a_stamp_names_the_trigger_it_belongs_to(gate: StampGate) -> None:
    _, reports = pulsed(WHOLE)
    for index, report in enumerate(reports):
        stamp_s = report.exposed_from_s + 0.0015 + 0.0002
        assert [gate.belongs(stamp_s, one, WHOLE) for one in reports] == [k == index for k in range(4)]
        if gate is BLIND:
            stamp_s = report.exposed_from_s + 0.0325
            assert [gate.belongs(stamp_s, one, WHOLE) for one in reports] == [k == index for k in range(4)]
    assert not gate.belongs(reports[0].exposed_from_s - 0.01, reports[0], WHOLE)


# --- how much must be known, and how far ahead a programme is begun -------------------------------------


def test_the_margin_is_the_errors_of_both_clocks_at_the_programme_s_end() -> None:
    near, far = (known(WHOLE, GRID, 53.0, ahead_s, 0.0005) for ahead_s in (0.1, 1.0))
    assert near.margin_us == far.margin_us == pytest.approx(1e6 * (FRAME_ERROR_S + 0.0005) + 100)
    assert near.period_us == pytest.approx(PERIOD_US)
    widening = replace(GRID, lines=((0.0, PERIOD_US / 1e6 - 1e-5), (0.0, PERIOD_US / 1e6 + 1e-5)))
    near, far = (known(WHOLE, widening, 50.0, ahead_s, 0.0) for ahead_s in (0.1, 1.0))
    assert far.margin_us > near.margin_us + 200


def test_it_is_enough_when_more_would_change_nothing_that_matters() -> None:
    assert not settled(Known(WHOLE, PERIOD_US, 2_800))
    assert settled(Known(WHOLE, PERIOD_US, 2_700))
    most_us = STROBE_LOSS * (32_000 - 12_000 - 200) / 2 + 100
    assert settled(Known(STROBE, PERIOD_US, most_us - 1))
    assert not settled(Known(STROBE, PERIOD_US, most_us + 1))
    assert not settled(Known(ALTERNATE, PERIOD_US, 4_000))


def test_margins_may_grow_a_little_before_more_is_learned() -> None:
    for mode in (WHOLE, STROBE, ALTERNATE):
        timing = decide(Known(mode, PERIOD_US, 1_000))
        assert has_room(timing, Known(mode, PERIOD_US, 1_400))
        assert not has_room(timing, Known(mode, PERIOD_US, 5_000))


def test_a_board_that_heard_too_late_gets_more_time_and_keeps_some_of_it() -> None:
    lead = Lead()
    usual_s = lead.ahead_s(9)
    lead.late()
    assert lead.ahead_s(9) == 2 * usual_s
    lead.met()
    assert usual_s < lead.ahead_s(9) < 2 * usual_s
    for _ in range(30):
        lead.met()
    assert lead.ahead_s(9) == LEAST * usual_s
    assert horizon_s(WHOLE, 9, usual_s) > usual_s + 0.5


def test_brackets_are_judged_by_the_time_all_rows_have_in_common() -> None:
    timing = decide(Known(WHOLE, PERIOD_US, 1_000))
    short = Exposure(3, 1_000)
    schedule = locked((Exposure(3), short), timing, WHOLE, GRID, 53.0)
    assert schedule.at_s is not None
    on_s = schedule.at_s + (schedule.steps[0].expose_us + schedule.steps[0].gap_us) / 1e6
    first = StepReport(0, 3, schedule.at_s, 0.0, schedule.at_s + schedule.steps[0].expose_us / 1e6, 1e-5)
    second = StepReport(1, 3, on_s, on_s, on_s + 0.001, 1e-5)
    assert judge_locked(schedule, (first, second), GRID, timing, WHOLE) == ("", "")
    late = moved(second, 0.001, 0.001)
    assert judge_locked(schedule, (first, late), GRID, timing, WHOLE)[1]
