"""What is compared when keys or values are sorted, and which two cannot be."""

# Strategy: NaN is neither less nor more than anything and would leave a sort in
# disorder: it goes last. `in_order` says in the fewest words what an order is; the data
# plane sorts by other means (flow/sorter.py), to the same effect.

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from operator import itemgetter
from typing import Any, TypeAlias

from mincer.calls import user_code
from mincer.errors import OrderError, preview

__all__ = [
    "Order",
    "in_order",
    "order_error",
    "order_function",
    "order_keys",
]

#: Gives what is compared of a key or a value; None compares the thing itself.
Order: TypeAlias = Callable[[Any], Any] | None


def order_function(choice: object) -> Order:
    """The order that `sort_keys` or `sort_values` asks for: True, or a function."""
    return choice if callable(choice) else None


def order_keys(items: list[Any], order: Order) -> list[Any]:
    """What is compared, for each of `items`."""
    if order is None:
        return items
    with user_code("the sort key function"):
        return list(map(order, items))


def in_order(items: list[Any], choice: object) -> list[Any]:
    """`items` as `sort_keys` or `sort_values` asks: False, True, or a function."""
    if choice is False:
        return items
    compared = order_keys(items, order_function(choice))
    ranked: list[tuple[Any, Any]] = []
    nans = []
    try:
        for one, item in zip(compared, items, strict=True):
            if one != one:
                nans.append(item)
            else:
                ranked.append((one, item))
        ranked.sort(key=itemgetter(0))
    except Exception as error:
        raise order_error(compared, error) from error
    return [item for _, item in ranked] + nans


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
