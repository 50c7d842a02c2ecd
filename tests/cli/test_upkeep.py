"""When a service is started again, and when it is given up."""

from station.cli.upkeep import ENDS, SILENT_S, WINDOW_S, Upkeep


def test_a_service_that_ends_now_and_then_is_started_again_for_ever() -> None:
    upkeep = Upkeep()
    assert [upkeep.ended(now_s * 100.0) for now_s in range(20)] == [0.5] * 20


def test_one_that_ends_again_and_again_waits_longer_and_is_given_up() -> None:
    upkeep = Upkeep()
    pauses = [upkeep.ended(second) for second in range(ENDS)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, None]


def test_one_that_falls_silent_hangs_but_only_once_it_was_ready() -> None:
    upkeep = Upkeep()
    upkeep.started(0.0)
    assert not upkeep.hangs(10 * SILENT_S), "it may take its time to start"
    upkeep.said("READY=1\nSTATUS=all is well", 100.0)
    assert upkeep.ready
    assert not upkeep.hangs(100.0 + SILENT_S)
    assert upkeep.hangs(100.1 + SILENT_S)
    upkeep.said("STATUS=not well: rig: silent", 100.0 + SILENT_S)
    assert upkeep.hangs(100.1 + SILENT_S), "to say that it is not well is not to be well"
    upkeep.said("WATCHDOG=1", 200.0)
    assert not upkeep.hangs(200.0 + SILENT_S)
    upkeep.started(300.0)
    assert not upkeep.ready


def test_old_ends_are_forgotten() -> None:
    upkeep = Upkeep()
    for second in range(ENDS - 1):
        upkeep.ended(float(second))
    assert upkeep.ended(WINDOW_S + ENDS) == 0.5
