"""Blocks: whole or an error, one behind another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec.blocks import (
    HEADER_BYTES,
    Block,
    block_length,
    decode_block,
    decode_pairs,
    encode_block,
    encode_pairs,
    iterate_blocks,
    order_free_length,
)
from mincer.errors import SegmentError

KEYS = st.text() | st.integers() | st.tuples(st.text(), st.integers())
GROUPS = st.lists(st.tuples(KEYS, st.lists(st.integers(), min_size=1, max_size=3)))


def block_of(groups):
    values = [value for _, some in groups for value in some]
    return [key for key, _ in groups], [len(some) for _, some in groups], values


@given(GROUPS)
def test_a_block_comes_back(groups):
    keys, counts, values = block_of(groups)
    data = encode_block(keys, counts, values)
    assert decode_block(data) == Block(keys, counts, values)
    assert block_length(data[:HEADER_BYTES]) == len(data)


@given(st.lists(st.tuples(KEYS, st.floats(allow_nan=False))))
def test_pairs_come_back(pairs):
    keys, values = [k for k, _ in pairs], [v for _, v in pairs]
    assert decode_pairs(encode_pairs(keys, values)) == (keys, values)
    assert decode_block(encode_block(keys, None, values)).counts is None


def test_every_flipped_byte_and_every_cut_is_found():
    data = encode_block(["a", "b"], [1, 2], [1, 2.5, None])
    for at in range(len(data)):
        broken = bytearray(data)
        broken[at] ^= 0x10
        with pytest.raises(SegmentError):
            decode_block(broken)
        with pytest.raises(SegmentError):
            decode_block(data[:at])
    with pytest.raises(SegmentError):
        decode_block(data + b"x")


def test_blocks_are_read_one_behind_another():
    blocks = [encode_pairs([n], [str(n)]) for n in range(3)]
    data = b"before" + b"".join(blocks)

    def read(offset, size):
        return data[offset : offset + size]

    found = list(iterate_blocks(read, 6, len(data)))
    assert [block.values for block in found] == [["0"], ["1"], ["2"]]
    assert list(iterate_blocks(read, 6, 6)) == []
    with pytest.raises(SegmentError, match="header"):
        list(iterate_blocks(read, 6, 10))
    with pytest.raises(SegmentError, match="longer than"):
        list(iterate_blocks(read, 6, len(data) - 1))


def test_the_order_free_length_is_that_of_plain_columns():
    one = encode_pairs(["a", "bb"], [1, 2])
    two = encode_pairs(["bb", "a"], [2, 1])
    assert order_free_length(one) == order_free_length(two) == len(one)
    assert order_free_length(encode_pairs(["a"], [[1]])) == 0
    assert order_free_length(encode_pairs([("a",)], [1])) == 0
