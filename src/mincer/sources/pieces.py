"""A piece of input as blocks of whole lines: each line is read once, wherever cut."""

# Strategy: a line belongs to the piece, and to the block, in which its first byte
# lies. So whoever starts in the middle goes on to the first line that starts there,
# and whoever ends in the middle of a line reads it to its end: nobody needs to know
# the cuts of others. Blocks are cut at multiples of their size, counted from the
# start of the file, so that they do not depend on the splits either. Nothing is read
# twice but the byte before a piece: it tells whether a line starts with the piece.

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import accumulate, repeat
from operator import add
from typing import NamedTuple, Protocol, Self, TypeAlias

from mincer.errors import InputError, Where
from mincer.sources.base import Extent
from mincer.sources.compressed import InputStream, ending_of
from mincer.sources.encoding import codec_of, lines_of, newline_of, unmarked
from mincer.sources.splits import FilePiece
from mincer.sources.spooled import Spooled
from mincer.structs import Struct

__all__ = [
    "BLOCK_BYTES",
    "LINES_BYTES",
    "Block",
    "LineReader",
    "Piece",
    "StdinPiece",
    "changed",
    "check_same",
    "cut_lines",
    "place_of",
    "starts_of",
]

#: Large enough that what is done once a block costs nothing, small enough for a cache
#: and for dozens of readers side by side.
BLOCK_BYTES = 2**20

#: So much of a file of lines is read at once: what is made of it is used while it is in
#: the second cache still (of 1 MiB, words took 4 % longer, a sort 8, JSON 16).
LINES_BYTES = 2**16

#: Longer than any input.
_ENDLESS = 2**63


class StdinPiece(Struct):
    """Whole lines that the driver read from its standard input."""

    #: Offset in the stream of the first byte.
    start: int
    size_bytes: int
    data: Spooled | bytes

    @property
    def path(self) -> str:
        return "stdin"

    def extent(self) -> Extent | None:
        """What `load` reads of a file, if it does."""
        return None if isinstance(self.data, bytes) else self.data.extent()

    def load(self) -> bytes:
        return self.data if isinstance(self.data, bytes) else self.data.load()

    def __str__(self) -> str:
        return f"stdin bytes {self.start}-{self.start + self.size_bytes}"


Piece: TypeAlias = FilePiece | StdinPiece


class Block(NamedTuple):
    """Whole lines, with their line ends."""

    #: Of the first byte, in the (decompressed) file.
    offset: int
    data: bytes
    #: Bytes of the piece that were used up: fewer than in `data` when decompressed.
    used_bytes: int


class _LineStream(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int = ..., /) -> bytes: ...


def cut_lines(
    stream: _LineStream, start: int, end: int, block_bytes: int, newline: bytes
) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, lines) from `stream`, which stands at `start`, where a line
    starts, up to the line that is begun last before `end`."""
    width = len(newline)
    at = start
    while at < end:
        target = min(end, (at // block_bytes + 1) * block_bytes)
        # The block ends with the first line end that reaches `target`; before this
        # many bytes from here none can. Whole units, so that they are not torn.
        head_bytes = max(0, -(-(target - at - width) // width) * width)
        data = stream.read(head_bytes)
        if len(data) == head_bytes:
            data += _to_line_end(stream, newline)
        if not data:
            return
        yield at, data
        at += len(data)


def _to_line_end(stream: _LineStream, newline: bytes) -> bytes:
    if newline == b"\n":
        return stream.readline()
    units = []
    while unit := stream.read(len(newline)):
        units.append(unit)
        if unit == newline:
            break
    return b"".join(units)


def starts_of(lines: Sequence[str | bytes], offset: int, width: int) -> Iterator[int]:
    """The offset of each of `lines`, the first of which starts at `offset`; each has a
    line end of `width` bytes, except perhaps the last."""
    if not lines:
        return iter(())
    lengths = map(add, map(len, lines), repeat(width, len(lines) - 1))
    return accumulate(lengths, initial=offset)


def place_of(path: str, offset: int, data: bytes, newline: bytes, index: int) -> Where:
    """Where line `index` of `data` stands; `data` starts at `offset` of the file."""
    lines = lines_of(data, newline)[:index]
    return Where(path, offset + sum(map(len, lines)) + len(newline) * len(lines))


def check_same(piece: FilePiece, stream: InputStream) -> None:
    """Refuse a file that is not the one that the job was planned with."""
    now = stream.stat()
    if (now.st_size, now.st_mtime_ns) != (piece.file_bytes, piece.mtime_ns):
        raise changed(piece.path, piece.file_bytes, now.st_size)


def changed(path: str, bytes_before: int, bytes_now: int) -> InputError:
    """The error for a file that is not the one that the job was planned with."""
    return InputError(
        f"{path} was changed while the job ran: it had {bytes_before:,} bytes and has "
        f"{bytes_now:,}, or was written again",
        where=Where(path),
        hint="Run the job again once nobody writes the file.",
    )


class LineReader:
    """Iterates once over the blocks of a piece; use it in a `with`.

    `encoding` None means bytes, whose lines end at the byte 0x0A. A byte order mark at
    the start of a file is not part of its first line.
    """

    def __init__(
        self, piece: Piece, encoding: str | None, block_bytes: int = BLOCK_BYTES
    ) -> None:
        self.path = piece.path
        self._piece = piece
        self._block_bytes = block_bytes
        self._mark_bytes = 0
        self._encoding = encoding or "latin-1"
        self.codec = unmarked(self._encoding)
        self._file: InputStream | None = None
        if isinstance(piece, FilePiece):
            self._file = InputStream(piece.path)
            try:
                check_same(piece, self._file)
                if piece.start == 0 and encoding is not None:
                    head = self._file.peek(4)
                    self.codec, self._mark_bytes = codec_of(encoding, head)
            except BaseException:
                self._file.close()
                raise
        self.newline = newline_of(self.codec)

    def __iter__(self) -> Iterator[Block]:
        if isinstance(self._piece, StdinPiece):
            return self._blocks_of_stdin(self._piece)
        assert self._file is not None
        return self._blocks_of_file(self._piece, self._file)

    def _blocks_of_stdin(self, piece: StdinPiece) -> Iterator[Block]:
        data = piece.load()
        end = piece.start + len(data)
        for offset, lines in cut_lines(
            io.BytesIO(data), piece.start, end, self._block_bytes, self.newline
        ):
            mark_bytes = codec_of(self._encoding, lines)[1] if offset == 0 else 0
            if len(lines) > mark_bytes:
                yield Block(offset + mark_bytes, lines[mark_bytes:], len(lines))

    def _blocks_of_file(self, piece: FilePiece, file: InputStream) -> Iterator[Block]:
        start, end = piece.start, _ENDLESS if piece.end is None else piece.end
        if start:
            file.seek(start - 1)
            # With a limit: a line of a GiB is not read once for each of its pieces.
            before = file.readline(end - start)
            if not before.endswith(b"\n"):
                return
            start += len(before) - 1
        compressed = bool(ending_of(self.path))
        seen = 0
        for offset, lines in cut_lines(
            file, start, end, self._block_bytes, self.newline
        ):
            used = len(lines)
            if compressed:
                used, seen = file.position_bytes - seen, file.position_bytes
            mark_bytes = 0 if offset else self._mark_bytes
            if len(lines) > mark_bytes:
                data = lines[mark_bytes:] if mark_bytes else lines
                yield Block(offset + mark_bytes, data, used)
        check_same(piece, file)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
