"""Cases of the runner suite: sorted keys, sorted values, and where keys go."""

from __future__ import annotations

import random
from itertools import chain, groupby, pairwise
from operator import itemgetter, neg
from typing import Any

import pytest

import mincer
from mincer.codec.keys import part_of
from mincer.errors import OrderError, UserCodeError
from mincer.testing import jobs
from mincer.testing.runner_base import Run, RunnerCases, texts

__all__ = ["OrderCases"]


def _shuffled(count: int) -> list[tuple[int, int]]:
    pairs = [(n % (count // 2), n) for n in range(count)]
    random.Random(7).shuffle(pairs)
    return pairs


class OrderCases(RunnerCases):
    def test_keys_go_where_the_fixed_function_says(self, run: Run) -> None:
        keys = ["a", "b", 1, 2.5, None, (1, "x"), b"bytes", -1]
        job = mincer.Job(jobs.emit, len, parts=4)
        results = run(job, [(key, 0) for key in keys])
        for number, part in enumerate(results.parts):
            expected = {key for key in keys if part_of(key, 4) == number}
            assert {key for key, _ in part} == expected

    @pytest.mark.parametrize("reducefn", [None, sum, jobs.add])
    def test_each_part_is_sorted(self, run: Run, reducefn: Any) -> None:
        pairs = _shuffled(400)
        job = mincer.Job(jobs.emit, reducefn, sort_keys=True, parts=3)
        results = run(job, pairs)
        for part in results.parts:
            keys = [key for key, _ in part]
            assert keys == sorted(keys)
        if reducefn is None:
            assert sorted(results) == sorted(pairs)
        else:
            assert sorted(results) == [(n, 2 * n + 200) for n in range(200)]

    def test_a_key_function_sorts(self, run: Run) -> None:
        job = mincer.Job(jobs.emit, sum, sort_keys=neg, parts=1)
        results = run(job, _shuffled(100))
        assert [key for key, _ in results] == list(range(49, -1, -1))

    @pytest.mark.parametrize("reducefn", [None, list])
    def test_total_order(self, run: Run, reducefn: Any) -> None:
        pairs = _shuffled(2000)
        job = mincer.Job(
            jobs.emit,
            reducefn,
            sort_keys=True,
            sort_values=True,
            partitionfn=mincer.by_range,
            parts=4,
        )
        results = run(job, pairs)
        expected: list[Any] = sorted(pairs)
        if reducefn is not None:
            expected = [
                (key, [value for _, value in group])
                for key, group in groupby(expected, itemgetter(0))
            ]
        assert list(results) == expected
        assert all(list(part) for part in results.parts)

    def test_total_order_with_a_key_function(self, run: Run) -> None:
        job = mincer.Job(
            jobs.emit, len, sort_keys=neg, partitionfn=mincer.by_range, parts=3
        )
        keys = [key for key, _ in run(job, _shuffled(300))]
        assert keys == list(range(149, -1, -1))

    def test_ranges_without_sorting(self, run: Run) -> None:
        # Far apart, so that the default's buckets are no ranges by chance.
        pairs = [(1009 * key, value) for key, value in _shuffled(300)]
        job = mincer.Job(jobs.emit, len, partitionfn=mincer.by_range, parts=3)
        ranges = [[key for key, _ in part] for part in run(job, pairs).parts]
        assert all(ranges)
        assert all(max(low) < min(high) for low, high in pairwise(ranges))
        assert sorted(chain(*ranges)) == list(range(0, 1009 * 150, 1009))

    def test_nan_is_sorted_last(self, run: Run) -> None:
        pairs = [(float("nan"), 1), (2.0, 1), (float("nan"), 2), (-1, 1), (3, 1)]
        job = mincer.Job(jobs.emit, sum, sort_keys=True, parts=1)
        keys = [key for key, _ in run(job, pairs)]
        assert keys[:-1] == [-1, 2, 3]
        assert keys[-1] != keys[-1]

    @pytest.mark.parametrize(
        ("sort_values", "expected"),
        [(True, [1, 2, 3]), (neg, [3, 2, 1])],
        ids=["natural", "function"],
    )
    def test_secondary_sort(self, run: Run, sort_values: Any, expected: Any) -> None:
        pairs = [(key, value) for value in (2, 3, 1) for key in "ab"]
        job = mincer.Job(jobs.emit, list, sort_values=sort_values)
        assert run(job, pairs).to_dict() == {"a": expected, "b": expected}

    def test_values_sorted_without_a_reducer(self, run: Run) -> None:
        pairs = [(key, value) for value in (2, 3, 1) for key in "ab"]
        job = mincer.Job(jobs.emit, sort_keys=True, sort_values=True, parts=1)
        assert list(run(job, pairs)) == sorted(pairs)

    def test_partitionfn_decides_the_part(self, run: Run) -> None:
        job = mincer.Job(
            jobs.same, sum, partitionfn=jobs.by_remainder, parts=3, sort_keys=True
        )
        results = run(job, enumerate(range(10)))
        assert [[key for key, _ in part] for part in results.parts] == [
            [0, 3, 6, 9],
            [1, 4, 7],
            [2, 5, 8],
        ]

    @pytest.mark.parametrize(
        ("partitionfn", "says"),
        [
            (jobs.past_the_end, "partitionfn returned 3"),
            (lambda key, parts: -1, "partitionfn returned -1"),
            (lambda key, parts: "0", "partitionfn returned '0'"),
            (jobs.refuses, "LookupError: no part for it"),
        ],
        ids=["past the end", "negative", "no int", "raises"],
    )
    def test_a_partitionfn_that_is_wrong(
        self, run: Run, partitionfn: Any, says: str
    ) -> None:
        job = mincer.Job(jobs.words, sum, partitionfn=partitionfn, parts=3)
        with pytest.raises(UserCodeError, match=says) as caught:
            run(job, texts("word"))
        assert "word" in str(caught.value)

    @pytest.mark.parametrize(
        ("keys", "pairs"),
        [
            (True, [("text", 1), (5, 1)]),
            (False, [("a", "text"), ("a", 5)]),
        ],
        ids=["keys", "values"],
    )
    def test_what_does_not_compare_is_named(
        self, run: Run, keys: bool, pairs: list[Any]
    ) -> None:
        job = mincer.Job(jobs.emit, list, sort_keys=keys, sort_values=True, parts=1)
        with pytest.raises(OrderError, match=r"'text'") as caught:
            run(job, pairs)
        for word in ("5", "int", "str"):
            assert word in caught.value.what
