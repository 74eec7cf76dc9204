"""Run mapfn over the records of a split, into a table that spills when it is full."""

# Strategy: one fused loop. `chain(map(mapfn, keys, values))` is drained in C into
# windows of up to 256 pairs, and a window goes into the table in one Python loop
# chosen for the attempt: a fold, an append, or nothing at all. A window costs little
# more than looping over the chain itself while its pairs are in the nearest cache (1.02
# x for 256 pairs, 1.05 for 1,024, 1.35 for 8,192), and gives exact counts of pairs, and
# a place to look at memory. The collector is off meanwhile: it would walk the table
# again and again (8 x).

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, Protocol

from mincer.context import Context
from mincer.errors import MincerError, UserCodeError
from mincer.flow.budget import Budget
from mincer.flow.combiner import FOLDS, FOLDS_KNOWN, combine_counts, combine_lists
from mincer.flow.cursor import Stream
from mincer.flow.spiller import Spiller
from mincer.flow.tally import Tally
from mincer.flow.weigher import (
    ENTRY_BYTES,
    LIST_BYTES,
    POINTER_BYTES,
    Weight,
    weigh_pairs,
)

__all__ = [
    "FoldTable",
    "Inexact",
    "ListTable",
    "PairColumns",
    "Table",
    "drain",
    "drain_combining",
]

_WINDOW_MAX = 256
#: Pairs between two looks at the resident size.
_LOOK_PAIRS = 256 * _WINDOW_MAX
#: Windows between two looks at what a pair weighs, once the first few are seen.
_WEIGH_WINDOWS = 128
#: Pairs gathered before a combinefn of the user's is called.
_COMBINE_PAIRS = 1 << 19
#: A combine that leaves more than this of the pairs is not worth repeating.
_COMBINE_KEEPS_MAX = 0.8
#: When so many pairs are in lists, it is seen whether their keys repeat.
_REPEAT_PAIRS = 1 << 13
#: With more keys than this a pair, lists cost more than they save: 1.3 µs a pair where
#: every key is new (columns 0.45), and the two meet where a quarter is, at the spill.
_KEYS_A_PAIR_MAX = 0.9


class Table(Protocol):
    """What a window of pairs goes into."""

    def add(self, window: list[tuple[Any, Any]]) -> None: ...

    def weigh(self, weight: Weight) -> float:
        """About how much memory the table takes, in bytes."""
        ...

    def spill(self) -> None:
        """Write everything out, and be empty. Harmless when it is empty."""
        ...


class Inexact(Exception):
    """A window of pairs could not be taken in: one of its pairs is at fault, and the
    attempt must run again, exactly, to tell which record made it."""


def drain(pairs: Iterator[Any], table: Table, budget: Budget, *, exact: bool) -> int:
    """Put all `pairs` into `table` within `budget`; return how many there were.

    `exact`: one pair at a time, so that whatever goes wrong is met at the record that
    made the pair. Otherwise a pair that cannot be taken in raises `Inexact`; an
    exception of the user's own code passes through, and its record is the one in work.
    """
    exactly = _Exactly(exact)
    room = budget.room_bytes
    size = 1 if exact else 16
    total = windows = unlooked = 0
    weight: Weight = (0.0, 0.0)
    while window := list(islice(pairs, size)):
        with exactly:
            table.add(window)
        total += len(window)
        unlooked += len(window) * _WINDOW_MAX // size
        if exact or windows < 8 or not windows % _WEIGH_WINDOWS:
            weight = weigh_pairs(window)
            if not exact:
                # A window takes at most a 64th of the room. It grows by steps, lest
                # the first small pairs promise too much of the next.
                fits = int(min(room, 1 << 40) / 64 / (sum(weight) + ENTRY_BYTES))
                size = max(1, min(_WINDOW_MAX, fits, size * 4))
        windows += 1
        full = table.weigh(weight) >= room
        if not full and unlooked >= _LOOK_PAIRS:
            unlooked = 0
            full = budget.tight()
        if full:
            with exactly:
                table.spill()
    with exactly:
        table.spill()
    return total


