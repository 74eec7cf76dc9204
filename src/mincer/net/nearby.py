"""Outputs of other workers on this machine, read where they lie."""

# Strategy: a path that another worker tells is opened only when that worker sees the
# same disks, and what lies there is read only when the digest of its index is the one
# that was committed. If the file vanishes later, or its blocks do not agree with the
# index, that is found as for any damaged output. A worker that leaves takes its files
# with it: those who begin after that pull from who gives its outputs then.

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TypeAlias

from mincer.errors import SegmentError
from mincer.flow.run import cut_out, index_digest
from mincer.ids import AttemptId
from mincer.store.disk import FileCache, Place, PlaceReader
from mincer.wire.frames import CommitRow, PlaceTold

__all__ = ["IsNear", "Nearby", "place_told"]

IsNear: TypeAlias = Callable[[int], bool]


def place_told(place: Place, files: FileCache) -> tuple[PlaceTold, bytes]:
    """Where an output lies, and how it is known there; for `CommitRow`."""
    told = PlaceTold(os.fsencode(os.path.abspath(place.path)), place.offset)
    return told, index_digest(PlaceReader(place, files))


class Nearby:
    """What one job of one worker knows of such outputs. `is_near`: tells by its number
    whether a member sees the same disks; None: nobody's files are read."""

    def __init__(self, is_near: IsNear | None, files: FileCache) -> None:
        self._is_near = is_near
        self._files = files
        #: By step, index and number of the attempt; None: it cannot be read here.
        self._places: dict[tuple[int, int, int], Place | None] = {}
        #: What was said to each attempt that reads, by index and number.
        self._said: dict[AttemptId, dict[tuple[int, int], Place | None]] = {}

    def place(self, reader: AttemptId, commit: CommitRow) -> Place | None:
        """Where this attempt reads that output; what was said to it once is said to it
        again, until it is forgotten."""
        if self._is_near is None:
            return None
        said = self._said.setdefault(reader, {})
        key = commit.index, commit.number
        if key not in said:
            is_near = self._is_near(commit.keeper)
            said[key] = self._found(reader.task.step, commit) if is_near else None
        return said[key]

    def forget(self, reader: AttemptId) -> None:
        """This attempt is over."""
        self._said.pop(reader, None)

    def _found(self, step: int, commit: CommitRow) -> Place | None:
        key = step, commit.index, commit.number
        if key not in self._places:
            self._places[key] = self._look(commit)
        return self._places[key]

    def part_bytes(
        self, place: Place, made_by: AttemptId, part: int, parts: int
    ) -> int:
        """How much of it one part reads."""
        found = cut_out(PlaceReader(place, self._files, made_by), part, parts)
        return sum(size for _, size in found.extents)

    def _look(self, commit: CommitRow) -> Place | None:
        told = commit.place
        if told is None:
            return None
        path = os.fsdecode(told.path)
        place = Place(path, told.offset, commit.length_bytes)
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                return None
            if index_digest(PlaceReader(place, self._files)) != commit.digest:
                return None
        except (SegmentError, OSError, ValueError):  # a path may hold anything
            return None
        return place
