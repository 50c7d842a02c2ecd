"""The rig on a real pseudo-terminal: with the software board behind it, with strangers, with nobody."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from station.documents.fault import StationError
from station.rig.interface import ButtonMoved, CardMoved, ExposureStep, PanelEvent
from station.rig.link import SerialLink
from station.rig.serial_rig import SerialRig
from station.wire import messages as m
from station.wire.frame import Frame, FrameReader

LEASE_MS = 1_500
SWEEP = tuple(ExposureStep(light, 1_000, 4_000, 1_000) for light in (None, *range(8)))


class Told:
    """What the rig's listeners heard."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.panel: list[PanelEvent] = []

    def fault(self, error: StationError) -> None:
        self.faults.append(str(error))


@pytest.fixture
def told() -> Told:
    return Told()


MakeRig = Callable[..., SerialRig]


@pytest.fixture
def make_rig(told: Told) -> Iterator[MakeRig]:
    made: list[SerialRig] = []

    def make(port: object, lease_ms: int = LEASE_MS, open_timeout_s: float = 10.0) -> SerialRig:
        made.append(
            SerialRig(str(port), m.BAUD, lease_ms, open_timeout_s, told.fault, told.panel.append)
        )
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(software_board: Any, make_rig: MakeRig) -> SerialRig:
    made = make_rig(software_board.link)
    made.open()
    return made


def failure(call: Callable[[], object]) -> StationError:
    with pytest.raises(StationError) as caught:
        call()
    return caught.value


# --- in health --------------------------------------------------------------------------------------------


def test_opening_tells_what_is_there(mortal_board: Any, make_rig: MakeRig) -> None:
    info = make_rig(mortal_board.link).open()
    assert (info.port, info.board) == (str(mortal_board.link), "software board")
    assert (info.light_count, info.max_on_ms, info.simulated) == (8, m.MAX_ON_MAX_MS, True)
    assert info.reset_cause == "power on"


def test_a_light_burns_between_request_and_acknowledgement(software_board: Any, rig: SerialRig) -> None:
    for light in (0, 7, 3):
        switched = rig.switch(light, 5_000)
        lit_ns, mask = next(software_board.lights.edges_back())
        assert mask == 1 << light
        assert switched.requested_s <= lit_ns / 1e9 <= switched.acknowledged_s
    assert rig.switch(None, 5_000).light is None
    assert software_board.lights.mask() == 0


def test_closing_switches_off_and_opening_again_works(software_board: Any, rig: SerialRig) -> None:
    rig.switch(3, 5_000)
    rig.close()
    assert software_board.lights.mask() == 0
    rig.close()
    assert failure(lambda: rig.info).code == "rig_missing"
    assert failure(lambda: rig.switch(1, 100)).code == "rig_missing"
    rig.open()
    rig.switch(1, 5_000)
    assert software_board.lights.mask() == 0b10


def test_opening_twice_is_opening_anew(software_board: Any, rig: SerialRig) -> None:
    rig.switch(3, 5_000)
    rig.open()
    assert software_board.lights.mask() == 0


def test_the_keep_alive_holds_the_lease(
    software_board: Any, make_rig: MakeRig, poll: Any, told: Told
) -> None:
    rig = make_rig(software_board.link, lease_ms=m.LEASE_MIN_MS)
    rig.open()
    rig.switch(3, 10_000)
    counts = rig.counts
    assert counts is not None
    begun = counts.commands
    poll(lambda: counts.commands >= begun + 12, "three leases had passed")
    assert software_board.lights.mask() == 1 << 3
    assert told.faults == []


def test_beeps_are_heard_and_bad_ones_refused(software_board: Any, rig: SerialRig) -> None:
    beeps = int(software_board.state()["beeps"])
    rig.beep(80)
    assert software_board.state()["buzzer_ms"] == "80"
    assert failure(lambda: rig.beep(60_000)).code == "rig_fault"
    assert failure(lambda: rig.beep(100_000)).code == "rig_fault"
    assert software_board.state()["beeps"] == str(beeps + 1)


