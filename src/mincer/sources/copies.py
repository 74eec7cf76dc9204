"""Where an input file is opened: under its own path, or where a worker has put it."""

# Strategy: a split names files as the driver sees them, and so do errors. On another
# machine the file may lie elsewhere: its bytes were brought there, or the path was a
# relative one. So the readers ask here when they open a file and at no other time. An
# attempt is alone in its process, which is why this may be a global.
#
# What was brought is what the split said that it reads, and the rest of such a copy is
# holes. Who reads more must hear of that: a hole reads as zeros (partial.py).

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from mincer.urls import open_file

__all__ = ["Copy", "open_input", "opened_at", "using"]


class Copy(NamedTuple):
    """Where a file lies."""

    path: str
    #: The bytes that are there, from … to, in order and apart; None: all of them.
    ranges: tuple[tuple[int, int], ...] | None = None


_copies: Mapping[str, Copy] = {}


def open_input(path: str) -> BinaryIO:
    """Open the file of this path for reading, wherever it lies."""
    copy = _copies.get(path)
    if copy is None:
        return open_file(path)
    if copy.ranges is None:
        return open(copy.path, "rb")
    from mincer.sources.partial import open_partial

    return open_partial(copy.path, path, copy.ranges)


def opened_at(path: str, start: int, end: int) -> str:
    """Where the bytes `start … end - 1` of the file of this path are to be read."""
    copy = _copies.get(path)
    if copy is None:
        return path
    if copy.ranges is not None and start < end:
        from mincer.sources.partial import check_range

        check_range(path, copy.ranges, start, end)
    return copy.path


@contextmanager
def using(copies: Mapping[str, Copy]) -> Iterator[None]:
    """Open these copies in place of the files whose paths they have for keys."""
    global _copies
    before, _copies = _copies, copies
    try:
        yield
    finally:
        _copies = before
