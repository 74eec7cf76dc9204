"""Order: that of `sorted`, stable, NaN last, and an error that names two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import OrderError, UserCodeError
from mincer.order import in_order, order_error, order_function, order_keys


def test_an_order_is_true_or_a_function():
    assert order_function(True) is None
    assert order_function(len) is len
    assert order_keys([1, 2], None) == [1, 2]
    assert order_keys(["aa", "b"], len) == [2, 1]


@given(st.lists(st.floats() | st.integers(-3, 3)))
def test_nan_goes_last(items):
    ranked = in_order(items, True)
    numbers = [item for item in items if item == item]
    assert ranked[: len(numbers)] == sorted(numbers)
    assert all(item != item for item in ranked[len(numbers) :])


@given(st.lists(st.text(max_size=3)))
def test_a_function_orders_as_for_sorted(items):
    assert in_order(items, len) == sorted(items, key=len)
    assert in_order(items, False) is items


def test_a_key_function_that_raises_is_the_users():
    with pytest.raises(UserCodeError, match="sort key function raised"):
        order_keys([1], lambda item: item.missing)


@pytest.mark.parametrize(
    ("items", "names"),
    [
        ([1, 2, "a"], ["2 (int)", "'a' (str)"]),
        ([None, 1.5], ["None (NoneType)", "1.5 (float)"]),
        ([{}, {}], ["{} (dict)"]),
        ([(1, "a"), (1, 2)], ["(1, 'a') (tuple)", "(1, 2) (tuple)"]),
    ],
)
def test_what_does_not_compare_is_named(items, names):
    with pytest.raises(OrderError, match="cannot be put in order") as caught:
        in_order(items, True)
    assert all(name in caught.value.what for name in names)
    assert "sort_keys=str" in caught.value.hint


def test_neighbours_that_compare_may_hide_what_does_not():
    class Odd:
        """Compares with its neighbour only."""

        def __init__(self, n):
            self.n = n

        def __lt__(self, other):
            if abs(self.n - other.n) > 1:
                raise TypeError("too far")
            return self.n < other.n

        def __repr__(self):
            return f"Odd({self.n})"

    error = order_error([Odd(0), Odd(1), Odd(2)], TypeError("too far"))
    assert "Odd(0)" in error.what
    assert "Odd(2)" in error.what
    assert "sorting failed: TypeError: why" in order_error([1], TypeError("why")).what
