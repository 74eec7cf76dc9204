"""Pairs that all have one and the same value, kept as a count for each key."""

# Strategy: who counts, marks or collects distinct things gives the very same object
# with every key: `(word, 1)`, `(line, None)`. As long as that is so, counting the keys
# stands for appending to lists: two thirds of the time, and n copies of the object are
# just what the user's function would have been given. It is asked by identity (`is`),
# so that 1, True and 1.0 stay apart. `collections.Counter` on a column of the keys was
# tried: its look-ups are as many, and the column costs a loop of its own.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["Tally"]

Pair = tuple[Any, Any]


class Tally:
    """Counts keys until a value comes that is another object than the first."""

    def __init__(self) -> None:
        self._begun = False
        #: False for good once a pair was refused.
        self.open = True
        self.value: Any = None
        self.counts: dict[Any, int] = {}
        #: Of the keys of the last window, were few new?
        self._known = False

    def take(self, window: list[Pair]) -> list[Pair]:
        """Count the pairs of a window; return those from the first refused one on."""
        if not self._begun:
            self._begun = True
            _, self.value = window[0]
        counts = self.counts
        before = len(counts)
        count = _count_known if self._known else _count
        left = count(counts, iter(window), self.value)
        self._known = (len(counts) - before) * 8 < len(window)
        self.open = not left
        return left


def _count(counts: dict[Any, int], window: Iterator[Pair], value: Any) -> list[Pair]:
    get = counts.get
    for key, item in window:
        if item is not value:
            return [(key, item), *window]
        counts[key] = get(key, 0) + 1
    return []


def _count_known(
    counts: dict[Any, int], window: Iterator[Pair], value: Any
) -> list[Pair]:
    for key, item in window:
        if item is not value:
            return [(key, item), *window]
        try:
            counts[key] += 1
        except KeyError:
            counts[key] = 1
    return []
