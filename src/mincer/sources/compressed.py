"""A file opened for reading, decompressed when the ending of its name says so."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Self

from mincer.errors import InputError, Where
from mincer.sources.copies import open_input
from mincer.urls import status_of_file

if TYPE_CHECKING:
    from types import TracebackType

    from mincer.urls import Status

__all__ = ["InputStream", "ending_of"]

ENDINGS = (".gz", ".bz2", ".xz", ".zst")

#: Compressed bytes given to zstandard at a time: it returns all that they become. Few
#: at first and after much came out, so that a file of zeros does not fill the memory.
_ZSTD_BYTES_MIN = 512
_ZSTD_BYTES_MAX = 65_536
_ZSTD_OUT_BYTES = 1 << 20


def ending_of(path: str) -> str:
    """The ending that names a compression, or ""."""
    ending = os.path.splitext(path)[1].lower()
    return ending if ending in ENDINGS else ""


class InputStream:
    """The bytes of one file as the user means them, decompressed.

    Everything that goes wrong is an `InputError` that names the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            # `close` closes it: this object is the context manager.
            self._raw: IO[bytes] = open_input(path)
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            # Of the standard library's readers, which share no type.
            self._stream: Any = self._raw
            self._damage: tuple[type[Exception], ...] = (OSError,)
            # An empty file is an empty text, compressed or not.
            if (ending := ending_of(path)) and self.stat().st_size:
                self._stream, self._damage = _decompressor(ending, self._raw)
        except ImportError as error:
            self._raw.close()
            raise InputError(
                f"{path} cannot be decompressed: {error}",
                hint="Decompress it first, or install a Python that has this module.",
            ) from error

    def stat(self) -> os.stat_result | Status:
        """The size of the file, and a number that another version has not."""
        return status_of_file(self._raw)

    @property
    def position_bytes(self) -> int:
        """How far the file itself has been read, for progress."""
        return self._raw.tell()

    def seek(self, offset: int) -> None:
        """Go to `offset`; not for compressed files."""
        self._raw.seek(offset)

    def peek(self, size: int) -> bytes:
        data: bytes = self._told(lambda: self._stream.peek(size))
        return data[:size]

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, fewer only at the end; without a size all the rest."""
        data: bytes = self._told(lambda: self._stream.read(size))
        return data

    def readline(self, size: int = -1) -> bytes:
        """Return up to and with the next byte 0x0A, but not more than `size` bytes."""
        data: bytes = self._told(lambda: self._stream.readline(size))
        return data

    def _told(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except self._damage as error:
            if self._stream is self._raw:
                raise self._unreadable(error) from error
            raise InputError(
                f"{self.path} is damaged or cut short: {error}",
                where=Where(self.path),
                hint="Test it with its own tool (gzip -t, bzip2 -t, xz -t, zstd -t).",
            ) from error

    def _unreadable(self, error: Exception) -> InputError:
        reason = getattr(error, "strerror", None) or error
        return InputError(f"cannot read {self.path}: {reason}", where=Where(self.path))

    def close(self) -> None:
        if self._stream is not self._raw:
            self._stream.close()
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _decompressor(
    ending: str, raw: IO[bytes]
) -> tuple[Any, tuple[type[Exception], ...]]:
    """A stream over `raw`, and what it raises when `raw` is damaged."""
    if ending == ".gz":
        import gzip
        import zlib

        return gzip.GzipFile(fileobj=raw), (OSError, EOFError, zlib.error)
    if ending == ".bz2":
        import bz2

        return bz2.BZ2File(raw), (OSError, EOFError)
    if ending == ".xz":
        import lzma

        return lzma.LZMAFile(raw), (OSError, EOFError, lzma.LZMAError)
    import zstandard

    stream = io.BufferedReader(_ZstdReader(raw), buffer_size=1 << 16)
    return stream, (OSError, EOFError, zstandard.ZstdError)


class _ZstdReader(io.RawIOBase):
    """All frames of a .zst file as one stream; a frame that is cut short is an error.

    Not `zstandard.stream_reader`: it ends without a word where the file is cut.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        import zstandard

        self._raw = raw
        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._frame = self._new_frame()
        #: Compressed bytes not yet given to the frame.
        self._waiting = b""
        self._in_frame = False
        self._out = memoryview(b"")
        self._take = _ZSTD_BYTES_MIN

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._out:
            data = self._waiting[: self._take] or self._raw.read(self._take)
            self._waiting = self._waiting[self._take :]
            if not data:
                if self._in_frame:
                    raise EOFError("the file ends in the middle of a frame")
                return 0
            self._out = memoryview(self._decompress(data))
        taken = min(len(buffer), len(self._out))
        buffer[:taken] = self._out[:taken]
        self._out = self._out[taken:]
        return taken

    def _decompress(self, data: bytes) -> bytes:
        out = self._frame.decompress(data)
        self._in_frame = not self._frame.eof
        if self._frame.eof:
            self._waiting = self._frame.unused_data + self._waiting
            self._frame = self._new_frame()
        larger = self._take * 2 if len(out) < _ZSTD_OUT_BYTES else self._take // 8
        self._take = max(_ZSTD_BYTES_MIN, min(_ZSTD_BYTES_MAX, larger))
        return out
