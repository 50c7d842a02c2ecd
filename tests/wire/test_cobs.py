import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.wire import cobs

with_zeros = st.lists(st.sampled_from([b"\0", b"\xff", b"\x01", b"A" * 253, b"B" * 254]), max_size=8).map(
    b"".join
)


@given(st.binary(max_size=80) | with_zeros)
def test_what_was_stuffed_comes_back_and_has_no_zero(data: bytes) -> None:
    stuffed = cobs.encode(data)
    assert 0 not in stuffed
    assert len(stuffed) <= len(data) + 1 + len(data) // 254
    assert cobs.decode(stuffed) == data


@pytest.mark.parametrize(
    ("data", "stuffed"),
    [
        (b"", b"\x01"),
        (b"\0", b"\x01\x01"),
        (b"\x11\x22\0\x33", b"\x03\x11\x22\x02\x33"),
        (b"\x11\0\0\0", b"\x02\x11\x01\x01\x01"),
    ],
)
def test_known_pairs(data: bytes, stuffed: bytes) -> None:
    assert cobs.encode(data) == stuffed


@pytest.mark.parametrize("junk", [b"", b"\x05\x11", b"\x02\0", b"\xff"])
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(ValueError, match=r"stuffed|run"):
        cobs.decode(junk)


@given(st.binary(max_size=80))
def test_any_bytes_are_either_decoded_or_refused(data: bytes) -> None:
    try:
        plain = cobs.decode(data)
    except ValueError:
        return
    assert len(plain) < len(data)
