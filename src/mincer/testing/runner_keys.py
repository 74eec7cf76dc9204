"""Cases of the runner suite: which keys are one key, and which cannot be keys."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import mincer
from mincer.errors import BadKeyError
from mincer.testing import jobs
from mincer.testing.runner_base import Run, RunnerCases

__all__ = ["KeyCases"]

NAN, OTHER_NAN = float("nan"), float("inf") - float("inf")


def _groups(run: Run, keys: Iterable[Any]) -> list[list[int]]:
    """The positions of keys that are one key, in the order of the first of each."""
    pairs = [(key, at) for at, key in enumerate(keys)]
    results = run(mincer.Job(jobs.emit, jobs.ordered, parts=5), pairs)
    return sorted(group for _, group in results)


class KeyCases(RunnerCases):
    @pytest.mark.parametrize(
        ("keys", "groups"),
        [
            ([1, 1.0, True, Fraction(1), Decimal(1), 1 + 0j], [[0, 1, 2, 3, 4, 5]]),
            ([0, -0.0, 0.0, False], [[0, 1, 2, 3]]),
            ([None, 0, "", (), "None"], [[0], [1], [2], [3], [4]]),
            ([NAN, OTHER_NAN, Decimal("nan"), 1.0], [[0, 1, 2], [3]]),
            ([(NAN, 1), (OTHER_NAN, 1), (NAN, 2)], [[0, 1], [2]]),
            ([((NAN,), "a"), ((OTHER_NAN,), "a")], [[0, 1]]),
            ([(1, True), (1.0, 1), (True, 1.0)], [[0, 1, 2]]),
            ([(None, -0.0), (None, 0)], [[0, 1]]),
            ([-1, -2, (-1,), (-2,), -1.0], [[0, 4], [1], [2], [3]]),
            ([2**61 - 1, 0, 2**61, 1], [[0], [1], [2], [3]]),
            ([10**40, 1e40, float(10**40)], [[0], [1, 2]]),
            (["a", b"a", "\ud800", "é", "e\u0301"], [[0], [1], [2], [3], [4]]),
            ([frozenset({1, 2}), frozenset({2, 1.0})], [[0, 1]]),
            ([math.inf, -math.inf, Decimal("inf")], [[0, 2], [1]]),
        ],
        ids=str,
    )
    def test_equal_keys_are_one(
        self, run: Run, keys: list[Any], groups: list[list[int]]
    ) -> None:
        assert _groups(run, keys) == groups

    def test_colliding_hashes_with_a_million_values_each(self, run: Run) -> None:
        assert hash(-1) == hash(-2)
        results = run(mincer.Job(jobs.two_keys, len), [50_000] * 20)
        assert results.to_dict() == {-1: 1_000_000, -2: 1_000_000}

    def test_user_classes_as_keys_and_values(self, run: Run) -> None:
        keys = [
            jobs.Point(1, 2),
            jobs.Colour.RED,
            jobs.Place("Ulm", "Main"),
            jobs.Money(3),
        ]
        again = [
            jobs.Point(1, 2),
            jobs.Colour.RED,
            jobs.Place("Ulm", "Main"),
            jobs.Money(3),
        ]
        pairs = [(key, key) for key in [*keys, *again, jobs.Point(2, 1)]]
        job = mincer.Job(jobs.emit, list, parts=3)
        results = run(job, pairs).to_dict()
        assert results == {key: [key, key] for key in keys} | {
            jobs.Point(2, 1): [jobs.Point(2, 1)]
        }
        assert {type(key) for key in results} == set(map(type, keys))

    def test_dates_as_keys(self, run: Run) -> None:
        utc = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)
        elsewhere = utc.astimezone(datetime.timezone(datetime.timedelta(hours=5)))
        day = datetime.date(2024, 5, 1)
        assert _groups(run, [utc, day, elsewhere, day]) == [[0, 2], [1, 3]]

    def test_one_huge_key(self, run: Run) -> None:
        pairs = ((at, ("key", at)) for at in range(200_000))
        results = run(mincer.Job(jobs.emit, jobs.reads_twice), _values(pairs))
        assert results.to_dict() == {"key": (200_000, 19_999_900_000, 199_999)}

    def test_many_keys(self, run: Run) -> None:
        results = run(
            mincer.Job(
                lambda _, n: ((n + i, i) for i in range(100)), sum, combinefn=sum
            ),
            list(range(0, 30_000, 50)),
        )
        expected: dict[int, int] = {}
        for n in range(0, 30_000, 50):
            for i in range(100):
                expected[n + i] = expected.get(n + i, 0) + i
        assert results.to_dict() == expected

    def test_an_unhashable_key_is_an_error_that_names_it(self, run: Run) -> None:
        with pytest.raises(BadKeyError, match=r"list.*\['a', 7\]") as caught:
            run(mincer.Job(jobs.unhashable, sum), [7])
        assert "tuple" in str(caught.value)
        assert caught.value.where is not None

    def test_a_key_by_identity_is_an_error_that_names_its_type(self, run: Run) -> None:
        with pytest.raises(BadKeyError, match=r"ByIdentity"):
            run(mincer.Job(jobs.identity_key, sum), [7])


def _values(pairs: Iterable[tuple[int, Any]]) -> Iterable[tuple[int, Any]]:
    """Pairs as a one-pass iterable, so that the source cannot know its length."""
    yield from pairs
