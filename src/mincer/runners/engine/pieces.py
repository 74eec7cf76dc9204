"""Outputs on their way: cut where they were made, read where they arrive."""

# Strategy: an output is written to a file that stays in memory as long as it is small.
# A part is cut out of it as an output of its own, so who reads a piece needs no other.
# Pieces that are in memory anyway (an engine has put them there) are read where they
# are; those that come one after another, and may be more than fits, are put aside.

from __future__ import annotations

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

from mincer.errors import SegmentError
from mincer.flow.ports import SegmentReader
from mincer.flow.run import cut_out
from mincer.store.disk import DiskScratchFile

__all__ = ["Arrivals", "BytesReader", "HeldFile", "cut_pieces"]

#: An output, or what has arrived, is kept in memory up to this size.
_IN_MEMORY_BYTES = 16 << 20


class HeldFile(DiskScratchFile):
    """Written, then read, then gone: a `SegmentWriter` and `SegmentReader` in memory,
    or below `folder` when it is large."""

    def __init__(self, folder: str, name: object = "output") -> None:
        file: Any = SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=folder)  # noqa: SIM115
        super().__init__(file, folder)
        self.name = name

    @property
    def length_bytes(self) -> int:
        return self._end

    def begin(self) -> None:
        """Forget what was written."""
        self._file.seek(0)
        self._file.truncate()
        self._end = 0

    def all(self) -> bytes:
        return self.read(0, self._end)


class BytesReader:
    """A `SegmentReader` of bytes that are here."""

    def __init__(self, name: object, data: bytes | memoryview) -> None:
        self.name = name
        self._data = memoryview(data)

    @property
    def length_bytes(self) -> int:
        return len(self._data)

    def read(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > len(self._data):
            raise SegmentError(f"an output ends before {offset + size} bytes")
        return bytes(self._data[offset : offset + size])


def cut_pieces(
    output: HeldFile, parts: int, chunk_bytes: int | None = None
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (part, its output as bytes in one or more chunks) for the parts that are
    not empty."""
    for part in range(parts):
        cut = cut_out(output, part, parts)
        if cut.extents:
            yield part, list(_chunks(output, cut.extents, cut.tail, chunk_bytes))


def _chunks(
    output: HeldFile,
    extents: list[tuple[int, int]],
    tail: bytes,
    chunk_bytes: int | None,
) -> Iterator[bytes]:
    if chunk_bytes is None:
        yield b"".join([*(output.read(at, size) for at, size in extents), tail])
        return
    for at, size in extents:
        for start in range(0, size, chunk_bytes):
            yield output.read(at + start, min(chunk_bytes, size - start))
    yield tail


class Arrivals:
    """Outputs that come in any order, in chunks, for one part or several."""

    def __init__(self, folder: str) -> None:
        self._file = HeldFile(folder)
        #: By part and map: the extents of its output.
        self._extents: dict[int, dict[int, dict[int, tuple[int, int]]]] = {}

    def add(self, part: int, index: int, chunk: int, data: bytes) -> None:
        """Put aside chunk number `chunk` of what map `index` made for `part`."""
        at = self._file.write(data)
        of_map = self._extents.setdefault(part, {}).setdefault(index, {})
        of_map[chunk] = (at, len(data))

    def readers(self, part: int) -> list[SegmentReader]:
        """All outputs for this part, in the order of the maps."""
        by_map = self._extents.get(part, {})
        return [
            _ChunkReader(
                self._file, index, [by_map[index][n] for n in sorted(by_map[index])]
            )
            for index in sorted(by_map)
        ]

    def close(self) -> None:
        self._file.close()


class _ChunkReader:
    """A `SegmentReader` of chunks that lie anywhere in a file."""

    def __init__(
        self, file: HeldFile, name: object, extents: list[tuple[int, int]]
    ) -> None:
        self.name = name
        self._file = file
        self._extents = extents
        self.length_bytes = sum(size for _, size in extents)

    def read(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self.length_bytes:
            raise SegmentError(f"an output ends before {offset + size} bytes")
        found: list[bytes] = []
        for at, length in self._extents:
            if offset < length:
                taken = min(size, length - offset)
                found.append(self._file.read(at + offset, taken))
                size -= taken
                offset = 0
                if not size:
                    break
            else:
                offset -= length
        return found[0] if len(found) == 1 else b"".join(found)
