"""What a driver gives to others for a job: its code, its splits, its input."""

# Strategy: others pull what they need by name (net/offers.py), so it is kept where it
# can be read again, in files: batches of iterables and packets of splits in spools,
# input files where they lie. Splits name the bytes that they read of each file; of a
# text the end of its last line is looked for only when somebody pulls it.
#
# A file that was changed since the job was planned ends the job, as where it is read by
# those who can open it: its copies could not tell.

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable, Iterator

from mincer.errors import InputError, SegmentError
from mincer.ids import JobId
from mincer.net.offers import Bytes, NotHere, Outputs, Piece
from mincer.net.same_file import ONLY_DRIVER, file_told
from mincer.runners.packing import PackedJob
from mincer.runners.stored import Spool
from mincer.sources.base import Extent, Split
from mincer.sources.pieces import changed
from mincer.store.disk import FileCache, Place, PlaceReader
from mincer.wire import frames, pulls
from mincer.wire.pulls import Thing
from mincer.worker.orders import pack_splits

__all__ = ["Handover"]

#: Extents in one frame: it has to fit into a message.
_EXTENTS_MAX = 5_000
#: The end of a line is looked for in steps of this size.
_LINE_BYTES = 1 << 16


class Handover:
    """What is handed over of a job. `folder`: where spools may lie; `fail`: told when
    the job cannot be done, since its input is gone or was changed.

    A source that spools batches is given this as its spool.
    """

    def __init__(
        self,
        job: JobId,
        folder: str,
        packed: PackedJob,
        fail: Callable[[InputError], None],
    ) -> None:
        self._job = job
        self._folder = folder
        self._fail = fail
        #: The code of each step, and the user's modules, to be pulled.
        self.codes = [self._blob(code, _digest(code)) for code in packed.codes]
        self._blobs = {blob.digest: data for blob, data in self.codes}
        self.modules: frames.Blob | None = None
        if packed.modules.names:
            digest = bytes.fromhex(packed.modules.digest)
            self.modules, data = self._blob(packed.modules.data, digest)
            self._blobs[digest] = data
        self._readers = FileCache()
        self._spools: dict[str, Spool] = {}
        self._packets: list[Place] = []
        self._files: dict[tuple[str, int], int] = {}
        self._told: list[frames.FileTold] = []
        #: Packet and place in it of each split.
        self._known: list[tuple[int, int]] = []

    def _blob(self, data: bytes, digest: bytes) -> tuple[frames.Blob, bytes]:
        return frames.Blob(digest, len(data)), data

    # --- what is said

    def append(self, data: bytes) -> tuple[str, int, int]:
        """See `mincer.sources.base.Spool`."""
        return self._spool("batches").append(data)

    def _spool(self, name: str) -> Spool:
        if name not in self._spools:
            self._spools[name] = Spool(os.path.join(self._folder, name))
        return self._spools[name]

    def told_of(self, splits: list[Split]) -> Iterator[frames.FromDriver]:
        """What is to be said of these splits."""
        rows: list[frames.SplitRow] = []
        first_packet, last = len(self._packets), b""
        extents = 0
        known = len(self._told)
        for split, (packet, nth) in zip(splits, pack_splits(splits), strict=True):
            if packet is not last:
                last = packet
                self._packets.append(Place(*self._spool("packets").append(packet)))
            needs = list(map(self._extent, split.extents()))
            number = len(self._packets) - 1
            self._known.append((number, nth))
            rows.append(frames.SplitRow(number, nth, split.size_bytes, needs))
            extents += 1 + len(needs)
            if extents > _EXTENTS_MAX:
                yield from self._told_since(known)
                yield self._rows(rows, first_packet)
                rows, extents, known = [], 0, len(self._told)
        yield from self._told_since(known)
        if rows:
            yield self._rows(rows, first_packet)

    def _told_since(self, known: int) -> Iterator[frames.Files]:
        for at in range(known, len(self._told), _EXTENTS_MAX // 10):
            some = self._told[at : at + _EXTENTS_MAX // 10]
            yield frames.Files(self._job, at, some)

    def _rows(self, rows: list[frames.SplitRow], first_packet: int) -> frames.Splits:
        first = len(self._known) - len(rows)
        return frames.Splits(self._job, first, rows, first_packet)

    def _extent(self, extent: Extent) -> frames.Extent:
        key = extent.path, extent.mtime_ns
        if key not in self._files:
            self._files[key] = len(self._told)
            if extent.mtime_ns < 0:
                path = os.fsencode(extent.path)
                told = frames.FileTold(path, path, 0, -1, ONLY_DRIVER)
            else:
                told = file_told(extent.path, extent.file_bytes, extent.mtime_ns)
            self._told.append(told)
        return frames.Extent(self._files[key], extent.start, extent.end)

    def split(self, index: int) -> Split | None:
        """One of the splits that were handed over, as an attempt reads it."""
        if index >= len(self._known):
            return None
        packet, nth = self._known[index]
        place = self._packets[packet]
        # Not by the readers: these are another thread's.
        with open(place.path, "rb") as file:
            file.seek(place.offset)
            split: Split = pickle.loads(file.read(place.length_bytes))[nth]
        return split

    # --- what others pull, in the client's thread

    def find(self, thing: Thing) -> Outputs:
        match thing:
            case pulls.BlobOf(digest=digest) if digest in self._blobs:
                data = self._blobs[digest]
                return [[Piece(Bytes(data), 0, len(data))]]
            case pulls.PacketOf(packet=packet) if packet < len(self._packets):
                place = self._packets[packet]
                return [[self._piece(place)]]
            case pulls.InputOf(file=file) if file < len(self._told):
                return [[self._input(self._told[file], thing.start, thing.end)]]
        raise NotHere("the driver has no such thing")

    def _piece(self, place: Place) -> Piece:
        return Piece(PlaceReader(place, self._readers), 0, place.length_bytes)

    def _input(self, told: frames.FileTold, start: int, end: int) -> Piece:
        path = os.fsdecode(told.path)
        if told.mtime_ns < 0:
            return self._piece(Place(path, start, max(0, end - start)))
        reader = _InputReader(told, self._readers, start, self._fail)
        try:
            reader.end_line(end)
        except SegmentError as error:
            raise NotHere(error.what) from error
        return Piece(reader, 0, reader.length_bytes)

    def close(self) -> None:
        """Close the files; nothing can be pulled any more."""
        self._readers.close()
        for spool in self._spools.values():
            spool.close()


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


class _InputReader:
    """A `SegmentReader` of an input file from `start` on; it must be unchanged."""

    def __init__(
        self,
        told: frames.FileTold,
        files: FileCache,
        start: int,
        fail: Callable[[InputError], None],
    ) -> None:
        self.name: object = os.fsdecode(told.name)
        self.length_bytes = 0
        self._told = told
        self._path = os.fsdecode(told.path)
        self._files = files
        self._start = start
        self._fail = fail

    def end_line(self, end: int) -> None:
        """Read up to `end`, and on to the end of the line with the byte before it."""
        size_bytes = self._told.size_bytes
        at = max(0, end - 1)
        while at < size_bytes:
            data = self._bytes(at, min(_LINE_BYTES, size_bytes - at))
            found = data.find(b"\n")
            if found >= 0:
                size_bytes = max(end, at + found + 1)
            at += len(data)
        self.length_bytes = max(0, size_bytes - self._start)

    def read(self, offset: int, size: int) -> bytes:
        """See `mincer.flow.ports.SegmentReader`."""
        return self._bytes(self._start + offset, size)

    def _bytes(self, at: int, size: int) -> bytes:
        told = self._told
        try:
            file = self._files.open(self._path)
            data = PlaceReader(Place(self._path, at, size), self._files).read(0, size)
            now = os.fstat(file.fileno())
        except (SegmentError, OSError, ValueError) as error:  # ValueError: closed
            self._fail(InputError(f"cannot read {self.name}: {error}"))
            raise SegmentError(f"cannot read {self.name}") from error
        if (now.st_size, now.st_mtime_ns) != (told.size_bytes, told.mtime_ns):
            why = changed(str(self.name), told.size_bytes, now.st_size)
            self._fail(why)
            raise SegmentError(why.what)
        return data
