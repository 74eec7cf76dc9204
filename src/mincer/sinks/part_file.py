"""One attempt at one part file: written aside, and on the disk when it is whole."""

# Strategy: what is written is on its way to the disk some MiB later, while the next
# pairs are made (Linux: sync_file_range(2)), so that `close` waits for little: each
# child of a sort of 1 GB had waited 0.4 of 9 s. Rejected: to leave that to a thread of
# the driver, which must then answer for parts that it has not made.

from __future__ import annotations

import contextlib
import os
from typing import Any

from mincer.flow.ports import PartMade
from mincer.sinks.encoder import PartEncoder
from mincer.sinks.told import told_about

__all__ = ["PartFile"]

#: So much is written before it is sent on to the disk; what is less waits for `close`.
_SENT_BYTES = 2 << 20
#: SYNC_FILE_RANGE_WRITE: begin to write, and wait for nothing.
_BEGIN = 2


class PartFile:
    """See `mincer.flow.ports.PartWriter`. `path`: its name once it is whole; `folder`:
    the output as the user typed it."""

    def __init__(self, path: str, folder: str, format: str) -> None:
        self._path = path
        self._writing = path + ".writing"
        self._folder = folder
        self._encoder = PartEncoder(format)
        self._sent = 0
        with told_about(folder):
            self._file = open(self._writing, "xb")  # noqa: SIM115 (`close` closes it)
            self._write(self._encoder.start())

    def write(self, keys: list[Any], values: list[Any]) -> None:
        data = self._encoder.encode(keys, values)
        with told_about(self._folder):
            self._write(data)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        written = self._encoder.size_bytes
        if written - self._sent >= _SENT_BYTES:
            from mincer.libc import c_function  # small parts do without

            self._file.flush()
            # What it cannot do is left to `fsync`, which also tells of errors.
            begin = c_function("sync_file_range", "iqqI")
            if begin is not None:
                begin(self._file.fileno(), self._sent, written - self._sent, _BEGIN)
            self._sent = written

    def close(self) -> PartMade:
        with told_about(self._folder):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.rename(self._writing, self._path)
        return self._encoder.made()

    def abort(self) -> None:
        # Closing flushes: on a full disk that fails again, and nobody wants the bytes.
        with contextlib.suppress(OSError):
            self._file.close()
        for path in (self._writing, self._path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
