"""Every key has one bucket, and the buckets of a part stand side by side."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec.keys import part_of
from mincer.errors import UserCodeError
from mincer.flow.partitioner import (
    FunctionPartitioner,
    HashPartitioner,
    RangePartitioner,
)

PARTS = st.integers(1, 700)


def partitioners(parts):
    for cut in (True, False):
        yield HashPartitioner(parts, cut)
        yield FunctionPartitioner(lambda key, parts: key % parts, parts, cut)
        yield RangePartitioner(parts, [10, 20, 30][: parts - 1], None, cut)


@given(PARTS)
def test_bounds_cover_all_buckets_in_order(parts):
    for partitioner in partitioners(parts):
        bounds = [partitioner.bounds(part) for part in range(parts)]
        assert bounds[0][0] == 0
        assert bounds[-1][1] == partitioner.buckets
        assert all(a[1] == b[0] for a, b in pairwise(bounds))
        assert all(first < last for first, last in bounds)


@given(PARTS)
def test_a_part_that_is_not_cut_is_one_bucket(parts):
    for partitioner in partitioners(parts):
        if partitioner.buckets == parts:
            assert partitioner.bounds(parts - 1) == (parts - 1, parts)


@given(st.lists(st.integers(-100, 100)), PARTS, st.booleans())
def test_the_default_is_the_fixed_function(keys, parts, cut):
    partitioner = HashPartitioner(parts, cut)
    buckets, digest = partitioner.place(keys, {int})
    for key, bucket in zip(keys, buckets, strict=True):
        first, last = partitioner.bounds(part_of(key, parts))
        assert first <= bucket < last
    assert digest == partitioner.place(keys[::-1], {int})[1]


@given(st.lists(st.integers(0, 100)), st.integers(1, 20), st.booleans())
def test_a_function_decides_the_part(keys, parts, cut):
    partitioner = FunctionPartitioner(lambda key, parts: key % parts, parts, cut)
    buckets, _ = partitioner.place(keys, {int})
    for key, bucket in zip(keys, buckets, strict=True):
        first, last = partitioner.bounds(key % parts)
        assert first <= bucket < last


@pytest.mark.parametrize("part", [-1, 3, "1", None, 1.0])
def test_what_is_no_part_is_told_with_its_key(part):
    partitioner = FunctionPartitioner(lambda key, parts: part, 3)
    with pytest.raises(UserCodeError, match="an int from 0 to 2") as caught:
        partitioner.place(["k"], {str})
    assert caught.value.where.key == "'k'"


def test_a_function_that_raises_is_told_with_its_key():
    partitioner = FunctionPartitioner(lambda key, parts: 1 // 0, 3)
    with pytest.raises(UserCodeError, match="partitionfn raised ZeroDivision") as e:
        partitioner.place(["k"], {str})
    assert e.value.where.key == "'k'"


@given(st.lists(st.integers(0, 40)))
def test_ranges_are_in_order(keys):
    for order in (None, lambda key: -key):
        cuts = [-30, -20, -10] if order else [10, 20, 30]
        partitioner = RangePartitioner(2, cuts, order)
        buckets, digest = partitioner.place(keys, {int})
        ranked = sorted(zip(buckets, keys, strict=True))
        by_bucket = [key for _, key in sorted(ranked, key=lambda p: p[0])]
        for bucket, key in ranked:
            compared = order(key) if order else key
            assert bucket == sum(cut <= compared for cut in cuts)
        assert len(by_bucket) == len(keys)
        assert digest == 0


def test_a_part_of_ranges_has_several_passes_if_it_may_be_large():
    for parts, each in ((1, 256), (64, 4), (1000, 1)):
        assert RangePartitioner(parts, [], None).buckets == parts * each
        assert RangePartitioner(parts, [], None, cut=False).buckets == parts