def drain_combining(
    streams: Iterator[Stream], table: FoldTable | ListTable, budget: Budget
) -> int:
    """The same for pairs that are combined: while they all have one value, batches are
    counted without windows (tally.py)."""

    def look() -> None:
        if budget.tight():
            with _Exactly(False):
                table.spill()

    pairs = chain.from_iterable(table.tally.through(streams, look))
    return drain(pairs, table, budget, exact=False) + table.tally.in_batches


class _Exactly:
    """What cannot be taken in is the fault of one pair: find out of which.

    A class, since `contextmanager` takes four times as long, once a window.
    """

    def __init__(self, exact: bool) -> None:
        self._exact = exact

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, UserCodeError):
            return  # the latter of a function that is called for a key, which it names
        if not self._exact:
            raise Inexact from error
        if not isinstance(error, MincerError):
            what = f"the pair cannot be combined: {type(error).__name__}: {error}"
            raise UserCodeError(what) from error


class FoldTable:
    """One value a key, folded in place by a builtin."""

    def __init__(self, fold: Callable[..., Any], spiller: Spiller) -> None:
        self._folds = (FOLDS[fold], FOLDS_KNOWN[fold])
        self._known = False
        self._spiller = spiller
        self._values: dict[Any, Any] = {}
        self.tally = Tally(_is_whole)
        self.tally.open = fold is sum

    def add(self, window: list[tuple[Any, Any]]) -> None:
        if self.tally.open:
            window = self.tally.take(window)
            if not window:
                return
            counts = self.tally.counts
            self._values = dict(zip(counts, self._of_counts(), strict=True))
            self.tally.clear()
        before = len(self._values)
        self._folds[self._known](self._values, window)
        self._known = (len(self._values) - before) * 8 < len(window)

    def weigh(self, weight: Weight) -> float:
        keys = len(self._values) + self.tally.keys
        return keys * (weight[0] + weight[1] + ENTRY_BYTES)

    def spill(self) -> None:
        if self.tally.open:
            values = self._of_counts()
            self._spiller.spill(list(self.tally.counts), values, grouped=False)
            self.tally.clear()
            return
        table = self._values
        self._spiller.spill(list(table), list(table.values()), grouped=False)
        table.clear()
        self._known = False

    def _of_counts(self) -> list[Any]:
        """What the copies that each key has come to."""
        counts, value = self.tally.counts.values(), self.tally.value
        return list(counts) if value == 1 else [count * value for count in counts]


def _is_whole(value: Any) -> bool:
    """n times a whole number is what `sum` makes of n of it; of other numbers it may
    be rounded in another way."""
    return type(value) in (int, bool)


