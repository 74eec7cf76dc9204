"""The stages bolted together: `map_task`, `reduce_task` and `sample_task`.

The way of a pair, and the file that does each step:

    split → read → map → combine → partition → spill → fetch → (overflow) → group
    (sources)    mapper  combiner partitioner spiller  fetcher  overflow   grouper
                                                run
    → sort / merge → reduce → sink
      sorter merger   reducer  (sinks)
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from typing import Any

from mincer.calls import checked_mapper, instance_of, pairs_call, raised
from mincer.context import Context
from mincer.errors import InputError, MincerError, SegmentError
from mincer.flow.budget import Budget
from mincer.flow.combiner import FOLDS
from mincer.flow.cursor import Cursor, Publish, Stream, flat
from mincer.flow.mapper import (
    FoldTable,
    Inexact,
    ListTable,
    PairColumns,
    Table,
    drain,
    drain_combining,
)
from mincer.flow.partitioner import (
    FunctionPartitioner,
    HashPartitioner,
    Partitioner,
    RangePartitioner,
)
from mincer.flow.ports import (
    BadRecord,
    MapMade,
    PartWriter,
    Records,
    ReduceMade,
    Scratch,
    SegmentReader,
    SegmentWriter,
)
from mincer.flow.ranges import RangeTable
from mincer.flow.reduction import Reduction
from mincer.flow.sampler import cut_points, sample_keys
from mincer.flow.spiller import Spiller
from mincer.flow.unread import reads_key
from mincer.job import Step
from mincer.order import order_function
from mincer.structs import Struct

__all__ = [
    "MapAttempt",
    "Program",
    "RecordError",
    "cut_sample",
    "map_task",
    "reduce_task",
    "sample_split",
    "sample_task",
]

#: Pairs that are written at once when nothing is shuffled.
_WRITE_PAIRS = 1 << 13
#: Pairs that are dealt into buckets at once when nothing is grouped.
_DEAL_PAIRS = 1 << 18


#: What is raised while pairs are drained and tells of no record.
_GO_ON = (Inexact, SegmentError, KeyboardInterrupt, GeneratorExit)


class RecordError(Exception):
    """An attempt failed at one record of its split, which may be left out."""

    def __init__(self, error: MincerError, ordinal: int | None) -> None:
        super().__init__(error, ordinal)
        self.error = error
        self.ordinal = ordinal


class Program(Struct):
    """A step as attempts run it: how many parts, and where the ranges are cut."""

    step: Step
    parts: int
    cuts: list[Any] | None = None
    #: False when each part surely fits into memory: it need not be taken in passes.
    cut_parts: bool = True
    #: False when the output tells no keys: then they are None, where none is needed.
    keys_written: bool = True

    def partitioner(self) -> Partitioner:
        function: Any = self.step.partitionfn
        if self.step.sampled:
            order = order_function(self.step.sort_keys)
            cuts = self.cuts or []
            return RangePartitioner(self.parts, cuts, order, self.cut_parts)
        if function is None:
            return HashPartitioner(self.parts, self.cut_parts)
        return FunctionPartitioner(function, self.parts, self.cut_parts)


class MapAttempt(Struct, frozen=False):  # a third of the time
    """What one attempt at a map, or a look at a split for a sample, is given."""

    records: Records
    tag: str | None
    budget: Budget
    context: Context
    publish: Publish
    skip: frozenset[int] = frozenset()
    records_max: int | None = None
    #: Publish each record before it is worked on: an earlier attempt died.
    careful: bool = False
    #: Check each record: an earlier attempt met something that is no pair.
    exact: bool = False


def map_task(
    program: Program,
    attempt: MapAttempt,
    out: SegmentWriter | None,
    part: PartWriter | None,
) -> MapMade:
    """Map one split. Pairs to be shuffled go to `out` as runs, others into `part`.

    Raises `RecordError` for what the user's code or a record did, and `Inexact`
    when the attempt must be made again with `exact` to know at which record.
    """
    step = program.step
    spiller: Spiller | None = None
    if out is not None:
        partitioner = program.partitioner()
        spiller = Spiller(out, partitioner)
        table = _table(step, spiller, partitioner, attempt.context, attempt.budget)
    else:
        assert part is not None
        table = PairColumns(part.write, _WRITE_PAIRS)
    cursor = Cursor(
        attempt.publish, careful=attempt.careful, records_max=attempt.records_max
    )
    with _NoCollector(), _RecordTold(cursor, attempt):
        streams = _streams(step, attempt, cursor)
        one_by_one = attempt.careful or attempt.exact
        if step.combinefn is not None and not one_by_one:
            assert isinstance(table, FoldTable | ListTable)
            total = drain_combining(streams, table, attempt.budget)
        else:
            pairs = flat(streams)
            if attempt.exact:
                pairs = _encodable(pairs)
            total = drain(pairs, table, attempt.budget, exact=one_by_one)
    if spiller is None:
        assert part is not None
        made = part.close()
        return MapMade(
            cursor.records, cursor.bytes_read, total, total, total, 0, total, made
        )
    spiller.close()
    return MapMade(
        records=cursor.records,
        bytes_read=cursor.bytes_read,
        pairs=total,
        keys_out=spiller.keys,
        values_out=spiller.values,
        runs=spiller.runs,
        digest=hash((cursor.records, total, spiller.digest)),
    )


def sample_task(
    program: Program, attempts: Iterable[MapAttempt], splits: int
) -> list[Any]:
    """Map some records of each attempt's split; return the cut points for `by_range`.

    `splits`: how many attempts there are.
    """
    keys: list[Any] = []
    for attempt in attempts:
        keys += sample_split(program, attempt, splits)
    return cut_sample(program, keys)


def sample_split(program: Program, attempt: MapAttempt, splits: int) -> list[Any]:
    """Map some records of one split of `splits` that are looked at; return keys."""
    cursor = Cursor(attempt.publish, records_max=attempt.records_max)
    with _RecordTold(cursor, attempt):
        return sample_keys(flat(_streams(program.step, attempt, cursor)), splits)


def cut_sample(program: Program, keys: list[Any]) -> list[Any]:
    """The cut points for `by_range` that follow from the keys of all samples."""
    buckets = program.partitioner().buckets
    return cut_points(keys, buckets, order_function(program.step.sort_keys))


def reduce_task(
    program: Program,
    part: int,
    readers: Iterable[SegmentReader],
    writer: PartWriter,
    scratch: Scratch,
    budget: Budget,
    publish: Publish,
) -> ReduceMade:
    """Make one part of what the maps left in `readers`, in the order of the maps."""
    first, last = program.partitioner().bounds(part)
    with _NoCollector():
        reduction = Reduction(
            program.step,
            writer,
            scratch,
            budget,
            publish,
            keys_written=program.keys_written,
        )
        reduction.run(readers, first, last)
        return ReduceMade(reduction.keys, reduction.values, writer.close())


def _table(
    step: Step,
    spiller: Spiller,
    partitioner: Partitioner,
    context: Context,
    budget: Budget,
) -> Table:
    """The table that this step's pairs go into: one loop chosen for the attempt."""
    combinefn = step.combinefn
    if combinefn is not None and any(combinefn is fold for fold in FOLDS):
        return FoldTable(combinefn, spiller)
    if step.reducefn is not None or step.sort_values is not False:
        return ListTable(combinefn, spiller, context)
    if isinstance(partitioner, RangePartitioner) and step.sort_keys is not False:
        order = order_function(step.sort_keys)
        return RangeTable(spiller, partitioner, order, budget.room_bytes)
    return PairColumns(
        lambda keys, values: spiller.spill(keys, values, grouped=False), _DEAL_PAIRS
    )


