"""Rows: the parts of frames."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mincer.codec.keys import PARTS_MAX
from mincer.wire.bounds import (
    AttemptName,
    Count,
    Digest,
    Line,
    Path,
    Seconds,
    Signed,
    Small,
    Text,
    Word,
)

__all__ = [
    "WAYS",
    "Account",
    "Blob",
    "CommitRow",
    "ErrorTold",
    "Extent",
    "FileTold",
    "OutputName",
    "PlaceTold",
    "Row",
    "SplitName",
    "SplitRow",
    "StartRow",
    "StepTold",
    "WhereTold",
    "WinnerRow",
]


class Row(Struct, frozen=True, array_like=True):
    """A part of a frame."""


class Blob(Row, frozen=True):
    """Bytes that are pulled by their digest."""

    digest: Digest
    size_bytes: Count


class StepTold(Row, frozen=True):
    """What all need to know of a step."""

    code: Blob
    parts: Annotated[int, Meta(ge=0, le=PARTS_MAX)]
    shuffles: bool
    sampled: bool
    to_sink: bool


class Extent(Row, frozen=True):
    """Some bytes of an input: what a split reads of a file."""

    file: Small
    start: Count
    #: Beyond the last byte that is surely read; lines go on to their ends.
    end: Count


class SplitName(Row, frozen=True, tag="split"):
    """A split as the driver packed it, and the bytes of files that it needs."""

    packet: Small
    nth: Small
    extents: Annotated[list[Extent], Meta(max_length=2048)] = []


class OutputName(Row, frozen=True, tag="output"):
    """What an attempt of the step before made, and which member keeps it."""

    attempt: AttemptName
    keeper: Small
    length_bytes: Count


class PlaceTold(Row, frozen=True):
    """Where an output lies on the machine of its keeper, for who may see its disk."""

    path: Path
    offset: Count


class FileTold(Row, frozen=True):
    """A file as the driver saw it."""

    #: As the split names it, and from the root on.
    name: Path
    path: Path
    size_bytes: Count
    mtime_ns: Signed
    #: Of its head and tail.
    digest: Digest


class SplitRow(Row, frozen=True):
    """A split: where it is packed, how much it reads, and what of which files."""

    packet: Small
    nth: Small
    size_bytes: Count
    extents: Annotated[list[Extent], Meta(max_length=2048)] = []


class CommitRow(Row, frozen=True):
    """A map whose output counts, and who keeps it; numbers of commits are counted."""

    index: Small
    number: Small
    keeper: Small
    length_bytes: Count
    #: Of the index of the output.
    digest: Annotated[bytes, Meta(max_length=32)] = b""
    place: PlaceTold | None = None


class StartRow(Row, frozen=True):
    """One attempt to be run."""

    attempt: AttemptName
    inputs: Annotated[list[SplitName | OutputName], Meta(max_length=4096)] = []
    skip: Annotated[list[Count], Meta(max_length=100_000)] = []
    careful: bool = False
    #: A reduce reads so many of the commits that were told, except those that are
    #: among so many of the withdrawals.
    commits: Small = 0
    withdrawals: Small = 0
    after: AttemptName | None = None
    #: Write no part into the folder of the output: the driver does not find them there.
    sends: bool = False


class Account(Row, frozen=True):
    """What an attempt made, in figures: see `mincer.flow.ports`."""

    #: The figures of a `MapMade` or `ReduceMade`; empty for a sample.
    figures: Annotated[list[Signed], Meta(max_length=16)] = []
    #: Pairs, bytes and digest of the part, if it made one.
    part: tuple[Count, Count, Line] | None = None
    counters: dict[Line, Signed] = {}
    cpu_s: Seconds = 0.0
    wall_s: Seconds = 0.0
    #: The worker wrote the part where the sink will look for it.
    is_written: bool = False
    #: Bytes of other workers' outputs that it read, by way: see `WAYS`.
    by_way: tuple[Count, Count, Count] = (0, 0, 0)
    #: The driver sent the input that it read, or some of it.
    was_sent: bool = False


#: Read from the other worker's own file; pulled straight from that worker; pulled by
#: way of the coordinator.
WAYS = ("file", "direct", "relayed")


class WinnerRow(Row, frozen=True):
    """What an attempt made that counts."""

    attempt: AttemptName
    length_bytes: Count
    account: Account
    #: How many records it left out.
    skips: Count = 0
    #: When it was done, counted from the submission.
    ended_s: Seconds = 0.0


class WhereTold(Row, frozen=True):
    """Where in the input an error was: source, offset, key and value as texts."""

    source: Line
    offset: Signed | None = None
    key: Line | None = None
    value: Line | None = None


class ErrorTold(Row, frozen=True):
    """An error as its texts: nothing of it is unpickled anywhere."""

    kind: Word
    what: Text
    where: WhereTold | None = None
    hint: Text | None = None
    user_traceback: Text | None = None
    task: Line | None = None
