"""Tables and windows: what is gathered, when it spills, who is told."""

import random
from collections import Counter

import pytest
from flow_bench import Room
from hypothesis import given
from hypothesis import strategies as st

from mincer.context import Context
from mincer.errors import BadKeyError, UserCodeError
from mincer.flow.mapper import (
    FoldTable,
    Inexact,
    ListTable,
    PairColumns,
    drain,
    drain_combining,
)
from mincer.flow.weigher import weigh_pairs


class Spills:
    """A spiller that keeps what it is given."""

    def __init__(self):
        self.runs = []

    def spill(self, keys, values, *, grouped):
        values = [list(v) for v in values] if grouped else list(values)
        self.runs.append(dict(zip(keys, values, strict=True)))


class Refusing(Spills):
    def spill(self, keys, values, *, grouped):
        raise BadKeyError("no key")


class Counted(ListTable):
    windows = ()

    def add(self, window):
        self.windows = (*self.windows, len(window))
        super().add(window)


def context():
    return Context("job", "map 0", 1)


def pairs(count, keys=100):
    return iter([(n % keys, 1) for n in range(count)])


def test_windows_grow_by_steps():
    table = Counted(None, Spills(), context())
    assert drain(pairs(1000), table, Room(), exact=False) == 1000
    assert table.windows == (16, 64, 256, 256, 256, 152)


def test_heavy_pairs_make_small_windows():
    table = Counted(None, Spills(), context())
    heavy = iter([(n, bytes(100_000)) for n in range(40)])
    drain(heavy, table, Room(10_000_000), exact=False)
    assert table.windows[0] == 16
    assert set(table.windows[1:]) == {1}


def test_an_exact_one_takes_one_pair_at_a_time():
    table = Counted(None, Spills(), context())
    drain(pairs(5), table, Room(), exact=True)
    assert table.windows == (1,) * 5


def test_a_full_table_spills_at_the_same_place_each_time():
    runs = []
    for _ in range(2):
        spills = Spills()
        table = FoldTable(sum, spills)
        drain(pairs(50_000, keys=50_000), table, Room(500_000), exact=False)
        runs.append([len(run) for run in spills.runs])
    assert runs[0] == runs[1]
    assert len(runs[0]) > 5
    assert sum(runs[0]) == 50_000


def test_memory_is_looked_at_now_and_then():
    room = Room()
    drain(pairs(300_000), FoldTable(sum, Spills()), room, exact=False)
    assert 2 <= room.looks <= 10


def test_lists_are_combined_now_and_then():
    calls = []

    def combinefn(key, values):
        calls.append(len(values))
        return sum(values)

    spills = Spills()
    table = ListTable(combinefn, spills, context())
    drain(numbered(1_200_000, keys=2), table, Room(), exact=False)
    total = sum(range(0, 1_200_000, 2))
    assert spills.runs[0] == {0: total, 1: total + 600_000}
    assert len(calls) == 6


def test_copies_of_one_value_are_combined_at_the_spill():
    calls = []

    def combinefn(key, values):
        calls.append((key, len(values), context.combining))
        return sum(values)

    context = Context("job", "map 0", 1)
    spills = Spills()
    table = ListTable(combinefn, spills, context)
    drain(iter([*pairs(300_000, keys=2), (2, 1)]), table, Room(), exact=False)
    assert spills.runs == [{0: 150_000, 1: 150_000, 2: 1}]
    # In steps, so that a key with many millions of copies needs no list of them.
    assert calls == [(k, n, True) for k in (0, 1) for n in (65_536, 65_536, 18_930)]
    assert not context.combining


@pytest.mark.parametrize("combinefn", [None, lambda key, values: sum(values)])
def test_another_value_ends_the_counting(combinefn):
    spills = Spills()
    table = ListTable(combinefn, spills, context())
    given = [*pairs(1000, keys=3), (0, 2), *pairs(1000, keys=3)]
    drain(iter(given), table, Room(), exact=False)
    lists = {}
    for key, value in given:
        lists.setdefault(key, []).append(value)
    total = {key: sum(values) for key, values in lists.items()}
    assert spills.runs == [lists if combinefn is None else total]


def test_copies_that_will_be_listed_weigh_as_lists():
    table = ListTable(None, Spills(), context())
    table.add(list(pairs(200, keys=2)))
    counted = table.weigh((50.0, 28.0))
    table.add([(0, 2)])
    assert table.weigh((50.0, 28.0)) == counted + 28 + 9


