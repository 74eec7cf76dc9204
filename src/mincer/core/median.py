"""The median of a growing set of numbers, at O(log n) for each."""

from __future__ import annotations

from heapq import heappush, heappushpop

__all__ = ["Median"]


class Median:
    """Two heaps that meet in the middle; of an even number, the upper median.

    Numbers are sorted in when the median is asked for: most come while nobody does.
    """

    __slots__ = ("_lower", "_new", "_upper")

    def __init__(self) -> None:
        #: The smaller half, negated: its top is its largest.
        self._lower: list[float] = []
        #: The larger half, which holds the median and is never the shorter one.
        self._upper: list[float] = []
        self._new: list[float] = []

    def __len__(self) -> int:
        return len(self._lower) + len(self._upper) + len(self._new)

    def add(self, number: float) -> None:
        self._new.append(number)

    @property
    def value(self) -> float:
        """The median; there must be a number."""
        for number in self._new:
            if len(self._upper) > len(self._lower):
                heappush(self._lower, -heappushpop(self._upper, number))
            else:
                heappush(self._upper, -heappushpop(self._lower, -number))
        self._new.clear()
        return self._upper[0]
