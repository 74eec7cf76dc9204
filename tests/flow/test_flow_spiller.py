"""Spilling: by bucket, in blocks of bounded size, with a digest of any order."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import BadKeyError, ShipError
from mincer.flow import spiller as module
from mincer.flow.partitioner import HashPartitioner
from mincer.flow.run import open_runs
from mincer.flow.spiller import Spiller, cut_columns
from mincer.store.memory import MemorySegment

NAN = math.nan


def spilled(*runs, partitioner=None, grouped=False):
    out = MemorySegment()
    partitioner = partitioner or HashPartitioner(2)
    spiller = Spiller(out, partitioner)
    for keys, values in runs:
        spiller.spill(keys, values, grouped=grouped)
    spiller.close()
    return spiller, out, open_runs(out, 0, partitioner.buckets)


def test_pairs_lie_in_the_buckets_of_their_keys():
    partitioner = HashPartitioner(2)
    keys = list(range(1000))
    spiller, _, (run,) = spilled((keys, keys))
    expected, _ = partitioner.place(keys, {int})
    for bucket in range(partitioner.buckets):
        for block in run.stream(bucket):
            assert all(expected[key] == bucket for key in block.keys)
    assert (spiller.keys, spiller.values, spiller.runs) == (1000, 1000, 1)


def test_an_empty_table_makes_no_run():
    spiller, _, runs = spilled(([], []))
    assert spiller.runs == len(runs) == 0


def test_weights_are_of_the_size_of_the_pairs():
    _, _, (run,) = spilled((["k"], [bytes(10_000)]))
    assert 10_000 < sum(bucket.weight_bytes for bucket in run.buckets) < 11_000


def test_all_nans_are_one_key_in_one_bucket():
    keys = [float("nan"), float("nan"), (float("nan"), 1), (float("nan"), 1)]
    _, _, (run,) = spilled((keys, [1, 2, 3, 4]))
    filled = [bucket for bucket in run.buckets if bucket.keys]
    assert [bucket.keys for bucket in filled] == [2, 2]


@given(st.lists(st.tuples(st.text(max_size=3), st.integers()), max_size=20))
def test_the_digest_knows_no_order(pairs):
    def digest(some):
        return spilled(([k for k, _ in some], [v for _, v in some]))[0].digest

    assert digest(pairs) == digest(pairs[::-1])


@pytest.mark.parametrize(
    ("key", "error"), [(object(), BadKeyError), ((1, object()), BadKeyError)]
)
def test_what_cannot_be_a_key_is_refused(key, error):
    with pytest.raises(error):
        spilled(([key], [1]))


def test_what_cannot_travel_is_refused():
    import threading

    with pytest.raises(ShipError):
        spilled((["k"], [threading.Lock()]))


@given(
    st.lists(st.lists(st.integers(), min_size=1, max_size=9), max_size=12),
    st.integers(1, 8),
)
def test_groups_are_cut_into_blocks_of_few_values(lists, values_max):
    keys = list(range(len(lists)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_VALUES_MAX", values_max)
        blocks = list(cut_columns(keys, lists, grouped=True))
    again = {key: [] for key in keys}
    for some, counts, flat, weight in blocks:
        assert len(flat) <= values_max
        assert weight > 0
        source = iter(flat)
        for key, count in zip(some, counts or [1] * len(some), strict=True):
            again[key] += [next(source) for _ in range(count)]
        assert list(source) == []
    assert list(again.values()) == lists


def test_a_bucket_of_several_blocks_is_read_whole(monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_VALUES_MAX", 2)
    _, _, (run,) = spilled((["k"], [list(range(7))]), grouped=True)
    blocks = list(run.blocks(0, len(run.buckets)))
    assert [block.values for block in blocks] == [[0, 1], [2, 3], [4, 5], [6]]
    assert sum(bucket.keys for bucket in run.buckets) == 4


def test_heavy_values_make_small_blocks():
    values = [bytes(1_000_000)] * 10
    blocks = list(cut_columns(list(range(10)), values, grouped=False))
    assert [len(keys) for keys, *_ in blocks] == [2] * 5 or len(blocks) == 10
    lists = [[value] * 3 for value in values]
    grouped = list(cut_columns(list(range(10)), lists, grouped=True))
    assert max(len(flat) for _, _, flat, _ in grouped) <= 2
