"""Two outputs have one digest when they hold the same pairs."""

import random
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import UsageError
from mincer.testing import digest

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=3),
    st.binary(max_size=3),
)
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3).map(tuple))
pair_lists = st.lists(st.tuples(values, values), max_size=8)


@dataclass(frozen=True)
class Point:
    x: int


@given(pair_lists, st.randoms())
def test_order_matters_only_when_asked(pairs, rng):
    shuffled = rng.sample(pairs, len(pairs))
    assert digest(shuffled) == digest(pairs)
    assert digest(iter(pairs), ordered=True) == digest(pairs, ordered=True)


@given(pair_lists, st.tuples(values, values))
def test_a_pair_more_is_another_digest(pairs, more):
    assert digest([*pairs, more]) != digest(pairs)


@given(values, values)
def test_keys_agree_when_they_are_equal_and_only_then(one, other):
    assert (digest([(one, 0)]) == digest([(other, 0)])) == (one == other)


def test_order_can_be_told():
    pairs = [(n, n) for n in range(20)]
    shuffled = random.Random(1).sample(pairs, 20)
    assert digest(shuffled, ordered=True) != digest(pairs, ordered=True)


@pytest.mark.parametrize(
    "keys",
    [
        (1, 1.0, True, Decimal("1.0"), Fraction(2, 2), 1 + 0j),
        (0, -0.0, False),
        (float("nan"), -float("nan"), Decimal("nan")),
        (float("inf"), Decimal("inf")),
        ((1, float("nan")), (True, float("nan"))),
        (frozenset({1, 2}), frozenset({2.0, 1})),
    ],
)
def test_spellings_of_one_key(keys):
    assert len({digest([(key, "value")]) for key in keys}) == 1


def test_values_differ_in_their_types():
    values = [1, 1.0, True, "1", b"1", [1], (1,), {1}, frozenset({1}), {1: 1}, None]
    values += [Point(1), Point(2), Decimal(1), 0.0, -0.0]
    assert len({digest([("key", value)]) for value in values}) == len(values)


def test_what_joins_is_not_read_in_two_ways():
    assert digest([("ab", "c")]) != digest([("a", "bc")])
    assert digest([(("a", "b"), 0)]) != digest([(("ab",), 0)])


def test_what_cannot_be_told_is_refused():
    with pytest.raises(UsageError, match="address"):
        digest([("key", object())])