@pytest.mark.parametrize(("light", "max_on_ms"), [(8, 100), (300, 100), (-1, 100), (0, 0), (0, 70_000)])
def test_lights_and_times_that_cannot_be_are_refused(
    software_board: Any, rig: SerialRig, light: int, max_on_ms: int
) -> None:
    assert failure(lambda: rig.switch(light, max_on_ms)).code == "rig_fault"
    assert software_board.masks() == []
    rig.switch(1, 1_000)


def test_a_programme_is_run_and_reported_on_our_clock(software_board: Any, rig: SerialRig) -> None:
    for _ in range(2):
        before = software_board.lights.count()
        reports = rig.run(SWEEP)
        edges = list(software_board.lights.edges_back())[::-1][before:]
        assert [report.light for report in reports] == [None, *range(8)]
        assert [mask for _, mask in edges] == [mask for light in range(8) for mask in (1 << light, 0)]
        for report, (on_ns, _), (off_ns, _) in zip(reports[1:], edges[::2], edges[1::2], strict=True):
            allowed = 2 * report.uncertainty_s + 0.001
            assert report.on_s == pytest.approx(on_ns / 1e9, abs=allowed)
            assert report.off_s == pytest.approx(off_ns / 1e9, abs=allowed)
            assert report.on_s < report.exposed_from_s < report.off_s


def test_a_programme_is_loaded_once(rig: SerialRig) -> None:
    rig.run(SWEEP)
    counts = rig.counts
    assert counts is not None
    before = counts.commands
    rig.run(SWEEP)
    assert counts.commands - before < len(SWEEP)


def test_a_programme_beyond_the_limits_is_refused_and_the_next_runs(rig: SerialRig) -> None:
    too_long = (ExposureStep(0, 0, 11_000_000, 1_000),)
    assert "duration" in str(failure(lambda: rig.run(too_long)))
    assert len(rig.run(SWEEP)) == len(SWEEP)


def test_buttons_and_card_are_told_with_their_time(
    software_board: Any, rig: SerialRig, told: Told, poll: Any
) -> None:
    software_board.order("press 1 30")
    software_board.order("card 1")
    poll(lambda: len(told.panel) == 3, "three events had come")
    kinds = [(e.button, e.pressed) if isinstance(e, ButtonMoved) else e.present for e in told.panel]
    assert kinds == [(1, True), True, (1, False)]
    assert any(isinstance(event, CardMoved) for event in told.panel)
    assert [e.when_s for e in told.panel] == sorted(e.when_s for e in told.panel)


def test_any_command_can_be_asked_for_diagnosis(rig: SerialRig) -> None:
    rig.switch(2, 5_000)
    status = rig.ask(m.Status())
    assert isinstance(status, m.StatusReply)
    assert status.mask == 0b100


# --- a bad line -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["corrupt 1%", "drop 5%", "repeat 20%", "delay 130", "corrupt 10%"])
def test_every_command_acts_exactly_once_on_a_bad_line(
    software_board: Any, rig: SerialRig, told: Told, trouble: str
) -> None:
    software_board.order(trouble)
    rounds = 6 if trouble.startswith("delay") else 60
    for number in range(rounds):
        rig.switch(number % 8, 10_000)
    assert software_board.masks() == [1 << number % 8 for number in range(rounds)]
    assert told.faults == []


def test_a_programme_completes_on_a_bad_line(software_board: Any, rig: SerialRig) -> None:
    software_board.order("corrupt 2%")
    software_board.order("drop 2%")
    reports = rig.run(SWEEP)
    assert [report.index for report in reports] == list(range(len(SWEEP)))


# --- faults of the board ----------------------------------------------------------------------------------


