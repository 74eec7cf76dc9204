"""The standard input: read once, by the driver, and put aside in whole lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from mincer.errors import InputError
from mincer.sources.base import Spool
from mincer.sources.pieces import BLOCK_BYTES, StdinPiece, cut_lines
from mincer.sources.spooled import keep

__all__ = ["claim_stdin", "read_stdin", "stdin_pieces"]

#: The stream that was read: reading it again would give nothing, without a word.
_taken: object | None = None


def claim_stdin() -> BinaryIO:
    """Return the standard input as bytes; the second time is an `InputError`."""
    global _taken
    stream: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    if stream is None or stream.closed:
        raise InputError("'-' is the standard input, and this process has none")
    if stream is _taken:
        raise InputError(
            "'-' is the standard input, and it was read already",
            hint="Save it to a file first: it can be read once.",
        )
    _taken = stream
    return stream


def read_stdin(spool: Spool | None, block_bytes: int) -> Iterator[StdinPiece]:
    """Yield the lines of stdin, in pieces cut at multiples of `block_bytes` of which
    each has about a MiB, as soon as they are there."""
    piece_bytes = max(1, BLOCK_BYTES // block_bytes) * block_bytes
    blocks = cut_lines(claim_stdin(), 0, 2**63, piece_bytes, b"\n")
    return stdin_pieces((data for _, data in blocks), spool)


def stdin_pieces(blocks: Iterable[bytes], spool: Spool | None) -> Iterator[StdinPiece]:
    """The pieces that hold these consecutive bytes of stdin."""
    start = 0
    reading = iter(blocks)
    while True:
        try:
            data = next(reading, None)
        except OSError as error:
            raise InputError(f"cannot read stdin: {error.strerror}") from error
        if data is None:
            return
        yield StdinPiece(start, len(data), keep(data, spool))
        start += len(data)
