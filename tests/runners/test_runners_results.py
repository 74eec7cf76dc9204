"""Results read their pairs lazily, again and again, until they are closed."""

import gc
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec.blocks import decode_pairs
from mincer.errors import JobError, OrderError, UsageError
from mincer.runners.report import Report
from mincer.runners.results import Results


class Part:
    """A part in memory, in blocks of two pairs; counts how many blocks were read."""

    def __init__(self, pairs, size=2):
        self.pairs = list(pairs)
        self.size = size
        self.blocks = 0

    def __call__(self):
        for at in range(0, len(self.pairs), self.size):
            self.blocks += 1
            block = self.pairs[at : at + self.size]
            yield [key for key, _ in block], [value for _, value in block]


class FileSpool:
    """A spool in one file."""

    def __init__(self, path):
        self.path = path
        self.path.touch()

    def append(self, data):
        offset = self.path.stat().st_size
        with self.path.open("ab") as file:
            file.write(data)
        return str(self.path), offset, len(data)


def make(*parts, **options):
    pairs = sum(len(part) for part in parts)
    report = Report("job", "test", "memory")
    return Results([Part(part) for part in parts], pairs, {"n": 2}, report, **options)


ABC = [("a", 3), ("b", 1), ("c", 2)]


def test_pairs_come_in_part_order_any_number_of_times():
    results = make(ABC, [], [("d", 4)])
    assert list(results) == list(results) == [*ABC, ("d", 4)]
    assert len(results) == 4
    assert [list(part) for part in results.parts] == [ABC, [], [("d", 4)]]
    assert results.to_dict() == {"a": 3, "b": 1, "c": 2, "d": 4}


def test_two_iterations_at_once_do_not_disturb_each_other():
    results = make(ABC)
    assert list(zip(results, results, strict=True)) == [(one, one) for one in ABC]


def test_nothing_is_read_before_it_is_asked_for():
    part = Part(ABC)
    results = Results([part], 3, {}, Report("job", "test", "memory"))
    pairs = iter(results)
    assert part.blocks == 0
    next(pairs)
    assert part.blocks == 1


def test_counters_cannot_be_changed():
    results = make(ABC)
    assert results.counters == {"n": 2}
    with pytest.raises(TypeError):
        results.counters["n"] = 3


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ([("a", 1), ("b", 1), ("c", 1), ("b", 2)], "the key 'b' comes more than once"),
        ([(1, "int"), (True, "bool")], "comes more than once"),
        ([(["a"], 1)], "cannot be the key of a dict"),
    ],
)
def test_to_dict_loses_nothing_without_a_word(pairs, says):
    with pytest.raises(JobError, match=says):
        make(pairs).to_dict()


def test_a_key_that_is_in_two_parts_comes_twice_too():
    with pytest.raises(JobError, match="'a'"):
        make([("a", 1)], [("a", 1)]).to_dict()


values = st.one_of(st.integers(-3, 3), st.sampled_from([1.5, math.nan, math.inf]))
pairs = st.lists(st.tuples(st.text("ab", max_size=2), values), max_size=12)


@given(st.lists(pairs, max_size=3), st.integers(0, 6))
def test_top_is_the_start_of_the_sorted_pairs(parts, n):
    def place(pair):
        key, value = pair
        return (value != value, 0 if value != value else -value, key)

    every = [pair for part in parts for pair in part]
    shown = [(key, repr(value)) for key, value in make(*parts).top(n)]
    expected = [place(pair) for pair in sorted(every, key=place)[:n]]
    found = [place((key, float(value))) for key, value in shown]
    assert found == expected


def test_top_compares_keys_for_ties_only():
    assert make([(1, 5), ("a", 6), (None, 4)]).top(2) == [("a", 6), (1, 5)]
    with pytest.raises(OrderError, match="NoneType"):
        make([(1, 5), (None, 5)]).top(1)


def test_top_names_what_does_not_compare():
    with pytest.raises(OrderError, match=r"'x' \(str\)|3 \(int\)"):
        make([("a", 3), ("b", "x")]).top(1)


@pytest.mark.parametrize("n", [-1, 1.5, "3", True])
def test_top_takes_a_count(n):
    with pytest.raises(UsageError, match="top"):
        make(ABC).top(n)


def test_after_close_nothing_can_be_read():
    closed = []
    results = make(ABC, on_close=lambda: closed.append(1))
    begun = iter(results)
    next(begun)
    source = results.as_source()
    results.close()
    results.close()
    assert closed == [1]
    assert results.closed
    assert "closed" in repr(results)
    for use in (
        lambda: list(results),
        results.to_dict,
        results.top,
        lambda: list(begun),
        results.as_source,
        source.check,
        lambda: list(results.parts[0]),
    ):
        with pytest.raises(UsageError, match="closed"):
            use()


def test_the_end_of_a_with_closes():
    with make(ABC) as results:
        assert not results.closed
    assert results.closed


def test_what_nobody_holds_is_removed():
    closed = []
    results = make(ABC, on_close=lambda: closed.append(1))
    del results
    gc.collect()
    assert closed == [1]


def test_repr_says_how_much_it_is():
    assert repr(make(ABC, [])) == "<Results: 3 pairs in 2 parts>"


def records(split, skip=()):
    """Ordinals, keys and values of a split; each batch is checked on the way."""
    found = []
    for batch in split.read(frozenset(skip)):
        keys = list(batch.keys)
        assert len(keys) == len(batch.values) > 0
        for at, pair in enumerate(zip(keys, batch.values, strict=True)):
            assert batch.locate(at).offset == batch.first + at
            assert batch.locate(at).key == repr(pair[0])
            found.append((batch.first + at, *pair))
    return found


def test_as_a_source_each_part_is_a_split():
    source = make(ABC, [("d", 4)]).as_source()
    source.check()
    first, second = source.plan()
    assert records(first) == [(0, "a", 3), (1, "b", 1), (2, "c", 2)]
    assert records(second) == [(0, "d", 4)]
    assert str(first) == "part 0 of test"
    assert "test" in source.describe()


def test_a_source_gives_its_tag_to_the_splits():
    source = make(ABC).as_source()
    source.tag = "left"
    assert [split.tag for split in source.plan()] == ["left"]


@given(st.sets(st.integers(0, 9)), st.integers(1, 8))
def test_skipped_records_are_left_out_and_ordinals_stay(skip, size):
    part = Part([(n, -n) for n in range(7)], size)
    results = Results([part], 7, {}, Report("job", "test", "memory"))
    (split,) = results.as_source().plan()
    expected = [(n, n, -n) for n in range(7) if n not in skip]
    assert records(split, skip) == expected


def test_for_other_processes_the_pairs_are_spooled(tmp_path):
    spool = FileSpool(tmp_path / "spool")
    results = make(ABC, [("d", {4})])
    first, second = results.as_source().plan(spool)
    results.close()
    assert records(first) == [(0, "a", 3), (1, "b", 1), (2, "c", 2)]
    assert records(second) == [(0, "d", {4})]
    assert decode_pairs(spool.path.read_bytes()[: first._part._places[0][2]])


def test_parts_on_disk_travel_as_they_are(tmp_path):
    part = Part(ABC)
    part.stored_at = list
    spool = FileSpool(tmp_path / "spool")
    results = Results([part], 3, {}, Report("job", "test", "memory"))
    (split,) = results.as_source().plan(spool)
    assert spool.path.stat().st_size == 0
    assert len(records(split)) == 3
