"""What a map attempt leaves behind: runs of blocks in bucket order, and their index."""

# Strategy: one attempt writes one output: its runs (one a spill) one behind another,
# then an index, then a footer of fixed size. A part is a contiguous range of buckets,
# so a part of a run is one contiguous read, and its index entries are another: a
# reduce asks for nothing else. An index entry holds counts that the blocks must agree
# with, so that a damaged index cannot lose pairs without a word.
#
# What goes to another machine is one part of an output, cut out as an output of its
# own: the same blocks, and an index that keeps the numbers of their buckets. So who
# reads it need not know that it was cut.

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from itertools import count, pairwise
from typing import Any, NamedTuple

from mincer.codec.blocks import Block, iterate_blocks
from mincer.errors import SegmentError
from mincer.flow.ports import SegmentReader, SegmentWriter

__all__ = [
    "Bucket",
    "CutOut",
    "RunIndex",
    "RunSlice",
    "cut_out",
    "index_digest",
    "naming",
    "open_runs",
    "part_bounds",
    "write_index",
]

# offset of the first block, keys, values, weight in memory; checksum of these and of
# the bucket's number
_ENTRY = struct.Struct("<QQQQI")
_NUMBERED = struct.Struct("<QQQQQ")
# checksum of the rest, runs, first bucket, buckets, offset of the index
_FOOTER = struct.Struct("<IIIIQ")

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
    """The index of one run while it is written: one entry a bucket, from `first` on."""

    def __init__(self, first: int = 0) -> None:
        self._entries = bytearray()
        self._next = first

    def add(self, offset: int, keys: int, values: int, weight_bytes: int) -> None:
        self._entries += _entry(self._next, offset, keys, values, weight_bytes)
        self._next += 1

    def close(self, end: int) -> bytes:
        """Return the bytes of the index; `end` is where the run's blocks end."""
        return bytes(self._entries) + _entry(self._next, end, 0, 0, 0)


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
    out.write(_footer(len(indexes), 0, buckets, at))


def _footer(runs: int, first: int, buckets: int, index_at: int) -> bytes:
    rest = _FOOTER.pack(0, runs, first, buckets, index_at)[4:]
    return zlib.crc32(rest).to_bytes(4, "little") + rest


def part_bounds(part: int, parts: int, buckets: int) -> tuple[int, int]:
    """The range of buckets that make `part`: of the plan alone, so that whoever serves
    a part needs no code of the user's."""

    def first(part: int) -> int:
        # The smallest b with b * parts // buckets == part.
        return -(-part * buckets // parts)

    return first(part), first(part + 1)


class CutOut(NamedTuple):
    """One part of an output as an output of its own."""

    #: What of the output comes first: offsets and sizes.
    extents: list[tuple[int, int]]
    #: What comes behind that: the index.
    tail: bytes

    @property
    def length_bytes(self) -> int:
        return sum(size for _, size in self.extents) + len(self.tail)


def cut_out(reader: SegmentReader, part: int, parts: int) -> CutOut:
    """Cut `part` of `parts` out of an attempt's output, whoever partitioned it."""
    with naming(reader):
        footer = _read_footer(reader)
        first, last = part_bounds(part, parts, footer.buckets)
        extents: list[tuple[int, int]] = []
        indexes = b""
        at = runs = 0
        for buckets in _read_index(reader, first, last):
            start, end = buckets[0].offset, buckets[-1].end
            if start == end:
                continue  # a run that has nothing for this part
            index = RunIndex(first)
            for one in buckets:
                index.add(one.offset - start + at, *one[2:])
            extents.append((start, end - start))
            at += end - start
            indexes += index.close(at)
            runs += 1
    return CutOut(extents, indexes + _footer(runs, first, last - first, at))


def index_digest(reader: SegmentReader) -> bytes:
    """What tells an attempt's output from any other: a digest of all of its index."""
    with naming(reader):
        footer = _read_footer(reader)
        size = reader.length_bytes - footer.index_at
        return blake2b(reader.read(footer.index_at, size), digest_size=16).digest()


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


class _Footer(NamedTuple):
    runs: int
    #: The number of the first bucket.
    first: int
    buckets: int
    index_at: int


def _read_footer(reader: SegmentReader) -> _Footer:
    footer_at = reader.length_bytes - _FOOTER.size
    if footer_at < 0:
        raise SegmentError("an output is too short to hold its index")
    data = reader.read(footer_at, _FOOTER.size)
    checksum, *rest = _FOOTER.unpack(data)
    if zlib.crc32(data[4:]) != checksum:
        raise SegmentError("the footer of an output fails its checksum")
    return _Footer(*rest)


def _read_index(reader: SegmentReader, first: int, last: int) -> Iterator[list[Bucket]]:
    footer = _read_footer(reader)
    beyond = footer.first + footer.buckets
    if not footer.first <= first <= last <= beyond:
        raise SegmentError(
            f"an output holds the buckets {footer.first} to {beyond}, not {first} to "
            f"{last}"
        )
    size = (last - first + 1) * _ENTRY.size
    for run in range(footer.runs):
        entry = run * (footer.buckets + 1) + first - footer.first
        data = reader.read(footer.index_at + entry * _ENTRY.size, size)
        rows = map(_figures, count(first), _ENTRY.iter_unpack(data))
        yield [
            Bucket(offset, after[0], keys, values, weight)
            for (offset, keys, values, weight), after in pairwise(rows)
        ]
