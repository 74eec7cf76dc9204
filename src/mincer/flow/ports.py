"""What the data plane asks of the outside, and the batch that changes hands.

Sources, sinks and stores stand on the floor above and satisfy these by shape;
each port has a memory twin in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol

from mincer.errors import MincerError, Where, preview
from mincer.structs import Struct, replace


class Batch(NamedTuple):
    """Some consecutive records of a split: what a source hands to the mapper."""

    #: Ordinal in the split of the first record; the others follow without a gap.
    first: int
    #: One key a record. May be lazy and one-pass: read it once, beside `values`.
    keys: Iterable[Any]
    #: One value a record.
    values: list[Any]
    #: How much of the split this batch used up, for progress.
    size_bytes: int
    #: Where the record with this index in the batch stands, for errors.
    locate: Callable[[int], Where]

    def where(self, index: int) -> Where:
        """The place of the record with this index, with a preview of it."""
        place = self.locate(index)
        shown = place.value or preview(self.values[index])
        return replace(place, value=shown)

    def records(self) -> Iterator[tuple[int, Callable[[], Where], Any, Any]]:
        """One after another: its ordinal, what tells its place, its key, its value."""
        for index, (key, value) in enumerate(zip(self.keys, self.values, strict=True)):
            yield self.first + index, partial(self.where, index), key, value


class BadRecord(Exception):
    """A source cannot make sense of one record; the record may be left out."""

    def __init__(self, ordinal: int, error: MincerError) -> None:
        super().__init__(ordinal, error)
        self.ordinal = ordinal
        self.error = error


class Records(Protocol):
    """The records of one split."""

    def read(self, skip: frozenset[int] = frozenset()) -> Iterator[Batch]:
        """Yield the records in order, without those whose ordinal is in `skip`.

        Ordinals count every record of the split, left out or not, so that they mean
        the same in each attempt. Batches are of bounded size (about a MiB), never
        empty, and are not kept by the reader. Raises `BadRecord` when one record is
        malformed, `InputError` when the input as a whole is.
        """
        ...


class SegmentWriter(Protocol):
    """Where one attempt puts what it makes: bytes, one after another."""

    def write(self, *buffers: bytes | bytearray | memoryview) -> int:
        """Append them, one behind another; return where the first begins, counted from
        the attempt's start."""
        ...


class SegmentReader(Protocol):
    """What one finished attempt made."""

    @property
    def name(self) -> object:
        """What a `SegmentError` calls it; the shell knows what it stands for."""
        ...

    @property
    def length_bytes(self) -> int: ...

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly `size` bytes; raise `SegmentError` when they are not there."""
        ...


class Scratch(Protocol):
    """Room on disk for the length of one attempt (value files, sorted passes)."""

    def create(self) -> ScratchFile: ...


class ScratchFile(SegmentWriter, Protocol):
    """Written first, read afterwards, gone when closed."""

    def read(self, offset: int, size: int) -> bytes: ...

    def close(self) -> None: ...


class PartMade(NamedTuple):
    """What a part holds once it is closed."""

    pairs: int
    size_bytes: int
    #: A checksum of the part; for what a sink wrote, the CRC-32 of its bytes in hex.
    digest: str


class MapMade(Struct, frozen=False):  # half the time; there are many
    """What a map attempt made, for the account and for the coordinator."""

    records: int
    bytes_read: int
    pairs: int
    keys_out: int
    values_out: int
    runs: int
    digest: int
    #: Set when nothing was shuffled: the map's output is a part.
    part: PartMade | None = None


class ReduceMade(Struct):
    """What a reduce attempt made."""

    keys: int
    values: int
    part: PartMade


class PartWriter(Protocol):
    """Takes the output pairs of one attempt; nobody sees them before the commit."""

    def write(self, keys: list[Any], values: list[Any]) -> None:
        """Append pairs: two columns of one length, of some thousands at most."""
        ...

    def close(self) -> PartMade:
        """All pairs are written: make them durable, and say what was made."""
        ...

    def abort(self) -> None:
        """The attempt failed: leave nothing behind. Allowed after any error."""
        ...
