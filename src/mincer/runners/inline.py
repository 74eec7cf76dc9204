"""The reference runner: what mincer computes, one record after another, in lists."""

# Strategy: as plain as MapReduce can be said, so that it can be believed, and stepped
# through with pdb. What keys, orders and calls of user code are, it shares with the
# other runners; of how they move pairs, nothing. combinefn is never called: it may run
# 0 times, and a job whose result changes with it is wrong. Nothing is tried again. To
# leave out a record, its split is mapped anew, so that nothing of the record stays.

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import Any

from mincer import calls
from mincer.context import Context
from mincer.errors import MincerError
from mincer.flow.ports import BadRecord
from mincer.ids import TaskId, TaskKind
from mincer.job import default_parts
from mincer.order import in_order
from mincer.runners.base import SKIP_HINT, JobControl, JobOrder, Progress
from mincer.runners.report import Report
from mincer.runners.results import HeldPart, Results, results_of
from mincer.sources.base import Split

__all__ = ["Inline"]


class Inline:
    """Runs a job in the calling thread; see `mincer.runners.base.Runner`."""

    def run(self, order: JobOrder, control: JobControl) -> Results:
        order.source.check()
        if order.sink is None:
            return _Job(order, control).run()
        with order.sink.writing(order.job):
            return _Job(order, control).run()


class _Job:
    def __init__(self, order: JobOrder, control: JobControl) -> None:
        self.order, self.control = order, control
        self.report = Report(order.job, order.name, "inline", time.time(), workers=1)
        self.report.steps = len(order.steps)
        self.counters: Counter[str] = Counter()
        self.skips_max = sum(step.skip_bad_records for step in order.steps)
        self.parts = default_parts(order.source.size_bytes)
        self.started = time.monotonic()

    def run(self) -> Results:
        splits: Iterable[Split] = self.order.source.plan()
        for number, step in enumerate(self.order.steps):
            self.number, self.step = number, step
            self.parts = step.parts or self.parts  # as many as the step before
            splits = outputs = self.outputs(splits)
        self.report.counters = dict(self.counters)
        self.report.elapsed_s = time.monotonic() - self.started
        results = results_of(outputs, self.order.sink, self.report)
        self.tell("done")
        return results

    def outputs(self, splits: Iterable[Split]) -> list[HeldPart]:
        """Map each split; bring the values of each key together, in the key's part;
        reduce each part. Without a shuffle, what each split gives is a part."""
        self.place: dict[Any, int] = {}  # the part of each key
        mapped = [self.map(index, split) for index, split in enumerate(splits)]
        if not self.step.shuffles:
            return mapped
        if self.step.sampled:  # no need for a sample: all keys are here
            keys = in_order(list(self.place), self.step.sort_keys or True)
            for n, key in enumerate(keys):
                self.place[key] = n * self.parts // len(keys)
        groups: list[dict[Any, list[Any]]] = [{} for _ in range(self.parts)]
        for output in mapped:
            for key, value in output.pairs:
                groups[self.place[key]].setdefault(key, []).append(value)
        return [self.reduce(part, group) for part, group in enumerate(groups)]

    def map(self, index: int, split: Split) -> HeldPart:
        skip: set[int] = set()
        while True:
            context = self.context("map", index, len(skip) + 1)
            context.split, context.tag = str(split), split.tag
            context.part = None if self.step.shuffles else index
            try:
                with context:
                    pairs = self.mapped(split, frozenset(skip))
                    for key in dict(pairs) if self.step.shuffles else ():
                        part = calls.part_for(key, self.step, self.parts)
                        self.place.setdefault(key, part)
                self.counters.update(context.counters)
                self.tell("mapping")
                return HeldPart(context.task, pairs)
            except BadRecord as bad:
                if self.report.records_skipped == self.skips_max:
                    bad.error.task = context.title
                    bad.error.hint = bad.error.hint or SKIP_HINT
                    raise bad.error from bad.error.__cause__
                self.report.records_skipped += 1
                skip.add(bad.ordinal)

    def mapped(self, split: Split, skip: frozenset[int]) -> list[calls.Pair]:
        """The pairs of a split, without the records whose ordinals are in `skip`."""
        mapfn, last_pairs = calls.checked_mapper(self.step, split.tag)
        pairs: list[calls.Pair] = []
        found = (record for batch in split.read(skip) for record in batch.records())
        limit = None if self.number else self.order.records_max
        records = 0
        for ordinal, where, key, value in islice(found, limit):
            self.control.check()
            records += 1
            try:
                with calls.user_code("mapfn", where):
                    pairs += mapfn(key, value)
            except MincerError as error:
                raise BadRecord(ordinal, error) from error
        pairs += last_pairs()
        if not self.number:
            self.report.splits += 1
            self.report.records += records
        return pairs

    def reduce(self, part: int, groups: dict[Any, list[Any]]) -> HeldPart:
        pairs: list[calls.Pair] = []
        with self.context("reduce", part) as context:
            context.part = part
            function = self.step.reducefn or calls.as_they_are
            reducefn, close = calls.instance_of(function, "reducefn")
            for key in in_order(list(groups), self.step.sort_keys):
                self.control.check()
                where = partial(calls.place_of_key, key, groups[key])
                with calls.user_code("reducefn", where):
                    values = in_order(groups[key], self.step.sort_values)
                    pairs += calls.reduced(reducefn, key, values)
            pairs += calls.last_pairs(close, "reducefn")
        self.counters.update(context.counters)
        return HeldPart(context.task, pairs)

    def context(self, kind: TaskKind, index: int, attempt: int = 1) -> Context:
        task = TaskId(self.order.job, self.number, kind, index)
        return Context(self.order.name, str(task), attempt, params=self.order.params)

    def tell(self, phase: str) -> None:
        elapsed_s = time.monotonic() - self.started
        self.control.report(Progress(phase, elapsed_s, records=self.report.records))
