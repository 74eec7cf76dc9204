"""Where an input file is opened: under its own path, or where a worker has put it."""

# Strategy: a split names files as the driver sees them, and so do errors. On another
# machine the file may lie elsewhere: its bytes were brought there, or the path was a
# relative one. So the readers ask here when they open a file and at no other time. An
# attempt is alone in its process, which is why this may be a global.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

__all__ = ["opened_at", "using"]

_copies: Mapping[str, str] = {}


def opened_at(path: str) -> str:
    """Where the file of this path is to be opened."""
    return _copies.get(path, path)


@contextmanager
def using(copies: Mapping[str, str]) -> Iterator[None]:
    """Open these copies in place of the files whose paths they have for keys."""
    global _copies
    before, _copies = _copies, copies
    try:
        yield
    finally:
        _copies = before
