"""How files become splits: how large, where they are cut, and which share one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from mincer.sources.base import Extent
from mincer.sources.compressed import ending_of
from mincer.sources.input_file import InputFile
from mincer.urls import is_remote

__all__ = ["FilePiece", "SizeAt", "cut", "runs", "split_size", "tapered"]

_KIB, _MIB = 2**10, 2**20

#: A split of more files than this would be slow to send and late to end.
FILES_MAX = 1024
_SPLIT_BYTES_MIN = 256 * _KIB
#: Less than this shares a split with what follows, however much of it that is.
_ALONE_BYTES_MIN = 4 * _MIB


class FilePiece(NamedTuple):
    """Those lines of a file whose first bytes lie in `start … end - 1`."""

    path: str
    #: Size and time of the whole file when the job was planned.
    file_bytes: int
    mtime_ns: int
    start: int
    #: None: to its end, wherever that is (decompressed, nobody knows).
    end: int | None

    def extent(self) -> Extent | None:
        """What reading this piece reads of a file: also the byte before it, which tells
        whether a line starts with it. None: it is behind a URL, which all can read."""
        if is_remote(self.path):
            return None
        end = self.file_bytes if self.end is None else self.end
        file = self.file_bytes, self.mtime_ns
        return Extent(self.path, max(0, self.start - 1), end, *file)

    @property
    def size_bytes(self) -> int:
        """About how many bytes of the file reading this piece means."""
        return (self.file_bytes if self.end is None else self.end) - self.start

    def __str__(self) -> str:
        if self.start == 0 and self.end in (None, self.file_bytes):
            return self.path
        return f"{self.path} bytes {self.start}-{self.end}"


#: What cutting asks for: the bytes of a split, when so many are in others already.
SizeAt: TypeAlias = Callable[[int], int]


def split_size(total_bytes: int) -> int:
    """The bytes of a split when an input of `total_bytes` is cut evenly.

    Of the total alone, so that the same input gives the same splits on any number of
    workers: the root of it times 128 KiB, which is 8 splits for 8 MiB, 90 for a GiB
    and 32 MiB each from 8 GiB on. Smaller than 256 KiB and starting an attempt costs
    more than reading; larger than 32 MiB and the last one is waited for.
    """
    wished = math.isqrt(max(total_bytes, 0) * 128 * _KIB)
    return _rounded(min(max(wished, _SPLIT_BYTES_MIN), 32 * _MIB))


def tapered(total_bytes: int) -> SizeAt:
    """Large splits first and small ones last, so that all workers end together.

    Each split pays for a table that is built and written out, so few are better: the
    first have an eighth of the input, and 64 MiB at most. They are half as large when
    half of the input is done, and again at three and at seven eighths: an eighth of the
    first size for the last ones. Of the total alone, as `split_size`.
    """
    wished = min(total_bytes // 8, 64 * _MIB)

    def size_at(done_bytes: int) -> int:
        left = total_bytes - done_bytes
        halvings = sum(left * part <= total_bytes for part in (2, 4, 8))
        return _rounded(max(wished >> halvings, _SPLIT_BYTES_MIN))

    return size_at


def _rounded(size_bytes: int) -> int:
    return -(-size_bytes // (64 * _KIB)) * (64 * _KIB)


def cut(
    files: Iterable[InputFile],
    size_at: SizeAt,
    is_cuttable: Callable[[InputFile], bool],
    grid: int = 1,
) -> Iterator[tuple[FilePiece, ...]]:
    """Yield the pieces of each split, in the order of `files`.

    Large files are cut, at multiples of `grid`, if `is_cuttable` (asked for those
    only, as it may have to read them); consecutive small ones share a split. One of a
    third of it or more goes alone, if it is not small: what is in one file is alike,
    so that its keys make a smaller table.
    """

    def step_at(done: int) -> int:
        return -(-size_at(done) // grid) * grid

    pack: list[FilePiece] = []
    packed = done = 0
    for piece in _pieces(files, step_at, is_cuttable):
        size, step = piece.size_bytes, step_at(done)
        # Of those before, only the last can be that large.
        larger = max(size, pack[-1].size_bytes if pack else 0)
        alone = larger >= max(step / 3, _ALONE_BYTES_MIN)
        if pack and (alone or packed + size > step or len(pack) == FILES_MAX):
            yield tuple(pack)
            pack, packed, done = [], 0, done + packed
        pack.append(piece)
        packed += size
    if pack:
        yield tuple(pack)


def _pieces(
    files: Iterable[InputFile],
    step_at: SizeAt,
    is_cuttable: Callable[[InputFile], bool],
) -> Iterator[FilePiece]:
    done = 0
    for file in files:
        size = file.size_bytes
        if ending_of(file.path):
            yield FilePiece(*file, 0, None)
        elif size <= step_at(done) or not is_cuttable(file):
            yield FilePiece(*file, 0, size)
        else:
            start = 0
            while start < size:
                end = min(start + step_at(done + start), size)
                yield FilePiece(*file, start, end)
                start = end
        done += size


def runs(first: int, count: int, skip: frozenset[int]) -> Iterator[tuple[int, int]]:
    """The stretches of `range(count)` that `skip` leaves, whose ordinals start at
    `first`: pairs (start, stop), never empty."""
    start = 0
    last = first + count
    for left_out in sorted(n - first for n in skip if first <= n < last):
        if left_out > start:
            yield start, left_out
        start = left_out + 1
    if start < count:
        yield start, count
