"""What the tasks of a job on Spark do, in Python workers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from mincer.flow.budget import Budget
from mincer.runners.engine.parcel import Account, Input, MadePart, Parcel, group_bounds
from mincer.runners.engine.parts import EarlierPart, accounts_of
from mincer.runners.engine.pieces import Arrivals, HeldFile, cut_pieces
from mincer.runners.engine.place import folder
from mincer.runners.engine.tasks import Tasks, group_of
from mincer.runners.spark.failing import failing
from mincer.sources.base import Split
from mincer.worker.machine import OwnSize

if TYPE_CHECKING:
    from pyspark import RDD, Broadcast

__all__ = [
    "Chosen",
    "Sampler",
    "Unstored",
    "Work",
    "Written",
    "heads",
    "part_of",
    "same",
    "stored",
]

#: What crosses the shuffle: part, map, number of the chunk (a negative one: accounts).
Chunk: TypeAlias = tuple[int, int, int, Any]
#: What a result is made of: part, number of the chunk (a negative one: its head).
Kept: TypeAlias = tuple[int, int, Any]

_CHUNK_BYTES = 1 << 16
_HEAD = -1

_size: OwnSize | None = None


class Work:
    """What the tasks of one step do; it pickles, as PySpark wants functions to."""

    def __init__(
        self,
        parcel: Broadcast[Parcel],
        step: int,
        memory_bytes: int,
        cuts: bytes | None,
    ) -> None:
        self._parcel = parcel
        self._step = step
        self._memory_bytes = memory_bytes
        self._cuts = cuts

    @property
    def _tasks(self) -> Tasks:
        return Tasks(self._parcel.value, self._budget)

    def _budget(self) -> Budget:
        global _size
        if _size is None:
            _size = OwnSize()
        return Budget(self._memory_bytes, _size)

    def map(
        self, partition: int, elements: Iterable[Any]
    ) -> Iterator[tuple[int, Chunk]]:
        """Map what is in a partition; yield chunks, by their group."""
        parcel = self._parcel.value
        groups, parts = parcel.groups[self._step], parcel.parts[self._step]
        for index, source in _sources(partition, elements):
            with failing(parcel.job), contextlib.closing(HeldFile(folder())) as output:
                account = self._tasks.map_into(
                    output, self._step, index, source, self._cuts
                )
                for part, chunks in cut_pieces(output, parts, _CHUNK_BYTES):
                    group = group_of(part, groups, parts)
                    for number, data in enumerate(chunks):
                        yield group, (part, index, number, data)
                accounts = [*accounts_of(source), account]
                yield index % groups, (0, index, _HEAD, accounts)

    def reduce(
        self, group: int, elements: Iterable[tuple[int, Chunk]]
    ) -> Iterator[Kept]:
        """Reduce the parts of a group."""
        parcel = self._parcel.value
        accounts: list[Account] = []
        with failing(parcel.job), contextlib.closing(Arrivals(folder())) as arrivals:
            for _, (part, index, number, data) in elements:
                if number == _HEAD:
                    accounts += data
                else:
                    arrivals.add(part, index, number, data)
            for part in group_bounds(
                group, parcel.groups[self._step], parcel.parts[self._step]
            ):
                with contextlib.closing(HeldFile(folder())) as output:
                    readers = arrivals.readers(part)
                    made = self._tasks.reduce(
                        output, self._step, part, readers, accounts, self._cuts
                    )
                    yield from _kept(part, made, output)
                accounts = []

    def map_only(self, partition: int, elements: Iterable[Any]) -> Iterator[Kept]:
        """Map what is in a partition to parts."""
        parcel = self._parcel.value
        for index, source in _sources(partition, elements):
            with failing(parcel.job), contextlib.closing(HeldFile(folder())) as output:
                made = self._tasks.map_part(output, self._step, index, source)
                yield from _kept(index, made, output)

    def sees_sink(self) -> bool:
        return self._tasks.sees_sink()

    def sample(self, index: int, source: Input | Split, splits: int) -> bytes:
        with failing(self._parcel.value.job):
            return self._tasks.sample(self._step, source, splits)

    def cuts(self, samples: list[bytes]) -> bytes:
        with failing(self._parcel.value.job):
            return self._tasks.cuts(self._step, samples)


class Written:
    """Makes parts where their output is seen: the heads alone, or None, and nothing was
    made."""

    def __init__(self, work: Work, shuffles: bool) -> None:
        self._work = work
        self._shuffles = shuffles

    def __call__(
        self, partition: int, elements: Iterable[Any]
    ) -> Iterator[MadePart | None]:
        if not self._work.sees_sink():
            yield None
            return
        make = self._work.reduce if self._shuffles else self._work.map_only
        for _, number, head in make(partition, elements):
            if number == _HEAD:
                yield head


class Sampler:
    """Samples those of the chosen indexes."""

    def __init__(self, work: Work, chosen: frozenset[int], splits: int) -> None:
        self._work = work
        self._chosen = chosen
        self._splits = splits

    def __call__(self, partition: int, elements: Iterable[Any]) -> Iterator[bytes]:
        for index, source in _sources(partition, elements):
            if index in self._chosen:
                yield self._work.sample(index, source, self._splits)


class Chosen:
    """The chunks of some parts."""

    def __init__(self, parts: frozenset[int]) -> None:
        self._parts = parts

    def __call__(
        self, elements: Iterable[tuple[int, Kept]]
    ) -> Iterator[tuple[int, bytes]]:
        for _, (part, number, data) in elements:
            if part in self._parts and number != _HEAD:
                yield part, data


class _Addressed:
    """What a partition makes stays in it; the heads go to the last one as well."""

    def __init__(self, last: int) -> None:
        self._last = last

    def __call__(
        self, partition: int, elements: Iterable[Kept]
    ) -> Iterator[tuple[int, Kept]]:
        for element in elements:
            if element[1] == _HEAD:
                yield self._last, element
            yield partition, element


class Unstored:
    """What was stored in the partitions before the last one."""

    def __init__(self, last: int) -> None:
        self._last = last

    def __call__(
        self, partition: int, elements: Iterable[tuple[int, Kept]]
    ) -> Iterator[Kept]:
        for _, element in elements:
            if partition != self._last:
                yield element


def stored(rdd: RDD[Any], partitions: int) -> RDD[Any]:
    """What an RDD makes, where it is made, and its heads in one more partition."""
    addressed = rdd.mapPartitionsWithIndex(_Addressed(partitions))
    return addressed.partitionBy(partitions + 1, same)


def same(group: int) -> int:
    return group


def heads(elements: Iterable[tuple[int, Kept]]) -> Iterator[MadePart]:
    for _, (_, number, made) in elements:
        if number == _HEAD:
            yield made


def part_of(made: MadePart) -> int:
    return made.task.index


def _sources(
    partition: int, elements: Iterable[Any]
) -> Iterator[tuple[int, Input | Split]]:
    """What is to be mapped in a partition: a split of the source, or the parts of the
    step before; and its index among all."""
    head: MadePart | None = None
    chunks: list[bytes] = []
    for element in elements:
        if isinstance(element, Input):
            yield partition, element
            continue
        _, number, data = element
        if number != _HEAD:
            chunks.append(data)
            continue
        if head is not None:
            yield head.task.index, EarlierPart(head, b"".join(chunks))
        head, chunks = data, []
    if head is not None:
        yield head.task.index, EarlierPart(head, b"".join(chunks))


def _kept(part: int, made: MadePart, output: HeldFile) -> Iterator[Kept]:
    yield part, _HEAD, made
    size = output.length_bytes
    for number, at in enumerate(range(0, size, _CHUNK_BYTES)):
        yield part, number, output.read(at, min(_CHUNK_BYTES, size - at))
