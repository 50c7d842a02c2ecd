"""The inputs the fuzzing begins with, written out: `python firmware/fuzz/seeds.py FOLDER`.

A session's input is a script: a byte for each word (see `word` in session.c), then its values. These
scripts lead to where bytes drawn at random seldom come; what was found from here on lies in corpus/.
"""

import sys
from binascii import crc_hqx
from pathlib import Path

WORDS = {
    "greet": 0,
    "command": 1,
    "programme": 2,
    "run": 3,
    "start_at": 4,
    "acknowledge": 5,
    "repeat": 6,
    "spoil": 7,
    "noise": 8,
    "panel": 9,
    "wait_25_ticks": 10,
    "wait_half_ms": 11,
    "wait_64_ms": 12,
    "fill": 13,
    "jitter": 14,
}
LIGHT, LIGHTS, OFF, ARM, START, ABORT, CLEAR = 0x04, 0x05, 0x06, 0x0B, 0x0C, 0x0D, 0x0E
PING, STATUS, STEP, BEGIN, END, ERRORS, STATS, BUZZER, INDICATOR = 2, 3, 9, 8, 0x0A, 0x0F, 0x10, 0x11, 0x12
TIMED = 1
LEASE_MAX = 255  # in the script's unit
# durations of a step, as places in the tables of `programme` in session.c: settle, exposure, gap
SHORT, LONG, BEYOND = (
    settle | expose << 2 | gap << 5 for settle, expose, gap in ((1, 0, 2), (2, 6, 5), (1, 7, 0))
)


def word(name: str, *values: int) -> bytes:
    """One word of a script."""
    return bytes((WORDS[name], *values))


def command(kind: int, *payload: int) -> bytes:
    """A command, byte by byte."""
    return word("command", kind, *payload)


def light(index: int, max_on_ms: int, flags: int = 0) -> bytes:
    """One light."""
    return command(LIGHT, index, flags, *max_on_ms.to_bytes(2, "little"))


def lights(mask: int, max_on_ms: int, level: int = 255) -> bytes:
    """Several."""
    return command(LIGHTS, mask, level, 0, *max_on_ms.to_bytes(2, "little"))


def programme(*steps: tuple[int, int]) -> bytes:
    """A whole programme: mask and durations of each step."""
    return word("programme", len(steps) - 1, *(value for step in steps for value in step))


HELLO = word("greet", 1, LEASE_MAX)
IMPATIENT = word("greet", 1, 0)  # the shortest lease there is
ACK = word("acknowledge", 0)
A_WHILE = word("wait_half_ms", 200)
LONG_WHILE = word("wait_64_ms", 200)

