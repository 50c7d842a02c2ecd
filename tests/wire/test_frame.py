import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.wire.frame import Frame, FrameReader, checksum
from station.wire.messages import WIRE_MAX_BYTES

frames = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=60))


def test_the_checksum_is_the_standard_one() -> None:
    assert checksum(b"123456789") == 0x29B1


@given(st.lists(frames, max_size=5), st.integers(1, 20))
def test_frames_survive_any_cutting(sent: list[Frame], portion: int) -> None:
    stream = b"".join(frame.encode() for frame in sent)
    reader = FrameReader()
    got = [frame for at in range(0, len(stream), portion) for frame in reader.feed(stream[at : at + portion])]
    assert got == sent
    assert reader.counts.frames_ok == len(sent)
    assert reader.counts.frames_bad == 0


@given(frames)
def test_a_frame_is_never_longer_than_announced(frame: Frame) -> None:
    assert len(frame.encode()) <= WIRE_MAX_BYTES


@given(st.binary(max_size=300), frames)
def test_after_noise_the_next_frame_is_read(noise: bytes, frame: Frame) -> None:
    reader = FrameReader()
    assert reader.feed(noise + b"\0" + frame.encode())[-1] == frame


@given(frames, st.data())
def test_one_flipped_bit_is_never_taken_for_the_frame(frame: Frame, data: st.DataObject) -> None:
    wire = bytearray(frame.encode())
    at = data.draw(st.integers(0, len(wire) - 2))
    wire[at] ^= 1 << data.draw(st.integers(0, 7))
    reader = FrameReader()
    assert frame not in reader.feed(bytes(wire))
    assert reader.counts.frames_bad >= 1


def test_the_kinds_of_junk_are_told_apart() -> None:
    reader = FrameReader()
    reader.feed(b"\x01" * 200 + b"\0")
    reader.feed(b"\x30\x01\0")
    reader.feed(b"\x05abcd\0")
    assert (reader.counts.too_long, reader.counts.bad_stuffing, reader.counts.bad_checksum) == (1, 1, 1)


def test_endless_noise_takes_no_room() -> None:
    reader = FrameReader()
    for _ in range(1_000):
        assert reader.feed(b"\x55" * 1_000) == []
    assert len(reader._pending) <= WIRE_MAX_BYTES
    assert reader.feed(b"\0" + Frame(1, 2).encode()) == [Frame(1, 2)]


def test_a_payload_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="61 bytes"):
        Frame(0, 0, bytes(61)).encode()
