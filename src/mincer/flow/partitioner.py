"""Where a key goes: a column of keys becomes a column of buckets."""

# Strategy: the key space is cut into buckets, and a part is a contiguous range of them,
# so that the reducer can take a part in passes of a few buckets. The default's buckets
# are those of `codec.keys.part_of`. With a function of the user's, each of his parts
# gets an equal number of buckets, by hash. `by_range` has cut points instead of a hash,
# and its buckets are in the order of the keys.
#
# A bucket has its own block in every run, which costs 40 µs for the two who write and
# read it. So parts that are small are not cut: each is one bucket (`cut=False`).

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from mincer.calls import part_by
from mincer.codec.keys import bucket_count, key_hashes
from mincer.flow.run import part_bounds

__all__ = [
    "FunctionPartitioner",
    "HashPartitioner",
    "Partitioner",
    "RangePartitioner",
]

#: About how many buckets there are when the parts do not come from the hash alone.
_BUCKETS = 256


class Partitioner(ABC):
    """A fixed function of the key; `buckets` of them, in order of their parts."""

    buckets: int
    parts: int

    @abstractmethod
    def place(self, keys: list[Any], kinds: set[type]) -> tuple[list[int], int]:
        """Return the bucket of each key, and an order-free digest of the keys
        (0 when none is to be had for free). `kinds`: the exact types of the keys."""

    def bounds(self, part: int) -> tuple[int, int]:
        """The range of buckets that make `part`."""
        return part_bounds(part, self.parts, self.buckets)


class HashPartitioner(Partitioner):
    """The default: by the fixed hash of the key."""

    def __init__(self, parts: int, cut: bool = True) -> None:
        self.parts = parts
        self._cuts = cuts = bucket_count(parts)
        #: The part of each cut; None where every cut is a bucket.
        self._part_of = None if cut else [n * parts // cuts for n in range(cuts)]
        self.buckets = cuts if cut else parts

    def place(self, keys: list[Any], kinds: set[type]) -> tuple[list[int], int]:
        hashes = key_hashes(keys, kinds)
        part_of, cuts = self._part_of, self._cuts
        if part_of is None:
            return [one % cuts for one in hashes], sum(hashes)
        return [part_of[one % cuts] for one in hashes], sum(hashes)


class FunctionPartitioner(Partitioner):
    """`partitionfn(key, parts)` of the user."""

    def __init__(
        self, function: Callable[[Any, int], int], parts: int, cut: bool = True
    ) -> None:
        self._function = function
        self.parts = parts
        self._each = _buckets_each(parts, cut)
        self.buckets = parts * self._each

    def place(self, keys: list[Any], kinds: set[type]) -> tuple[list[int], int]:
        hashes = key_hashes(keys, kinds)
        each, function, parts = self._each, self._function, self.parts
        placed = [
            part_by(function, key, parts) * each + one % each
            for key, one in zip(keys, hashes, strict=True)
        ]
        return placed, sum(hashes)


class RangePartitioner(Partitioner):
    """`mincer.by_range`: by cut points in the order of the keys.

    `cuts`: fewer than there are buckets; order keys, ascending.
    """

    def __init__(
        self,
        parts: int,
        cuts: list[Any],
        order: Callable[[Any], Any] | None,
        cut: bool = True,
    ) -> None:
        self.parts = parts
        self._each = _buckets_each(parts, cut)
        self.buckets = parts * self._each
        self.cuts = cuts
        self._order = order

    def place(self, keys: list[Any], kinds: set[type]) -> tuple[list[int], int]:
        cuts, order = self.cuts, self._order
        if order is None:
            return [bisect_right(cuts, key) for key in keys], 0
        return [bisect_right(cuts, order(key)) for key in keys], 0


def _buckets_each(parts: int, cut: bool) -> int:
    """How many buckets a part has that can be told by itself: the reducer's passes."""
    return max(1, _BUCKETS // parts) if cut else 1
