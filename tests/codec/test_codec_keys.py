"""The fixed hash of a key: agrees with equality, and never changes."""

import datetime as dt
import enum
import math
import subprocess
import sys
import uuid
from collections import namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec.keys import (
    NAN,
    PARTS_MAX,
    bucket_count,
    canonical,
    key_hash,
    key_hashes,
    part_of,
)
from mincer.errors import BadKeyError

#: What a key hashes to, and its part of 7 and of 200: where its pairs are. It may
#: never change.
PINNED = [
    ("", 0, 0, 0),
    ("a", 3904355907, 5, 167),
    ("word", 3287381265, 3, 35),
    ("été", 1154575572, 4, 36),
    (b"a", 3904355907, 5, 167),
    (0, 0, 0, 0),
    (1, 1, 0, 0),
    (-1, -2, 6, 199),
    (64, 64, 1, 12),
    (2**61, 1, 0, 0),
    (1.5, 1152921504606846977, 0, 142),
    (-0.0, 0, 0, 0),
    (True, 1, 0, 0),
    (NAN, 32760, 3, 17),
    (None, 1315925605, 3, 110),
    ((), 1953853548, 0, 110),
    ((1, "a"), 816245453150681147, 4, 16),
    (((None, 2.5), b"x"), 2180894423997832525, 4, 95),
    (frozenset({1, 2}), 3, 0, 0),
]


KEYS = [key for key, *_ in PINNED if key == key]


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Name(str):
    __slots__ = ()


class Data(bytes):
    __slots__ = ()


@dataclass(frozen=True)
class Point:
    x: object
    y: object = 0
    note: object = field(default=None, compare=False)


@dataclass(frozen=True)
class Folded:
    """A data class with an equality of its own."""

    text: str

    def __eq__(self, other):
        return self.text.lower() == other.text.lower()

    def __hash__(self):
        return hash(self.text.lower())


class Own:
    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return isinstance(other, Own) and self.n == other.n

    def __hash__(self):
        return hash(self.n)


class OwnChild(Own):
    pass


class Hooked(Own):
    def __mincer_key__(self):
        return self.n

    __hash__ = Own.__hash__


class Bare:
    pass


class Unhashable:
    __hash__ = None


class Torn:
    """Equal to nothing, itself included."""

    def __eq__(self, other):
        return False

    def __hash__(self):
        return 1


Pair = namedtuple("Pair", "a b")
UTC = dt.UTC
TWO = dt.timezone(dt.timedelta(hours=2))

EQUAL = [
    [1, 1.0, True, Fraction(1), Decimal(1), 1 + 0j, Level.LOW],
    [0, 0.0, -0.0, False, Decimal("-0")],
    [10**30, Fraction(10**30), Decimal(10**30)],
    ["red", Name("red")],
    [b"x", Data(b"x")],
    [(1, "a"), (True, "a"), Pair(1.0, Name("a"))],
    [frozenset({1, 2, 3}), frozenset({3, 2.0, True})],
    [Point(1, "a"), Point(True, "a", note="other")],
    [Folded("A"), Folded("a")],
    [Own(1), OwnChild(1), Own(1.0)],
    [Hooked(1), Hooked(True)],
    [dt.datetime(2020, 1, 1, 12, tzinfo=UTC), dt.datetime(2020, 1, 1, 14, tzinfo=TWO)],
    [dt.time(12, tzinfo=UTC), dt.time(14, tzinfo=TWO)],
    [dt.timedelta(minutes=60), dt.timedelta(hours=1)],
    [dt.date(2020, 1, 1), dt.date(2020, 1, 1)],
    [uuid.UUID(int=5), uuid.UUID(int=5)],
    [Colour.RED, Colour("red")],
    [math.nan, float("nan"), Decimal("nan"), complex("nan")],
]