def test_a_combinefn_that_raises_on_copies_names_their_key():
    table = ListTable(lambda key, values: 1 // 0, Spills(), context())
    with pytest.raises(UserCodeError, match="combinefn raised ZeroDivision") as e:
        drain(pairs(1000, keys=2), table, Room(), exact=False)
    assert e.value.where.key == "0"
    assert "500 values" in e.value.where.source


def test_what_hardly_shrinks_is_left_alone_until_the_spill():
    calls = []

    def combinefn(key, values):
        calls.append(key)
        return max(values)

    table = ListTable(combinefn, Spills(), context())
    drain(numbered(1_100_000, keys=500_000), table, Room(), exact=False)
    # One pass after half a million pairs, when few keys had two values, and one at the
    # spill, when all had.
    assert len(calls) == len(set(calls)) + 24_368


class Kept(Spills):
    """A spiller that keeps the columns as they are."""

    def spill(self, keys, values, *, grouped):
        self.runs.append((grouped, list(keys), list(values)))


def numbered(count, keys):
    """Pairs whose values are their numbers: no two are the same object."""
    return iter([(n % keys, n) for n in range(count)])


def test_keys_that_hardly_repeat_are_not_grouped():
    spills = Kept()
    drain(
        numbered(20_000, 12_000),
        ListTable(None, spills, context()),
        Room(),
        exact=False,
    )
    [(grouped, keys, values)] = spills.runs
    assert not grouped
    assert sorted(zip(keys, values, strict=True)) == sorted(numbered(20_000, 12_000))


def test_keys_that_hardly_repeat_with_one_value_are_not_grouped():
    spills = Kept()
    pairs = [(n % 12_000, None) for n in range(20_000)]
    drain(iter(pairs), ListTable(None, spills, context()), Room(), exact=False)
    [(grouped, keys, values)] = spills.runs
    assert not grouped
    assert sorted(keys) == sorted(key for key, _ in pairs)
    assert values == [None] * 20_000


def test_values_of_a_key_stay_in_order_when_lists_become_columns():
    spills = Kept()
    pairs = [("again", n) if n % 64 == 0 else (n, n) for n in range(20_000)]
    drain(iter(pairs), ListTable(None, spills, context()), Room(), exact=False)
    [(grouped, keys, values)] = spills.runs
    assert not grouped
    of_key = [v for k, v in zip(keys, values, strict=True) if k == "again"]
    assert of_key == list(range(0, 20_000, 64))


def test_keys_that_repeat_are_grouped():
    spills = Kept()
    drain(
        numbered(20_000, 6000), ListTable(None, spills, context()), Room(), exact=False
    )
    [(grouped, keys, values)] = spills.runs
    assert grouped
    assert keys == list(range(6000))
    assert values[0] == [0, 6000, 12_000, 18_000]


def test_what_has_a_combinefn_is_combined_at_the_spill():
    spills = Kept()
    table = ListTable(lambda key, values: sum(values), spills, context())
    drain(numbered(20_000, 12_000), table, Room(), exact=False)
    [(grouped, _keys, values)] = spills.runs
    assert not grouped  # each key has one value by now
    assert len(values) == 12_000
    assert values[0] == 12_000


def test_columns_of_a_list_table_spill_when_they_are_full():
    lengths = []
    for _ in range(2):
        spills = Kept()
        table = ListTable(None, spills, context())
        drain(numbered(60_000, 60_000), table, Room(2_500_000), exact=False)
        assert table.weigh((1.0, 1.0)) == 0
        lengths.append([len(keys) for _, keys, _ in spills.runs])
        assert [k for _, keys, _ in spills.runs for k in keys] == list(range(60_000))
    assert lengths[0] == lengths[1]
    # The lists weigh more than the columns that follow them.
    assert len(lengths[0]) > 2
    assert len(set(lengths[0][1:-1])) == 1


def total(key, values):
    return sum(values)


@given(
    seed=st.integers(0, 2**32),
    room_bytes=st.sampled_from([None, 5_000, 50_000]),
    tight_every=st.sampled_from([None, 3]),
    combinefn=st.sampled_from([sum, total]),
    first=st.sampled_from([1, True, 7, 0.5]),
)
def test_pairs_of_one_value_come_to_what_their_sum_is(
    seed, room_bytes, tight_every, combinefn, first
):
    chance = random.Random(seed)
    keys = chance.choice([3, 40, 4000])
    odd = chance.choice([0, 0.0001, 0.5])

    def record():
        for _ in range(chance.randrange(40)):
            pair = chance.randrange(keys), 2 if chance.random() < odd else first
            given[pair[0]] += pair[1]
            made.append(pair)
            yield pair

    given, made = Counter(), []
    streams = (iter([record() for _ in range(50)]) for _ in range(8))
    spills = Spills()
    table = (
        FoldTable(sum, spills)
        if combinefn is sum
        else ListTable(combinefn, spills, context())
    )
    counted = drain_combining(streams, table, Room(room_bytes, tight_every))
    assert counted == len(made)
    sums = Counter()
    for run in spills.runs:
        sums.update(run)
    assert sums == given


def test_memory_is_looked_at_after_each_batch_that_is_counted():
    room = Room()
    streams = (iter([pairs(1000)]) for _ in range(20))
    table = FoldTable(sum, Spills())
    assert drain_combining(streams, table, room) == 20_000
    assert 15 <= room.looks <= 20


def test_a_spill_that_fails_between_batches_asks_for_an_exact_look():
    streams = (iter([pairs(1000)]) for _ in range(20))
    with pytest.raises(Inexact):
        drain_combining(streams, FoldTable(sum, Refusing()), Room(None, 1))


@pytest.mark.parametrize(
    ("fold", "expected"), [(min, 1), (max, 5), (any, True), (all, True)]
)
def test_what_is_no_sum_is_not_counted(fold, expected):
    spills = Spills()
    streams = iter([iter([iter([("k", 1)] * 600 + [("k", 5)])])])
    assert drain_combining(streams, FoldTable(fold, spills), Room()) == 601
    assert spills.runs == [{"k": expected}]
    assert type(spills.runs[0]["k"]) is type(expected)


class Array:
    """A value that can be added to and compared with nothing, as an array of numpy."""

    def __init__(self, sum_of):
        self.sum_of = sum_of

    def __radd__(self, other):
        return Array(self.sum_of + (other.sum_of if other else 0))

    __add__ = __radd__

    def __eq__(self, other):
        raise ValueError("ambiguous")

    def __hash__(self):
        raise ValueError("ambiguous")


def test_a_value_of_a_class_is_added_as_it_is():
    spills = Spills()
    one = Array(1)
    streams = iter([iter([iter([("k", one)] * 600)])])
    assert drain_combining(streams, FoldTable(sum, spills), Room()) == 600
    assert spills.runs[0]["k"].sum_of == 600


def test_columns_are_handed_over_at_their_length_and_at_the_end():
    handed = []
    table = PairColumns(lambda keys, values: handed.append((keys, values)), 40)
    assert table.weigh(weigh_pairs([(1, 2)])) == 0
    drain(iter([(n, -n) for n in range(100)]), table, Room(), exact=False)
    assert [len(keys) for keys, _ in handed] == [80, 20]
    assert [key for keys, _ in handed for key in keys] == list(range(100))
    assert [v for _, values in handed for v in values] == [-n for n in range(100)]


def test_a_pair_that_cannot_be_taken_in_asks_for_an_exact_look():
    for bad in (5, ([], 1)):
        with pytest.raises(Inexact):
            drain(iter([(1, 1), bad]), FoldTable(sum, Spills()), Room(), exact=False)


def test_a_spill_that_fails_asks_for_an_exact_look():
    with pytest.raises(Inexact):
        drain(pairs(1), FoldTable(sum, Refusing()), Room(), exact=False)
    with pytest.raises(BadKeyError):
        drain(pairs(1), FoldTable(sum, Refusing()), Room(), exact=True)


def test_what_the_fold_cannot_do_is_the_users_error():
    bad = [("k", 1), ("k", "text")]
    with pytest.raises(UserCodeError, match="cannot be combined: TypeError"):
        drain(iter(bad), FoldTable(sum, Spills()), Room(), exact=True)


def test_an_error_of_a_function_of_the_user_passes():
    def combinefn(key, values):
        raise ValueError("mine")

    two = [("k", 1), ("k", 2)]
    table = ListTable(combinefn, Spills(), context())
    with pytest.raises(UserCodeError, match="combinefn raised ValueError: mine"):
        drain(iter(two), table, Room(), exact=False)
