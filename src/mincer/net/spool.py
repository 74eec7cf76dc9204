"""What the coordinator lays aside for members that have left, on its disk."""

# Strategy: a file for each thing, as it came. Of an output somebody may want a part
# alone: that is cut out by the index that it brings along (shelf.py), in which there is
# nothing to be unpickled. All jobs together have one bound.

from __future__ import annotations

import contextlib
import os
import tempfile

from mincer.errors import JobError
from mincer.ids import JobId
from mincer.net.offers import NotHere, Outputs, Piece
from mincer.net.shelf import Shelf
from mincer.store.disk import FileCache, Place, PlaceReader, kept
from mincer.store.folder import OwnedFolder
from mincer.wire import pulls
from mincer.wire.frames import attempt_of
from mincer.wire.packets import Buffer
from mincer.wire.pulls import Thing

__all__ = ["JobSpool", "Room"]


class Room:
    """Where spools lie, and how much they may take together. Its folder is made when
    something is laid aside for the first time."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.used_bytes = 0
        self._folder: OwnedFolder | None = None

    def spool(self, job: JobId, token: bytes) -> JobSpool:
        """A new place for the things of a job."""
        with kept(os.path.join(tempfile.gettempdir(), "mincer")):
            if self._folder is None:
                self._folder = OwnedFolder()
            return JobSpool(self, OwnedFolder(self._folder.path), job, token)

    def take(self, size_bytes: int) -> None:
        """Raises `JobError` when there is no room for so much."""
        if self.used_bytes + size_bytes > self.bytes_max:
            raise JobError(
                f"the coordinator may lay aside {self.bytes_max:,} bytes, and "
                f"{self.used_bytes:,} are taken",
                hint="mincer serve --keep-size SIZE  sets how much.",
            )
        self.used_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """So much of it is free again."""
        self.used_bytes -= size_bytes

    def close(self) -> None:
        if self._folder is not None:
            self._folder.remove()


class JobSpool:
    """The things of one job: see `mincer.net.standin.Spool`."""

    def __init__(
        self, room: Room, folder: OwnedFolder, job: JobId, token: bytes
    ) -> None:
        self._room = room
        self._folder = folder
        self._job = job
        self._token = token
        self._files = FileCache()
        self._shelf = Shelf(job, token, self._files)
        #: Where things lie that have begun to come, and those that are whole.
        self._places: dict[Thing, Place] = {}
        self._whole: set[Thing] = set()
        self._begun = 0

    def begin(self, thing: Thing, size_bytes: int) -> None:
        self._remove(thing)  # it may have begun to come before, and not gone on
        self._room.take(size_bytes)
        self._begun += 1
        path = os.path.join(self._folder.path, str(self._begun))
        self._places[thing] = Place(path, 0, size_bytes)
        with kept(path), open(path, "wb"):
            pass

    def _remove(self, thing: Thing) -> None:
        place = self._places.pop(thing, None)
        if place is not None:
            self._room.give_back(place.length_bytes)
            with contextlib.suppress(OSError):
                os.remove(place.path)

    def write(self, thing: Thing, offset: int, data: Buffer) -> None:
        path = self._places[thing].path
        with kept(path), open(path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def whole(self, thing: Thing) -> None:
        self._whole.add(thing)
        if isinstance(thing, pulls.OutputOf):
            attempt = attempt_of(self._job, thing.attempt)
            self._shelf.put(attempt, self._places[thing])

    def has(self, thing: Thing) -> bool:
        return thing in self._whole

    def find(self, thing: Thing) -> Outputs:
        if isinstance(thing, pulls.OutputOf | pulls.SegmentsOf):
            return self._shelf.find(thing)
        if thing.token != self._token:
            raise NotHere("the token is not that of the job")
        if thing not in self._whole:
            raise NotHere("who has this has left, and did not leave it here")
        place = self._places[thing]
        return [[Piece(PlaceReader(place, self._files), 0, place.length_bytes)]]

    def close(self) -> None:
        self._files.close()
        self._room.give_back(sum(one.length_bytes for one in self._places.values()))
        self._places.clear()
        self._whole.clear()
        with contextlib.suppress(OSError):
            self._folder.remove()