@pytest.mark.parametrize("keys", EQUAL, ids=str)
def test_equal_keys_have_one_hash(keys):
    nan = keys[0] != keys[0]
    assert nan or all(one == keys[0] for one in keys)
    assert len({key_hash(canonical(key)) for key in keys}) == 1


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.tuples(inner) | st.tuples(inner, inner),
    max_leaves=5,
)


@given(PLAIN, PLAIN)
def test_hashes_agree_with_equality(one, two):
    one, two = canonical(one), canonical(two)
    if one == two:
        assert key_hash(one) == key_hash(two)


COLUMNS = st.one_of(
    st.lists(kind, min_size=1)
    for kind in (
        st.text(),
        st.text("ab\n\ud800"),
        st.binary(),
        st.integers(),
        st.booleans() | st.integers(),
        st.floats(),
        st.tuples(st.text(), st.integers()),
        st.tuples(st.tuples(st.text(), st.floats()), st.none()),
        st.tuples(st.integers()) | st.tuples(st.integers(), st.integers()),
        st.tuples(),
        PLAIN,
    )
)


@given(COLUMNS)
def test_a_column_is_hashed_as_its_items_are(keys):
    assert key_hashes(keys, set(map(type, keys))) == [key_hash(key) for key in keys]


@pytest.mark.parametrize("row", PINNED, ids=str)
def test_hashes_and_parts_never_change(row):
    key, *figures = row
    assert [key_hash(key), part_of(key, 7), part_of(key, 200)] == figures


def test_another_process_with_another_seed_agrees():
    code = (
        "from mincer.codec.keys import key_hash, NAN\n"
        f"print([key_hash(k) for k in {KEYS!r}])"
    )
    for seed in ("0", "1"):
        said = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        assert eval(said) == [key_hash(key) for key in KEYS]


@pytest.mark.parametrize(
    ("key", "says", "hint"),
    [
        ([1], "list cannot be hashed", "tuple(key)"),
        ({}, "dict cannot be hashed", "tuple(sorted(key.items()))"),
        (set(), "set cannot be hashed", "frozenset(key)"),
        (bytearray(), "bytearray cannot be hashed", "__hash__"),
        ((1, [2]), "list cannot be hashed", "tuple(key)"),
        (Unhashable(), "Unhashable cannot be hashed", "__hash__"),
        (Bare(), "Bare is told apart by identity", "frozen dataclass"),
        ((Bare(),), "Bare is told apart by identity", "frozen dataclass"),
    ],
    ids=str,
)
def test_what_cannot_be_a_key_is_told_with_what_to_do(key, says, hint):
    with pytest.raises(BadKeyError, match=says) as caught:
        key_hash(key)
    assert hint in caught.value.hint


def test_what_equals_nothing_is_a_nan():
    assert canonical(Torn()) is NAN
    assert key_hash(Torn()) == key_hash(NAN)


@given(PLAIN)
def test_a_canonical_key_equals_itself_and_the_first(key):
    again = canonical(key)
    assert again == again
    assert canonical(again) == again
    if key == key:
        assert type(again) is type(key)


def test_nans_in_tuples_are_one():
    one, two = (1, (float("nan"),)), (1, (float("nan"),))
    assert canonical(one) == canonical(two)
    assert len({canonical(one), canonical(two)}) == 1
    plain = (1, "a")
    assert canonical(plain) is plain


@given(st.text(), st.integers(1, PARTS_MAX))
def test_a_part_is_one_of_the_parts(key, parts):
    assert 0 <= part_of(key, parts) < parts


@pytest.mark.parametrize("parts", [1, 2, 16, 125, 126, 251, 1000, PARTS_MAX])
def test_there_are_buckets_for_every_part(parts):
    buckets = bucket_count(parts)
    assert buckets >= 2 * parts
    assert {bucket * parts // buckets for bucket in range(buckets)} == set(range(parts))


def test_ids_that_are_multiples_spread_over_all_parts():
    parts = [part_of(n * 64, 64) for n in range(6400)]
    assert max(map(parts.count, range(64))) < 2 * 100
