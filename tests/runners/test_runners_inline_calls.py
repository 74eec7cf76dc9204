"""What the reference runner makes of what user code returns, raises or compares."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import BadKeyError, OrderError, UserCodeError, Where
from mincer.runners.inline_calls import (
    built,
    map_pairs,
    put_in_order,
    reduced_pairs,
    told,
)

WHERE = Where("file", 7)


@pytest.mark.parametrize(
    ("result", "pairs"),
    [
        (None, []),
        ({}, []),
        ({1: 2}, [(1, 2)]),
        ([(1, 2), [3, 4]], [(1, 2), (3, 4)]),
        (iter([("a", None)]), [("a", None)]),
    ],
)
def test_pairs_of_a_mapfn(result, pairs):
    assert map_pairs(result) == pairs


@pytest.mark.parametrize("result", [1, "ab", b"ab", ["ab"], [(1, 2, 3)], [1]])
def test_what_is_no_pairs(result):
    with pytest.raises(UserCodeError, match="mapfn"):
        map_pairs(result)


def test_a_function_is_itself_and_a_class_is_built():
    class WithClose(dict):
        def close(self):
            return None

    assert built(sorted, "reducefn") == (sorted, None)
    assert built(list, "reducefn") == (list, None)
    instance, close = built(WithClose, "mapfn")
    assert close == instance.close


def test_an_exception_is_told_with_its_place_and_cause():
    error = ZeroDivisionError("of 1")
    failure = told(error, "mapfn", WHERE)
    assert failure.what == "mapfn raised ZeroDivisionError: of 1"
    assert failure.where == WHERE
    assert failure.__cause__ is error
    assert "ZeroDivisionError" in failure.user_traceback


def test_an_error_of_ours_keeps_what_it_knows():
    error = BadKeyError("no key", where=Where("elsewhere"))
    assert told(error, "mapfn", WHERE) is error
    assert error.where == Where("elsewhere")
    assert error.user_traceback is None


def test_values_end_with_the_call():
    kept = []

    def reducefn(key, values):
        kept.extend((values, iter(values)))
        return len(values), list(values), list(values), repr(values)

    expected = (2, [3, 4], [3, 4], "<2 values>")
    assert reduced_pairs(reducefn, "key", [3, 4]) == [("key", expected)]
    values, begun = kept
    for use in (len, iter, list, bool, lambda it: 3 in it):
        with pytest.raises(UserCodeError, match="had returned"):
            use(values)
    with pytest.raises(UserCodeError, match="had returned"):
        next(begun)
    assert "returned" in repr(values)


def test_the_values_end_when_the_reducer_raises_too():
    kept = []

    def reducefn(key, values):
        kept.append(values)
        raise KeyError(key)

    with pytest.raises(KeyError):
        reduced_pairs(reducefn, "key", [1])
    with pytest.raises(UserCodeError):
        list(kept[0])


@pytest.mark.parametrize(
    "hold",
    [
        lambda values: values,
        lambda values: [values],
        lambda values: (1, {"all": [values]}),
        lambda values: {1: (iter([1]),)},
        map,
    ],
)
def test_what_a_result_may_not_hold(hold):
    def returns(key, values):
        return hold(values) if hold is not map else map(str, values)

    def yields(key, values):
        yield key, returns(key, values)

    for reducefn in (returns, yields):
        with pytest.raises(UserCodeError, match="ends with the call"):
            reduced_pairs(reducefn, "key", [1])


@given(st.lists(st.one_of(st.integers(), st.floats())))
def test_order_is_that_of_sorted_with_nan_behind(items):
    found = put_in_order(items, True)
    numbers = sorted(item for item in items if item == item)
    assert found[: len(numbers)] == numbers
    assert all(math.isnan(item) for item in found[len(numbers) :])
    assert len(found) == len(items)


@given(st.lists(st.text(max_size=3)))
def test_a_key_function_orders_as_for_sorted(items):
    assert put_in_order(items, len) == sorted(items, key=len)
    assert put_in_order(items, False) is items


def test_a_sort_function_that_raises_is_told():
    with pytest.raises(UserCodeError, match="AttributeError") as caught:
        put_in_order(["a", 3], lambda item: item.lower())
    assert caught.value.where.key == "3"


def test_what_does_not_compare_is_named():
    with pytest.raises(OrderError, match=r"'a' \(str\)") as caught:
        put_in_order(["a", 3], True)
    assert "3 (int)" in caught.value.what
