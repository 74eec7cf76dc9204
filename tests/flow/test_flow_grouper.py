"""Grouping in memory, and reducing while the blocks are read."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec.blocks import Block
from mincer.flow.combiner import FOLDS
from mincer.flow.fetcher import Pass
from mincer.flow.grouper import Folded, Groups, Unfoldable, gather
from mincer.flow.weigher import ENTRY_BYTES
from mincer.values import Values

GROUPS = st.lists(
    st.dictionaries(
        st.integers(0, 5), st.lists(st.integers(-9, 9), min_size=1, max_size=4)
    ),
    max_size=4,
)


def blocks_of(groups):
    for group in groups:
        values = [value for some in group.values() for value in some]
        counts = list(map(len, group.values()))
        alone = all(count == 1 for count in counts)
        yield Block(list(group), None if alone else counts, values)


def together(groups):
    whole = defaultdict(list)
    for group in groups:
        for key, values in group.items():
            whole[key] += values
    return whole


def taken(groups):
    keys = groups.keys
    pairs = zip(keys, groups.take(keys), strict=True)
    return {key: list(v) if type(v) is Values else [v] for key, v in pairs}


@given(GROUPS)
def test_values_of_equal_keys_come_together_in_their_order(groups):
    grouped = Groups()
    for block in blocks_of(groups):
        grouped.add(block)
    expected = together(groups)
    assert len(grouped) == len(expected)
    assert grouped.values == sum(map(len, expected.values()))
    found = taken(grouped)
    assert found == expected
    # In the order in which they came.
    assert list(found) == list(expected)


def test_what_is_taken_is_no_longer_kept():
    grouped = Groups()
    grouped.add(Block([1, 2], [2, 1], ["a", "b", "c"]))
    assert taken(grouped) == {1: ["a", "b"], 2: ["c"]}
    assert len(grouped) == 0
    assert taken(grouped) == {}


@pytest.mark.parametrize("builtin", [*FOLDS, len])
@given(groups=GROUPS)
def test_a_fold_is_the_builtin(builtin, groups):
    expected = {key: builtin(values) for key, values in together(groups).items()}
    folded = Folded(builtin)
    for block in blocks_of(groups):
        folded.add(block)
    assert len(folded) == len(expected)
    keys = folded.keys[::-1]
    assert dict(zip(keys, folded.take(keys), strict=True)) == expected
    assert len(folded) == 0


@pytest.mark.parametrize("values", [[1.5], [1, 2.0], [True], ["a"]])
def test_only_ints_are_summed_on_the_way(values):
    with pytest.raises(Unfoldable):
        Folded(sum).add(Block(["k"], [len(values)], values))


@pytest.mark.parametrize("make", [Groups, lambda: Folded(sum)])
@given(groups=GROUPS, more=GROUPS)
def test_what_came_last_can_be_taken_out_again(make, groups, more):
    once, twice = make(), make()
    for block in blocks_of(groups):
        once.add(block)
        twice.add(block)
    for group in more:  # other keys
        for block in blocks_of([{("more", key): vs for key, vs in group.items()}]):
            twice.add(block)
    twice.cut(len(once))
    if make is Groups:
        assert once.values == twice.values
        assert taken(once) == taken(twice)
    else:
        assert once.keys == twice.keys
        assert once.take(once.keys) == twice.take(twice.keys)


def test_weight():
    groups, folded = Groups(), Folded(sum)
    for table in (groups, folded):
        assert table.weight_bytes == 0
        table.add(Block(list(range(1000, 1100)), None, list(range(1000, 1100))))
        assert table.weight_bytes == 100 * (28 + 28 + ENTRY_BYTES)
    folded.add(Block(list(range(1000, 1100)), None, list(range(100))))
    assert folded.weight_bytes < 101 * (28 + 28 + ENTRY_BYTES)
    before = groups.weight_bytes
    groups.add(Block([1000], [50], list(range(1000, 1050))))
    assert before + 50 * 28 < groups.weight_bytes < before + 50 * 60


# --- how many buckets go together

#: What the indexes say that a key weighs, and what it does.
SAID, KEY = 200, 28 + 28 + ENTRY_BYTES


def bucket_of(number, keys, times=1):
    """A bucket in which each key stands `times` times; its blocks."""
    first = 10_000 * (number + 1)
    block = Block(list(range(first, first + keys)), None, [1000] * keys)
    one = Pass(number, number + 1, SAID * keys * times, keys * times, keys * times)
    return one, [block] * times


def gathered(make, buckets, room):
    table = make()
    blocks = dict(buckets)
    taken = gather(table, [one for one, _ in buckets], blocks.__getitem__, room)
    keys = {key for one, some in buckets[:taken] for b in some for key in b.keys}
    assert len(table) == len(keys)
    return taken


def test_without_a_bucket_nothing_is_gathered():
    assert gathered(Groups, [], 100) == 0


@pytest.mark.parametrize("make", [Groups, lambda: Folded(sum)])
def test_as_many_buckets_as_fit_go_together(make):
    buckets = [bucket_of(n, 100) for n in range(10)]
    assert gathered(make, buckets, float("inf")) == 10
    assert gathered(make, buckets, 3.5 * 100 * SAID) in (3, 4)
    assert gathered(make, buckets, 50 * KEY) == 0


def test_what_maps_have_in_common_is_not_counted_again():
    # Said to weigh 10 tables of 100 keys each; all of it is one.
    buckets = [bucket_of(n, 100, times=10) for n in range(10)]
    room = 10 * 100 * KEY
    assert gathered(lambda: Folded(sum), buckets, room) == 9
    assert gathered(lambda: Folded(sum), buckets, room + 100 * KEY) == 10


def test_a_bucket_unlike_the_others_is_taken_out_again():
    buckets = [bucket_of(0, 100, times=10), bucket_of(1, 100, 10), bucket_of(2, 900)]
    assert gathered(lambda: Folded(sum), buckets, 600 * KEY) == 2
    assert gathered(lambda: Folded(sum), buckets, 1200 * KEY) == 3
