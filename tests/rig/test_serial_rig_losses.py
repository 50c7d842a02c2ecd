"""A rig whose board goes, and what becomes of the lights."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from station.rig.serial_rig import SerialRig
from station.wire import messages as m


def test_a_pulled_cable_is_told_raised_and_survived(
    software_board: Any, rig: SerialRig, told: Any, poll: Any, failure: Any
) -> None:
    rig.switch(4, 10_000)
    software_board.order("unplug")
    poll(lambda: bool(told.faults), "the loss was told")
    assert failure(lambda: rig.switch(5, 1_000)).code == "rig_missing"
    assert failure(lambda: rig.switch(5, 1_000)).code == "rig_missing"
    assert failure(lambda: rig.beep(10)).code == "rig_missing"
    poll(lambda: software_board.lit() == 0, "the lease had put the light off")
    software_board.order("plug")
    rig.switch(5, 1_000)
    assert len(told.faults) == 1


def test_closing_without_a_cable_does_not_raise(software_board: Any, rig: SerialRig, failure: Any) -> None:
    software_board.order("unplug")
    rig.close()
    assert failure(rig.open).code == "rig_missing"


def test_a_killed_board_is_lost_and_its_successor_found(
    mortal_board: Any, make_rig: Any, told: Any, poll: Any, start_software: Callable[[], Any], failure: Any
) -> None:
    rig = make_rig(mortal_board.link)
    rig.open()
    rig.switch(4, 10_000)
    mortal_board.process.send_signal(signal.SIGKILL)
    mortal_board.process.wait()
    poll(lambda: mortal_board.lit() == 0, "the light was without power")
    assert failure(lambda: rig.switch(5, 1_000)).code == "rig_missing"
    successor = start_software()
    rig.switch(5, 1_000)
    assert successor.lit() == 1 << 5


def test_a_board_that_stops_answering_is_silent_and_found_again(
    mortal_board: Any, make_rig: Any, told: Any, poll: Any, failure: Any
) -> None:
    rig = make_rig(mortal_board.link)
    rig.open()
    rig.switch(4, 10_000)
    mortal_board.process.send_signal(signal.SIGSTOP)
    try:
        assert failure(lambda: rig.switch(5, 1_000)).code == "rig_silent"
        assert told.faults
    finally:
        mortal_board.process.send_signal(signal.SIGCONT)
    rig.switch(6, 5_000)
    assert mortal_board.lit() == 1 << 6


def test_a_board_that_stops_answering_in_the_dark_is_told(
    software_board: Any, make_rig: Any, told: Any, poll: Any
) -> None:
    rig = make_rig(software_board.link, lease_ms=m.LEASE_MIN_MS)
    rig.open()
    software_board.order("mute")
    poll(lambda: bool(told.faults), "the silence was told")
    assert "does not answer" in told.faults[0]
    software_board.order("heal")
    rig.switch(1, 1_000)


def test_a_board_that_takes_its_time_to_start_is_waited_for(software_board: Any, make_rig: Any) -> None:
    software_board.order("mute")
    rig = make_rig(software_board.link)
    timer = threading.Timer(1.3, lambda: software_board.order("heal"))
    timer.start()
    assert rig.open().light_count == 8
    timer.join()


def test_a_killed_host_leaves_no_light(software_board: Any, poll: Any) -> None:
    script = (
        "import sys, time\n"
        "from station.rig.serial_rig import SerialRig\n"
        "rig = SerialRig(sys.argv[1], 250_000, 300, 10.0, print)\n"
        "rig.open()\n"
        "rig.switch(3, 10_000)\n"
        "print('lit', flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, str(software_board.link)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "lit\n"
        assert software_board.lit() == 1 << 3
        process.kill()
    poll(lambda: software_board.lit() == 0, "the lease had put the light off")
    off_ns, on_ns = (when for when, _ in [*software_board.lights.edges_back()][:2])
    assert off_ns - on_ns < 10_000_000_000  # the lease, not the maximum on-time
