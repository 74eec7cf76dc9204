"""Where in its split an attempt is: known for every record, paid for by the batch."""

# Strategy: records reach the user's function through `map` over an iterator of a list.
# How many are left in that iterator (`__length_hint__`) tells which record is in work,
# so an exception finds its record and no pair pays for it. A careful attempt publishes
# each record before it is worked on, for the case that the process dies of it.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from operator import length_hint
from typing import Any

from mincer.calls import Close, PairsOf, as_pairs
from mincer.errors import Where
from mincer.flow.ports import Batch
from mincer.flow.unread import UNREAD

__all__ = ["Cursor", "Stream", "flat"]

#: Of each record of a batch, its pairs.
Stream = Iterator[Iterator[Any]]

#: Told the ordinal of the record in work, and how many bytes of the split are read.
Publish = Callable[[int, int], None]


def flat(streams: Iterable[Stream]) -> Iterator[Any]:
    """The pairs, one after another."""
    return chain.from_iterable(chain.from_iterable(streams))


class Cursor:
    """The position of one map attempt."""

    def __init__(
        self, publish: Publish, *, careful: bool = False, records_max: int | None = None
    ) -> None:
        self._publish = publish
        self._careful = careful
        self._records_max = records_max
        self._batch: Batch | None = None
        self._left: Iterator[Any] = iter(())
        self.records = 0
        self.bytes_read = 0

    def streams(
        self,
        batches: Iterator[Batch],
        pairs_of: PairsOf,
        last_pairs: Close | None,
        *,
        reads_key: bool = True,
    ) -> Iterator[Stream]:
        """Of each batch, the pairs of each record; at last those of `last_pairs`.

        Unless `pairs_of` reads its key, keys are not made.
        """
        for batch in self._limited(batches):
            values = iter(batch.values)
            self._batch, self._left = batch, values
            self._publish(batch.first, self.bytes_read)
            keys = batch.keys if reads_key else repeat(UNREAD)
            called = self._told(pairs_of) if self._careful else pairs_of
            yield map(called, keys, values)
            self.records += len(batch.values)
            self.bytes_read += batch.size_bytes
        self._batch = None
        self._publish(-1, self.bytes_read)
        if last_pairs is not None:
            yield iter((iter(as_pairs(last_pairs())),))

    def _limited(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        left = self._records_max
        for batch in batches:
            if left is not None:
                if left <= 0:
                    return
                if len(batch.values) > left:
                    batch = batch._replace(values=batch.values[:left])
                left -= len(batch.values)
            yield batch

    def _told(self, pairs_of: PairsOf) -> PairsOf:
        def pairs_of_told(key: Any, value: Any) -> Iterator[Any]:
            ordinal = self.ordinal
            self._publish(-1 if ordinal is None else ordinal, self.bytes_read)
            return pairs_of(key, value)

        return pairs_of_told

    @property
    def _index(self) -> int:
        batch = self._batch
        assert batch is not None
        hint = length_hint(self._left)
        return len(batch.values) - hint - 1

    @property
    def ordinal(self) -> int | None:
        """The ordinal in the split of the record in work; None when none is."""
        if self._batch is None or self._index < 0:
            return None
        return self._batch.first + self._index

    def where(self) -> Where | None:
        """The record in work, with its place and a preview, for an error."""
        batch = self._batch
        if batch is None or self._index < 0:
            return None
        return batch.where(self._index)
