"""The scan machine: every order of events keeps the promises, one light at a time or all in one programme."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.documents.judgement import Likeness, Problem
from station.documents.plan import ScanPlan, Timing
from station.scan import machine as m
from station.scan.schedule import Exposure

PLAN = ScanPlan(lights=(0, 1, 2), attempts_per_light=2)
GATED = Timing(kind="gated", why="of a test")
WHOLE = Timing(kind="whole", why="of a test", period_us=33_000, on_us=15_000, frames_per_light=1)
AMBIENT, *LIT = ALL = tuple(Exposure(light) for light in (None, 0, 1, 2))
MOVED = Problem(code="card_moved", message="it moved", retake=True)
AGAIN = Problem(code="card_again", message="the same card", like="earlier")
LIKE = Likeness(scan_id="earlier", card_id="card", side="front", distance=3, bits=1024)
both = pytest.mark.parametrize("timing", [GATED, WHOLE], ids=["gated", "locked"])


def drive(state: m.ScanState, *events: m.Event) -> tuple[m.ScanState, list[m.Effect]]:
    effects: list[m.Effect] = []
    for event in events:
        state, more = m.step(state, event)
        effects += more
    return state, effects


def started(timing: Timing) -> m.ScanState:
    return drive(m.ScanState(), m.Start("id", PLAN), m.Prepared(timing))[0]


def taken(timing: Timing, *exposures: Exposure) -> list[m.Event]:
    """Answers to whatever batches these exposures come in."""
    batches = [(one,) for one in exposures] if timing is GATED else [exposures]
    return [event for batch in batches for event in (*map(m.Reached, batch), m.Exposed(batch))]


def batches(effects: list[m.Effect]) -> list[tuple[Exposure, ...]]:
    return [effect.batch for effect in effects if isinstance(effect, m.Expose)]


def steps(effects: list[m.Effect], kind: str = "scan.step") -> list[str]:
    return [effect.step for effect in effects if isinstance(effect, m.Tell) and effect.type == kind]


@pytest.mark.parametrize(
    ("timing", "expected"), [(GATED, [(one,) for one in ALL]), (WHOLE, [ALL])], ids=["gated", "locked"]
)
def test_a_good_scan_takes_ambient_and_each_light_and_beeps_only_after_storing(
    timing: Timing, expected: list[tuple[Exposure, ...]]
) -> None:
    start = [m.Start("id", PLAN), m.Prepared(timing)]
    state, effects = drive(m.ScanState(), *start, *taken(timing, *ALL), m.Verified(), m.Judged())
    assert effects[0] == m.Prepare(PLAN)
    assert batches(effects) == expected
    assert steps(effects) == ["ambient", "light 0", "light 1", "light 2", "verifying", "judging", "storing"]
    assert state.phase == "storing"
    assert state.plan == PLAN.replace(timing=timing)
    assert not any(isinstance(e, m.Beep) for e in effects)
    state, effects = drive(state, m.Stored())
    assert state == m.ScanState()
    assert effects == [m.Beep()]


def test_more_exposures_than_a_programme_holds_come_in_several() -> None:
    """Also those that would take too long: nobody can stop a programme but the board."""
    slow = WHOLE.replace(period_us=900_000)
    state, effects = drive(m.ScanState(), m.Start("id", PLAN), m.Prepared(slow))
    assert batches(effects) == [ALL[:2]]
    _, effects = drive(state, m.Exposed(ALL[:2]))
    assert batches(effects) == [ALL[2:]]


@both
def test_lights_are_off_before_the_stack_is_verified(timing: Timing) -> None:
    _, effects = drive(started(timing), *taken(timing, *ALL))
    assert effects.index(m.LightsOff()) < effects.index(m.VerifyStack())


@both
def test_suspect_frames_are_retaken_and_only_those(timing: Timing) -> None:
    state, _ = drive(started(timing), *taken(timing, *ALL))
    suspects = (m.Suspect(LIT[1], "looks like light 2"), m.Suspect(LIT[2], "looks like light 1"))
    state, effects = drive(state, m.Verified(suspects))
    assert steps(effects, "scan.retake") == ["light 1", "light 2"]
    assert batches(effects) == [(LIT[1],) if timing is GATED else (LIT[1], LIT[2])]
    state, effects = drive(state, *taken(timing, LIT[1], LIT[2]))
    assert m.VerifyStack() in effects
    state, effects = drive(state, m.Verified())
    assert m.JudgeStack() in effects


def test_what_a_programme_missed_is_retaken_before_anything_is_verified() -> None:
    missed = (m.Suspect(LIT[0], "its frame did not come"),)
    state, effects = drive(started(WHOLE), m.Exposed((AMBIENT, LIT[1], LIT[2]), missed))
    assert steps(effects, "scan.retake") == ["light 0"]
    assert batches(effects) == [(LIT[0],)]
    assert m.VerifyStack() not in effects
    _, effects = drive(state, m.Exposed((LIT[0],)))
    assert m.VerifyStack() in effects


def test_what_is_missed_too_often_fails_the_scan_with_the_reason() -> None:
    missed = (m.Suspect(LIT[0], "its frame did not come"),)
    state, effects = drive(
        started(WHOLE), m.Exposed((AMBIENT, LIT[1], LIT[2]), missed), m.Exposed((), missed)
    )
    assert state == m.ScanState()
    why = "light 0: its frame did not come, in each of 2 attempts"
    assert effects[-2:] == [m.LightsOff(), m.Tell("scan.failed", code="frames_mismatched", message=why)]


@both
def test_a_frame_that_stays_suspect_fails_the_scan_with_the_reason(timing: Timing) -> None:
    state, _ = drive(started(timing), *taken(timing, *ALL))
    suspect = m.Verified((m.Suspect(LIT[1], "looks like light 2"),))
    state, effects = drive(state, suspect, *taken(timing, LIT[1]), suspect)
    assert state.phase == "idle"
    assert effects[-2] == m.LightsOff()
    assert effects[-1] == m.Tell(
        "scan.failed", code="frames_mismatched", message="light 1: looks like light 2, in each of 2 attempts"
    )


@both
def test_what_the_judge_refuses_is_never_stored_and_the_most_telling_reason_is_told(timing: Timing) -> None:
    state, _ = drive(started(timing), *taken(timing, *ALL), m.Verified())
    ended, effects = drive(state, m.Judged((MOVED, AGAIN)))
    told = m.Tell("scan.failed", code="card_moved", message="it moved", retake=True)
    assert ended == m.ScanState()
    assert effects == [m.LightsOff(), told]
    _, effects = drive(state, m.Judged((AGAIN,), LIKE))
    told = m.Tell("scan.failed", code="card_again", message="the same card", like="earlier")
    assert effects == [m.Tell("scan.likeness", likeness=LIKE), m.LightsOff(), told]


@both
def test_a_welcome_likeness_is_told_and_the_stack_is_stored(timing: Timing) -> None:
    state, _ = drive(started(timing), *taken(timing, *ALL), m.Verified())
    state, effects = drive(state, m.Judged((), LIKE))
    assert effects == [
        m.Tell("scan.likeness", likeness=LIKE),
        m.Tell("scan.step", "storing"),
        m.StoreStack(),
    ]
    assert state.phase == "storing"


@both
@pytest.mark.parametrize("end", [m.Abort(), m.Failed("internal", "a defect")], ids=["abort", "failed"])
def test_a_scan_ends_while_it_is_judged_and_a_late_judgement_changes_nothing(
    timing: Timing, end: m.Event
) -> None:
    state, _ = drive(started(timing), *taken(timing, *ALL), m.Verified())
    assert state.phase == "judging"
    ended, effects = drive(state, end)
    assert ended == m.ScanState()
    assert effects[0] == m.LightsOff()
    assert drive(ended, m.Judged()) == (ended, [])


@both
def test_an_abort_does_not_throw_away_pictures_that_are_being_stored(timing: Timing) -> None:
    state, _ = drive(started(timing), *taken(timing, *ALL), m.Verified(), m.Judged())
    assert drive(state, m.Abort()) == (state, [])


@both
def test_a_late_answer_after_an_abort_changes_nothing(timing: Timing) -> None:
    state, effects = drive(started(timing), m.Abort("asked for"))
    assert effects[0] == m.LightsOff()
    assert drive(state, m.Prepared(timing), *taken(timing, *ALL), m.Stored()) == (m.ScanState(), [])


@both
def test_progress_is_told_of_what_is_in_hand_and_changes_nothing(timing: Timing) -> None:
    state = started(timing)
    assert drive(state, m.Reached(AMBIENT)) == (state, [m.Tell("scan.step", "ambient")])
    assert drive(state, m.Reached(Exposure(7))) == (state, [])
    verifying, _ = drive(state, *taken(timing, *ALL))
    assert drive(verifying, m.Reached(AMBIENT)) == (verifying, [])


@both
def test_an_answer_for_another_batch_is_not_taken_for_this_one(timing: Timing) -> None:
    state = started(timing)
    assert drive(state, m.Exposed((LIT[1],))) == (state, [])
    assert drive(state, m.Exposed((), (m.Suspect(LIT[1], "wrong"),))) == (state, [])


def test_a_fault_while_the_camera_is_prepared_ends_the_scan_in_darkness() -> None:
    state, effects = drive(m.ScanState(), m.Start("id", PLAN), m.Failed("camera_silent", "no frames"))
    assert state == m.ScanState()
    assert effects[1:] == [m.LightsOff(), m.Tell("scan.failed", code="camera_silent", message="no frames")]


some = st.lists(st.sampled_from(ALL), max_size=4, unique=True).map(tuple)
events = st.one_of(
    st.builds(m.Reached, st.sampled_from(ALL)),
    st.sampled_from([m.Prepared(GATED), m.Prepared(WHOLE)]),
    st.builds(m.Exposed, some, some.map(lambda them: tuple(m.Suspect(one, "wrong") for one in them))),
    st.sampled_from([m.Exposed((one,)) for one in ALL] + [m.Exposed(ALL)]),
    st.just(m.Verified()),
    st.builds(lambda one: m.Verified((m.Suspect(one, "wrong"),)), st.sampled_from(ALL)),
    st.sampled_from([m.Judged(), m.Judged((), LIKE), m.Judged((MOVED,))]),
    st.just(m.Stored()),
    st.just(m.Failed("camera_silent", "no frames")),
    st.just(m.Abort()),
    st.just(m.Start("other", PLAN)),
)


@given(st.sampled_from([GATED, WHOLE]), st.lists(events, max_size=60))
def test_whatever_happens(timing: Timing, sequence: list[m.Event]) -> None:
    """A scan ends with lights off, only what is verified and accepted is stored, and then it beeps."""
    state, exposed = started(timing), set()
    verified = accepted = False
    for event in sequence:
        before = state
        state, effects = m.step(state, event)
        if isinstance(event, m.Start) and before.phase != "idle":
            assert state == before, "a running scan is not replaced"
        if isinstance(event, m.Start) and before.phase == "idle":
            exposed, verified, accepted = set(), False, False
        if isinstance(event, m.Exposed) and before.phase == "exposing" and state != before:
            exposed |= set(event.taken)
        if m.VerifyStack() in effects:
            assert exposed == set(ALL)
        if before.phase == "verifying" and isinstance(event, m.Verified):
            verified = not event.suspects
        if before.phase == "judging" and isinstance(event, m.Judged):
            accepted = not event.problems
        if m.StoreStack() in effects:
            assert verified
            assert accepted
        if m.Beep() in effects:
            assert before.phase == "storing"
            assert isinstance(event, m.Stored)
        if before.phase not in ("idle", "storing") and state.phase == "idle":
            assert m.LightsOff() in effects
        if state.phase == "exposing":
            assert state.batch
        assert all(count <= PLAN.attempts_per_light for _, count in state.takes)
