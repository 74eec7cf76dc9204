"""Messages over pipes between a parent and its own child: length, then a pickle."""

# Strategy: both ends are one program of one user, so a pickle is safe here, and nothing
# is faster to write. What crosses a network is another matter (wire/).

from __future__ import annotations

import os
import pickle
from typing import Any

__all__ = ["FrameReader", "read_frame", "write_frame"]

_SIZE_BYTES = 8
_READ_BYTES = 1 << 16


def write_frame(fd: int, message: object) -> None:
    """Write one message; blocks while the pipe is full."""
    body = pickle.dumps(message, 5)
    view = memoryview(len(body).to_bytes(_SIZE_BYTES, "little") + body)
    while view:
        view = view[os.write(fd, view) :]


def read_frame(fd: int) -> Any:
    """Read one message; blocks until it is there. Raises `EOFError` at the end."""
    size = int.from_bytes(_read_exactly(fd, _SIZE_BYTES), "little")
    return pickle.loads(_read_exactly(fd, size))


def _read_exactly(fd: int, size: int) -> bytes:
    data = os.read(fd, size)
    if len(data) == size:
        return data
    parts = [data]
    left = size - len(data)
    while left:
        data = os.read(fd, min(left, 1 << 20))
        if not data:
            raise EOFError
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


class FrameReader:
    """The reading end for a loop: takes what is there and gives whole messages."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._buffer = bytearray()

    def read(self) -> list[Any]:
        """Read once, which must not block; return the messages that are complete.

        Raises `EOFError` when the other end is closed.
        """
        data = os.read(self._fd, _READ_BYTES)
        if not data:
            raise EOFError
        buffer = self._buffer
        buffer += data
        messages = []
        at = 0
        while (body := at + _SIZE_BYTES) <= len(buffer):
            end = body + int.from_bytes(buffer[at:body], "little")
            if end > len(buffer):
                break
            messages.append(pickle.loads(buffer[body:end]))
            at = end
        del buffer[:at]
        return messages
