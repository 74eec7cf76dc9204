"""A job that fails says the same wherever it runs: the reference's words are those of
the local runner, with the same place, traceback and advice."""

import sys

import pytest

import mincer
from mincer import Job
from mincer.errors import MincerError
from mincer.sources import items


def one(key, value):
    yield value, 1


def divided(key, value):
    yield 1, 10 // value


def leaves(*arguments):
    sys.exit(3)


def refuses(*arguments):
    raise LookupError("nope")


def text(key, value):
    return "ab"


def number(key, value):
    return 5


def triple(key, value):
    yield 1, 2, 3


def unhashable(key, value):
    yield [value], 1


def a_value(key, value):
    yield 1, value


def five(key, values):
    yield 5


def indexed(key, values):
    return values[0]


def itself(key, values):
    return values


def iterator(key, values):
    return iter(values)


def last(key, parts):
    return parts


class Unbuilt:
    def __init__(self):
        raise ValueError("no thanks")

    def __call__(self, key, value):
        return []


class Closing:
    """Its `close` raises, or gives what is no pair."""

    def __call__(self, key, value):
        return {1: 1}

    def close(self):
        return 1 // 0


class ClosingWithFive(Closing):
    def close(self):
        return [5]


class ClosingWithKeys(Closing):
    def close(self):
        return {"a": 1}.keys()


FAILING = {
    "mapfn raises": (Job(divided, sum), [1, 0]),
    "mapfn raises, nothing shuffled": (Job(divided), [1, 0]),
    "mapfn exits": (Job(leaves, sum), [1]),
    "mapfn returns a text": (Job(text, sum), [1]),
    "mapfn returns a number": (Job(number, sum), [1]),
    "mapfn yields no pair": (Job(triple, sum), [1]),
    "mapfn yields no pair, nothing shuffled": (Job(triple), [1]),
    "mapfn cannot be built": (Job(Unbuilt, sum), [1]),
    "mapfn closes badly": (Job(Closing, sum), [1]),
    "mapfn closes with no pair": (Job(ClosingWithFive, sum), [1]),
    "mapfn closes with no pairs": (Job(ClosingWithKeys, sum), [1]),
    "a bad key": (Job(unhashable, sum), [1]),
    "more bad records than allowed": (Job(divided, sum, skip_bad_records=1), [0, 0]),
    "partitionfn raises": (Job(one, sum, partitionfn=refuses), [1]),
    "partitionfn exits": (Job(one, sum, partitionfn=leaves), [1]),
    "partitionfn returns no part": (Job(one, sum, partitionfn=last), [1]),
    "reducefn raises": (Job(one, refuses, parts=1), [1, 1, 2]),
    "reducefn exits": (Job(one, leaves, parts=1), [1]),
    "reducefn cannot be built": (Job(one, Unbuilt, parts=1), [1]),
    "reducefn closes badly": (Job(one, Closing, parts=1), [1]),
    "reducefn closes with no pair": (Job(one, ClosingWithFive, parts=1), [1]),
    "reducefn yields no pair": (Job(one, five, parts=1), [1]),
    "reducefn indexes": (Job(one, indexed, parts=1), [1]),
    "reducefn returns values": (Job(one, itself, parts=1), [1]),
    "reducefn returns an iterator": (Job(one, iterator, parts=1), [1]),
    "a builtin raises": (Job(a_value, sum, parts=1), ["a"]),
    "keys cannot be sorted": (Job(one, sum, sort_keys=True, parts=1), [1, "a"]),
    "values cannot be sorted": (
        Job(a_value, list, sort_values=True, parts=1),
        [1, "a"],
    ),
    "equal values cannot be sorted": (
        Job(a_value, list, sort_values=True, parts=1),
        [{}, {}],
    ),
    "sort_keys raises": (Job(one, sum, sort_keys=refuses, parts=1), [1, 2]),
    "sort_keys exits": (Job(one, sum, sort_keys=leaves, parts=1), [1, 2]),
    "sort_values raises": (Job(a_value, list, sort_values=refuses, parts=1), [1, 2]),
    "the second step's mapfn raises": (
        Job(one, sum, parts=1).then(refuses, sum),
        [1],
    ),
    "the second step's key is bad": (Job(one, sum, parts=1).then(unhashable, sum), [1]),
    "the second step's reducefn raises": (
        Job(one, sum, parts=1).then(one, refuses, parts=1),
        [1],
    ),
}


@pytest.fixture(scope="module")
def local():
    with mincer.Local(workers=1) as local:
        yield local


def told(job, source, runner):
    with pytest.raises(MincerError) as caught:
        job.run(items(source), runner=runner, progress=False)
    error = caught.value
    task, _, _ = error.task.partition(" attempt ")  # only one of them tries again
    traceback = error.user_traceback
    return type(error), error.what, error.where, error.hint, task, traceback


@pytest.mark.parametrize("case", FAILING)
def test_both_say_the_same(case, local):
    job, source = FAILING[case]
    assert told(job, source, "inline") == told(job, source, local)


@pytest.mark.parametrize("paid_by", [0, 1])
def test_a_pipeline_has_one_budget_of_bad_records(paid_by, local):
    skips = [0, 0]
    skips[paid_by] = 3
    first, second = skips
    chain = Job(divided, list, parts=1, skip_bad_records=first)
    chain = chain.then(refuses, skip_bad_records=second)
    for runner in ("inline", local):
        with chain.run(items([0, 1, 0]), runner=runner, progress=False) as results:
            assert list(results) == []
            assert results.report.records_skipped == 3
        with pytest.raises(MincerError, match="ZeroDivisionError"):
            chain.run(items([0] * 4), runner=runner, progress=False)
