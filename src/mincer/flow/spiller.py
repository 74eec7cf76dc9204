"""Write a table of pairs out as a run: by bucket, in blocks, with its index."""

# Strategy: some thousand keys at a time are looked at as a column (types, hashes,
# NaNs), then dealt into one list a bucket, then each bucket is encoded. Dealing with
# bound `append`s costs 70 ns a key; sorting by bucket first was tried: 390.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from mincer.codec.blocks import EncodedBlock, encoded
from mincer.codec.keys import canonical
from mincer.flow.partitioner import Partitioner
from mincer.flow.ports import SegmentWriter
from mincer.flow.run import RunIndex, write_index
from mincer.flow.weigher import (
    ENTRY_BYTES,
    LIST_BYTES,
    POINTER_BYTES,
    weigh_column,
)

__all__ = ["Spiller", "cut_columns"]

#: A block holds at most so many values, and about so many bytes of memory: what a
#: reader must hold at once of a bucket that is larger than its room.
_BLOCK_VALUES_MAX = 1 << 16
_BLOCK_BYTES = 2 << 20

#: Keys that are looked at together: few enough to be in the cache still when they are
#: looked at again.
_DEALT_AT_ONCE = 1 << 12

#: Types whose items are equal only to themselves when they are NaN, or may hold one.
_NEVER_NAN = frozenset({str, bytes, int, bool, type(None)})
_DIGEST_MASK = (1 << 63) - 1

#: A block, and what its pairs weigh in memory.
Weighed = tuple[EncodedBlock, int]


class Spiller:
    """Writes the runs of one map attempt.

    `digest` is order-free: it agrees between two attempts at one split whenever
    their pairs do, in whichever order they came.
    """

    def __init__(self, out: SegmentWriter, partitioner: Partitioner) -> None:
        self._out = out
        self._partitioner = partitioner
        self._indexes: list[bytes] = []
        self.digest = 0
        self.keys = 0
        self.values = 0
        self.length_bytes = 0
        #: Where the last block ends. Nothing but blocks is written before the index.
        self._end = 0

    @property
    def runs(self) -> int:
        return len(self._indexes)

    def spill(self, keys: list[Any], values: list[Any], *, grouped: bool) -> None:
        """Write one run. `grouped`: each item of `values` is the list of the values
        of its key; else it is the one value of its key, and keys may repeat."""
        if not keys:
            return
        dealt = self._deal(keys, values)
        self.spill_blocks(_weighed(*columns, grouped) for columns in dealt)

    def close(self) -> None:
        """Write the index: the output is whole."""
        write_index(self._out, self._indexes, self._partitioner.buckets)

    def _deal(
        self, keys: list[Any], values: list[Any]
    ) -> Iterator[tuple[list[Any], list[Any]]]:
        """The columns of each bucket."""
        count = self._partitioner.buckets
        dealt_keys: list[list[Any]] = [[] for _ in range(count)]
        dealt_values: list[list[Any]] = [[] for _ in range(count)]
        add_key = [one.append for one in dealt_keys]
        add_value = [one.append for one in dealt_values]
        for at in range(0, len(keys), _DEALT_AT_ONCE):
            some = keys[at : at + _DEALT_AT_ONCE]
            kinds = set(map(type, some))
            if not kinds <= _NEVER_NAN:
                some = list(map(canonical, some))
            buckets, digest = self._partitioner.place(some, kinds)
            self.digest = self.digest + digest & _DIGEST_MASK
            of_some = values[at : at + _DEALT_AT_ONCE]
            for key, value, bucket in zip(some, of_some, buckets, strict=True):
                add_key[bucket](key)
                add_value[bucket](value)
        return zip(dealt_keys, dealt_values, strict=True)

    def spill_blocks(self, buckets: Iterable[Iterable[Weighed]]) -> None:
        """Write one run: the blocks of each bucket, in the order of the buckets."""
        index = RunIndex()
        end = self._end
        write = self._out.write
        for blocks in buckets:
            first = end
            weight = items = met = 0
            for block, block_weight in blocks:
                at = write(*block.buffers)
                if not met:
                    first = at
                end = at + block.length_bytes
                met += block.keys
                items += block.values
                weight += block_weight
                self.length_bytes += block.length_bytes
                self.digest = self.digest + block.order_free & _DIGEST_MASK
            index.add(first, met, items, weight)
            self.keys += met
            self.values += items
        self._end = end
        self._indexes.append(index.close(end))


def _weighed(keys: list[Any], values: list[Any], grouped: bool) -> Iterator[Weighed]:
    if keys:
        for some, counts, flat, weight in cut_columns(keys, values, grouped):
            yield encoded(some, counts, flat), weight


def cut_columns(
    keys: list[Any], values: list[Any], grouped: bool
) -> Iterator[tuple[list[Any], list[int] | None, list[Any], int]]:
    """Cut the pairs of a bucket into blocks: keys, counts, values, weight in memory.

    A key whose values do not fit into one block stands in several.
    """
    of_key = weigh_column(keys) + ENTRY_BYTES
    if not grouped:
        each = of_key + weigh_column(values) + POINTER_BYTES
        step = min(_BLOCK_VALUES_MAX, max(1, int(_BLOCK_BYTES / each)))
        for at in range(0, len(keys), step):
            some = keys[at : at + step]
            yield some, None, values[at : at + step], int(each * len(some))
        return
    counts = list(map(len, values))
    flat = list(chain.from_iterable(values))
    if len(flat) == len(keys):
        yield from cut_columns(keys, flat, grouped=False)
        return
    of_value = weigh_column(flat) + POINTER_BYTES
    of_key += LIST_BYTES
    step = min(_BLOCK_VALUES_MAX, max(1, int(_BLOCK_BYTES / (of_value + of_key / 4))))
    weight = of_key * len(keys) + of_value * len(flat)
    if len(flat) <= step and len(keys) <= step:
        yield keys, counts, flat, int(weight)
        return
    each = weight / len(flat)
    for block_keys, block_counts, start, end in _cut_groups(keys, counts, step):
        yield block_keys, block_counts, flat[start:end], int(each * (end - start))


def _cut_groups(
    keys: list[Any], counts: list[int], step: int
) -> Iterator[tuple[list[Any], list[int], int, int]]:
    """Cut groups into pieces of at most `step` values, through a group if need be."""
    some_keys: list[Any] = []
    some_counts: list[int] = []
    start = end = 0
    for key, count in zip(keys, counts, strict=True):
        while count:
            taken = min(count, step - (end - start))
            some_keys.append(key)
            some_counts.append(taken)
            end += taken
            count -= taken
            if end - start == step:
                yield some_keys, some_counts, start, end
                some_keys, some_counts, start = [], [], end
    if some_keys:
        yield some_keys, some_counts, start, end
