"""The table for ranges of keys: each pair in its range, in sorted pieces."""

from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import BadKeyError
from mincer.flow import ranges as module
from mincer.flow.partitioner import RangePartitioner
from mincer.flow.ranges import RangeTable
from mincer.flow.run import open_runs
from mincer.flow.spiller import Spiller
from mincer.store.memory import MemorySegment

PARTS = 128  # two ranges each
CUTS = ["b", "d"]


def runs_of(*windows, cuts=CUTS, order=None, room_bytes=1 << 30, spills=()):
    """The runs that a table makes of `windows`; it is told to spill after `spills`."""
    out = MemorySegment()
    partitioner = RangePartitioner(PARTS, cuts, order)
    table = RangeTable(Spiller(out, partitioner), partitioner, order, room_bytes)
    for number, window in enumerate(windows):
        table.add(window)
        if number in spills:
            table.spill()
    table.spill()
    table._spiller.close()
    return open_runs(out, 0, 2 * PARTS)


def pairs_in(run, bucket):
    return [
        pair
        for block in run.stream(bucket)
        for pair in zip(block.keys, block.values, strict=True)
    ]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(module, "_CHUNK_PAIRS_MIN", 4)
    monkeypatch.setattr(module, "_CHUNK_PAIRS_MAX", 4)


def test_pairs_lie_in_the_ranges_of_their_keys_in_order():
    (run,) = runs_of([("d", 1), ("a", 2), ("c", 3), ("b", 4)])
    assert [pairs_in(run, bucket) for bucket in range(4)] == [
        [("a", 2)],
        [("b", 4), ("c", 3)],
        [("d", 1)],
        [],
    ]


@pytest.mark.parametrize(("least", "most", "chunk"), [(1, 9, 6), (7, 9, 7), (1, 5, 5)])
def test_a_chunk_has_some_pairs_for_each_range(monkeypatch, least, most, chunk):
    monkeypatch.setattr(module, "_PIECE_PAIRS", 2)
    monkeypatch.setattr(module, "_CHUNK_PAIRS_MIN", least)
    monkeypatch.setattr(module, "_CHUNK_PAIRS_MAX", most)
    out = MemorySegment()
    partitioner = RangePartitioner(3, CUTS, None, cut=False)
    table = RangeTable(Spiller(out, partitioner), partitioner, None, 1 << 30)
    weights = []
    for _ in range(chunk):
        table.add([("a", "x")])
        weights.append(table.weigh((1000.0, 1000.0)))
    assert weights[-2] > 1000 * (chunk - 1)
    assert weights[-1] < 1000  # it is cut, and encoded


def test_the_order_of_a_function_is_that_of_the_ranges():
    (run,) = runs_of([("bb", 1), ("a", 2), ("cccc", 3)], cuts=[2, 3], order=len)
    assert [pairs_in(run, bucket) for bucket in range(3)] == [
        [("a", 2)],
        [("bb", 1)],
        [("cccc", 3)],
    ]


def test_the_chunks_of_a_run_make_one_block_of_a_range():
    chunk = [("b", 1), ("a", 2), ("c", 3), ("a", 4)]
    (run,) = runs_of(chunk, [*chunk], [("a", 0)])
    (block,) = run.stream(0)
    assert block.keys == ["a"] * 5
    assert block.values == [2, 4, 2, 4, 0]


def test_columns_that_cannot_be_joined_stay_blocks():
    (run,) = runs_of([("a", [n]) for n in range(4)], [("a", [4])])
    assert [block.values for block in run.stream(0)] == [[[0], [1], [2], [3]], [[4]]]


def test_a_run_ends_when_it_is_large_enough(monkeypatch):
    monkeypatch.setattr(module, "_RUN_BYTES", 10)
    chunk = [("b", "x" * 10)] * 4
    assert len(runs_of(chunk, chunk, chunk)) == 3


def test_a_run_takes_no_more_than_its_share_of_the_room():
    chunk = [("b", "x" * 1000)] * 4
    assert len(runs_of(chunk, chunk, chunk, chunk)) == 1
    assert len(runs_of(chunk, chunk, chunk, chunk, room_bytes=24_000)) == 2


def test_the_table_tells_what_it_holds_and_spills_when_it_is_told():
    out = MemorySegment()
    partitioner = RangePartitioner(PARTS, CUTS, None)
    table = RangeTable(Spiller(out, partitioner), partitioner, None, 1 << 30)
    assert table.weigh((100.0, 50.0)) == 0
    table.add([("a", "x" * 1000)] * 3)
    assert table.weigh((100.0, 50.0)) == 3 * 215
    table.add([("a", "x" * 1000)])
    assert 4000 < table.weigh((100.0, 50.0)) < 4100  # encoded
    table.spill()
    assert table.weigh((100.0, 50.0)) == 0
    table.spill()
    assert len(runs_of([("a", 1)], [("b", 1)], spills=(0, 1))) == 2


def test_a_range_of_large_values_weighs_what_they_weigh():
    small, large = [("a", "x")] * 30, [("e", "x" * 100_000)] * 2
    (run,) = runs_of(small + large)
    assert run.buckets[0].weight_bytes < 100_000
    assert run.buckets[2].weight_bytes > 200_000


@given(st.lists(st.tuples(st.floats(), st.integers() | st.text()), max_size=40))
def test_every_pair_is_somewhere_and_ranges_are_in_order(pairs):
    windows = [pairs[at : at + 3] for at in range(0, len(pairs), 3)]
    runs = runs_of(*windows, cuts=[-1.5, 0.0, 7.0])
    found = [[p for run in runs for p in pairs_in(run, n)] for n in range(4)]
    assert sorted(map(repr, chain.from_iterable(found))) == sorted(map(repr, pairs))
    keys = [[key for key, _ in some if key == key] for some in found]
    for low, high in pairwise([some for some in keys if some]):
        assert max(low) < min(high)


def test_what_cannot_be_a_key_is_refused():
    with pytest.raises(BadKeyError):
        runs_of([(object(), 1)])
