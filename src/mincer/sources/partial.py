"""A copy of a file that has some of its bytes: what is not there cannot be read."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Any, BinaryIO

from mincer.errors import InputError, Where

__all__ = ["check_range", "open_partial"]


def open_partial(path: str, name: str, ranges: Sequence[tuple[int, int]]) -> BinaryIO:
    """Open the copy at `path` of the file called `name`, of which these ranges (from …
    to, in order and apart) are there."""
    return io.BufferedReader(_PartialFile(path, name, ranges))


def check_range(
    name: str, ranges: Sequence[tuple[int, int]], start: int, end: int
) -> None:
    """Raise `InputError` unless all of `start … end - 1` is there."""
    there = _end_of(ranges, start)
    if there < end:
        raise _missing(name, there)


class _PartialFile(io.FileIO):
    """Reads end where a range does, so that a buffer on top may ask for more than was
    sent; to read on from there is an error."""

    def __init__(self, path: str, name: str, ranges: Sequence[tuple[int, int]]) -> None:
        super().__init__(path, "rb")
        self._called = name
        self._ranges = ranges

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        return super().readinto(view[: self._size_there(len(view))])

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return self.readall()
        return super().read(self._size_there(size))

    def readall(self) -> bytes:
        found = []
        while data := self.read(1 << 20):
            found.append(data)
        return b"".join(found)

    def _size_there(self, size: int) -> int:
        """How much may be read from here: not nothing, except at the end."""
        at = self.tell()
        there = _end_of(self._ranges, at)
        if there > at:
            return min(size, there - at)
        if size and at < os.fstat(self.fileno()).st_size:
            raise _missing(self._called, at)
        return 0


def _end_of(ranges: Sequence[tuple[int, int]], at: int) -> int:
    """Where the range ends that holds the byte `at`; `at` itself if none does."""
    for start, end in ranges:
        if start <= at < end:
            return end
    return at


def _missing(name: str, at: int) -> InputError:
    return InputError(
        f"byte {at:,} of {name} is read, and was not sent to this worker",
        where=Where(name, at),
        hint="If the split is of a class of your own: its extents() must name all that "
        "its read() reads. If not, please report it.",
    )
