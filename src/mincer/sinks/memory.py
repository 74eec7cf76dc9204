"""A sink in memory, for tests and for jobs that run in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mincer.codec.formats import Columns, check_format, decode, header
from mincer.errors import OutputError
from mincer.flow.ports import PartMade, PartWriter
from mincer.sinks.base import Sink
from mincer.sinks.encoder import PartEncoder

__all__ = ["MemorySink"]


class MemorySink(Sink):
    """Keeps the bytes of the parts, so that it refuses what a file would refuse.

    It stays in its process: only runners that reduce in this one can fill it.
    """

    def __init__(self, format: str = "pickle") -> None:
        check_format(format)
        self.format = format
        #: What the runner told of the job; None until the job is committed.
        self.manifest: dict[str, Any] | None = None
        self._aside: dict[tuple[int, int], bytes] | None = None
        self._winners: dict[int, int] = {}
        self._parts: list[bytes] = []

    def check(self) -> None:
        if self.manifest is not None:
            raise OutputError(
                "this MemorySink holds the output of a job already",
                hint="Make a new one for each job.",
            )

    def prepare(self, job: str) -> None:
        self.check()
        self._aside = {}

    def open(self, part: int, attempt: int) -> PartWriter:
        return _MemoryPart(self, part, attempt)

    def commit_part(self, part: int, attempt: int) -> bool:
        if (part, attempt) not in self._standing():
            return False
        return self._winners.setdefault(part, attempt) == attempt

    def commit_job(self, parts: dict[int, PartMade], manifest: dict[str, Any]) -> None:
        aside = self._standing()
        missing = parts.keys() - self._winners.keys()
        if missing:
            raise OutputError(f"part {min(missing)} of the output was not committed")
        self._parts = [aside[part, self._winners[part]] for part in sorted(parts)]
        self.manifest = manifest
        self._aside = None

    def abort_job(self) -> None:
        self._aside = None
        self._winners.clear()

    @property
    def paths(self) -> list[str]:
        return []

    def readers(self) -> list[Callable[[], Iterator[Columns]]]:
        return [self._reader(data) for data in self._parts]

    def pairs(self) -> list[tuple[Any, Any]]:
        """All pairs, in the order of the parts."""
        return [
            pair
            for read in self.readers()
            for columns in read()
            for pair in zip(*columns, strict=True)
        ]

    def _reader(self, data: bytes) -> Callable[[], Iterator[Columns]]:
        def read() -> Iterator[Columns]:
            yield decode(self.format, data[len(header(self.format)) :])

        return read

    def _standing(self) -> dict[tuple[int, int], bytes]:
        """What is kept aside; refused before `prepare` and after the end."""
        if self._aside is None:
            raise OutputError("no job is writing to this MemorySink")
        return self._aside


class _MemoryPart:
    """One attempt at one part; see `mincer.flow.ports.PartWriter`."""

    def __init__(self, sink: MemorySink, part: int, attempt: int) -> None:
        sink._standing()
        self._sink = sink
        self._place = (part, attempt)
        self._encoder = PartEncoder(sink.format)
        self._data = bytearray(self._encoder.start())

    def write(self, keys: list[Any], values: list[Any]) -> None:
        self._data += self._encoder.encode(keys, values)

    def close(self) -> PartMade:
        self._sink._standing()[self._place] = bytes(self._data)
        return self._encoder.made()

    def abort(self) -> None:
        self._data.clear()
        if self._sink._aside is not None:
            self._sink._aside.pop(self._place, None)
