"""Blocks: whole or an error, one behind another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec import blocks as module
from mincer.codec.blocks import (
    HEADER_BYTES,
    Block,
    block_length,
    decode_block,
    decode_pairs,
    encode_block,
    encode_pairs,
    encode_pieces,
    encoded,
    iterate_blocks,
    join_pieces,
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
    one = encoded(["a", "bb"], None, [1, 2])
    two = encoded(["bb", "a"], None, [2, 1])
    assert one.order_free == two.order_free == one.length_bytes
    assert one.length_bytes == len(b"".join(one.buffers))
    assert encoded(["a"], None, [[1]]).order_free == 0
    assert encoded([("a",)], None, [1]).order_free == 0


def joined(*columns):
    """The blocks that come of pieces of these pairs: (keys, values) of each."""
    pieces = [piece for column in columns for piece in encode_pieces(*column)]
    blocks = list(join_pieces(pieces))
    found = [decode_pairs(b"".join(block.buffers)) for block in blocks]
    assert [block.keys for block in blocks] == [len(keys) for keys, _ in found]
    assert [block.values for block in blocks] == [len(some) for _, some in found]
    return found


def test_pieces_of_text_are_one_block():
    first, second = (["a", ""], ["", "x"]), (["é"], [""])
    assert joined(first, second) == [(["a", "", "é"], ["", "x", ""])]


def test_pieces_that_cannot_be_joined_are_blocks_of_their_own():
    pieces = [(["a"], [(1, 2)]), (["b"], [(3, 4)])]
    assert joined(*pieces) == pieces


@given(st.lists(st.lists(st.tuples(KEYS, KEYS | st.binary()), min_size=1), min_size=1))
def test_what_is_joined_comes_back_in_order(columns):
    split = [([k for k, _ in pairs], [v for _, v in pairs]) for pairs in columns]
    found = joined(*split)
    assert [k for keys, _ in found for k in keys] == [k for ks, _ in split for k in ks]
    assert [v for _, some in found for v in some] == [v for _, vs in split for v in vs]


def test_no_block_is_larger_than_two_that_a_reader_can_hold(monkeypatch):
    monkeypatch.setattr(module, "_JOINED_BYTES", 20)
    column = (["key"] * 10, ["value"] * 10)
    found = joined(column, column)
    assert sum(len(keys) for keys, _ in found) == 20
    assert all(1 <= len(keys) <= 2 for keys, _ in found)
    assert joined((["key"], ["v" * 100])) == [(["key"], ["v" * 100])]
