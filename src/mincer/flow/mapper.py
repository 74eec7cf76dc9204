"""Run mapfn over the records of a split, into a table that spills when it is full."""

# Strategy: one fused loop. `chain(map(mapfn, keys, values))` is drained in C into
# windows of up to 1,024 pairs, and a window goes into the table in one Python loop
# chosen for the attempt: a fold, an append, or nothing at all. A window costs no more
# than looping over the chain itself (152 ns a pair against 146-153 here; 8,192 would be
# 202: out of the cache) and gives exact counts of pairs, and a place to look at memory,
# for nothing. The collector is off meanwhile: it would walk the table again and again
# (8 x).

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Protocol

from mincer.context import Context
from mincer.errors import MincerError, UserCodeError
from mincer.flow.budget import Budget
from mincer.flow.combiner import FOLDS, combine_lists
from mincer.flow.spiller import Spiller
from mincer.flow.weigher import (
    ENTRY_BYTES,
    LIST_BYTES,
    POINTER_BYTES,
    Weight,
    weigh_pairs,
)

__all__ = ["FoldTable", "Inexact", "ListTable", "PairColumns", "Table", "drain"]

_WINDOW_MAX = 1024
#: Pairs between two looks at the resident size.
_LOOK_PAIRS = 64 * _WINDOW_MAX
#: Windows between two looks at what a pair weighs, once the first few are seen.
_WEIGH_WINDOWS = 32
#: Pairs gathered before a combinefn of the user's is called.
_COMBINE_PAIRS = 1 << 19
#: A combine that leaves more than this of the pairs is not worth repeating.
_COMBINE_KEEPS_MAX = 0.8


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
    room = budget.room_bytes
    size = 1 if exact else 16
    total = windows = unlooked = 0
    weight: Weight = (0.0, 0.0)
    while window := list(islice(pairs, size)):
        with _exactly(exact):
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
            with _exactly(exact):
                table.spill()
    with _exactly(exact):
        table.spill()
    return total


@contextmanager
def _exactly(exact: bool) -> Iterator[None]:
    """What cannot be taken in is the fault of one pair: find out of which."""
    try:
        yield
    except UserCodeError:
        raise  # of a function that is called for a key, which it names
    except Exception as error:
        if not exact:
            raise Inexact from error
        if isinstance(error, MincerError):
            raise
        what = f"the pair cannot be combined: {type(error).__name__}: {error}"
        raise UserCodeError(what) from error


class FoldTable:
    """One value a key, folded in place by a builtin."""

    def __init__(self, fold: Callable[..., Any], spiller: Spiller) -> None:
        self._fold = FOLDS[fold]
        self._spiller = spiller
        self._values: dict[Any, Any] = {}

    def add(self, window: list[tuple[Any, Any]]) -> None:
        self._fold(self._values, window)

    def weigh(self, weight: Weight) -> float:
        return len(self._values) * (weight[0] + weight[1] + ENTRY_BYTES)

    def spill(self) -> None:
        values = self._values
        self._spiller.spill(list(values), list(values.values()), grouped=False)
        values.clear()


class ListTable:
    """A list of values a key, combined now and then when there is a combinefn."""

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
        self._pairs = 0
        self._combine_at = _COMBINE_PAIRS if combinefn else float("inf")

    def add(self, window: list[tuple[Any, Any]]) -> None:
        lists = self._lists
        for key, value in window:
            lists[key].append(value)
        self._pairs += len(window)
        if self._pairs >= self._combine_at:
            before = self._pairs
            self._combine()
            shrank = self._pairs <= before * _COMBINE_KEEPS_MAX
            self._combine_at = self._pairs + _COMBINE_PAIRS if shrank else float("inf")

    def _combine(self) -> None:
        if self._combinefn is None:
            return
        self._context.combining = True
        try:
            combine_lists(self._lists, self._combinefn)
        finally:
            self._context.combining = False
        self._pairs = len(self._lists)

    def weigh(self, weight: Weight) -> float:
        of_keys = len(self._lists) * (weight[0] + ENTRY_BYTES + LIST_BYTES)
        return of_keys + self._pairs * (weight[1] + POINTER_BYTES)

    def spill(self) -> None:
        self._combine()
        lists = self._lists
        self._spiller.spill(list(lists), list(lists.values()), grouped=True)
        lists.clear()
        self._pairs = 0
        if self._combinefn:
            self._combine_at = _COMBINE_PAIRS


class PairColumns:
    """The pairs as they are, in two columns: nothing will be grouped here.

    `write(keys, values)` gets them when `pairs_max` are there or the room is full.
    """

    def __init__(
        self, write: Callable[[list[Any], list[Any]], None], pairs_max: int
    ) -> None:
        self._write = write
        self._pairs_max = pairs_max
        self._pairs: list[tuple[Any, Any]] = []

    def add(self, window: list[tuple[Any, Any]]) -> None:
        self._pairs += window
        if len(self._pairs) >= self._pairs_max:
            self.spill()

    def weigh(self, weight: Weight) -> float:
        return len(self._pairs) * (sum(weight) + 56 + POINTER_BYTES)

    def spill(self) -> None:
        pairs = self._pairs
        if pairs:
            keys = [key for key, _ in pairs]
            values = [value for _, value in pairs]
            pairs.clear()
            self._write(keys, values)
