"""Find the cut points of `by_range` from a sample of the keys that mapfn makes."""

# Strategy: a fixed number of keys from each of some splits, spread evenly over all of
# them. When there are few splits each is read to its end and every n-th pair kept,
# since its beginning may know nothing of the rest (a sorted file). The same input gives
# the same sample, hence the same cuts: no randomness.

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from mincer.codec.keys import canonical
from mincer.flow.sorter import sort_by
from mincer.order import Order, order_keys

__all__ = ["SPLITS_MAX", "cut_points", "sample_keys", "spread"]

#: Splits that are looked into, and keys that are kept of each.
SPLITS_MAX = 64
_KEYS_PER_SPLIT = 1 << 10
#: With fewer splits than this, each is read to its end.
_SPLITS_FEW = 8
_KEYS_PER_WHOLE_SPLIT = 1 << 13


def spread(count: int, most: int = SPLITS_MAX) -> list[int]:
    """At most `most` of the indexes `0 … count - 1`, evenly spread."""
    if count <= most:
        return list(range(count))
    return [i * count // most for i in range(most)]


def sample_keys(pairs: Iterator[tuple[Any, Any]], splits: int) -> list[Any]:
    """Keep some keys of the pairs of one split, when there are `splits` of them."""
    if splits >= _SPLITS_FEW:
        return [canonical(key) for key, _ in islice(pairs, _KEYS_PER_SPLIT)]
    kept: list[Any] = []
    step = 1
    for at, (key, _) in enumerate(pairs):
        if at % step:
            continue
        kept.append(canonical(key))
        if len(kept) > 2 * _KEYS_PER_WHOLE_SPLIT:
            # Twice as far apart from now on, and so those that are kept.
            kept = kept[::2]
            step *= 2
    return kept


def cut_points(keys: list[Any], buckets: int, order: Order) -> list[Any]:
    """At most `buckets - 1` order keys that cut `keys` into pieces of one size."""
    compared = [one for one in order_keys(keys, order) if one == one]
    if not compared:
        return []
    sort_by(compared, compared)
    return [compared[len(compared) * i // buckets] for i in range(1, buckets)]