def test_a_light_that_burned_too_long_is_told_and_raised_once(
    software_board: Any, rig: SerialRig, told: Told, poll: Any
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
    software_board: Any, told: Told, poll: Any
) -> None:
    links: list[HardOfHearing] = []

    def link(port: str, baud: int) -> HardOfHearing:
        links.append(HardOfHearing(port, baud))
        return links[-1]

    rig = SerialRig(str(software_board.link), m.BAUD, LEASE_MS, 10.0, told.fault, link=link)
    with closing(rig):
        rig.open()
        rig.switch(0, 30)
        poll(lambda: software_board.lights.mask() == 0, "the light had gone off")
        assert "maximum on-time" in str(failure(lambda: rig.switch(1, 5_000)))
        rig.switch(1, 5_000)
        links[0].losing = False
        poll(lambda: len(told.faults) == 1, "the report had come after all")
        rig.switch(2, 5_000)
        assert software_board.masks() == [1, 0, 2, 4]


def test_switching_off_after_a_fault_switches_off_and_raises(rig: SerialRig, told: Told, poll: Any) -> None:
    rig.switch(4, 40)
    poll(lambda: bool(told.faults), "the fault was told")
    assert failure(lambda: rig.switch(None, 1_000)).code == "rig_fault"
    rig.switch(None, 1_000)
    rig.switch(1, 1_000)


def test_a_restart_under_light_is_raised_once(
    software_board: Any, rig: SerialRig, told: Told, poll: Any
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
    software_board: Any, rig: SerialRig, told: Told, poll: Any
) -> None:
    software_board.order("hang")
    poll(lambda: bool(told.faults), "the restart was told")
    rig.switch(5, 5_000)
    assert software_board.masks() == [1 << 5]
    assert rig.info.reset_cause.startswith("watchdog")


def test_a_restart_during_a_programme_ends_it(software_board: Any, rig: SerialRig, poll: Any) -> None:
    long = (ExposureStep(1, 0, 9_000_000, 1_000),)
    errors: list[StationError] = []
    runner = threading.Thread(target=lambda: errors.append(failure(lambda: rig.run(long))))
    runner.start()
    poll(lambda: software_board.lights.mask() == 0b10, "the step had begun")
    software_board.order("reset")
    runner.join()
    assert "restarted" in str(errors[0])
    assert len(rig.run(SWEEP)) == len(SWEEP)


def test_a_fault_left_by_an_earlier_host_is_cleared(
    software_board: Any, make_rig: MakeRig, poll: Any
) -> None:
    first = make_rig(software_board.link)
    first.open()
    first.switch(1, 1)
    poll(lambda: software_board.lights.mask() == 0, "the light had gone off")
    first.close()
    second = make_rig(software_board.link)
    second.open()
    second.switch(2, 5_000)
    assert software_board.lights.mask() == 0b100


# --- a board that goes ------------------------------------------------------------------------------------


def test_a_pulled_cable_is_told_raised_and_survived(
    software_board: Any, rig: SerialRig, told: Told, poll: Any
) -> None:
    rig.switch(4, 10_000)
    software_board.order("unplug")
    poll(lambda: bool(told.faults), "the loss was told")
    assert failure(lambda: rig.switch(5, 1_000)).code == "rig_missing"
    assert failure(lambda: rig.switch(5, 1_000)).code == "rig_missing"
    assert failure(lambda: rig.beep(10)).code == "rig_missing"
    poll(lambda: software_board.lights.mask() == 0, "the lease had put the light off")
    software_board.order("plug")
    rig.switch(5, 1_000)
    assert len(told.faults) == 1


def test_closing_without_a_cable_does_not_raise(software_board: Any, rig: SerialRig) -> None:
    software_board.order("unplug")
    rig.close()
    assert failure(rig.open).code == "rig_missing"


def test_a_killed_board_is_lost_and_its_successor_found(
    mortal_board: Any, make_rig: MakeRig, told: Told, poll: Any, start_another: Callable[[], Any]
) -> None:
    rig = make_rig(mortal_board.link)
    rig.open()
    rig.switch(4, 10_000)
    mortal_board.process.send_signal(signal.SIGKILL)
    mortal_board.process.wait()
    poll(lambda: mortal_board.lights.mask() == 0, "the light was without power")
    assert failure(lambda: rig.switch(5, 1_000)).code == "rig_missing"
    successor = start_another()
    rig.switch(5, 1_000)
    assert successor.lights.mask() == 1 << 5


