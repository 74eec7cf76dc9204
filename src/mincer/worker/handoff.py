"""From one step to the next: a part that one step made is a split of the step after."""

from __future__ import annotations

from collections.abc import Iterator

from mincer.flow.part import read_part, records_of
from mincer.flow.ports import Batch
from mincer.ids import AttemptId
from mincer.sources.base import Split
from mincer.store.disk import FileCache, Place, PlaceReader

__all__ = ["PartSplit"]


class PartSplit(Split):
    """The pairs of one part as records: its key is the key, its value the value."""

    def __init__(self, place: Place, made_by: AttemptId) -> None:
        self.place = place
        self.made_by = made_by
        self.size_bytes = place.length_bytes

    def read(self, skip: frozenset[int] = frozenset()) -> Iterator[Batch]:
        files = FileCache()
        try:
            columns = read_part(PlaceReader(self.place, files, self.made_by))
            yield from records_of(columns, str(self), skip)
        finally:
            files.close()

    def __str__(self) -> str:
        return f"output of {self.made_by.task}"
