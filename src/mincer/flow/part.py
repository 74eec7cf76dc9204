"""A part in blocks of ours: what a runner keeps, and what feeds the next step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mincer.codec.blocks import encoded, iterate_blocks
from mincer.errors import Where, preview
from mincer.flow.ports import Batch, PartMade, SegmentReader, SegmentWriter
from mincer.flow.run import naming

__all__ = ["BlockPart", "read_part", "records_of"]


class BlockPart:
    """A `PartWriter` that writes blocks to a segment."""

    def __init__(self, out: SegmentWriter) -> None:
        self._out = out
        self._pairs = 0
        self._size_bytes = 0
        self._digest = 0

    def write(self, keys: list[Any], values: list[Any]) -> None:
        block = encoded(keys, None, values)
        self._out.write(*block.buffers)
        self._pairs += len(keys)
        self._size_bytes += block.length_bytes
        self._digest += block.order_free

    def close(self) -> PartMade:
        return PartMade(self._pairs, self._size_bytes, f"{self._digest:x}")

    def abort(self) -> None:
        """Nothing to do: the segment is its owner's."""


def read_part(reader: SegmentReader) -> Iterator[tuple[list[Any], list[Any]]]:
    """The pairs of a part, as two columns a block."""
    with naming(reader):
        for block in iterate_blocks(reader.read, 0, reader.length_bytes):
            yield block.keys, block.values


def records_of(
    columns: Iterator[tuple[list[Any], list[Any]]],
    source: str,
    skip: frozenset[int],
) -> Iterator[Batch]:
    """The pairs of a part as records for the next step, without those in `skip`."""
    first = 0
    for keys, values in columns:
        end = first + len(values)
        left_out = [n - first for n in sorted(skip) if first <= n < end]
        start = 0
        for stop in (*left_out, len(values)):
            if stop > start:
                yield _batch(
                    first + start, keys[start:stop], values[start:stop], source
                )
            start = stop + 1
        first = end


def _batch(first: int, keys: list[Any], values: list[Any], source: str) -> Batch:
    def locate(index: int) -> Where:
        shown = preview(keys[index]), preview(values[index])
        return Where(source, first + index, *shown)

    return Batch(first, keys, values, 0, locate)
