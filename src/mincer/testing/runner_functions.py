"""Cases of the runner suite: what may stand for a function, and what it may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import mincer
from mincer.errors import UserCodeError
from mincer.job import COMBINE_BUILTINS, REDUCE_BUILTINS
from mincer.testing import jobs
from mincer.testing.runner_base import Run, RunnerCases, texts

__all__ = ["FunctionCases"]

PAIRS = [("a", 3), ("b", 0), ("a", 1), ("a", 3), ("b", 0)]
GROUPS = {"a": [3, 1, 3], "b": [0, 0]}


class FunctionCases(RunnerCases):
    @pytest.mark.parametrize("builtin", REDUCE_BUILTINS)
    def test_builtins_reduce_the_values_alone(self, run: Run, builtin: Any) -> None:
        results = run(mincer.Job(jobs.emit, builtin, sort_values=True), PAIRS)
        expected = {key: builtin(sorted(values)) for key, values in GROUPS.items()}
        assert results.to_dict() == expected
        assert {key: type(value) for key, value in results} == {
            key: type(value) for key, value in expected.items()
        }

    @pytest.mark.parametrize("builtin", COMBINE_BUILTINS)
    def test_builtins_combine(self, run: Run, builtin: Any) -> None:
        results = run(mincer.Job(jobs.emit, builtin, combinefn=builtin), PAIRS)
        assert results.to_dict() == {k: builtin(vs) for k, vs in GROUPS.items()}

    def test_a_function_of_that_name_is_no_builtin(self, run: Run) -> None:
        def sum(key: str, values: Any) -> str:
            return f"{key} has {len(values)}"

        results = run(mincer.Job(jobs.emit, sum), PAIRS)
        assert results.to_dict() == {"a": "a has 3", "b": "b has 2"}

    def test_mapfn_may_return_none_a_mapping_or_any_iterable(self, run: Run) -> None:
        results = run(mincer.Job(jobs.several_ways), [0, 1, 2, 3])
        assert list(results) == [(1, "mapping"), (2, "list"), (3, "iterator")]

    def test_a_class_as_mapfn_is_built_once_and_closed(self, run: Run) -> None:
        results = run(mincer.Job(jobs.SumsUntilClose, sum), texts("1", "2", "3", "4"))
        assert results.to_dict() == {"total": 10}

    def test_a_class_as_reducefn_is_built_once_a_part(self, run: Run) -> None:
        results = run(mincer.Job(jobs.emit, jobs.LargestOfPart, parts=4), PAIRS)
        closing = [value for key, value in results if key == "keys of a part"]
        assert len(closing) == 4
        assert sum(closing) == 2
        assert sorted(p for p in results if p[0] in GROUPS) == [("a", 3), ("b", 0)]

    @pytest.mark.parametrize(
        "reducefn",
        [
            jobs.each_twice,
            jobs.each_twice_decorated,
            lambda key, values: jobs.each_twice(key, values),
        ],
        ids=["generator", "decorated", "lambda"],
    )
    def test_generators_yield_pairs_of_any_keys(self, run: Run, reducefn: Any) -> None:
        results = run(mincer.Job(jobs.emit, reducefn), PAIRS)
        expected = [((k, v), 2 * v) for k, v in PAIRS] + [(v, k) for k, v in PAIRS]
        assert sorted(results, key=repr) == sorted(expected, key=repr)

    def test_decorated_functions(self, run: Run) -> None:
        job = mincer.Job(
            jobs.decorated(jobs.emit), jobs.add_decorated, combinefn=jobs.add_decorated
        )
        assert run(job, PAIRS).to_dict() == {"a": 7, "b": 0}

    def test_closures_see_what_they_close_over(self, run: Run) -> None:
        factor, seen = 3, {"a": "A"}

        def mapfn(key: Any, pair: tuple[str, int]) -> Iterator[tuple[str, int]]:
            yield seen.get(pair[0], "none"), factor * pair[1]

        results = run(mincer.Job(mapfn, lambda key, values: sum(values)), PAIRS)
        assert results.to_dict() == {"A": 21, "none": 0}

    @pytest.mark.parametrize(
        ("reducefn", "expected"),
        [
            (jobs.first_only, "x"),
            (jobs.never_reads, "unread"),
            (lambda key, values: None, None),
        ],
    )
    def test_a_reducer_need_not_read_its_values(
        self, run: Run, reducefn: Any, expected: Any
    ) -> None:
        pairs = [(key, "x") for key in "abc" for _ in range(1000)]
        results = run(mincer.Job(jobs.emit, reducefn), pairs)
        assert results.to_dict() == dict.fromkeys("abc", expected)

    def test_values_have_a_length_and_may_be_read_again(self, run: Run) -> None:
        results = run(mincer.Job(jobs.emit, jobs.reads_twice), PAIRS)
        assert results.to_dict() == {"a": (3, 7, 3), "b": (2, 0, 0)}

    @pytest.mark.parametrize(
        ("reducefn", "says"),
        [
            (jobs.indexes, "indexed"),
            (jobs.returns_values, "values"),
            (jobs.returns_held_values, "values"),
            (jobs.returns_iterator, "iterator"),
            (jobs.Keeps, "returned"),
        ],
    )
    def test_what_may_not_be_done_with_values(
        self, run: Run, reducefn: Any, says: str
    ) -> None:
        with pytest.raises(UserCodeError, match=says) as caught:
            run(mincer.Job(jobs.emit, reducefn, parts=1), PAIRS)
        assert "list(values)" in str(caught.value)

    def test_counters_count_what_counts(self, run: Run) -> None:
        job = mincer.Job(jobs.counting, jobs.counts_keys)
        counters = run(job, list(range(10))).counters
        assert counters == {"records": 10, "total": 45, "keys": 3}

    def test_context_tells_of_the_attempt(self, run: Run) -> None:
        job = mincer.Job(jobs.what_context, list, name="naming")
        results = run(job, [1], params={"factor": 20}).to_dict()
        assert results["map"] == [("naming", 1, None, 20)]
        assert results["named"] == [("map", True, None)]

    def test_reducers_see_their_part_and_params(self, run: Run) -> None:
        def reducefn(key: int, values: Any) -> tuple[Any, ...]:
            now = mincer.context()
            return now.part, now.params["p"], now.split, now.task.split()[-2]

        job = mincer.Job(jobs.same, reducefn, parts=3, partitionfn=jobs.by_remainder)
        results = run(job, enumerate("abc"), params={"p": 1})
        assert results.to_dict() == {n: (n, 1, None, "reduce") for n in range(3)}
