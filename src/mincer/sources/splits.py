"""How files become splits: how large, where they are cut, and which share one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from mincer.sources.compressed import ending_of
from mincer.sources.paths import InputFile

__all__ = ["FilePiece", "cut", "runs", "split_size"]

_KIB, _MIB = 2**10, 2**20

#: A split of more files than this would be slow to send and late to end.
FILES_MAX = 1024


class FilePiece(NamedTuple):
    """Those lines of a file whose first bytes lie in `start … end - 1`."""

    path: str
    #: Size and time of the whole file when the job was planned.
    file_bytes: int
    mtime_ns: int
    start: int
    #: None: to its end, wherever that is (decompressed, nobody knows).
    end: int | None

    @property
    def size_bytes(self) -> int:
        """About how many bytes of the file reading this piece means."""
        return (self.file_bytes if self.end is None else self.end) - self.start

    def __str__(self) -> str:
        if self.start == 0 and self.end in (None, self.file_bytes):
            return self.path
        return f"{self.path} bytes {self.start}-{self.end}"


def split_size(total_bytes: int) -> int:
    """The bytes of a split when the whole input has `total_bytes`.

    Of the total alone, so that the same input gives the same splits on any number of
    workers: the root of it times 128 KiB, which is 8 splits for 8 MiB, 90 for a GiB
    and 32 MiB each from 8 GiB on. Smaller than 256 KiB and starting an attempt costs
    more than reading; larger than 32 MiB and the last one is waited for.
    """
    wished = math.isqrt(max(total_bytes, 0) * 128 * _KIB)
    bounded = min(max(wished, 256 * _KIB), 32 * _MIB)
    return -(-bounded // (64 * _KIB)) * (64 * _KIB)


def cut(
    files: Iterable[InputFile],
    split_bytes: int,
    is_cuttable: Callable[[InputFile], bool],
    grid: int = 1,
) -> Iterator[tuple[FilePiece, ...]]:
    """Yield the pieces of each split, in the order of `files`.

    Large files are cut, at multiples of `grid`, if `is_cuttable` (asked for those
    only, as it may have to read them); consecutive small ones share a split.
    """
    step = -(-split_bytes // grid) * grid
    pack: list[FilePiece] = []
    packed = 0
    for piece in _pieces(files, step, is_cuttable):
        size = piece.size_bytes
        if pack and (packed + size > step or len(pack) == FILES_MAX):
            yield tuple(pack)
            pack, packed = [], 0
        pack.append(piece)
        packed += size
    if pack:
        yield tuple(pack)


def _pieces(
    files: Iterable[InputFile], step: int, is_cuttable: Callable[[InputFile], bool]
) -> Iterator[FilePiece]:
    for file in files:
        size = file.size_bytes
        if ending_of(file.path):
            yield FilePiece(*file, 0, None)
        elif size <= step or not is_cuttable(file):
            yield FilePiece(*file, 0, size)
        else:
            for start in range(0, size, step):
                yield FilePiece(*file, start, min(start + step, size))


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
