"""Cut points from a sample."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec.keys import NAN
from mincer.flow.sampler import SPLITS_MAX, cut_points, sample_keys, spread


@given(st.integers(0, 1000))
def test_indexes_are_spread_over_all(count):
    indexes = spread(count)
    assert indexes == sorted(set(indexes))
    assert len(indexes) == min(count, SPLITS_MAX)
    assert all(0 <= index < count for index in indexes)
    if count > SPLITS_MAX:
        assert indexes[-1] >= count * 9 // 10


def test_of_many_splits_only_the_heads_are_read():
    pairs = iter([(n, 0) for n in range(10_000)])
    assert sample_keys(pairs, 64) == list(range(1024))
    assert next(pairs) == (1024, 0)


@pytest.mark.parametrize("count", [0, 10, 20_000, 100_000])
def test_of_few_splits_all_is_read_and_evenly_kept(count):
    kept = sample_keys(((n, 0) for n in range(count)), 1)
    assert len(kept) <= 2**14
    assert len(kept) == count or len(kept) > 2**12
    steps = {b - a for a, b in pairwise(kept)}
    assert len(steps) <= 1


def test_nan_is_the_one_nan():
    assert sample_keys(iter([(math.nan, 0), ((math.nan,), 0)]), 64) == [NAN, (NAN,)]


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 9))
def test_cuts_are_ascending_and_from_the_keys(keys, buckets):
    cuts = cut_points(keys, buckets, None)
    assert len(cuts) == buckets - 1
    assert cuts == sorted(cuts)
    assert set(cuts) <= set(keys)


def test_cuts_make_pieces_of_one_size():
    assert cut_points(list(range(100)), 4, None) == [25, 50, 75]
    assert cut_points(list(range(100)), 4, lambda key: -key) == [-74, -49, -24]


def test_without_keys_there_is_nothing_to_cut():
    assert cut_points([], 4, None) == []
    assert cut_points([NAN], 4, None) == []
