"""Counting keys while every value is the same object, and stopping at another."""

from hypothesis import given
from hypothesis import strategies as st

from mincer.flow.tally import Tally

ONE = object()


def listed(tally):
    return {key: [tally.value] * count for key, count in tally.counts.items()}


WINDOWS = st.lists(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from([1, 1, 1, True, 1.0])),
        min_size=1,
        max_size=8,
    ),
    max_size=8,
)


@given(WINDOWS)
def test_it_counts_up_to_the_first_other_value(windows):
    """Of values that are all equal: identity decides."""
    pairs = [pair for window in windows for pair in window]
    same = 0
    while same < len(pairs) and pairs[same][1] is pairs[0][1]:
        same += 1
    tally = Tally()
    left = []
    for window in windows:
        left += tally.take(window) if tally.open else window
    assert left == pairs[same:]
    assert [type(value) for _, value in left] == [type(v) for _, v in pairs[same:]]
    expected = {}
    for key, value in pairs[:same]:
        expected.setdefault(key, []).append(value)
    assert listed(tally) == expected
    assert list(tally.counts) == list(expected)
    assert tally.open is (same == len(pairs))


def test_a_table_that_knows_most_keys_takes_new_ones_too():
    tally = Tally()
    tally.take([(n % 4, ONE) for n in range(100)])
    assert tally.take([*[(n % 4, ONE) for n in range(99)], ("new", ONE)]) == []
    assert tally.counts == {0: 50, 1: 50, 2: 50, 3: 49, "new": 1}
    other = ("more", object())
    assert tally.take([(0, ONE), other, (1, ONE)]) == [other, (1, ONE)]
    assert tally.counts[0] == 51
    assert not tally.open
