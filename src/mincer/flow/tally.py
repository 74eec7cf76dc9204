"""Pairs that all have one and the same value, kept as a count for each key."""

# Strategy: who counts, marks or collects distinct things gives the very same object
# with every key: `(word, 1)`, `(line, None)`. As long as that is so, counting the keys
# stands for appending to lists: two thirds of the time, and n copies of the object are
# just what the user's function would have been given. It is asked by identity (`is`),
# so that 1, True and 1.0 stay apart. While many keys are new, the keys of a window are
# taken out and counted in C: where most look-ups miss the cache, that has more of them
# under way at a time (0.97 x; where few do, the loop that takes the keys out is lost).
#
# Where the copies are combined, the memory grows by new keys alone. Then a table that
# has met most of its keys counts whole batches in two nested loops, over records and
# over their pairs, without windows (0.93 x); how many pairs those were, the counts
# tell. While many keys are new, windows are as fast, and weigh what comes.
#
# Numbers up to 256 are there in Python, a larger one is a new object each time that it
# is counted up. So in those loops a count comes out of a tuple of what follows each
# number; at its end an IndexError, which costs nothing before, has what was counted
# carried over to a second table (0.95 x).

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, cast

from mincer.flow.cursor import Stream

__all__ = ["Tally"]

Pair = tuple[Any, Any]
Counts = dict[Any, int]

#: Counts into any dict; a `Counter` would be slower for all else.
_add_up = cast(Callable[[Counts, Iterable[Any]], None], Counter.update)
#: What follows each of the numbers 0 … 255.
_NEXT = tuple(range(1, 257))
#: New keys that batches may bring before a window is weighed again, in windows.
_NEW_WINDOWS = 16


def _any_value(value: Any) -> bool:
    return True


class Tally:
    """Counts keys until a value comes that is another object than the first.

    `takes(value)`: may copies of this value be counted? Asked once, of the first.
    """

    def __init__(self, takes: Callable[[Any], bool] = _any_value) -> None:
        self._begun = False
        self._takes = takes
        #: False for good once a pair was refused.
        self.open = True
        self.value: Any = None
        self._counts: Counts = {}
        #: What was taken out of the counts while batches were counted.
        self._carried: Counts = {}
        #: Of the keys of the last window, were few new?
        self._known = False
        #: So many keys are there at most before a window is weighed again.
        self._keys_max = 0
        #: Pairs of the counts that came in windows.
        self.in_windows = 0
        #: Pairs that came in batches, and are no longer in the counts.
        self.in_batches = 0

    @property
    def counts(self) -> Counts:
        """How often each key came, in the order in which they came first."""
        counts = self._counts
        for key, carried in self._carried.items():
            counts[key] += carried
        self._carried.clear()
        return counts

    @property
    def keys(self) -> int:
        """How many there are."""
        return len(self._counts)

    def take(self, window: list[Pair]) -> list[Pair]:
        """Count the pairs of a window; return those from the first refused one on."""
        if not self._begun:
            self._begun = True
            _, value = window[0]
            if not self._takes(value):
                self.open = False
                return window
            self.value = value
        counts = self._counts
        before = len(counts)
        count = _count_known if self._known else _count
        left = count(counts, window, self.value)
        self._known = (len(counts) - before) * 8 < len(window)
        self._keys_max = len(counts) + _NEW_WINDOWS * len(window)
        self.in_windows += len(window) - len(left)
        self.open = not left
        return left

    def through(
        self, streams: Iterator[Stream], look: Callable[[], None]
    ) -> Iterator[Iterator[Any]]:
        """Count batches whose keys are known mostly; yield the pairs of the others.

        `look` is called after each batch: nobody sees windows meanwhile.
        """
        for records in streams:
            if self.open and self._known:
                left = self._take_batch(records)
                look()
                if left is None:
                    continue
                yield left
            yield chain.from_iterable(records)

    def _take_batch(self, records: Stream) -> Iterator[Any] | None:
        """Count the pairs of some records; return what is left of the one in work when
        another value came, or too many new keys."""
        counts, carried, value = self._counts, self._carried, self.value
        following = _NEXT
        new_left = self._keys_max - len(counts)
        for pairs in records:
            for key, item in pairs:
                if item is not value:
                    return chain(((key, item),), pairs)
                try:
                    counts[key] = following[counts[key]]
                except IndexError:
                    carried[key] = carried.get(key, 0) + counts[key]
                    counts[key] = 1
                except KeyError:
                    counts[key] = 1
                    new_left -= 1
                    if new_left <= 0:
                        return pairs
        return None

    def clear(self) -> None:
        """Begin again with no keys, and the same value."""
        self.in_batches += sum(self.counts.values()) - self.in_windows
        self._counts.clear()
        self.in_windows = 0
        self._known = False


def _count(counts: Counts, window: list[Pair], value: Any) -> list[Pair]:
    keys = [key for key, item in window if item is value]
    if len(keys) < len(window):
        return _count_known(counts, window, value)
    _add_up(counts, keys)
    return []


def _count_known(counts: Counts, window: list[Pair], value: Any) -> list[Pair]:
    pairs = iter(window)
    for key, item in pairs:
        if item is not value:
            return [(key, item), *pairs]
        try:
            counts[key] += 1
        except KeyError:
            counts[key] = 1
    return []
