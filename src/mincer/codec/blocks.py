"""A block: keys and their values as checked bytes, the unit of every file of ours."""

# Strategy: a block holds three columns: keys, how many values each key has, values.
# Most blocks have one value a key, so the middle column is left out then. The checksum
# covers everything behind itself (crc32: 7 GB/s here); damage is a `SegmentError`,
# never a strange exception of a decoder. A block tells its own length, so that blocks
# may stand one behind another and be read as a stream.

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Set
from typing import Any, NamedTuple

from mincer.codec.columns import (
    Buffers,
    decode_column,
    decode_keys,
    encode_column,
    is_plain,
    join_columns,
)
from mincer.errors import SegmentError

__all__ = [
    "HEADER_BYTES",
    "Block",
    "EncodedBlock",
    "Piece",
    "block_length",
    "decode_block",
    "decode_pairs",
    "encode_block",
    "encode_pairs",
    "encode_pieces",
    "encoded",
    "iterate_blocks",
    "join_pieces",
]

# checksum of the rest, keys, values, bytes of each column
_HEADER = struct.Struct("<IIIQQQ")
HEADER_BYTES = _HEADER.size
#: Pieces are joined up to this many bytes: a reader may have to hold two blocks.
_JOINED_BYTES = 1 << 20


class Block(NamedTuple):
    keys: list[Any]
    #: How many values each key has; None when each has one.
    counts: list[int] | None
    #: The values of all keys, one key's behind another's.
    values: list[Any]


class EncodedBlock(NamedTuple):
    """A block as bytes that need not lie in one place."""

    keys: int
    values: int
    buffers: Buffers
    length_bytes: int
    #: A figure that any order of its pairs shares: its length, or 0.
    order_free: int


class Piece(NamedTuple):
    """Some pairs in two encoded columns, on their way into a block."""

    pairs: int
    keys: bytes
    values: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.keys) + len(self.values)


def encode_block(keys: list[Any], counts: list[int] | None, values: list[Any]) -> bytes:
    """Encode grouped pairs; `sum(counts) == len(values)`."""
    return b"".join(encoded(keys, counts, values).buffers)


def encoded(
    keys: list[Any], counts: list[int] | None, values: list[Any]
) -> EncodedBlock:
    """The same, for who writes what is in several places."""
    of_counts = b"" if counts is None else encode_column(counts)
    of_keys: Buffers = [encode_column(keys)]
    of_values: Buffers = [encode_column(values)]
    return _checked(len(keys), len(values), of_keys, of_counts, of_values)


def _checked(
    keys_n: int, values_n: int, keys: Buffers, counts: bytes, values: Buffers
) -> EncodedBlock:
    sizes = sum(map(len, keys)), len(counts), sum(map(len, values))
    header = _HEADER.pack(0, keys_n, values_n, *sizes)[4:]
    columns = [*keys, counts, *values]
    checksum = zlib.crc32(header)
    for some in columns:
        checksum = zlib.crc32(some, checksum)
    length_bytes = HEADER_BYTES + sum(sizes)
    is_free = is_plain(keys[0]) and is_plain(values[0])
    return EncodedBlock(
        keys_n,
        values_n,
        [checksum.to_bytes(4, "little") + header, *columns],
        length_bytes,
        length_bytes if is_free else 0,
    )


def encode_pieces(
    keys: list[Any], values: list[Any], kinds: Set[type] | None = None
) -> Iterator[Piece]:
    """Encode pairs for `join_pieces`: one piece, or several where they are large.

    `kinds`: the exact types of the keys, where they are known.
    """
    piece = Piece(len(keys), encode_column(keys, kinds), encode_column(values))
    count = min(piece.pairs, -(-piece.size_bytes // _JOINED_BYTES))
    if count <= 1:
        yield piece
        return
    step = -(-piece.pairs // count)
    for at in range(0, piece.pairs, step):
        yield from encode_pieces(keys[at : at + step], values[at : at + step], kinds)


def join_pieces(pieces: list[Piece]) -> Iterator[EncodedBlock]:
    """Make blocks of pieces that stand one behind another: one block where their
    columns can be joined and are not too large together."""
    some: list[Piece] = []
    size_bytes = 0
    for piece in pieces:
        if some and size_bytes + piece.size_bytes > _JOINED_BYTES:
            yield from _joined(some)
            some, size_bytes = [], 0
        some.append(piece)
        size_bytes += piece.size_bytes
    yield from _joined(some)


def _joined(pieces: list[Piece]) -> Iterator[EncodedBlock]:
    counts = [piece.pairs for piece in pieces]
    keys = join_columns([piece.keys for piece in pieces], counts)
    values = join_columns([piece.values for piece in pieces], counts)
    if keys is not None and values is not None:
        pairs = sum(counts)
        yield _checked(pairs, pairs, keys, b"", values)
        return
    for piece in pieces:
        pairs = piece.pairs
        yield _checked(pairs, pairs, [piece.keys], b"", [piece.values])


def decode_block(data: bytes | memoryview) -> Block:
    """Decode one block; raise `SegmentError` when it is not what was written."""
    view = memoryview(data)
    if len(view) < HEADER_BYTES or block_length(view) != len(view):
        raise SegmentError(f"a block was cut off after {len(view)} bytes")
    checksum, keys_n, values_n, keys_size, counts_size, _ = _HEADER.unpack_from(view)
    if zlib.crc32(view[4:]) != checksum:
        raise SegmentError("a block fails its checksum")
    counts_at = HEADER_BYTES + keys_size
    values_at = counts_at + counts_size
    keys = decode_keys(view[HEADER_BYTES:counts_at], keys_n)
    counts = None
    if counts_size:
        counts = decode_column(view[counts_at:values_at], keys_n)
    return Block(keys, counts, decode_column(view[values_at:], values_n))


def block_length(header: bytes | memoryview) -> int:
    """The length of a block, told by its first `HEADER_BYTES` bytes."""
    sizes: tuple[int, ...] = _HEADER.unpack_from(header)[3:]
    return HEADER_BYTES + sum(sizes)


def iterate_blocks(
    read: Callable[[int, int], bytes | memoryview], offset: int, end: int
) -> Iterator[Block]:
    """Decode the blocks that stand one behind another in `offset … end`.

    `read(offset, size)` returns exactly `size` bytes or raises `SegmentError`.
    """
    while offset < end:
        if end - offset < HEADER_BYTES:
            raise SegmentError("a block is cut off in its header")
        size = block_length(read(offset, HEADER_BYTES))
        if offset + size > end:
            raise SegmentError("a block is longer than the data that holds it")
        yield decode_block(read(offset, size))
        offset += size


def encode_pairs(keys: list[Any], values: list[Any]) -> bytes:
    """Encode pairs given as two columns of one length."""
    return encode_block(keys, None, values)


def decode_pairs(data: bytes | memoryview) -> tuple[list[Any], list[Any]]:
    """Decode what `encode_pairs` made."""
    block = decode_block(data)
    return block.keys, block.values
