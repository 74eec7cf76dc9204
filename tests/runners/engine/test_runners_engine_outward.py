"""An error that leaves a worker: by itself."""

import pickle

import pytest

from mincer.errors import UserCodeError, Where
from mincer.runners.engine.outward import outward, outward_each


@outward
def task(fail):
    if not fail:
        return "made"
    try:
        raise ValueError(open)
    except ValueError as error:
        told = UserCodeError("it failed", where=Where("here", 3), hint="try again")
        raise told from error


def test_what_is_made_comes_back():
    assert task(False) == "made"
    assert task.__name__ == "task"


def test_an_error_comes_with_all_that_it_tells_and_nothing_else():
    with pytest.raises(UserCodeError) as caught:
        task(fail=True)
    error = caught.value
    assert (error.what, error.where, error.hint) == (
        "it failed",
        Where("here", 3),
        "try again",
    )
    assert error.__cause__ is None
    assert error.__context__ is None
    pickle.dumps(error)


@outward_each
def each(n):
    yield from range(n)
    task(fail=True)


def test_the_same_of_one_that_yields():
    found = []
    with pytest.raises(UserCodeError) as caught:
        found.extend(each(2))
    assert caught.value.__context__ is None
    assert list(zip(range(2), each(2))) == [(0, 0), (1, 1)]  # noqa: B905
