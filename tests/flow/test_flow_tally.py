"""Counting keys while every value is the same object, and stopping at another."""

import random

from hypothesis import given
from hypothesis import strategies as st

from mincer.flow.tally import Tally

ONE = object()


def never():
    raise AssertionError("no look was due")


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


def test_a_first_value_that_may_not_be_counted_ends_it():
    tally = Tally(lambda value: value != 1)
    window = [("a", 1), ("a", 1)]
    assert tally.take(window) == window
    assert not tally.open
    assert tally.counts == {}


def streams_of(batches):
    """Generators, as of a mapfn: what was taken from one is gone."""
    return (((pair for pair in record) for record in batch) for batch in batches)


def knowing(keys=4):
    """A tally that knows its keys."""
    tally = Tally()
    tally.take([(n % keys, ONE) for n in range(64)])
    tally.take([(n % keys, ONE) for n in range(64)])
    return tally


def test_nothing_is_counted_by_the_batch_before_a_window_was_seen():
    tally = Tally()
    batches = [[[(0, ONE)], [(1, ONE), (0, ONE)]], [[(2, ONE)]]]
    assert [list(left) for left in tally.through(streams_of(batches), never)] == [
        [(0, ONE), (1, ONE), (0, ONE)],
        [(2, ONE)],
    ]
    assert tally.counts == {}


def test_batches_of_known_keys_are_counted_whole():
    tally, looks = knowing(), []
    batches = [[[(0, ONE), (1, ONE)], [], [("new", ONE)]], [[(0, ONE)] * 3]]
    left = tally.through(streams_of(batches), lambda: looks.append(len(tally.counts)))
    assert list(left) == []
    assert looks == [5, 5]
    assert tally.counts == {0: 36, 1: 33, 2: 32, 3: 32, "new": 1}
    tally.clear()
    assert (tally.counts, tally.in_batches) == ({}, 6)


def test_large_counts_are_carried_over():
    tally = knowing()
    batch = [[(0, ONE)] * 600, [(1, ONE)] * 225, [(2, ONE)] * 224, [("new", ONE)] * 256]
    for times in (1, 2):
        assert list(tally.through(streams_of([batch, batch]), lambda: None)) == []
        assert tally.keys == 5
        assert tally.counts == {
            0: 32 + times * 1200,
            1: 32 + times * 450,
            2: 32 + times * 448,
            3: 32,
            "new": times * 512,
        }
        assert list(tally.counts) == [0, 1, 2, 3, "new"]
    assert list(tally.through(streams_of([batch]), lambda: None)) == []
    assert tally.take([(0, ONE)] * 300) == []
    assert tally.counts[0] == 32 + 5 * 600 + 300
    tally.clear()
    assert (tally.counts, tally.keys) == ({}, 0)
    assert tally.in_batches == 5 * (600 + 225 + 224 + 256)


def test_another_value_leaves_all_that_follows():
    tally = knowing()
    other = (0, object())
    batches = [[[(0, ONE), other, (1, ONE)], [(2, ONE)]], [[(3, ONE)]]]
    streams = tally.through(streams_of(batches), lambda: None)
    assert list(next(streams)) == [other, (1, ONE)]
    tally.take([other])
    assert [list(left) for left in streams] == [[(2, ONE)], [(3, ONE)]]
    assert tally.counts == {0: 33, 1: 32, 2: 32, 3: 32}


def test_many_new_keys_ask_for_a_window():
    tally = knowing()
    batch = [[(n, ONE) for n in range(5000)], [("more", ONE)]]
    streams = tally.through(streams_of([batch]), lambda: None)
    left = list(next(streams))
    assert left == [(n, ONE) for n in range(4 + 16 * 64, 5000)]
    assert len(tally.counts) == 4 + 16 * 64
    assert list(next(streams)) == [("more", ONE)]


@given(st.integers(0, 2**32))
def test_every_pair_is_counted_once_or_left(seed):
    chance = random.Random(seed)

    def pair():
        key = chance.randrange(8) if chance.random() < 0.98 else chance.random()
        return key, ONE if chance.random() < 0.999 else object()

    batches = [
        [[pair() for _ in range(chance.randrange(12))] for _ in range(20)]
        for _ in range(chance.randrange(8))
    ]
    tally, refused, taken = knowing(8), [], 128
    for left in tally.through(streams_of(batches), lambda: None):
        some = list(left)
        if some:
            back = tally.take(some) if tally.open else some
            taken += len(some) - len(back)
            refused += back
    expected = dict.fromkeys(range(8), 16)
    pairs = [pair for batch in batches for record in batch for pair in record]
    same = 0
    while same < len(pairs) and pairs[same][1] is ONE:
        expected[pairs[same][0]] = expected.get(pairs[same][0], 0) + 1
        same += 1
    assert refused == pairs[same:]
    assert tally.counts == expected
    tally.clear()
    assert tally.in_batches == sum(expected.values()) - taken
