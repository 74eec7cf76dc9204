"""Attempts' outputs and scratch files on this machine's disk."""

# Strategy: a child appends the outputs of all its attempts to one file, and an output
# is a place in it: no file is made, renamed or removed for an attempt, however small it
# is (ten thousand files cost more than ten thousand small maps). What a failed attempt
# wrote is cut off again. Only the child writes its file, and what it announced it never
# touches again, so readers need no lock.

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, NamedTuple

from mincer.errors import Bug, SegmentError

__all__ = ["AppendFile", "DiskScratch", "FileCache", "Place", "PlaceReader", "kept"]

#: Small blocks are gathered into writes of this size; larger ones are written alone.
_BUFFER_BYTES = 1 << 17
#: Files that a reader keeps open: one a child of this machine, so rarely more.
_OPEN_FILES_MAX = 64


class Place(NamedTuple):
    """Where an output lies."""

    path: str
    offset: int
    length_bytes: int


class AppendFile:
    """One child's file of outputs. A `SegmentWriter` between `begin` and `commit`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = self._open()
        self._start = self._at = self._file.tell()

    def begin(self) -> None:
        """Start an output; what was not committed before is cut off."""
        if self._at != self._start:
            self.abort()

    def write(self, *buffers: bytes | bytearray | memoryview) -> int:
        at = self._at - self._start
        with kept(self.path):
            self._file.writelines(buffers)
        self._at += sum(map(len, buffers))
        return at

    def commit(self) -> Place:
        """The output is whole: other processes may read it."""
        if self._at != self._start:
            with kept(self.path):
                self._file.flush()
        place = Place(self.path, self._start, self._at - self._start)
        self._start = self._at
        return place

    def abort(self) -> None:
        """Cut off what was written since `begin`."""
        # A new file object, since the old one may hold bytes that a full disk refused.
        file = self._file
        self._file = self._open()
        with suppress(OSError):
            # The disk may be full, and what is lost was to be cut off anyway.
            file.close()
        self._file.truncate(self._start)
        self._at = self._start

    def close(self) -> None:
        self._file.close()

    def _open(self) -> IO[bytes]:
        return open(self.path, "ab", buffering=_BUFFER_BYTES)


@contextmanager
def kept(path: str) -> Iterator[None]:
    """What the disk cannot keep is a `SegmentError` that names no segment."""
    try:
        yield
    except OSError as error:
        folder = os.path.dirname(path)
        raise SegmentError(
            f"the disk of {folder} failed: {error.strerror}",
            hint="Free some space, or set TMPDIR to a folder on a larger disk.",
        ) from error


class FileCache:
    """Open files, by path; the one used longest ago is closed first.

    One thread reads; another may close, and then nothing is opened any more.
    """

    def __init__(self) -> None:
        self._files: OrderedDict[str, IO[bytes]] = OrderedDict()
        self._is_closed = False
        self._lock = threading.Lock()

    def open(self, path: str) -> IO[bytes]:
        """The file at this path, to read from.

        Raises:
            SegmentError: it cannot be opened, or all were closed.
        """
        with self._lock:
            if self._is_closed:
                raise SegmentError(f"{path} is not read any more")
            file = self._files.get(path)
            if file is None:
                file = self._files[path] = _opened(path)
                if len(self._files) > _OPEN_FILES_MAX:
                    self._files.popitem(last=False)[1].close()
            self._files.move_to_end(path)
            return file

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            for file in self._files.values():
                file.close()
            self._files.clear()


def _opened(path: str) -> IO[bytes]:
    try:
        file = open(path, "rb", buffering=0)  # noqa: SIM115
        if hasattr(os, "posix_fadvise"):
            # What is wanted is read at once. To read ahead would be for nothing and,
            # where holes lie behind (holes.py), fill the cache with zeros.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
    except OSError as error:
        raise SegmentError(f"an output is gone: {error}") from error
    return file


class PlaceReader:
    """A `SegmentReader` of a place."""

    def __init__(self, place: Place, files: FileCache, name: object = None) -> None:
        self._place = place
        self._files = files
        #: See `SegmentReader.name`.
        self.name = place if name is None else name

    @property
    def length_bytes(self) -> int:
        return self._place.length_bytes

    def read(self, offset: int, size: int) -> bytes:
        place = self._place
        if offset < 0 or size < 0 or offset + size > place.length_bytes:
            raise SegmentError(f"an output ends before {offset + size} bytes")
        file = self._files.open(place.path)
        try:
            file.seek(place.offset + offset)
            data = file.read(size)
            while len(data) < size:
                # One read gives 2 GiB at the most, and less when a signal comes.
                more = file.read(size - len(data))
                if not more:
                    raise SegmentError(f"{place.path} was cut off")
                data += more
        except (OSError, ValueError) as error:  # ValueError: closed just now
            raise SegmentError(f"{place.path} cannot be read: {error}") from error
        return data


class DiskScratch:
    """Room on disk for the length of one attempt: files without a name, which are gone
    when they are closed or the process ends, however it ends."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files: list[DiskScratchFile] = []

    def create(self) -> DiskScratchFile:
        import tempfile

        unnamed = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - see close
        self._files.append(DiskScratchFile(unnamed, self._folder))
        return self._files[-1]

    def close(self) -> None:
        for file in self._files:
            file.close()
        self._files.clear()


class DiskScratchFile:
    """A `ScratchFile` on disk."""

    def __init__(self, file: IO[bytes], folder: str) -> None:
        self._file = file
        self._path = os.path.join(folder, "scratch")
        self._end = 0
        #: False after a read, which leaves the position in the middle.
        self._at_end = True

    def write(self, *buffers: bytes | bytearray | memoryview) -> int:
        if not self._at_end:
            self._file.seek(0, os.SEEK_END)
            self._at_end = True
        at = self._end
        with kept(self._path):
            self._file.writelines(buffers)
        self._end += sum(map(len, buffers))
        return at

    def read(self, offset: int, size: int) -> bytes:
        self._at_end = False
        with kept(self._path):  # what is buffered is written first
            self._file.seek(offset)
            data = self._file.read(size)
        if len(data) != size:
            raise Bug(f"a scratch file ends before {offset + size} bytes")
        return data

    def close(self) -> None:
        self._file.close()