class ListTable:
    """A list of values a key, combined now and then when there is a combinefn.

    Without one, keys that hardly repeat are left for the reducer to bring together:
    from then on pairs are kept as two columns.
    """

    def __init__(
        self,
        combinefn: Callable[[Any, list[Any]], Any] | None,
        spiller: Spiller,
        context: Context,
    ) -> None:
        self._combinefn = combinefn
        self._spiller = spiller
        self._context = context
        self._lists: defaultdict[Any, list[Any]] = defaultdict(list)
        self.tally = Tally()
        #: Pairs in the lists; others are only counted.
        self._pairs = 0
        self._combine_at = _COMBINE_PAIRS if combinefn else float("inf")
        self._repeat_at = float("inf") if combinefn else _REPEAT_PAIRS
        self._in_columns = False
        self._keys: list[Any] = []
        self._values: list[Any] = []

    def add(self, window: list[tuple[Any, Any]]) -> None:
        if self._in_columns:
            self._keys += [key for key, _ in window]
            self._values += [value for _, value in window]
            return
        if self.tally.open:
            window = self.tally.take(window)
            if window:
                self._list_the_counted()
        lists = self._lists
        for key, value in window:
            lists[key].append(value)
        self._pairs += len(window)
        pairs = self._pairs + self.tally.in_windows
        if pairs >= self._repeat_at:
            self._repeat_at = float("inf")
            keys = len(lists) + self.tally.keys
            self._in_columns = keys > pairs * _KEYS_A_PAIR_MAX
        if self._pairs >= self._combine_at:
            before = self._pairs
            self._combine()
            shrank = self._pairs <= before * _COMBINE_KEEPS_MAX
            self._combine_at = self._pairs + _COMBINE_PAIRS if shrank else float("inf")

    def _list_the_counted(self) -> None:
        """From counts to lists: a value came that is another."""
        counts, value = self.tally.counts, self.tally.value
        if self._combinefn is None:
            for key, count in counts.items():
                self._lists[key] = [value] * count
        else:
            for key, combined in zip(counts, self._combined_counts(), strict=True):
                self._lists[key] = [combined]
        self._pairs = sum(map(len, self._lists.values()))
        self.tally.clear()

    def _combined_counts(self) -> list[Any]:
        assert self._combinefn is not None
        with self._combining():
            return combine_counts(self.tally.counts, self.tally.value, self._combinefn)

    def _combine(self) -> None:
        if self._combinefn is not None:
            with self._combining():
                combine_lists(self._lists, self._combinefn)
            self._pairs = len(self._lists)

    @contextmanager
    def _combining(self) -> Iterator[None]:
        self._context.combining = True
        try:
            yield
        finally:
            self._context.combining = False

    def weigh(self, weight: Weight) -> float:
        keys = len(self._lists) + self.tally.keys
        of_keys = keys * (weight[0] + ENTRY_BYTES + LIST_BYTES)
        of_columns = len(self._keys) * (sum(weight) + 2 * POINTER_BYTES)
        pairs = self._pairs
        if self._combinefn is None:
            pairs += self.tally.in_windows  # they will be listed
        return of_keys + pairs * (weight[1] + POINTER_BYTES) + of_columns

    def spill(self) -> None:
        if self.tally.open and self._combinefn is not None:
            counts = self.tally.counts
            self._spiller.spill(list(counts), self._combined_counts(), grouped=False)
            self.tally.clear()
            return
        if self.tally.open:
            self._list_the_counted()
        self._combine()
        lists = self._lists
        if self._in_columns:
            self._spill_columns()
        elif self._combinefn is not None:
            values = list(chain.from_iterable(lists.values()))
            self._spiller.spill(list(lists), values, grouped=False)
        else:
            self._spiller.spill(list(lists), list(lists.values()), grouped=True)
        lists.clear()
        self._pairs = 0
        if self._combinefn:
            self._combine_at = _COMBINE_PAIRS

    def _spill_columns(self) -> None:
        lists, keys, values = self._lists, self._keys, self._values
        self._keys, self._values = [], []
        if lists:  # they came first
            keys[:0] = [key for key, of_key in lists.items() for _ in of_key]
            values[:0] = chain.from_iterable(lists.values())
        self._spiller.spill(keys, values, grouped=False)


class PairColumns:
    """The pairs as they are, in two columns: nothing will be grouped here.

    `write(keys, values)` gets them when `pairs_max` are there or the room is full.
    """

    def __init__(
        self, write: Callable[[list[Any], list[Any]], None], pairs_max: int
    ) -> None:
        self._write = write
        self._pairs_max = pairs_max
        self._keys: list[Any] = []
        self._values: list[Any] = []

    def add(self, window: list[tuple[Any, Any]]) -> None:
        # A window at a time: its tuples are in the cache still, and are used again.
        self._keys += [key for key, _ in window]
        self._values += [value for _, value in window]
        if len(self._keys) >= self._pairs_max:
            self.spill()

    def weigh(self, weight: Weight) -> float:
        return len(self._keys) * (sum(weight) + 2 * POINTER_BYTES)

    def spill(self) -> None:
        keys, values = self._keys, self._values
        if keys:
            self._keys, self._values = [], []
            self._write(keys, values)
