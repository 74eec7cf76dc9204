"""Sorted runs on disk, merged in order."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import OrderError
from mincer.flow import merger
from mincer.flow.merger import SortedRuns
from mincer.store.memory import MemoryScratch

RUNS = st.lists(st.lists(st.integers(0, 9) | st.just(math.nan)), max_size=5)


def nan_last(item):
    return (item != item, 0 if item != item else item)


def runs_of(lists):
    scratch = MemoryScratch()
    runs = SortedRuns(scratch)
    for number, some in enumerate(lists):
        runs.begin()
        ranked = sorted(some, key=nan_last)
        runs.add(ranked, ranked, [(number, n) for n in range(len(ranked))])
    return runs, scratch


@given(RUNS)
def test_all_rows_come_in_order_and_equal_ones_by_run(lists):
    runs, _ = runs_of(lists)
    rows = [
        (key, value)
        for keys, values in runs.columns()
        for key, value in zip(keys, values, strict=True)
    ]
    assert len(rows) == sum(map(len, lists))
    order = [(nan_last(key), value) for key, value in rows]
    assert order == sorted(order)
    runs.close()


def test_large_rows_are_read_few_at_a_time(monkeypatch):
    monkeypatch.setattr(merger, "_BLOCK_BYTES", 10_000)
    scratch = MemoryScratch()
    runs = SortedRuns(scratch)
    runs.begin()
    runs.add(list(range(50)), list(range(50)), [bytes(5000)] * 50)
    assert [len(keys) for keys, _ in runs.columns()] == [50]
    assert len(runs._runs[0]) == 50
    runs.close()
    assert scratch.files[0].closed


def test_runs_that_do_not_compare_are_told():
    runs = SortedRuns(MemoryScratch())
    for key in ("text", 5):
        runs.begin()
        runs.add([key], [key], [None])
    with pytest.raises(OrderError, match=r"'text' .str. and 5 .int."):
        list(runs.columns())
