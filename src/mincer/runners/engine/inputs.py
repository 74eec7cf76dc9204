"""The splits of a job's source on their way into an engine."""

# Strategy: a source plans splits for slots that begin one in a fraction of a
# millisecond. A task of an engine costs a hundred times as much (Ray and Dask 5 to 10
# ms, Spark 25 to 50), so splits that follow each other are read by one task, as if they
# were one split, as long as each slot has some tasks.
#
# What lies in files of the driver's own (batches of an iterable, the results of a local
# job) goes along as bytes, which are read only when the split is handed over.

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Self, overload

from mincer.flow.ports import BadRecord, Batch
from mincer.runners.engine.parcel import Input, OwnBytes
from mincer.runners.stored import Spool
from mincer.sources.base import Extent, Split
from mincer.store.folder import OwnedFolder
from mincer.worker.orders import pack_splits

__all__ = ["DriverSpool", "Inputs", "Several", "joined"]

#: Splits of up to this are joined by their number, so that each slot has many tasks:
#: what is small need not be quick, and may become large.
_SMALL_BYTES = 1 << 20
_SMALL_TASKS_A_SLOT = 16
#: Others by their size, so that each slot has some: those which end first wait for the
#: last one, so fewer would cost more than they save.
_TASKS_A_SLOT = 4
#: What is joined may have to be sent.
_JOINED_BYTES_MAX = 16 << 20
#: The ordinals of the records of a split, when it is one of several.
_ORDINALS = 1 << 40
#: A time that tells that a file is the driver's own.
_OWN = -1


class Several(Split):
    """Splits of one tag, one after another."""

    def __init__(self, splits: Sequence[Split]) -> None:
        self._splits = splits
        self.tag = splits[0].tag
        self.size_bytes = sum(split.size_bytes for split in splits)

    def read(self, skip: frozenset[int] = frozenset()) -> Iterator[Batch]:
        for number, split in enumerate(self._splits):
            first = number * _ORDINALS
            of_split = {one - first for one in skip if 0 <= one - first < _ORDINALS}
            try:
                for batch in split.read(frozenset(of_split)):
                    yield batch._replace(first=first + batch.first)
            except BadRecord as bad:
                raise BadRecord(first + bad.ordinal, bad.error) from bad

    def extents(self) -> Iterable[Extent]:
        return [extent for split in self._splits for extent in split.extents()]

    def __str__(self) -> str:
        return f"{self._splits[0]} and {len(self._splits) - 1} more"


def joined(splits: Sequence[Split], slots: int) -> list[Split]:
    """The same records in fewer splits, as few as leave each slot its share."""
    most = max(1, -(-len(splits) // (slots * _SMALL_TASKS_A_SLOT)))
    total_bytes = sum(split.size_bytes for split in splits)
    share_bytes = min(total_bytes / (slots * _TASKS_A_SLOT), _JOINED_BYTES_MAX)
    found: list[list[Split]] = []
    held_bytes = read_bytes = share = 0
    for split in splits:
        # The share of the input that its middle lies in: all shares become alike.
        middle = read_bytes + split.size_bytes / 2
        share, before = int(middle / share_bytes) if share_bytes else 0, share
        read_bytes += split.size_bytes
        if found and found[-1][-1].tag == split.tag:
            is_small = max(found[-1][-1].size_bytes, split.size_bytes) <= _SMALL_BYTES
            is_next = len(found[-1]) < most if is_small else share == before
            if is_next and held_bytes + split.size_bytes <= _JOINED_BYTES_MAX:
                found[-1].append(split)
                held_bytes += split.size_bytes
                continue
        found.append([split])
        held_bytes = split.size_bytes
    return [some[0] if len(some) == 1 else Several(some) for some in found]


class Inputs(Sequence[Input]):
    """What tasks are given, made when it is asked for."""

    def __init__(self, splits: Sequence[Split]) -> None:
        self._splits = splits

    def __len__(self) -> int:
        return len(self._splits)

    @overload
    def __getitem__(self, index: int) -> Input: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Input]: ...
    def __getitem__(self, index: int | slice) -> Input | Sequence[Input]:
        if isinstance(index, slice):
            return Inputs(self._splits[index])
        split = self._splits[index]
        (packed,) = pack_splits([split])
        return Input(packed, tuple(_own_bytes(split)))


class DriverSpool:
    """Where the driver puts what only it can make, once there is something."""

    def __init__(self) -> None:
        self._folder: OwnedFolder | None = None
        self._spool: Spool | None = None

    def append(self, data: bytes) -> tuple[str, int, int]:
        """See `mincer.sources.base.Spool`."""
        if self._spool is None:
            self._folder = OwnedFolder()
            self._spool = Spool(os.path.join(self._folder.path, "spool"))
        return self._spool.append(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._spool is not None:
            self._spool.close()
        if self._folder is not None:
            self._folder.remove()


def _own_bytes(split: Split) -> Iterator[OwnBytes]:
    """The bytes of this split that lie in files of the driver's own."""
    for extent in split.extents():
        if extent.mtime_ns == _OWN and extent.start < extent.end:
            with open(extent.path, "rb") as file:
                file.seek(extent.start)
                data = file.read(extent.end - extent.start)
            yield extent.path, extent.start, data
