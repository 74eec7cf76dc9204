"""How the user's functions are called, and what they may give."""

from collections import Counter
from functools import partial

import pytest

from mincer.errors import UserCodeError
from mincer.flow.calls import (
    as_pairs,
    check_pair,
    checked,
    instance_of,
    pairs_call,
)


def generator(key, value):
    yield key, value


class Callable:
    def __call__(self, key, value):
        yield key, value

    def close(self):
        return [("last", 1)]


class Returning:
    def __call__(self, key, value):
        return [(key, value)]


@pytest.mark.parametrize(
    "mapfn",
    [
        generator,
        Callable(),
        Returning(),
        partial(generator),
        lambda key, value: [(key, value)],
        lambda key, value: {key: value},
        lambda key, value: Counter({key: value}),
        lambda key, value: generator(key, value),
    ],
)
def test_each_form_gives_pairs(mapfn):
    assert list(pairs_call(mapfn)("a", 1)) == [("a", 1)]
    assert list(checked(pairs_call(mapfn))("a", 1)) == [("a", 1)]


def test_none_is_no_pair():
    assert list(as_pairs(None)) == []


def test_generators_are_not_wrapped():
    assert pairs_call(generator) is generator
    built = Callable()
    assert pairs_call(built) is built


def test_a_class_is_built_once_and_may_close():
    built, close = instance_of(Callable)
    assert isinstance(built, Callable)
    assert close() == [("last", 1)]
    assert instance_of(Returning)[1] is None
    assert instance_of(generator) == (generator, None)


@pytest.mark.parametrize("result", [5, "text", b"bytes", 1.5])
def test_what_is_no_iterable_of_pairs(result):
    with pytest.raises(UserCodeError, match="must return an iterable"):
        list(checked(lambda key, value: result)(1, 2))


@pytest.mark.parametrize("pair", [5, "ab", (1,), (1, 2, 3), None])
def test_what_is_no_pair(pair):
    with pytest.raises(
        UserCodeError, match=r"reducefn gave .* not a .key, value. pair"
    ):
        check_pair(pair, "reducefn")


def test_a_list_of_two_is_a_pair():
    assert check_pair([1, 2]) == (1, 2)
