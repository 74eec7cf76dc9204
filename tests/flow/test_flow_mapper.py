"""Tables and windows: what is gathered, when it spills, who is told."""

import pytest
from flow_bench import Room

from mincer.context import Context
from mincer.errors import BadKeyError, UserCodeError
from mincer.flow.mapper import FoldTable, Inexact, ListTable, PairColumns, drain
from mincer.flow.weigher import weigh_pairs


class Spills:
    """A spiller that keeps what it is given."""

    def __init__(self):
        self.runs = []

    def spill(self, keys, values, *, grouped):
        values = [list(v) for v in values] if grouped else list(values)
        self.runs.append(dict(zip(keys, values, strict=True)))


class Counted(ListTable):
    windows = ()

    def add(self, window):
        self.windows = (*self.windows, len(window))
        super().add(window)


def context():
    return Context("job", "map 0", 1)


def pairs(count, keys=100):
    return iter([(n % keys, 1) for n in range(count)])


def test_windows_grow_by_steps_up_to_a_thousand():
    table = Counted(None, Spills(), context())
    assert drain(pairs(3000), table, Room(), exact=False) == 3000
    assert table.windows == (16, 64, 256, 1024, 1024, 616)


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
    drain(pairs(1_200_000, keys=2), table, Room(), exact=False)
    assert spills.runs[0] == {0: [600_000], 1: [600_000]}
    assert len(calls) == 6


def test_what_hardly_shrinks_is_left_alone_until_the_spill():
    calls = []

    def combinefn(key, values):
        calls.append(key)
        return max(values)

    table = ListTable(combinefn, Spills(), context())
    drain(pairs(1_100_000, keys=500_000), table, Room(), exact=False)
    # One pass after half a million pairs, when few keys had two values, and one at the
    # spill, when all had.
    assert len(calls) == len(set(calls)) + 24_624


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
    class Refusing(Spills):
        def spill(self, keys, values, *, grouped):
            raise BadKeyError("no key")

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
