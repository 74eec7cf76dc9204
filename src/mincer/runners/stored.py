"""What a driver keeps of a job on its disk: batches of input, parts of the result."""

from __future__ import annotations

from collections.abc import Iterator

from mincer.flow.part import read_part
from mincer.sources.base import Extent
from mincer.sources.copies import opened_at
from mincer.store.disk import FileCache, Place, PlaceReader, kept
from mincer.structs import Struct

__all__ = ["Spool", "StoredPart"]


class StoredPart(Struct, frozen=False):  # half the time; there may be many
    """Reads one part from where a child left it; pickles as the place alone."""

    place: Place

    def __call__(self) -> Iterator[tuple[list[object], list[object]]]:
        if not self.place.length_bytes:
            return  # as most of ten thousand are
        path, start, length = self.place
        place = self.place._replace(path=opened_at(path, start, start + length))
        files = FileCache()
        try:
            yield from read_part(PlaceReader(place, files))
        finally:
            files.close()

    def stored_at(self) -> list[Extent]:
        """What is read."""
        path, start, length = self.place
        return [Extent(path, start, start + length, start + length, -1)]


class Spool:
    """A file of batches: see `mincer.sources.base.Spool`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        self._end = 0

    def append(self, data: bytes) -> tuple[str, int, int]:
        at = self._end
        with kept(self._path):
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
        self._end += len(data)
        return self._path, at, len(data)

    def close(self) -> None:
        self._file.close()
