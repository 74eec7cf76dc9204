"""About how much memory a pair takes, from a few of them."""

# Strategy: tables spill by counts and estimated bytes, so that a run of the same
# input spills at the same places. Asking each pair would cost more than mapping it, so
# eight pairs of a window stand for all of it. `sys.getsizeof` alone is shallow:
# containers are followed a few levels down, and of long ones eight items stand for all.

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import islice
from typing import Any

__all__ = ["Weight", "weigh", "weigh_column", "weigh_pairs"]

_SAMPLE = 8
_DEPTH_MAX = 4

#: What a dict costs a key: hash, two pointers and its share of the empty slots.
ENTRY_BYTES = 105
#: What a list that holds the values of one key costs, and a pointer in it.
LIST_BYTES = 88
POINTER_BYTES = 9
#: What a pair costs that is kept as a tuple, in a list.
PAIR_BYTES = 65

_getsizeof = sys.getsizeof
_LEAVES = frozenset({str, bytes, int, float, bool, type(None), complex, bytearray})

#: Bytes of memory of one key and of one value, on average.
Weight = tuple[float, float]


def weigh(item: Any, depth: int = 0) -> float:
    """About how many bytes `item` takes, with what it holds."""
    kind = type(item)
    size = float(_getsizeof(item))
    if kind in _LEAVES or depth >= _DEPTH_MAX:
        return size
    if isinstance(item, dict):
        return size + _weigh_some(item.items(), len(item), depth) - 56 * len(item)
    if isinstance(item, (tuple, list, set, frozenset)):
        return size + _weigh_some(item, len(item), depth)
    state = getattr(item, "__dict__", None)
    if state:
        size += weigh(state, depth + 1)
    return size


def _weigh_some(items: Iterable[Any], count: int, depth: int) -> float:
    some = list(islice(items, _SAMPLE))
    if not some:
        return 0.0
    return sum(weigh(item, depth + 1) for item in some) / len(some) * count


def weigh_column(items: list[Any]) -> float:
    """The average weight of an item of a column; 0 for an empty one."""
    count = len(items)
    if not count:
        return 0.0
    some = items[:: max(1, count // _SAMPLE)]
    return sum(map(weigh, some)) / len(some)


def weigh_pairs(pairs: list[tuple[Any, Any]]) -> Weight:
    """The average weights of the keys and of the values of some pairs."""
    some = pairs[:: max(1, len(pairs) // _SAMPLE)]
    keys = sum(weigh(key) for key, _ in some)
    values = sum(weigh(value) for _, value in some)
    return keys / len(some), values / len(some)
