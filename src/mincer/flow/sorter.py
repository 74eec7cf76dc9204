"""Put keys or values in order: that of `sorted`, stable, NaN last."""

# Strategy: indexes are sorted, not pairs: `sorted(range(n), key=keys.__getitem__)`
# compares the keys themselves in C (timsort uses runs that are sorted already), where a
# list of pairs would build and compare tuples (801 ns against 311 a pair). Only a
# column with a NaN in it is wrapped to have that last (see order.py).

from __future__ import annotations

from operator import ne
from typing import Any

from mincer.order import Order, order_error, order_keys

__all__ = ["nan_last", "sort_indexes", "sort_values"]

#: Types of which no item differs from itself.
_NEVER_NAN = frozenset({str, bytes, int, bool, tuple})


def sort_indexes(compared: list[Any]) -> list[int]:
    """The indexes of `compared` in its order; equal ones stay as they came."""
    shown = compared
    try:
        if not set(map(type, compared)) <= _NEVER_NAN and any(
            map(ne, compared, compared)
        ):
            compared = list(map(nan_last, compared))
        return sorted(range(len(compared)), key=compared.__getitem__)
    except Exception as error:
        raise order_error(shown, error) from error


def sort_values(values: list[Any], order: Order) -> None:
    """Sort the values of one key, in place."""
    items = list(values)  # `values` itself may refuse an index
    values[:] = map(items.__getitem__, sort_indexes(order_keys(items, order)))


def nan_last(item: Any) -> tuple[bool, Any]:
    """A form of `item` in which NaN is more than everything else."""
    return (True, 0) if item != item else (False, item)
