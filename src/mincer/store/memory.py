"""The memory twins of the store: outputs and scratch files as bytes."""

from __future__ import annotations

from mincer.errors import SegmentError

__all__ = ["MemoryScratch", "MemorySegment"]


class MemorySegment:
    """A `SegmentWriter`, then a `SegmentReader`; also a `ScratchFile`."""

    def __init__(self, name: object = "memory") -> None:
        self.name = name
        self.data = bytearray()
        self.closed = False

    @property
    def length_bytes(self) -> int:
        return len(self.data)

    def write(self, *buffers: bytes | bytearray | memoryview) -> int:
        at = len(self.data)
        self.data += b"".join(buffers)
        return at

    def read(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > len(self.data):
            raise SegmentError(f"an output ends before {offset + size} bytes")
        return bytes(self.data[offset : offset + size])

    def close(self) -> None:
        self.closed = True


class MemoryScratch:
    """A `Scratch` that remembers what was asked of it."""

    def __init__(self) -> None:
        self.files: list[MemorySegment] = []

    def create(self) -> MemorySegment:
        file = MemorySegment()
        self.files.append(file)
        return file
