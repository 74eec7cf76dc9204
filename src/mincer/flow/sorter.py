"""Put keys or values in order, and say which two cannot be."""

# Strategy: indexes are sorted, not pairs: `sorted(range(n), key=keys.__getitem__)`
# compares the keys themselves in C (timsort uses runs that are sorted already), where a
# list of pairs would build and compare tuples (801 ns against 311 a pair). NaN is
# neither less nor more than anything and would leave a sort in disorder: it goes last.

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from mincer.codec.tracebacks import user_frames
from mincer.errors import OrderError, UserCodeError, preview

__all__ = ["Order", "order_function", "order_keys", "sort_indexes", "sort_values"]

#: Gives what is compared of a key or a value; None compares the thing itself.
Order = Callable[[Any], Any] | None


def order_function(choice: object) -> Order:
    """The order that `sort_keys` or `sort_values` asks for: True, or a function."""
    return choice if callable(choice) else None


def order_keys(items: list[Any], order: Order) -> list[Any]:
    """What is compared, for each of `items`."""
    if order is None:
        return items
    try:
        return list(map(order, items))
    except Exception as error:
        raise UserCodeError(
            f"the sort key function raised {type(error).__name__}: {error}",
            user_traceback=user_frames(error),
        ) from error


def sort_indexes(compared: list[Any]) -> list[int]:
    """The indexes of `compared` in its order; equal ones stay as they came."""
    shown = compared
    if float in set(map(type, compared)):
        compared = list(map(nan_last, compared))
    try:
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


def order_error(items: list[Any], error: Exception) -> OrderError:
    """The error that names two of `items` that do not compare."""
    # Neighbours first; the first with all others finds what they hide.
    for pairs in (pairwise(items), ((items[0], other) for other in items)):
        for one, other in pairs:
            try:
                bool(one < other)
            except Exception:
                return OrderError(
                    f"{preview(one)} ({type(one).__name__}) and {preview(other)} "
                    f"({type(other).__name__}) cannot be put in order",
                    hint="Give a key function, as to sorted():  sort_keys=str",
                )
    return OrderError(f"sorting failed: {type(error).__name__}: {error}")
