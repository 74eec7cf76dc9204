"""The contract of a source: what can be planned as splits and read anywhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from mincer.flow.ports import Batch

__all__ = ["Extent", "Source", "Split", "Spool"]


class Spool(Protocol):
    """Where the driver keeps batches that only it can make (of a dict, a generator)."""

    def append(self, data: bytes) -> tuple[str, int, int]:
        """Keep `data`; return the path, offset and length by which it is read again."""
        ...


class Extent(NamedTuple):
    """Bytes of a file that a split reads, and which file that is."""

    path: str
    start: int
    #: What is read goes on to the end of the line that holds the byte before this.
    end: int
    #: Size and time of the file as the driver saw it; a time of -1: it is the driver's
    #: own, and grows.
    file_bytes: int
    mtime_ns: int


class Split(ABC):
    """A piece of input: small to send, and read in whichever process got it."""

    #: The tag of the source it came from; chooses the mapfn in a join.
    tag: str | None = None
    #: About how many bytes reading it means.
    size_bytes: int = 0

    @abstractmethod
    def read(self, skip: frozenset[int] = frozenset()) -> Iterator[Batch]:
        """See `mincer.flow.ports.Records.read`."""

    def extents(self) -> Iterable[Extent]:
        """The files that `read` opens by `mincer.sources.copies.open_input`, and all
        that it reads of them: a machine that does not have them is sent that and no
        more. What else it reads must be there."""
        return ()

    @abstractmethod
    def __str__(self) -> str:
        """One line for people: `books/a.txt bytes 0-4194304`."""


class Source(ABC):
    """Where the records of a job come from. Made on the driver, checked there."""

    def __init__(self, *, tag: str | None = None) -> None:
        self.tag = tag

    @abstractmethod
    def check(self) -> None:
        """Find what is missing or unreadable, before any work; raise `InputError`.

        Called once by the driver before `plan`. It also fixes what the source is
        (its list of files and their sizes), so that `size_bytes` is known afterwards.
        """

    @property
    @abstractmethod
    def size_bytes(self) -> int | None:
        """Total input size when it is known without reading the source, else None."""

    @abstractmethod
    def plan(
        self, spool: Spool | None = None, split_bytes: int | None = None
    ) -> Iterator[Split]:
        """Yield the splits, in order, a new object each. May take as long as the user's
        iterable does.

        `spool`: where to put batches that other processes must read; None means that
        the splits are read in this process only, so they may simply hold their records.
        `split_bytes`: the size to aim at for files, when the source was not told one;
        it depends on the total size of all the inputs of the job, nothing else.
        """

    def describe(self) -> str:
        """One line for people."""
        return type(self).__name__
