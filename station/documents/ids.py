"""Time-ordered unique identities (UUID version 7, RFC 9562 section 5.7)."""

import secrets
import time


def new_id(now_s: float | None = None) -> str:
    """A fresh identity of 32 hexadecimal digits that sorts by its time of birth (milliseconds)."""
    milliseconds = int((time.time() if now_s is None else now_s) * 1000)
    random_bits = secrets.randbits(74)
    value = milliseconds << 80
    value |= 0x7 << 76
    value |= (random_bits >> 62) << 64
    value |= 0b10 << 62
    value |= random_bits & ((1 << 62) - 1)
    return f"{value:032x}"