def test_a_board_that_stops_answering_is_silent_and_found_again(
    mortal_board: Any, make_rig: MakeRig, told: Told, poll: Any
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
    assert mortal_board.lights.mask() == 1 << 6


def test_a_board_that_stops_answering_in_the_dark_is_told(
    software_board: Any, make_rig: MakeRig, told: Told, poll: Any
) -> None:
    rig = make_rig(software_board.link, lease_ms=m.LEASE_MIN_MS)
    rig.open()
    software_board.order("mute")
    poll(lambda: bool(told.faults), "the silence was told")
    assert "does not answer" in told.faults[0]
    software_board.order("heal")
    rig.switch(1, 1_000)


def test_a_board_that_takes_its_time_to_start_is_waited_for(software_board: Any, make_rig: MakeRig) -> None:
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
        assert software_board.lights.mask() == 1 << 3
        process.kill()
    poll(lambda: software_board.lights.mask() == 0, "the lease had put the light off")
    off_ns, on_ns = (when for when, _ in [*software_board.lights.edges_back()][:2])
    assert off_ns - on_ns < 10_000_000_000  # the lease, not the maximum on-time


# --- strangers --------------------------------------------------------------------------------------------


class Impostor:
    """Something else behind the port: answers whatever it is sent with what `answer` makes of it."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._far, self._near = os.openpty()
        self.port = os.ttyname(self._near)
        self._answer = answer
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while (data := os.read(self._far, 1_000)) != b"end\n":
            os.write(self._far, self._answer(data))

    def end(self) -> None:
        os.write(self._near, b"end\n")
        self._thread.join()
        os.close(self._near)
        os.close(self._far)


@pytest.fixture
def impostor() -> Iterator[Callable[[Callable[[bytes], bytes]], Impostor]]:
    made: list[Impostor] = []

    def make(answer: Callable[[bytes], bytes]) -> Impostor:
        made.append(Impostor(answer))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_nobody_behind_the_port(impostor: Any, make_rig: MakeRig) -> None:
    error = failure(make_rig(impostor(lambda _: b"").port, open_timeout_s=0.2).open)
    assert (error.code, "nothing answers" in str(error)) == ("rig_silent", True)


def test_somebody_else_behind_the_port(impostor: Any, make_rig: MakeRig) -> None:
    chance = random.Random(1)
    rig = make_rig(impostor(lambda _: chance.randbytes(60)).port, open_timeout_s=0.2)
    error = failure(rig.open)
    assert (error.code, "not the rig's protocol" in str(error)) == ("rig_silent", True)


def test_a_board_of_another_version_is_named_with_what_to_do(impostor: Any, make_rig: MakeRig) -> None:
    reader = FrameReader()

    def answer(data: bytes) -> bytes:
        out = b""
        for frame in reader.feed(data):
            session = m.Prefix.unpack(frame.payload[: m.Prefix.LAYOUT.size]).session
            reply = m.Prefix(m.MAJOR + 1, 4, 0x1234ABCD, session).pack() + b"other fields"
            out += Frame(frame.seq, m.HelloReply.ID, reply).encode()
        return out

    port = impostor(answer).port
    error = failure(make_rig(port).open)
    assert error.code == "rig_protocol"
    assert f"{m.MAJOR + 1}.4" in str(error)
    assert f"{m.MAJOR}.{m.MINOR}" in str(error)
    assert f"station rig flash --port {port}" in error.hint


def test_no_port_at_all(tmp_path: Path, make_rig: MakeRig) -> None:
    error = failure(make_rig(tmp_path / "none").open)
    assert (error.code, str(tmp_path / "none") in str(error)) == ("rig_missing", True)


def test_a_port_in_use(software_board: Any, rig: SerialRig, make_rig: MakeRig) -> None:
    assert failure(make_rig(software_board.link).open).code == "rig_missing"
    rig.switch(1, 1_000)


def test_a_rig_that_was_never_opened_can_be_closed(make_rig: MakeRig) -> None:
    make_rig("/dev/null").close()
