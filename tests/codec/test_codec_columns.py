"""Columns come back as they went: every item with its value and its exact type."""

import enum
import math
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mincer.codec.columns import (
    decode_column,
    decode_keys,
    encode_column,
    is_plain,
    join_columns,
)
from mincer.codec.keys import NAN
from mincer.errors import SegmentError, ShipError


class Level(enum.IntEnum):
    LOW = 1


class Name(str):
    __slots__ = ()


def exactly(item):
    """A form of `item` that differs when value or type does."""
    if isinstance(item, float):
        return "nan" if math.isnan(item) else struct.pack(">d", item)
    if isinstance(item, (tuple, list)):
        return type(item), [exactly(one) for one in item]
    return type(item), item


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from([Level.LOW, Name("name"), "\ud800", "a\nb", -0.0])
    | st.builds(bytearray, st.binary(max_size=2))
)
ITEMS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)
COLUMNS = st.one_of(
    st.lists(kind)
    for kind in (
        st.text(),
        st.text("ab\n"),
        st.binary(),
        st.integers(),
        st.integers(0, 1),
        st.floats(),
        st.booleans(),
        st.none(),
        st.tuples(st.text(), st.integers()),
        st.tuples(st.tuples(st.integers(), st.text()), st.floats()),
        st.tuples(),
        ITEMS,
    )
)


@given(COLUMNS)
@example([])
@example([""])
@example(["", ""])
@example([0, 0, 0])
@example([1, True, 1.0])
@example([-0.0, 0.0])
@example([math.inf, -math.inf])
@example([2**63, -(2**63), 2**64 - 1])
@example([2**64])
@example([2**64, 1])
@example([(1, bytearray(b"x"))])
@example([tuple(range(17))])
@example([(1,), (1, 2)])
def test_a_column_comes_back(items):
    data = encode_column(items)
    again = decode_column(data, len(items))
    assert exactly(again) == exactly(items)


@pytest.mark.parametrize(
    ("items", "plain"),
    [
        (["a", "b"], True),
        ([b"a"], True),
        ([1, 2], True),
        ([1, 1], True),
        ([1.5], True),
        ([True, True], True),
        ([True, False], False),
        ([(1, 2)], False),
        ([[1]], False),
    ],
)
def test_plain_columns_have_a_length_of_their_items_alone(items, plain):
    assert is_plain(encode_column(items)) is plain


def test_plain_types_take_few_bytes():
    assert len(encode_column([1] * 10_000)) < 20
    assert len(encode_column(["word"] * 100)) == 501
    assert len(encode_column([("word", 1)] * 100)) < 550


def test_nans_among_keys_are_the_one_nan():
    for keys in (
        [math.nan, 1.5],
        [(math.nan, 1)],
        [((math.nan,), 1)],
        [math.nan, "text"],
        [(math.nan, [1])],
        [math.inf, -math.inf],
    ):
        again = decode_keys(encode_column(keys), len(keys))
        for key in again:
            first = key[0] if isinstance(key, tuple) else key
            first = first[0] if isinstance(first, tuple) else first
            assert first is NAN or first == first


def test_what_is_no_column_is_refused():
    with pytest.raises(SegmentError, match="no column"):
        decode_column(b"?", 1)
    with pytest.raises(SegmentError, match="2 items instead of 3"):
        decode_column(encode_column([1, 2]), 3)
    for column in (["a", "b"], [b"a", b"b"]):
        with pytest.raises(SegmentError, match="in the middle of one"):
            decode_column(encode_column(column)[:-1], 2)


def test_what_cannot_travel_is_told():
    import threading

    with pytest.raises(ShipError, match="lock"):
        encode_column([threading.Lock()])


def test_a_class_made_in_a_function_travels():
    class Local:
        def __eq__(self, other):
            return type(other) is Local

        __hash__ = None

    assert decode_column(encode_column([Local()]), 1) == [Local()]


@pytest.mark.parametrize(
    ("columns", "joins"),
    [
        ([["a", "b"], [""], ["é"]], True),
        ([[b"a"], [b"", b"c"]], True),
        ([[7, 7], [7]], True),
        ([[None], [None, None]], True),
        ([[7, 7], [8, 9], [2**70, 1]], False),
        ([[7, 7], [8, 9], [1.5], [True]], True),
        ([["a"], [b"a"]], False),
        ([["a"], ["a\n"]], False),
        ([[(1, 2)], [(3, 4)]], False),
    ],
)
def test_columns_are_joined_where_their_bytes_allow_it(columns, joins):
    joined = join_columns(list(map(encode_column, columns)), list(map(len, columns)))
    assert (joined is not None) == joins
    if joined is not None:
        items = [item for column in columns for item in column]
        assert decode_column(b"".join(joined), len(items)) == items
