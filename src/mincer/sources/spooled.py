"""Bytes that only the driver could make, and how any process reads them again."""

from __future__ import annotations

from mincer.errors import InputError, Where
from mincer.sources.base import Extent, Spool
from mincer.sources.copies import open_input
from mincer.structs import Struct

__all__ = ["Spooled", "keep"]


class Spooled(Struct):
    """Where the driver put `length` bytes. Small to send, whatever it stands for."""

    path: str
    offset: int
    length: int

    def extent(self) -> Extent:
        """What `load` reads."""
        end = self.offset + self.length
        return Extent(self.path, self.offset, end, end, -1)

    def load(self) -> bytes:
        try:
            with open_input(self.path) as file:
                file.seek(self.offset)
                data = file.read(self.length)
        except OSError as error:
            raise self._gone(error.strerror or str(error)) from error
        if len(data) != self.length:
            raise self._gone(f"{len(data)} of {self.length} bytes are left")
        return data

    def _gone(self, reason: str) -> InputError:
        return InputError(
            f"input that the driver had put aside cannot be read: {reason}",
            where=Where(self.path, self.offset),
            hint="Something removed files of a job that runs, or the disk is full.",
        )


def keep(data: bytes, spool: Spool | None) -> Spooled | bytes:
    """Put `data` aside, or return it as it is when it stays in this process."""
    return data if spool is None else Spooled(*spool.append(data))
