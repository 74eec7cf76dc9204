"""Sorting columns by one of them: as `sorted` does it, stable, NaN last."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import OrderError
from mincer.flow.sorter import sort_by, sort_pairs, sort_values
from mincer.order import in_order
from mincer.values import Values

NUMBERS = st.lists(st.floats() | st.integers(-3, 3))


def ranked(items):
    sort_by(items, items)
    return items


@given(st.lists(st.integers(-3, 3)))
def test_columns_follow_what_is_compared_and_equal_ones_stay_as_they_came(items):
    places = list(range(len(items)))
    names = list(map(str, items))
    compared = list(items)
    sort_by(compared, places, names)
    assert compared == items
    assert places == sorted(range(len(items)), key=items.__getitem__)
    assert names == [str(items[place]) for place in places]


@given(st.lists(st.integers(-3, 3)))
def test_what_is_compared_may_be_sorted_last_of_all(items):
    places, compared = list(range(len(items))), list(items)
    sort_by(compared, places, compared)
    assert compared == sorted(items)
    assert compared == [items[place] for place in places]


@given(NUMBERS)
def test_nan_goes_last(items):
    numbers = [item for item in items if item == item]
    ranked(items)
    assert items[: len(numbers)] == sorted(numbers)
    assert all(item != item for item in items[len(numbers) :])


@given(NUMBERS | st.lists(st.text(max_size=3)), st.sampled_from([True, repr]))
def test_it_is_the_order_of_the_reference(items, choice):
    values = Values(items)
    sort_values(values, choice if callable(choice) else None)
    assert list(map(id, values)) == list(map(id, in_order(items, choice)))


@given(NUMBERS | st.lists(st.text(max_size=3)))
def test_pairs_go_where_columns_go(keys):
    places = list(range(len(keys)))
    pairs = list(zip(keys, places, strict=True))
    sort_pairs(pairs, keys, set(map(type, keys)))
    sort_by(keys, places)
    assert [place for _, place in pairs] == places


def test_pairs_whose_keys_do_not_compare_are_named():
    with pytest.raises(OrderError, match=r"1 \(int\) and 'a' \(str\) cannot be put"):
        sort_pairs([(1, "x"), ("a", "y")], [1, "a"], {int, str})


def test_every_kind_of_nan_goes_last():
    nan = Decimal("nan")
    assert ranked([nan, Decimal(2), Decimal(1)]) == [1, 2, nan]
    assert ranked([2.5, 1.5]) == [1.5, 2.5]


def test_values_are_sorted_in_place_whatever_they_refuse():
    values = Values([2, 3, 1])
    sort_values(values, None)
    assert list(values) == [1, 2, 3]
    sort_values(values, lambda value: -value)
    assert list(values) == [3, 2, 1]


def test_what_does_not_compare_is_named_and_left_as_it_was():
    items = [2, 1, "a"]
    with pytest.raises(OrderError, match=r"1 \(int\) and 'a' \(str\) cannot be put"):
        sort_by(items, items)
    assert items == [2, 1, "a"]
