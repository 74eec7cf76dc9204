"""Grouping in memory, and reducing while the blocks are read."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec.blocks import Block
from mincer.flow.combiner import FOLDS
from mincer.flow.grouper import fold_blocks, group_blocks

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


@given(GROUPS)
def test_values_of_equal_keys_come_together_in_their_order(groups):
    grouped = group_blocks(blocks_of(groups))
    expected = together(groups)
    assert sorted(grouped.keys) == sorted(expected)
    taken = {key: list(values) for key, values in grouped.take(grouped.keys)}
    assert taken == expected


def test_what_is_taken_is_no_longer_kept():
    grouped = group_blocks([Block([1, 2], None, ["a", "b"])])
    assert [key for key, _ in grouped.take([2])] == [2]
    assert grouped.keys == [1]


@pytest.mark.parametrize("builtin", [*FOLDS, len])
@given(groups=GROUPS)
def test_a_fold_is_the_builtin(builtin, groups):
    expected = {key: builtin(values) for key, values in together(groups).items()}
    assert fold_blocks(blocks_of(groups), builtin) == expected


@pytest.mark.parametrize("values", [[1.5], [1, 2.0], [True], ["a"]])
def test_only_ints_are_summed_on_the_way(values):
    block = Block(["k"], [len(values)], values)
    assert fold_blocks([block], sum) is None
