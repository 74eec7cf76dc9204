"""Sort more than fits into memory: sorted runs on disk, merged as they are read."""

# Strategy: what fits is sorted at once in C (sorter.py): concatenating and sorting is
# twice as fast as `heapq.merge`, since timsort finds the runs. Only what is larger than
# the room comes here. A row is (what is compared, key, value); runs are blocks of rows,
# and the merge is stable, so equal rows stay in the order of their runs.

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Any

from mincer.codec.blocks import encoded, iterate_blocks
from mincer.flow.ports import Scratch, ScratchFile
from mincer.flow.sorter import nan_last
from mincer.flow.weigher import weigh_column
from mincer.order import order_error

__all__ = ["SortedRuns"]

Row = tuple[Any, Any, Any]

#: Bytes of memory of one block of a run: each run holds one while it is merged.
_BLOCK_BYTES = 256 << 10
_ROWS_MAX = 4096


class SortedRuns:
    """Runs of sorted rows in one file on disk."""

    def __init__(self, scratch: Scratch) -> None:
        self._file: ScratchFile = scratch.create()
        self._runs: list[list[tuple[int, int]]] = []

    def begin(self) -> None:
        """What is added from now on is the next run."""
        self._runs.append([])

    def add(self, compared: list[Any], keys: list[Any], values: list[Any]) -> None:
        """Append rows to the run; the caller adds them in order."""
        # NaN is told from the rest in each row, since the runs may differ in having
        # one.
        compared = list(map(nan_last, compared))
        weight = weigh_column(compared) + weigh_column(keys) + weigh_column(values)
        step = max(1, min(_ROWS_MAX, int(_BLOCK_BYTES / (weight + 1))))
        for at in range(0, len(keys), step):
            end = at + step
            pairs = list(zip(keys[at:end], values[at:end], strict=True))
            block = encoded(compared[at:end], None, pairs)
            begin = self._file.write(*block.buffers)
            self._runs[-1].append((begin, block.length_bytes))

    def rows(self) -> Iterator[Row]:
        """All rows of all runs in order."""
        try:
            yield from heapq.merge(*map(self._read, self._runs), key=itemgetter(0))
        except TypeError as error:
            heads = [next(self._read(run))[0] for run in self._runs if run]
            raise order_error([head[1] for head in heads], error) from error

    def columns(self) -> Iterator[tuple[list[Any], list[Any]]]:
        """The rows in order, as columns of keys and values."""
        rows = self.rows()
        while some := list(islice(rows, _ROWS_MAX)):
            yield [row[1] for row in some], [row[2] for row in some]

    def _read(self, places: Iterable[tuple[int, int]]) -> Iterator[Row]:
        for at, size in places:
            for block in iterate_blocks(self._file.read, at, at + size):
                for compared, (key, value) in zip(
                    block.keys, block.values, strict=True
                ):
                    yield compared, key, value

    def close(self) -> None:
        self._file.close()
