"""The median of a growing set of numbers, at O(log n) for each."""

from __future__ import annotations

from heapq import heappush, heappushpop

__all__ = ["Median"]


class Median:
    """Two heaps that meet in the middle; of an even number, the upper median."""

    __slots__ = ("_lower", "_upper")

    def __init__(self) -> None:
        #: The smaller half, negated: its top is its largest.
        self._lower: list[float] = []
        #: The larger half, which holds the median and is never the shorter one.
        self._upper: list[float] = []

    def __len__(self) -> int:
        return len(self._lower) + len(self._upper)

    def add(self, number: float) -> None:
        if len(self._upper) > len(self._lower):
            heappush(self._lower, -heappushpop(self._upper, number))
        else:
            heappush(self._upper, -heappushpop(self._lower, -number))

    @property
    def value(self) -> float:
        """The median; there must be a number."""
        return self._upper[0]
