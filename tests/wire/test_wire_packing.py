"""Packed chunks: smaller, the same when unpacked, and never more than was promised."""

import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from mincer.wire.packing import pack, unpack


@given(st.binary(min_size=1, max_size=50), st.integers(200, 5000))
def test_what_was_packed_is_unpacked(data, times):
    data *= times
    packed = pack(data)
    if packed is not None:
        assert len(packed) < len(data)
        assert unpack(memoryview(packed), len(data)) == data


def test_what_would_not_be_much_smaller_is_not_packed():
    assert pack(b"a" * 100) is None
    assert pack(random.Random(1).randbytes(100_000)) is None
    assert pack(b"a" * 100_000) is not None


@pytest.mark.parametrize("size", [0, 99_999, 100_001])
def test_what_has_another_size_is_not_unpacked(size):
    assert unpack(pack(b"a" * 100_000), size) is None


def test_what_lies_about_its_size_is_not_unpacked():
    # Its header says nothing of the size, or a wrong one.
    bomb = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(10**7))
    assert unpack(bomb, 1000) is None
    assert unpack(b"no such thing", 1000) is None
    packed = bytearray(pack(b"abcd" * 10_000))
    packed[-3] ^= 255
    assert unpack(packed, 40_000) != b"abcd" * 10_001
    assert unpack(packed[:-3], 40_000) is None
