"""What a driver that leaves its job writes down for the one that comes for it."""

from __future__ import annotations

import os

import msgspec

from mincer.sinks.base import Sink
from mincer.sinks.files import FileSink
from mincer.urls import absolute

__all__ = ["Keepsake", "keepsake_of", "read_keepsake"]


class Keepsake(msgspec.Struct, frozen=True):
    """Where the result was to go: a folder, and how."""

    #: In the system's bytes: a name need not be text.
    path: bytes
    format: str
    overwrite: bool

    @property
    def folder(self) -> str:
        return os.fsdecode(self.path)


def keepsake_of(sink: Sink | None) -> bytes:
    """Empty when the result was to go nowhere, or to a sink of the user's own, which
    cannot be written down."""
    if not isinstance(sink, FileSink):
        return b""
    path = os.fsencode(absolute(sink.folder))
    return msgspec.json.encode(Keepsake(path, sink.format, sink.overwrite))


def read_keepsake(data: bytes) -> Keepsake | None:
    """What was written down, if it was."""
    try:
        return msgspec.json.decode(data, type=Keepsake) if data else None
    except msgspec.DecodeError:
        return None
