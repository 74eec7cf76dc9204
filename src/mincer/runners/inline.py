"""The reference runner: a dict of lists, one record after another, in this process."""

# Strategy: as plain as MapReduce can be said, so that it can be believed and stepped
# through with a debugger. It shares the meaning of keys with the other runners and
# nothing of how they move pairs. combinefn is never called: it may run 0 times, and
# a job whose result changes with it is wrong. What fails is not tried again.

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from mincer.codec.keys import canonical, key_hash, part_of
from mincer.context import Context, enter, leave
from mincer.errors import (
    CancelledError,
    JobError,
    OutputError,
    UserCodeError,
    Where,
    preview,
)
from mincer.flow.ports import BadRecord, Batch, PartMade
from mincer.ids import TaskId, TaskKind
from mincer.job import Step, default_parts
from mincer.runners.base import JobControl, JobOrder, Progress
from mincer.runners.inline_calls import (
    Pair,
    built,
    map_pairs,
    put_in_order,
    reduced_pairs,
    told,
)
from mincer.runners.report import Report
from mincer.runners.results import Columns, PartSplit, ReadPart, Results
from mincer.sinks.base import Sink
from mincer.sources.base import Split

__all__ = ["Inline"]

_BLOCK_PAIRS = 8192


class Inline:
    """Runs a job in the calling thread, so that breakpoints and pdb work."""

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """See `mincer.runners.base.Runner`."""
        return _Job(order, control).run()


class _RecordFailed(Exception):
    """This record of the split raised; it may be left out."""

    def __init__(self, ordinal: int, error: JobError) -> None:
        super().__init__(ordinal, error)
        self.ordinal = ordinal
        self.error = error


