"""The input files of a job, as one worker sees them: here, or brought as copies."""

# Strategy: whether a file is here is proved when an attempt wants to read it
# (same_file.py). Long before that the coordinator wants to know where a split had best
# be read; for that a look at size and time is enough, which costs no read. Some files
# at a time: a slow file system must not keep a worker from its heartbeats.

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mincer.net.same_file import is_here, seems_here
from mincer.sources.copies import Copy
from mincer.store.disk import kept
from mincer.wire.rows import Extent, FileTold, SplitName, StartRow

__all__ = ["Found", "Inputs"]

#: Files that are looked at in one go.
_LOOK_FILES = 200


class Found(NamedTuple):
    """Which of so many files from `first` on seem to be here: a bit each, the lowest
    of a byte first."""

    first: int
    files: int
    bits: bytes


class Inputs:
    """The input files of one job, in the order in which the coordinator tells them."""

    def __init__(self) -> None:
        self._told: list[FileTold] = []
        #: Which can be read here, as far as it was asked.
        self._is_here: dict[int, bool] = {}
        self._looked = 0

    def add(self, first: int, files: list[FileTold]) -> None:
        assert first == len(self._told)
        self._told += files

    def has(self, file: int) -> bool:
        """True when this file can be read here, and is the one that is meant."""
        if file not in self._is_here:
            self._is_here[file] = is_here(self._told[file])
        return self._is_here[file]

    def sent_for(self, row: StartRow) -> Iterator[Extent]:
        """What has to be brought here for an attempt."""
        for extent in _extents(row):
            if not self.has(extent.file):
                yield extent

    def copies(
        self,
        row: StartRow,
        copy_at: Callable[[int], str],
        size_of: Callable[[Extent], int],
    ) -> dict[str, Copy]:
        """Where an attempt opens the files that do not lie under their names, by name.

        `copy_at`: the copy that was made for it of a file; `size_of`: how much has come
        of an extent.
        """
        copies: dict[str, Copy] = {}
        for extent in _extents(row):
            told = self._told[extent.file]
            if self.has(extent.file) and told.path != told.name:
                copies[os.fsdecode(told.name)] = Copy(os.fsdecode(told.path))
        sent: dict[int, set[tuple[int, int]]] = {}
        for extent in self.sent_for(row):
            span = extent.start, extent.start + size_of(extent)
            sent.setdefault(extent.file, set()).add(span)
        for file, ranges in sent.items():
            told, path = self._told[file], copy_at(file)
            _dress(path, told)
            copies[os.fsdecode(told.name)] = Copy(path, _joined(ranges))
        return copies

    @property
    def is_looking(self) -> bool:
        """True while `look` has something to do."""
        return self._looked < len(self._told)

    def look(self) -> Found:
        """Look for the next files, if there are any, and tell."""
        first = self._looked
        some = self._told[first : first + _LOOK_FILES]
        self._looked += len(some)
        bits = sum(seems_here(told) << nth for nth, told in enumerate(some))
        return Found(first, len(some), bits.to_bytes(-(-len(some) // 8), "little"))


def _extents(row: StartRow) -> Iterator[Extent]:
    for one in row.inputs:
        if isinstance(one, SplitName):
            yield from one.extents


def _dress(copy: str, told: FileTold) -> None:
    """Make a copy pass for the file: readers look whether it was changed."""
    if told.mtime_ns >= 0:
        with kept(copy):
            os.truncate(copy, told.size_bytes)
            os.utime(copy, ns=(told.mtime_ns, told.mtime_ns))


def _joined(ranges: set[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same bytes as ranges that are in order and apart."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            start, end = joined[-1][0], max(end, joined.pop()[1])
        joined.append((start, end))
    return tuple(joined)
