"""Sorting by index: as `sorted` does it, stable, NaN last."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import OrderError
from mincer.flow.sorter import sort_indexes, sort_values
from mincer.order import in_order
from mincer.values import Values

NUMBERS = st.lists(st.floats() | st.integers(-3, 3))


@given(st.lists(st.integers(-3, 3)))
def test_indexes_are_in_the_order_of_sorted(items):
    indexes = sort_indexes(items)
    assert indexes == sorted(range(len(items)), key=items.__getitem__)


@given(NUMBERS)
def test_nan_goes_last(items):
    ranked = [items[i] for i in sort_indexes(items)]
    numbers = [item for item in items if item == item]
    assert ranked[: len(numbers)] == sorted(numbers)
    assert all(item != item for item in ranked[len(numbers) :])


@given(NUMBERS | st.lists(st.text(max_size=3)), st.sampled_from([True, repr]))
def test_it_is_the_order_of_the_reference(items, choice):
    ranked = Values(items)
    sort_values(ranked, choice if callable(choice) else None)
    assert list(map(id, ranked)) == list(map(id, in_order(items, choice)))


def test_every_kind_of_nan_goes_last():
    items = [Decimal("nan"), Decimal(2), Decimal(1)]
    assert sort_indexes(items) == [2, 1, 0]
    assert sort_indexes([2.5, 1.5]) == [1, 0]


def test_values_are_sorted_in_place_whatever_they_refuse():
    values = Values([2, 3, 1])
    sort_values(values, None)
    assert list(values) == [1, 2, 3]
    sort_values(values, lambda value: -value)
    assert list(values) == [3, 2, 1]


def test_what_does_not_compare_is_named():
    with pytest.raises(OrderError, match="cannot be put in order"):
        sort_indexes([1, 2, "a"])
