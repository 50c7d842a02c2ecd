"""The scan machine: every order of events keeps the promises."""

from hypothesis import given
from hypothesis import strategies as st

from station.documents.plan import ScanPlan
from station.scan import machine as m

PLAN = ScanPlan(lights=(0, 1, 2), attempts_per_light=2)
LIGHTS = (None, 0, 1, 2)


def drive(state: m.ScanState, *events: m.Event) -> tuple[m.ScanState, list[m.Effect]]:
    effects: list[m.Effect] = []
    for event in events:
        state, more = m.step(state, event)
        effects += more
    return state, effects


def started() -> m.ScanState:
    return drive(m.ScanState(), m.Start("id", PLAN))[0]


def all_lights() -> list[m.Event]:
    return [event for light in LIGHTS for event in (m.Lit(light), m.Exposed(light))]


def test_a_good_scan_takes_ambient_then_each_light_and_beeps_only_after_storing() -> None:
    state, effects = drive(m.ScanState(), m.Start("id", PLAN), *all_lights(), m.Verified())
    assert [e.light for e in effects if isinstance(e, m.SwitchTo)] == list(LIGHTS)
    assert [e.light for e in effects if isinstance(e, m.Expose)] == list(LIGHTS)
    assert state.phase == "storing"
    assert not any(isinstance(e, m.Beep) for e in effects)
    state, effects = drive(state, m.Stored())
    assert state == m.ScanState()
    assert effects == [m.Beep()]


def test_lights_are_off_before_the_stack_is_verified() -> None:
    _, effects = drive(started(), *all_lights())
    assert effects.index(m.LightsOff()) < effects.index(m.VerifyStack())


def test_a_suspect_frame_is_retaken_and_only_that_one() -> None:
    state, _ = drive(started(), *all_lights())
    state, effects = drive(state, m.Verified((m.Suspect(1, "looks like light 2"),)))
    assert [e.light for e in effects if isinstance(e, m.SwitchTo)] == [1]
    state, effects = drive(state, m.Lit(1), m.Exposed(1))
    assert m.VerifyStack() in effects
    state, effects = drive(state, m.Verified())
    assert m.StoreStack() in effects


def test_a_frame_that_stays_suspect_fails_the_scan_with_the_reason() -> None:
    state, _ = drive(started(), *all_lights())
    suspect = m.Verified((m.Suspect(1, "looks like light 2"),))
    state, effects = drive(state, suspect, m.Lit(1), m.Exposed(1), suspect)
    assert state.phase == "idle"
    assert effects[-2] == m.LightsOff()
    assert effects[-1] == m.Tell(
        "scan.failed", code="frames_mismatched", message="light 1: looks like light 2, in each of 2 attempts"
    )


def test_an_abort_does_not_throw_away_pictures_that_are_being_stored() -> None:
    state, _ = drive(started(), *all_lights(), m.Verified())
    assert drive(state, m.Abort()) == (state, [])


def test_a_late_answer_after_an_abort_changes_nothing() -> None:
    state, effects = drive(started(), m.Abort("asked for"))
    assert effects[0] == m.LightsOff()
    assert drive(state, m.Lit(None), m.Exposed(None), m.Stored()) == (m.ScanState(), [])


def test_an_answer_for_another_light_is_not_taken_for_this_one() -> None:
    state = started()
    assert drive(state, m.Lit(2)) == (state, [])


events = st.one_of(
    st.builds(m.Lit, st.sampled_from(LIGHTS)),
    st.builds(m.Exposed, st.sampled_from(LIGHTS)),
    st.just(m.Verified()),
    st.builds(lambda light: m.Verified((m.Suspect(light, "wrong"),)), st.sampled_from(LIGHTS)),
    st.just(m.Stored()),
    st.just(m.Failed("camera_silent", "no frames")),
    st.just(m.Abort()),
    st.just(m.Start("other", PLAN)),
)


@given(st.lists(events, max_size=60))
def test_whatever_happens(sequence: list[m.Event]) -> None:
    """Lights go off whenever a scan ends, nothing is stored unverified, a beep follows storing alone."""
    state, exposed = started(), set()
    verified = False
    for event in sequence:
        before = state
        state, effects = m.step(state, event)
        if isinstance(event, m.Start) and before.phase != "idle":
            assert state == before, "a running scan is not replaced"
        if isinstance(event, m.Start) and before.phase == "idle":
            exposed, verified = set(), False
        if m.VerifyStack() in effects:
            assert all(state.takes_of(light) >= 1 for light in LIGHTS)
        if isinstance(event, m.Exposed) and before.phase == "exposing" and state != before:
            exposed.add(event.light)
        if before.phase == "verifying" and isinstance(event, m.Verified):
            verified = not event.suspects
        if m.StoreStack() in effects:
            assert verified
            assert exposed == set(LIGHTS)
        if m.Beep() in effects:
            assert before.phase == "storing"
            assert isinstance(event, m.Stored)
        if before.phase not in ("idle", "storing", "verifying") and state.phase == "idle":
            assert m.LightsOff() in effects
        assert all(count <= PLAN.attempts_per_light for _, count in state.takes)
