"""Flash, memory and time that the firmware takes, and what it says of itself after each kind of end."""

import re
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from station.rig.link import SerialLink
from station.wire import messages as m
from station.wire.frame import Frame

CYCLES_PER_US = 16
FLASH_MAX_BYTES = 12 * 1_024  # of 32 KiB less the bootloader
RAM_MAX_BYTES = 1_536  # variables, of 2 KiB
STACK_RESERVE_BYTES = 192  # that must never have been used
TWO_BYTES_US = 80  # what the chip's receiver holds while nobody looks after it
LEAD_TICKS = 72  # stages are called so much early, and wait for the rest: later than this would show
EXACT_US = 3

Run = Callable[[Any, list[m.ProgrammeStep]], None]


@pytest.fixture(scope="module")
def sizes(firmware_board: list[str]) -> tuple[int, int]:
    """Bytes of flash, and of memory taken by variables."""
    elf = Path(firmware_board[-1]).with_suffix(".elf")
    listed = subprocess.run(["avr-size", "-A", str(elf)], capture_output=True, text=True, check=True).stdout
    of = {name: int(size) for name, size in re.findall(r"^\.(\w+)\s+(\d+)", listed, re.MULTILINE)}
    return of["text"] + of["data"], of["data"] + of["bss"] + of.get("noinit", 0)


def test_the_firmware_keeps_within_its_flash_and_memory(
    sizes: tuple[int, int], tell: Callable[[str], None]
) -> None:
    flash, ram = sizes
    memory = f"{ram} of memory (at most {RAM_MAX_BYTES})"
    tell(f"firmware: {flash} bytes of flash (at most {FLASH_MAX_BYTES}), {memory}")
    assert flash <= FLASH_MAX_BYTES
    assert ram <= RAM_MAX_BYTES


def fill_the_list_of_errors(rig: Any, watched: Any) -> None:
    for _ in range(m.ERRORS_KEPT):
        rig.ask(m.Light(7, 0, 1))
        watched.wait_ms(5)
        rig.ask(m.Clear())


def test_under_load_no_byte_is_lost_no_stage_late_and_the_stack_has_room(
    watched: Any, rig: Any, run: Run, tell: Callable[[str], None]
) -> None:
    fill_the_list_of_errors(rig, watched)
    rig.ask(m.Lights(0xFF, 100, m.LightFlag.TIMED, 300))
    while rig.ask(m.Status()).mask:
        rig.ask(m.Errors())
    begun = len(watched.edges())
    steps = [m.ProgrammeStep(i, 1 << i % 8, 1, 300, 2_000, 500) for i in range(m.STEPS_MAX)]
    for _ in range(3):
        before = len(watched.edges())
        watched.board.order("press 0 20")
        watched.board.order("press 1 33")
        rig.beep(50)
        rig.indicate("amber", "fast")  # at the port of the trigger
        run(rig, steps)
        while len(watched.edges()) < before + 4 * len(steps):
            rig.ask(m.Errors())
            rig.ask(m.Status())
    widths = [b.cycle - a.cycle for a, b in pairwise(watched.edges()[begun:]) if a.trigger]
    assert len(widths) == 3 * len(steps)
    assert all(0 <= width - 2_000 * CYCLES_PER_US < EXACT_US * CYCLES_PER_US for width in widths)
    within_limits(rig, watched, tell, "under load")


def within_limits(rig: Any, watched: Any, tell: Callable[[str], None], when: str) -> m.StatsReply:
    """What every hard day has to leave unharmed."""
    stats = rig.ask(m.Stats())
    assert isinstance(stats, m.StatsReply)
    deaf_us = watched.state("deaf_cycles") / CYCLES_PER_US
    tell(
        f"firmware: {when}: "
        f"{stats.stack_free_bytes} bytes of stack never used (at least {STACK_RESERVE_BYTES}), "
        f"stages called up to {stats.isr_latency_max_ticks / 2:.0f} us late (lead {LEAD_TICKS / 2:.0f} us), "
        f"receiver alone for {deaf_us:.0f} us (at most {TWO_BYTES_US})"
    )
    assert stats.receive_overruns == 0
    assert stats.stack_free_bytes >= STACK_RESERVE_BYTES
    assert stats.isr_latency_max_ticks <= LEAD_TICKS
    assert deaf_us < TWO_BYTES_US
    return stats


def test_what_strangers_send_takes_no_more_stack(
    watched: Any, connect: Any, tell: Callable[[str], None]
) -> None:
    """The longest frames there are, of every type, whole and not."""
    link = SerialLink(str(watched.board.link), m.BAUD)
    link.open()
    for type_ in range(0x40):
        link.write(Frame(type_, type_, b"\xa5" * m.PAYLOAD_MAX_BYTES).encode())
        link.write(b"\xff" * 100 + b"\0")
        link.read(0.01)
    link.close()
    rig = connect(watched)
    stats = within_limits(rig, watched, tell, "after nonsense")
    assert stats.frames_bad > 0


# --- resets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "cause"),
    [
        ("power", m.ResetCause.POWER_ON),
        ("reset", m.ResetCause.EXTERNAL),
        ("brownout", m.ResetCause.BROWN_OUT),
        ("hang", m.ResetCause.WATCHDOG),
    ],
)
def test_the_board_tells_why_it_started_and_was_dark_meanwhile(
    watched: Any, rig: Any, order: str, cause: m.ResetCause
) -> None:
    before = rig.info.boot_nonce
    rig.switch(5, 10_000)
    watched.board.order(order)
    watched.board.wait_dark()
    info = rig.open()
    assert info.reset_cause == cause.says
    assert info.boot_nonce != before
    assert [edge.mask for edge in watched.edges()] == [1 << 5, 0]


def test_each_reset_has_a_nonce_of_its_own(watched: Any, rig: Any) -> None:
    nonces = [rig.info.boot_nonce]
    for _ in range(3):
        watched.board.order("reset")
        rig.open()
        nonces.append(rig.info.boot_nonce)
    assert [(b - a) % 0x10000 for a, b in pairwise(nonces)] == [1, 1, 1]


def test_a_stack_that_reached_the_variables_is_a_fault(watched: Any, rig: Any, poll: Any) -> None:
    rig.ask(m.Light(2, 0, 10_000))
    watched.poke(watched.addresses("_end"), 0)  # the guard just above the variables
    watched.board.wait_dark()
    assert [entry.fault for entry in rig.ask(m.Errors()).entries] == [m.Fault.INTERNAL]
