"""What a reducer is given: sized, iterable again and again, gone when it returned."""

import pickle

import pytest

from mincer.errors import UserCodeError
from mincer.values import (
    ENDING,
    FileValues,
    Values,
    check_kept,
    close_values,
    ended,
)


def both():
    return [Values([3, 1, 2]), FileValues(3, lambda: iter([[3, 1], [], [2]]))]


@pytest.mark.parametrize("values", both())
def test_sized_and_iterable_again(values):
    assert len(values) == 3
    assert list(values) == list(values) == [3, 1, 2]
    assert sum(values) == 6
    assert sorted(values) == [1, 2, 3]
    assert 2 in values


@pytest.mark.parametrize("values", both())
@pytest.mark.parametrize("index", [0, -1, slice(2)])
def test_not_to_be_indexed(values, index):
    with pytest.raises(UserCodeError, match="cannot be indexed") as caught:
        values[index]
    assert "list(values)" in caught.value.hint


@pytest.mark.parametrize("values", both())
def test_not_to_be_sent_anywhere(values):
    for held in (values, [values], {"a": values}):
        with pytest.raises(UserCodeError, match="kept after the reducer had returned"):
            pickle.dumps(held)


@pytest.mark.parametrize("values", both())
def test_not_to_be_used_afterwards(values):
    close_values(values)
    for use in (len, list, sum, iter):
        with pytest.raises(UserCodeError, match="after the reducer had returned"):
            use(values)


def test_kept_values_still_have_a_name():
    values = Values([1])
    close_values(values)
    assert repr(values) == "<values of a reducer that returned>"
    with pytest.raises(UserCodeError):
        pickle.dumps(values)


def test_an_iterator_of_a_file_ends_with_the_call():
    values = FileValues(4, lambda: iter([[1, 2], [3, 4]]))
    kept = iter(values)
    assert [next(kept), next(kept)] == [1, 2]
    close_values(values)
    with pytest.raises(UserCodeError, match="after the reducer had returned"):
        next(kept)


@pytest.mark.parametrize("values", both())
def test_not_to_be_returned(values):
    for result, said in ((values, "`values` itself"), (iter(values), "an iterator")):
        assert isinstance(result, ENDING)
        assert said in ended(result).what


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize(
    "hold",
    [
        lambda values: values,
        lambda values: [values],
        lambda values: (1, {"all": [values]}),
        lambda values: {1: ({2: values},)},
    ],
)
def test_a_result_that_holds_them_is_found(hold, closed):
    for values in both():
        if closed:
            close_values(values)
        with pytest.raises(UserCodeError, match="kept after the reducer had returned"):
            check_kept(hold(values))


def test_a_result_may_hold_anything_else():
    circle = [1, "text", {2, 3}, {"a": (4, [5])}, iter([6])]
    circle.append(circle)
    assert check_kept(circle) is None