class _Job:
    """One job, from its splits to its results."""

    def __init__(self, order: JobOrder, control: JobControl) -> None:
        self.order = order
        self.control = control
        self.parts = 0
        self.skips_left = sum(step.skip_bad_records for step in order.steps)
        self.params = MappingProxyType(dict(order.params))
        self.counters: dict[str, int] = {}
        self.started = time.monotonic()
        self.report = Report(order.job, order.name, "inline", time.time())
        self.report.workers = 1
        self.report.steps = len(order.steps)

    def run(self) -> Results:
        sink = self.order.sink
        self.order.source.check()
        if sink is not None:
            sink.check()
        try:
            if sink is not None:
                sink.prepare(self.order.job)
            # A step that was not told otherwise has as many as the one before.
            self.parts = default_parts(self.order.source.size_bytes)
            splits: Iterable[Split] = self.order.source.plan()
            outputs: list[list[Pair]] = []
            for index, step in enumerate(self.order.steps):
                outputs = self._step(index, step, splits)
                splits = [
                    PartSplit(f"part {part} of step {index + 1}", _Held(pairs))
                    for part, pairs in enumerate(outputs)
                ]
            self._finish(outputs)
            return self._results(outputs)
        except BaseException:
            if sink is not None:
                sink.abort_job()
            raise

    def _step(
        self, index: int, step: Step, splits: Iterable[Split]
    ) -> list[list[Pair]]:
        """Run one step; return the pairs of each of its parts."""
        began = time.monotonic()
        self.parts = step.parts or self.parts
        shuffle = _Shuffle(step, self.parts) if step.shuffles else None
        outputs: list[list[Pair]] = []
        for number, split in enumerate(splits):
            pairs = self._map(index, step, number, split, shuffle)
            self.report.pairs_mapped += len(pairs)
            if shuffle is None:
                outputs.append(pairs)
            else:
                shuffle.add(pairs)
            if index == 0:
                self.report.splits += 1
                self.report.bytes_read += split.size_bytes
            self._tell("mapping", index, maps_done=number + 1)
        mapped = time.monotonic()
        if shuffle is not None:
            shuffle.cut()
            for part in range(shuffle.parts):
                outputs.append(self._reduce(index, step, part, shuffle))
                self._tell("reducing", index, reduces_done=part + 1)
        self.report.map_s += mapped - began
        self.report.reduce_s += time.monotonic() - mapped
        return outputs

    def _map(
        self,
        index: int,
        step: Step,
        number: int,
        split: Split,
        shuffle: _Shuffle | None,
    ) -> list[Pair]:
        """The pairs of one split. When a record is left out the split is read again
        from its start: nothing of that record may stay, in a class mapfn either."""
        skip: set[int] = set()
        while True:
            try:
                with self._attempt(index, "map", number, len(skip)) as context:
                    context.split, context.tag = str(split), split.tag
                    context.part = None if shuffle else number
                    return self._mapped(index, step, split, skip, shuffle)
            except _RecordFailed as failed:
                if not self.skips_left:
                    raise failed.error from failed.error.__cause__
                self.skips_left -= 1
                skip.add(failed.ordinal)
                self.report.records_skipped += 1
                place = "" if failed.error.where is None else f"{failed.error.where}: "
                self.report.notes.append(f"left out {place}{failed.error.what}")

    def _mapped(
        self,
        index: int,
        step: Step,
        split: Split,
        skip: set[int],
        shuffle: _Shuffle | None,
    ) -> list[Pair]:
        mapfn, close = built(step.mapfn_for(split.tag), "mapfn")
        result: list[Pair] = []
        records = 0
        for batch, at, key, value in self._records(split, skip):
            try:
                pairs = map_pairs(mapfn(key, value))
                result += pairs if shuffle is None else map(shuffle.place, pairs)
            except (Exception, SystemExit) as error:
                place = batch.locate(at)
                where = Where(place.source, place.offset, preview(key), preview(value))
                failure = told(error, "mapfn", where)
                if isinstance(failure, UserCodeError):
                    raise _RecordFailed(batch.first + at, failure) from error
                raise failure from failure.__cause__
            records += 1
        if close is not None:
            try:
                pairs = map_pairs(close())
                result += pairs if shuffle is None else map(shuffle.place, pairs)
            except (Exception, SystemExit) as error:
                failure = told(error, "close() of mapfn", Where(str(split)))
                raise failure from failure.__cause__
        if index == 0:
            self.report.records += records
        return result

    def _records(
        self, split: Split, skip: set[int]
    ) -> Iterator[tuple[Batch, int, Any, Any]]:
        limit = self.order.records_max
        try:
            for batch in split.read(frozenset(skip)):
                records = zip(batch.keys, batch.values, strict=True)
                for at, (key, value) in enumerate(records):
                    if limit is not None and batch.first + at >= limit:
                        return
                    self._check_cancelled()
                    yield batch, at, key, value
        except BadRecord as bad:
            if not isinstance(bad.error, JobError):
                raise bad.error from bad
            raise _RecordFailed(bad.ordinal, bad.error) from bad.error

    def _reduce(
        self, index: int, step: Step, part: int, shuffle: _Shuffle
    ) -> list[Pair]:
        with self._attempt(index, "reduce", part, 0) as context:
            context.part = part
            groups = shuffle.groups(part)
            if step.reducefn is None:
                return [(key, value) for key, values in groups for value in values]
            reducefn, close = built(step.reducefn, "reducefn")
            result: list[Pair] = []
            for key, values in groups:
                self._check_cancelled()
                try:
                    result += reduced_pairs(reducefn, key, values)
                except (Exception, SystemExit) as error:
                    where = Where(f"part {part}", None, preview(key), preview(values))
                    failure = told(error, "reducefn", where)
                    raise failure from failure.__cause__
            if close is not None:
                try:
                    result += map_pairs(close(), "close() of reducefn")
                except (Exception, SystemExit) as error:
                    failure = told(error, "close() of reducefn", Where(f"part {part}"))
                    raise failure from failure.__cause__
            return result

    @contextmanager
    def _attempt(
        self, index: int, kind: TaskKind, number: int, failed: int
    ) -> Iterator[Context]:
        """Give user code its context; what it counts counts when it ends well."""
        task = TaskId(self.order.job, index, kind, number)
        context = Context(self.order.name, str(task), failed + 1, params=self.params)
        before = enter(context)
        outcome = "failed"
        try:
            yield context
            outcome = "done"
        except _RecordFailed as failure:
            failure.error.task = f"{task} attempt {failed + 1}"
            raise
        except JobError as error:
            error.task = f"{task} attempt {failed + 1}"
            raise
        finally:
            leave(before)
            attempts = self.report.attempts
            attempts[outcome] = attempts.get(outcome, 0) + 1
        for name, n in context.counters.items():
            self.counters[name] = self.counters.get(name, 0) + n

    def _check_cancelled(self) -> None:
        if self.control.cancelled:
            raise CancelledError(f"the job {self.order.name} was cancelled")

    def _tell(
        self, phase: str, index: int, maps_done: int = 0, reduces_done: int = 0
    ) -> None:
        self._check_cancelled()
        self.control.report(
            Progress(
                phase,
                time.monotonic() - self.started,
                step=index + 1,
                steps=len(self.order.steps),
                records=self.report.records,
                bytes_read=self.report.bytes_read,
                bytes_total=self.order.source.size_bytes,
                workers=1,
                maps_done=maps_done,
                reduces_done=reduces_done,
            )
        )

    def _finish(self, outputs: list[list[Pair]]) -> None:
        """Write the output to the sink, if any, and close the account."""
        report = self.report
        report.parts = len(outputs)
        report.pairs = sum(map(len, outputs))
        report.input_from = {"read in this process": report.splits}
        report.counters = self.counters
        report.elapsed_s = time.monotonic() - self.started
        if self.order.sink is not None:
            self._tell("committing", len(self.order.steps) - 1)
            self._commit(self.order.sink, outputs)
        self._tell("done", len(self.order.steps) - 1)

    def _commit(self, sink: Sink, outputs: list[list[Pair]]) -> None:
        parts: dict[int, PartMade] = {}
        for part, pairs in enumerate(outputs):
            writer = sink.open(part, 0)
            try:
                for keys, values in _Held(pairs)():
                    writer.write(keys, values)
                parts[part] = writer.close()
            except BaseException:
                writer.abort()
                raise
            if not sink.commit_part(part, 0):
                raise OutputError(f"part {part} of the output is gone or damaged")
        self.report.bytes_written = sum(made.size_bytes for made in parts.values())
        sink.commit_job(parts, self.report.as_dict())

    def _results(self, outputs: list[list[Pair]]) -> Results:
        sink = self.order.sink
        paths = () if sink is None else sink.paths
        # As with every runner: what was written is what is read.
        parts: Sequence[ReadPart] = [_Held(pairs) for pairs in outputs]
        if sink is not None:
            parts = sink.readers()
        return Results(parts, self.report.pairs, self.counters, self.report, paths)


