"""Outputs of other workers on this machine, read where they lie."""

# Strategy: a path that another worker tells is opened only when that worker sees the
# same disks, and what lies there is read only when the digest of its index is the one
# that was committed. If the file vanishes later, or its blocks do not agree with the
# index, that is found as for any damaged output. What is read so is settled when an
# attempt is ordered: of a worker that has left in good order the coordinator has it,
# and who is ordered after that pulls it.

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
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
        #: The members that were near when an attempt was ordered.
        self._keepers: dict[AttemptId, frozenset[int]] = {}

    def ordered(self, attempt: AttemptId, commits: Iterable[CommitRow]) -> None:
        """This attempt will read these outputs."""
        is_near = self._is_near
        keepers = {commit.keeper for commit in commits} if is_near else ()
        self._keepers[attempt] = frozenset(filter(is_near, keepers))

    def ended(self, attempt: AttemptId) -> None:
        self._keepers.pop(attempt, None)

    def place(self, attempt: AttemptId, commit: CommitRow) -> Place | None:
        """Where this attempt can read this output; what was said once is said again."""
        if commit.keeper not in self._keepers[attempt]:
            return None
        key = attempt.task.step, commit.index, commit.number
        if key not in self._places:
            self._places[key] = self._look(commit)
        return self._places[key]

    def part_bytes(self, by: AttemptId, place: Place, part: int, parts: int) -> int:
        """How much one part reads of what `by` made. Raises `SegmentError`, which names
        `by`, when it is gone."""
        found = cut_out(PlaceReader(place, self._files, by), part, parts)
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
