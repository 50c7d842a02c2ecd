"""Consistent overhead byte stuffing (Cheshire and Baker, 1999): bytes in, bytes without any zero out.

A zero can then end a frame, and a receiver that starts in the middle, or after noise, is right again at the
next zero.
"""

LONGEST_RUN = 254


def encode(data: bytes) -> bytes:
    """Stuff; the result has no zero and at most one byte more for each 254 begun."""
    out = bytearray()
    for block in data.split(b"\0"):
        full, rest = divmod(len(block), LONGEST_RUN)
        for start in range(0, full * LONGEST_RUN, LONGEST_RUN):
            out += b"\xff" + block[start : start + LONGEST_RUN]
        out.append(rest + 1)
        out += block[full * LONGEST_RUN :]
    return bytes(out)


def decode(data: bytes) -> bytes:
    """Undo `encode`.

    Raises:
        ValueError: empty, a zero inside, or a run that reaches beyond the end.
    """
    if not data or 0 in data:
        raise ValueError("not stuffed data")
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        run = data[at + 1 : at + code]
        if len(run) != code - 1:
            raise ValueError("a run reaches beyond the end")
        out += run
        at += code
        if code <= LONGEST_RUN and at < len(data):
            out.append(0)
    return bytes(out)
