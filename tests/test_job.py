"""A step is checked when it is made: what is wrong, what is taken, what it is then."""

import functools
import operator
import pickle
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec.keys import PARTS_MAX
from mincer.errors import UsageError
from mincer.job import (
    COMBINE_BUILTINS,
    REDUCE_BUILTINS,
    Step,
    by_range,
    default_parts,
)

MIB = 2**20


def mapfn(key, value):
    yield key, value


def reducefn(key, values):
    return len(values)


class MapClass:
    def __call__(self, key, value):
        return {key: value}


class StaticMapClass:
    @staticmethod
    def __call__(key, value):
        return {key: value}


class NoCall:
    pass


class NeedsArguments(MapClass):
    def __init__(self, size):
        self.size = size


class OddClose(MapClass):
    close = 7


class CallsWithOne:
    def __call__(self, key):
        return {}


class GeneratorInstance:
    def __call__(self, key, values):
        yield key, values


async def async_mapfn(key, value):
    return []


def test_the_defaults():
    step = Step(mapfn)
    assert step.reducefn is None
    assert (step.max_attempts, step.skip_bad_records) == (4, 0)
    assert not step.shuffles
    assert step.tags is None
    assert step.title == "mapfn"


@pytest.mark.parametrize(
    "function",
    [
        mapfn,
        lambda *args: None,
        lambda key, value, extra=1: None,
        functools.partial(lambda a, key, value: None, 1),
        MapClass,
        StaticMapClass,
        MapClass(),
        MapClass().__call__,
        operator.itemgetter(1),
        max,
    ],
)
def test_what_may_be_a_mapfn(function):
    assert Step(function).mapfn_for(None) is function


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (None, "mapfn must be a function, called as mapfn(key, value), not None"),
        ("words", "not 'words'"),
        (lambda line: None, "cannot be called with (key, value)"),
        (lambda key, value, *, more: None, "cannot be called"),
        (async_mapfn, "async"),
        (NoCall, "the class NoCall, which has no __call__"),
        (NeedsArguments, "the class NeedsArguments, which needs arguments"),
        (OddClose, "close is not a method"),
        (CallsWithOne, "cannot be called with"),
        ({}, "empty dict"),
        ({1: mapfn}, "a tag of mapfn must be a str"),
        ({"": mapfn}, "a tag of mapfn must be a str"),
        ({"a": mapfn, "b": 3}, "mapfn['b'] must be a function"),
    ],
)
def test_what_may_not_be_a_mapfn(function, says):
    with pytest.raises(UsageError) as caught:
        Step(function)
    assert says in str(caught.value)


@pytest.mark.parametrize("builtin", REDUCE_BUILTINS)
def test_builtins_that_reduce(builtin):
    assert Step(mapfn, builtin).shuffles


@pytest.mark.parametrize("builtin", [dict, tuple, print, abs, reversed, frozenset, str])
def test_other_builtins_are_refused_with_a_list(builtin):
    for options in ({"reducefn": builtin}, {"reducefn": sum, "combinefn": builtin}):
        with pytest.raises(UsageError, match=r"of the builtins only sum, min, max"):
            Step(mapfn, **options)


@pytest.mark.parametrize("builtin", set(REDUCE_BUILTINS) - set(COMBINE_BUILTINS))
def test_builtins_whose_results_cannot_be_combined_again(builtin):
    with pytest.raises(UsageError, match=f"combinefn={builtin.__name__}"):
        Step(mapfn, sum, combinefn=builtin)