class _Shuffle:
    """Brings pairs together: a dict of lists, and the part of each key."""

    def __init__(self, step: Step, parts: int) -> None:
        self.parts = parts
        self._step = step
        self._values: dict[Any, list[Any]] = {}
        self._parts: dict[Any, int] = {}

    def place(self, pair: Pair) -> Pair:
        """Give the pair the one form of its key, and find out where the key goes."""
        key = canonical(pair[0])
        try:
            known = key in self._parts
        except TypeError:
            known = False
        if not known:
            # Raises for a key that cannot be hashed, or by its identity only.
            key_hash(key)
            self._parts[key] = self._part_of(key)
        return key, pair[1]

    def add(self, pairs: Iterable[Pair]) -> None:
        for key, value in pairs:
            self._values.setdefault(key, []).append(value)

    def cut(self) -> None:
        """All pairs are here: find the ranges, exactly, since all keys are known."""
        if self._step.sampled:
            ranked = put_in_order(list(self._values), self._step.sort_keys or True)
            for at, key in enumerate(ranked):
                self._parts[key] = at * self.parts // len(ranked)

    def groups(self, part: int) -> list[tuple[Any, list[Any]]]:
        """The keys of one part with their values, in the order asked for."""
        keys = [key for key in self._values if self._parts[key] == part]
        step = self._step
        return [
            (key, put_in_order(self._values[key], step.sort_values))
            for key in put_in_order(keys, step.sort_keys)
        ]

    def _part_of(self, key: Any) -> int:
        function = self._step.partitionfn
        if self._step.sampled:
            return 0  # until `cut`
        if not callable(function):
            return part_of(key, self.parts)
        try:
            part = function(key, self.parts)
        except Exception as error:
            raise told(error, "partitionfn", None) from error
        if not isinstance(part, int) or not 0 <= part < self.parts:
            raise UserCodeError(
                f"partitionfn returned {preview(part)} for the key {preview(key)}",
                hint=f"It must return an int from 0 to {self.parts - 1}.",
            )
        return part


class _Held:
    """Reads pairs that are held in memory, in blocks."""

    def __init__(self, pairs: list[Pair]) -> None:
        self._pairs = pairs

    def __call__(self) -> Iterator[Columns]:
        for at in range(0, len(self._pairs), _BLOCK_PAIRS):
            block = self._pairs[at : at + _BLOCK_PAIRS]
            yield [key for key, _ in block], [value for _, value in block]
