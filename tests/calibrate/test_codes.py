"""Codes of a camera that is not linear, made linear by its table."""

import numpy as np
import pytest

from station.calibrate.codes import TOP, linear_codes
from station.documents.fault import StationError


def table(codes: int, full_scale: float) -> np.ndarray:
    """Another curve for each channel."""
    exponents = np.array([[2.2], [1.0], [1.8]])
    return (full_scale * np.linspace(0, 1, codes) ** exponents).astype(np.float32)


def test_every_code_of_eight_bits() -> None:
    codes = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None], (256, 2, 3))
    linear = linear_codes(table(256, 200.0), 200.0, codes)
    expected = np.round(TOP * np.linspace(0, 1, 256)[:, None] ** np.array([2.2, 1.0, 1.8]))
    np.testing.assert_allclose(linear[:, 1], expected, atol=1)  # the table itself is of single precision
    assert linear.flags.c_contiguous


def test_sixteen_bit_codes_of_an_eight_bit_table_span_their_type() -> None:
    """As `sensor` has it for linear cameras: between two codes of the table lie 256 finer ones."""
    codes = np.arange(0, TOP + 1, 13, dtype=np.uint16)[:, None, None].repeat(3, axis=2)
    linear = linear_codes(table(256, 255.0), 255.0, codes)
    expected = TOP * (codes[:, 0] / TOP) ** np.array([2.2, 1.0, 1.8])
    np.testing.assert_allclose(linear[:, 0], expected, atol=2)


def test_deeper_codes_have_a_table_of_their_own() -> None:
    codes = np.array([[[0] * 3, [512] * 3, [1023] * 3, [4000] * 3]], np.uint16)
    linear = linear_codes(table(1024, 1023.0), 1023.0, codes)
    assert linear[0, 1, 1] == round(TOP * 512 / 1023)
    assert (linear[0, 2:] == TOP).all()  # a code that cannot be counts as the highest
    with pytest.raises(StationError, match="codes up to 1023, these end at 255") as refused:
        linear_codes(table(1024, 1023.0), 1023.0, codes.astype(np.uint8))
    assert refused.value.code == "stack_unusable"