SESSIONS = {
    "light_until_its_time": HELLO + light(3, 200) + word("wait_half_ms", 255) * 2 + command(STATUS),
    "light_timed": HELLO + light(0, 20, TIMED) + A_WHILE + command(STATUS) + ACK,
    "lights_dimmed": HELLO + lights(0x55, 300, 100) + A_WHILE + lights(0xFF, 10) + command(OFF),
    "light_refused": HELLO + light(8, 5) + light(1, 0) + light(1, 10_001) + lights(0, 5) + lights(1, 5, 0),
    "host_goes": IMPATIENT + light(2, 10_000) + word("wait_64_ms", 8) + command(CLEAR) + light(1, 5),
    "host_goes_while_armed": IMPATIENT
    + programme((1, SHORT))
    + command(ARM)
    + word("wait_64_ms", 8)
    + command(START),
    "too_hot": HELLO + (light(4, 9_000) + word("wait_64_ms", 130)) * 2 + command(STATUS) + LONG_WHILE,
    "programme": HELLO + programme((1, SHORT), (0, LONG), (128, LONG)) + word("run") + (A_WHILE + ACK) * 6,
    "programme_unheard": HELLO
    + programme(*[(k, SHORT) for k in (1, 2, 4, 8, 16, 32)])
    + word("run")
    + A_WHILE
    + ACK * 3
    + A_WHILE
    + ACK * 6,
    "reports_unheard": HELLO
    + (programme(*[(k, SHORT) for k in (1, 2, 4, 8, 16, 32)]) + word("run") + A_WHILE) * 2
    + ACK * 12
    + A_WHILE,
    "programme_aborted": HELLO
    + programme((1, LONG), (2, LONG))
    + word("run")
    + A_WHILE
    + command(ABORT)
    + ACK * 3,
    "programme_refused": HELLO
    + programme((1, BEYOND))
    + word("run")
    + programme((1, SHORT), (2, 0x20))
    + word("run")
    + A_WHILE,
    "programme_by_hand": HELLO + command(BEGIN, 1, 0, 0) + command(STEP, 0, 1, 1, *bytes(12)) + command(END),
    "programme_and_light": HELLO
    + programme((1, SHORT))
    + command(ARM)
    + light(2, 9)
    + command(START)
    + A_WHILE,
    "programme_twice": HELLO + programme((1, SHORT)) + (word("run") + A_WHILE + ACK * 2) * 2,
    "start_at": HELLO + programme((9, SHORT)) + command(ARM) + word("start_at", 4) + A_WHILE * 3 + ACK * 2,
    "start_too_late": HELLO
    + programme((9, SHORT))
    + command(ARM)
    + word("start_at", 0xFF)
    + word("start_at", 101),
    "start_at_aborted": HELLO
    + programme((9, SHORT))
    + command(ARM)
    + word("start_at", 9)
    + command(OFF)
    + A_WHILE * 6,
    "busy": HELLO + programme((1, LONG)) + word("run") + light(2, 5) + command(BEGIN, 1, 0, 0) + LONG_WHILE,
    "greeted_again": HELLO
    + programme((1, LONG))
    + word("run")
    + word("greet", 2, 3)
    + A_WHILE
    + word("greet", 2, 9),
    "strangers": word("greet", 0, 9)
    + word("greet", 0xFF, 9)
    + light(1, 5)
    + command(OFF)
    + command(0x1E)
    + command(0x40),
    "repeated": HELLO
    + light(1, 50)
    + word("wait_half_ms", 50)
    + word("repeat")
    + A_WHILE
    + word("repeat")
    + HELLO,
    "spoilt": HELLO
    + light(1, 50)
    + word("spoil", 3, 1)
    + word("spoil", 9, 4)
    + word("repeat")
    + word("noise", 4, 0, 9, 9, 0),
    "panel": HELLO
    + b"".join(word("panel", k) for k in (1, 0, 3, 2, 5, 4))
    + (A_WHILE + ACK) * 3
    + LONG_WHILE
    + ACK,
    "no_room": HELLO
    + word("fill", 3)
    + light(1, 100)
    + word("repeat") * 3
    + word("panel", 1)
    + A_WHILE * 2
    + ACK,
    "acknowledged_unseen": HELLO
    + programme((0, 0))
    + word("run")
    + word("jitter", 14)
    + word("acknowledge", 1)
    + A_WHILE,
    "interrupted": HELLO
    + word("jitter", 250)
    + programme((1, SHORT), (2, SHORT))
    + word("run")
    + light(1, 2)
    + command(OFF)
    + A_WHILE
    + ACK * 4,
    "asked": HELLO
    + b"".join(command(k) for k in (PING, STATUS, ERRORS, STATS, CLEAR))
    + command(BUZZER, 200, 7, 9, 0)
    + command(BUZZER, 9, 0, 9, 0)
    + command(INDICATOR, 3, 1)
    + command(INDICATOR, 4, 1)
    + command(INDICATOR, 1, 4),
    "indicated_and_gone": IMPATIENT
    + command(INDICATOR, 1, 1)
    + word("wait_64_ms", 8)
    + word("greet", 0xFF, 9)
    + command(PING)
    + word("greet", 2, 9),
}


def frame(*body: int) -> bytes:
    """A whole frame."""
    data = bytes(body) + crc_hqx(bytes(body), 0xFFFF).to_bytes(2, "big")
    return b"".join(bytes((len(run) + 1,)) + run for run in data.split(b"\0")) + b"\0"


FRAMES = {
    "ping": frame(1, PING),
    "zeros": frame(0, 0, 0, 0, 0, 0),
    "longest": frame(*range(1, 63)),
    "too_long": frame(*range(1, 64)),
    "too_short": frame(5),
    "after_noise": b"\x07\x09\x00"
    + frame(1, PING)
    + b"\x00\x00"
    + frame(2, PING)[:-2]
    + frame(3, PING)
    + frame(4, PING),
    "run_beyond_the_end": b"\x09\x01\x02\x00" + b"\xff\x01\x00" + frame(2, PING),
    "not_wanted": b"\x01" * 70 + b"\x00" + frame(2, PING),
}


def main() -> None:
    """Write every seed into FOLDER/frame and FOLDER/session."""
    folder = Path(sys.argv[1])
    for target, seeds in {"frame": FRAMES, "session": SESSIONS}.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