def _streams(step: Step, attempt: MapAttempt, cursor: Cursor) -> Iterator[Stream]:
    records = attempt.records.read(attempt.skip)
    if attempt.exact:
        return cursor.streams(records, *checked_mapper(step, attempt.tag))
    function, close = instance_of(step.mapfn_for(attempt.tag), "mapfn")
    call = pairs_call(function)
    return cursor.streams(records, call, close, reads_key=reads_key(function))


def _encodable(pairs: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    """Check every pair by itself, so that the record that made it is known."""
    from mincer.codec.columns import encode_column

    for key, value in pairs:
        encode_column([key])
        encode_column([value])
        yield key, value


class _NoCollector:
    """The cyclic collector off, for the length of an attempt."""

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_on:
            gc.enable()


class _RecordTold:
    """Turns what is raised while pairs are drained into an error with its record."""

    def __init__(self, cursor: Cursor, attempt: MapAttempt) -> None:
        self._cursor = cursor
        self._attempt = attempt

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if error is not None:
            self._tell(error)

    def _tell(self, error: BaseException) -> None:
        cursor = self._cursor
        if isinstance(error, _GO_ON):
            return
        if isinstance(error, BadRecord):
            raise RecordError(error.error, error.ordinal) from error
        if isinstance(error, MincerError):
            if error.where is not None or isinstance(error, InputError):
                raise RecordError(error, None) from error  # no record is to blame
            error.where = cursor.where()
            raise RecordError(error, cursor.ordinal) from error
        told = raised("mapfn", error, cursor.where())
        users = (told.user_traceback or "").startswith("Trace")
        if not self._attempt.exact and not users:
            # Nothing of the user's was running: what it returned is no iterable.
            raise Inexact from error
        raise RecordError(told, cursor.ordinal) from error
