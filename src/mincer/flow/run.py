"""What a map attempt leaves behind: runs of blocks in bucket order, and their index."""

# Strategy: one attempt writes one output: its runs (one a spill) one behind another,
# then an index, then a footer of fixed size. A part is a contiguous range of buckets,
# so a part of a run is one contiguous read, and its index entries are another: a
# reduce asks for nothing else. An index entry holds counts that the blocks must agree
# with, so that a damaged index cannot lose pairs without a word.

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count, pairwise
from typing import Any, NamedTuple

from mincer.codec.blocks import Block, iterate_blocks
from mincer.errors import SegmentError
from mincer.flow.ports import SegmentReader, SegmentWriter

__all__ = [
    "Bucket",
    "RunIndex",
    "RunSlice",
    "naming",
    "open_runs",
    "write_index",
]

# offset of the first block, keys, values, weight in memory; checksum of these and of
# the bucket's number
_ENTRY = struct.Struct("<QQQQI")
_NUMBERED = struct.Struct("<QQQQQ")
# checksum of the rest, runs, buckets, offset of the index
_FOOTER = struct.Struct("<IIQQ")

#: Blocks that are as small as this together are given out as one: what is done about
#: each would take longer than what is done about its pairs.
_JOINED_BYTES_MAX = 1 << 16


class Bucket(NamedTuple):
    """The blocks of one bucket of one run, before they are read."""

    offset: int
    end: int
    keys: int
    values: int
    #: About how much memory its pairs take once decoded and grouped.
    weight_bytes: int


class RunIndex:
    """The index of one run while it is written: one entry a bucket."""

    def __init__(self) -> None:
        self._entries = bytearray()
        self.buckets = 0

    def add(self, offset: int, keys: int, values: int, weight_bytes: int) -> None:
        self._entries += _entry(self.buckets, offset, keys, values, weight_bytes)
        self.buckets += 1

    def close(self, end: int) -> bytes:
        """Return the bytes of the index; `end` is where the run's blocks end."""
        return bytes(self._entries) + _entry(self.buckets, end, 0, 0, 0)


def _entry(bucket: int, *figures: int) -> bytes:
    return _ENTRY.pack(*figures, zlib.crc32(_NUMBERED.pack(bucket, *figures)))


def _figures(bucket: int, row: tuple[int, ...]) -> tuple[int, ...]:
    """The figures of an entry, if it is what was written for this bucket."""
    *figures, checksum = row
    if zlib.crc32(_NUMBERED.pack(bucket, *figures)) != checksum:
        raise SegmentError("the index of an output fails its checksum")
    return tuple(figures)


def write_index(out: SegmentWriter, indexes: list[bytes], buckets: int) -> None:
    """Close an attempt's output with the indexes of its runs."""
    at = out.write(*indexes)
    rest = _FOOTER.pack(0, len(indexes), buckets, at)[4:]
    out.write(zlib.crc32(rest).to_bytes(4, "little") + rest)


class RunSlice:
    """The buckets `first … last - 1` of one run of one attempt."""

    def __init__(self, reader: SegmentReader, buckets: list[Bucket]) -> None:
        self._reader = reader
        self.buckets = buckets

    @property
    def extent(self) -> tuple[int, int]:
        """Where its blocks begin and end in the attempt's output."""
        return self.buckets[0].offset, self.buckets[-1].end

    def blocks(self, first: int, last: int) -> Iterator[Block]:
        """Decode the blocks of the slice's buckets `first … last - 1`, in order.

        Reads them at once: the caller asks for no more than it has room for.
        """
        start, end = self.buckets[first].offset, self.buckets[last - 1].end
        if start == end:
            return
        with naming(self._reader):
            data = memoryview(self._reader.read(start, end - start))
        blocks = self._checked(
            iterate_blocks(lambda at, size: data[at : at + size], 0, end - start),
            first,
            last,
        )
        yield from blocks if len(data) > _JOINED_BYTES_MAX else _joined(blocks)

    def stream(self, bucket: int) -> Iterator[Block]:
        """Decode the blocks of one bucket, however large, one at a time."""
        one = self.buckets[bucket]
        blocks = iterate_blocks(self._reader.read, one.offset, one.end)
        yield from self._checked(blocks, bucket, bucket + 1)

    def _checked(
        self, blocks: Iterator[Block], first: int, last: int
    ) -> Iterator[Block]:
        keys = values = 0
        with naming(self._reader):
            for block in blocks:
                keys += len(block.keys)
                values += len(block.values)
                yield block
            promised = self.buckets[first:last]
            if (keys, values) != (
                sum(one.keys for one in promised),
                sum(one.values for one in promised),
            ):
                raise SegmentError("a run does not hold what its index promises")


def _joined(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same pairs in fewer blocks, where each key has one value."""
    keys: list[Any] = []
    values: list[Any] = []
    for block in blocks:
        if block.counts is None:
            keys += block.keys
            values += block.values
            continue
        if keys:
            yield Block(keys, None, values)
            keys, values = [], []
        yield block
    if keys:
        yield Block(keys, None, values)


@contextmanager
def naming(reader: SegmentReader) -> Iterator[None]:
    """Tell in a `SegmentError` which output is damaged."""
    try:
        yield
    except SegmentError as error:
        error.segment = reader.name
        raise


def open_runs(reader: SegmentReader, first: int, last: int) -> list[RunSlice]:
    """Open the buckets `first … last - 1` of each run of an attempt's output."""
    with naming(reader):
        return [
            RunSlice(reader, buckets) for buckets in _read_index(reader, first, last)
        ]


def _read_index(reader: SegmentReader, first: int, last: int) -> Iterator[list[Bucket]]:
    footer_at = reader.length_bytes - _FOOTER.size
    if footer_at < 0:
        raise SegmentError("an output is too short to hold its index")
    footer = reader.read(footer_at, _FOOTER.size)
    checksum, runs, buckets, index_at = _FOOTER.unpack(footer)
    if zlib.crc32(footer[4:]) != checksum or not 0 <= first <= last <= buckets:
        raise SegmentError("the footer of an output fails its checksum")
    size = (last - first + 1) * _ENTRY.size
    for run in range(runs):
        data = reader.read(index_at + (run * (buckets + 1) + first) * _ENTRY.size, size)
        rows = map(_figures, count(first), _ENTRY.iter_unpack(data))
        yield [
            Bucket(offset, after[0], keys, values, weight)
            for (offset, keys, values, weight), after in pairwise(rows)
        ]
