"""A rig whose line or board is in trouble."""

from contextlib import closing
from typing import Any

import pytest

from station.rig.link import SerialLink
from station.rig.serial_rig import SerialRig
from station.wire import messages as m
from station.wire.frame import FrameReader

LEASE_MS = 1_500


@pytest.mark.parametrize("trouble", ["corrupt 1%", "drop 5%", "repeat 20%", "delay 130", "corrupt 10%"])
def test_every_command_acts_exactly_once_on_a_bad_line(
    software_board: Any, rig: SerialRig, told: Any, trouble: str
) -> None:
    software_board.order(trouble)
    rounds = 6 if trouble.startswith("delay") else 60
    for number in range(rounds):
        rig.switch(number % 8, 10_000)
    assert software_board.masks() == [1 << number % 8 for number in range(rounds)]
    assert told.faults == []


def test_a_light_that_burned_too_long_is_told_and_raised_once(
    software_board: Any, rig: SerialRig, told: Any, poll: Any, failure: Any
) -> None:
    rig.switch(4, 40)
    poll(lambda: bool(told.faults), "the fault was told")
    error = failure(lambda: rig.switch(5, 1_000))
    assert error.code == "rig_fault"
    assert "maximum on-time" in str(error)
    rig.switch(5, 5_000)
    assert software_board.masks() == [1 << 4, 0, 1 << 5]
    assert len(told.faults) == 1


class HardOfHearing(SerialLink):
    """Loses every report of a fault while it is told to."""

    losing = True

    def read(self, patience_s: float) -> bytes:
        frames = FrameReader().feed(super().read(patience_s))  # the board sends whole frames
        kept = [frame for frame in frames if not (self.losing and frame.type == m.FaultRaised.ID)]
        return b"".join(frame.encode() for frame in kept)


def test_a_fault_whose_report_comes_late_is_still_raised_once(
    software_board: Any, told: Any, poll: Any, failure: Any
) -> None:
    links: list[HardOfHearing] = []

    def link(port: str, baud: int) -> HardOfHearing:
        links.append(HardOfHearing(port, baud))
        return links[-1]

    rig = SerialRig(str(software_board.link), m.BAUD, LEASE_MS, 10.0, told.fault, link=link)
    with closing(rig):
        rig.open()
        rig.switch(0, 30)
        poll(lambda: software_board.lit() == 0, "the light had gone off")
        assert "maximum on-time" in str(failure(lambda: rig.switch(1, 5_000)))
        rig.switch(1, 5_000)
        links[0].losing = False
        poll(lambda: len(told.faults) == 1, "the report had come after all")
        rig.switch(2, 5_000)
        assert software_board.masks() == [1, 0, 2, 4]


def test_switching_off_after_a_fault_switches_off_and_raises(
    rig: SerialRig, told: Any, poll: Any, failure: Any
) -> None:
    rig.switch(4, 40)
    poll(lambda: bool(told.faults), "the fault was told")
    assert failure(lambda: rig.switch(None, 1_000)).code == "rig_fault"
    rig.switch(None, 1_000)
    rig.switch(1, 1_000)


def test_a_restart_under_light_is_raised_once(
    software_board: Any, rig: SerialRig, told: Any, poll: Any, failure: Any
) -> None:
    nonce = rig.info.boot_nonce
    rig.switch(4, 5_000)
    software_board.order("reset")
    error = failure(lambda: rig.switch(5, 5_000))
    assert (error.code, "restarted" in str(error)) == ("rig_fault", True)
    rig.switch(5, 5_000)
    assert software_board.masks() == [1 << 4, 0, 1 << 5]
    assert rig.info.boot_nonce != nonce
    assert len(told.faults) == 1


def test_a_restart_in_the_dark_is_told_and_mended(
    software_board: Any, rig: SerialRig, told: Any, poll: Any
) -> None:
    software_board.order("hang")
    poll(lambda: bool(told.faults), "the restart was told")
    rig.switch(5, 5_000)
    assert software_board.masks() == [1 << 5]
    assert rig.info.reset_cause.startswith("watchdog")


def test_a_fault_left_by_an_earlier_host_is_cleared(software_board: Any, make_rig: Any, poll: Any) -> None:
    first = make_rig(software_board.link)
    first.open()
    first.switch(1, 1)
    poll(lambda: software_board.lit() == 0, "the light had gone off")
    first.close()
    second = make_rig(software_board.link)
    second.open()
    second.switch(2, 5_000)
    assert software_board.lit() == 0b100