def test_a_function_of_the_values_alone_gets_a_hint():
    with pytest.raises(UsageError, match=r"lambda key, values: mean\(values\)"):
        Step(mapfn, statistics.mean)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"combinefn": sum, "reducefn": None}, "without a reducefn"),
        ({"combinefn": mapfn}, "mapfn is a generator"),
        ({"combinefn": GeneratorInstance()}, "is a generator"),
        ({"combinefn": MapClass}, "A class may stand for mapfn and reducefn only"),
        ({"combinefn": 1}, "combinefn must be a function"),
        ({"reducefn": 1}, "reducefn must be a function"),
        ({"reducefn": lambda key: 1}, "cannot be called with (key, values)"),
        ({"partitionfn": hash}, "partitionfn=hash cannot be called"),
        ({"partitionfn": mapfn}, "is a generator"),
        ({"partitionfn": "by_range"}, "partitionfn must be a function"),
        ({"partitionfn": MapClass}, "A class may stand for"),
        ({"sort_keys": 1}, "sort_keys must be True, False or a key function"),
        ({"sort_keys": None}, "sort_keys must be"),
        ({"sort_values": lambda a, b: 0}, "cannot be called with (value)"),
        ({"parts": 0}, f"parts must be an int from 1 to {PARTS_MAX}, not 0"),
        ({"parts": PARTS_MAX + 1}, "parts must be an int"),
        ({"parts": True}, "parts must be an int"),
        ({"parts": 2.0}, "not 2.0"),
        ({"parts": 3, "reducefn": None}, "map-only"),
        ({"name": ""}, "name must be a str"),
        ({"name": "two\nlines"}, "name must be a str"),
        ({"name": 3}, "name must be a str"),
        ({"max_attempts": 0}, "max_attempts must be an int, at least 1, not 0"),
        ({"max_attempts": True}, "max_attempts"),
        ({"skip_bad_records": -1}, "skip_bad_records must be an int, at least 0"),
        ({"task_timeout": 0}, "task_timeout must be a number of seconds above 0"),
        ({"task_timeout": "1m"}, "task_timeout"),
        ({"task_timeout": True}, "task_timeout"),
        ({"task_timeout": float("nan")}, "task_timeout"),
        ({"task_timeout": float("inf")}, "task_timeout"),
    ],
)
def test_what_is_refused(options, says):
    with pytest.raises(UsageError) as caught:
        Step(mapfn, **{"reducefn": sum} | options)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"sort_keys": True},
        {"sort_values": str.lower},
        {"partitionfn": by_range},
        {"partitionfn": lambda key, parts: 0},
        {"reducefn": reducefn},
    ],
)
def test_what_shuffles(options):
    assert Step(mapfn, parts=3, **options).shuffles


def test_total_order_needs_ranges_and_sorting():
    assert Step(mapfn, partitionfn=by_range, sort_keys=True).total_order
    assert not Step(mapfn, partitionfn=by_range).total_order
    assert not Step(mapfn, sort_keys=True).total_order
    assert Step(mapfn, partitionfn=by_range).sampled


def test_tags_choose_the_mapfn():
    given = {"a": mapfn, "b": MapClass}
    step = Step(given)
    given["c"] = mapfn
    assert step.tags == {"a", "b"}
    assert step.mapfn_for("b") is MapClass
    with pytest.raises(UsageError, match="'a', 'b'"):
        step.mapfn_for("c")


def test_it_is_frozen_equal_and_readable():
    step = Step(mapfn, sum, combinefn=sum, parts=3, partitionfn=by_range)
    assert step == Step(mapfn, sum, combinefn=sum, parts=3, partitionfn=by_range)
    assert step != Step(mapfn, sum)
    assert hash(step) == hash(
        Step(mapfn, sum, combinefn=sum, parts=3, partitionfn=by_range)
    )
    shown = "Step(mapfn, sum, combinefn=sum, partitionfn=mincer.by_range, parts=3)"
    assert repr(step) == shown
    assert repr(Step({"a": mapfn})) == "Step({'a': mapfn})"
    with pytest.raises(AttributeError):
        step.parts = 4


def test_it_travels_and_so_does_by_range():
    step = pickle.loads(pickle.dumps(Step(mapfn, sum, partitionfn=by_range)))
    assert step.partitionfn is by_range
    assert step.sampled
    assert step == Step(mapfn, sum, partitionfn=by_range)


def test_plain_leaves_a_step_and_nothing_more():
    class Loud(Step):
        pass

    plain = Loud(mapfn, sum, name="loud").plain()
    assert type(plain) is Step
    assert plain == Step(mapfn, sum, name="loud")


@pytest.mark.parametrize(
    ("size_bytes", "parts"),
    [
        (None, 16),
        (0, 1),
        (4 * MIB, 1),
        (4 * MIB + 1, 2),
        (100 * MIB, 25),
        (1000 * MIB, 64),
        (8192 * MIB, 128),
        (10**12, 251),
    ],
)
def test_default_parts(size_bytes, parts):
    assert default_parts(size_bytes) == parts


@given(st.integers(0, 2**50), st.integers(0, 2**30))
def test_more_input_never_means_fewer_parts(size_bytes, more):
    fewer, parts = default_parts(size_bytes), default_parts(size_bytes + more)
    assert 1 <= fewer <= parts <= 251
