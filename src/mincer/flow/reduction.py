"""One part from its runs to its output: passes, groups, order, reducer."""

# Strategy: a part that fits is one pass: group, sort, reduce, write. What does not fit
# is taken in pieces that do: more passes, and bundles of a bucket too large for the
# room. Unsorted, the pieces simply follow one another. Sorted, each piece is reduced in
# its order and its output pairs are kept as a run under the key that they came of, then
# the runs are merged. With ranges the buckets are in order by themselves, so only the
# bundles of one bucket are ever merged.

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from mincer.calls import as_they_are, place_of_key
from mincer.codec.blocks import Block
from mincer.errors import MincerError
from mincer.flow.budget import Budget
from mincer.flow.combiner import FOLDS
from mincer.flow.cursor import Publish
from mincer.flow.fetcher import PartInput, Pass
from mincer.flow.grouper import fold_blocks, group_blocks
from mincer.flow.merger import SortedRuns
from mincer.flow.overflow import Bundle, overflow
from mincer.flow.ports import PartWriter, Scratch, SegmentReader
from mincer.flow.reducer import OutputColumns, ReduceCall
from mincer.flow.sorter import sort_by, sort_values
from mincer.job import Step
from mincer.order import order_function, order_keys
from mincer.values import FileValues, Values

__all__ = ["Reduction"]

Group = tuple[Any, Values | FileValues]
#: Rows of one piece of an external sort are gathered up to this many.
_ROWS_MAX = 1 << 16


class Reduction:
    """Makes one part. `keys` and `values`: how many were met, for the account."""

    def __init__(
        self,
        step: Step,
        writer: PartWriter,
        scratch: Scratch,
        budget: Budget,
        publish: Publish,
    ) -> None:
        self._step = step
        self._scratch = scratch
        self._room = budget.room_bytes
        self._publish = publish
        self._sorted = step.sort_keys is not False
        self._order = order_function(step.sort_keys)
        self._sorts_values = step.sort_values is not False
        self._value_order = order_function(step.sort_values)
        self._output = OutputColumns(writer.write)
        self._call = ReduceCall(step.reducefn or as_they_are)
        self._folds = (
            step.reducefn is len or any(step.reducefn is fold for fold in FOLDS)
        ) and not self._sorts_values
        #: Without a reducer, and nothing to group for: pairs stay columns.
        self._grouped = step.reducefn is not None or self._sorts_values
        self.keys = 0
        self.values = 0

    def run(self, readers: Iterable[SegmentReader], first: int, last: int) -> None:
        """Reduce the buckets `first … last - 1` of all `readers`."""
        source = PartInput(readers, first, last)
        passes = source.passes(self._room)
        alone = not self._sorted or self._step.sampled
        for together in [[one] for one in passes] if alone else [passes]:
            if len(together) == 1 and together[0].weight_bytes <= self._room:
                self._whole(source, together[0])
            elif self._sorted:
                self._in_order(source, together)
            else:
                for one in together:
                    self._in_bundles(source, one)
        self._call.last(self._output.add)
        self._output.flush()

    def _whole(self, source: PartInput, one: Pass) -> None:
        """A pass that fits and whose output needs no merging."""
        read = partial(source.blocks, one)
        if not self._grouped:
            keys, values = _columns(read())
            self.values += len(keys)
            self._rank(keys, values)
            self._output.add_columns(keys, values)
            return
        folded = self._fold(read)
        if folded is not None:
            keys = list(folded)
            self._rank(keys)
            self.keys += len(keys)
            self.values += one.values
            values = [folded[key] for key in keys]
            folded.clear()
            self._output.add_columns(keys, values)
            return
        groups = group_blocks(read())
        keys = groups.keys
        self._rank(keys)
        self._reduce(groups.take(keys), self._output.add)
        self._output.flush()
        gc.collect()

    def _fold(self, read: Callable[[], Iterator[Block]]) -> dict[Any, Any] | None:
        if not self._folds:
            return None
        assert self._step.reducefn is not None
        try:
            return fold_blocks(read(), self._step.reducefn)
        except Exception:
            # Whatever it is, the reducer itself meets it again, and there with its key.
            return None

    def _in_bundles(self, source: PartInput, one: Pass) -> None:
        """A pass larger than the room, in no order."""
        if not self._grouped:
            for block in source.stream(one):
                self.values += len(block.keys)
                self._output.add_columns(block.keys, block.values)
            return
        for bundle in self._bundles(source, one):
            groups = bundle.groups
            self._reduce(groups.take(groups.keys), self._output.add)
            self._reduce(self._streamed(bundle), self._output.add)
            self._output.flush()
            gc.collect()

    def _in_order(self, source: PartInput, passes: list[Pass]) -> None:
        """Passes whose outputs must be merged into one order."""
        runs = SortedRuns(self._scratch)
        try:
            for one in passes:
                if self._grouped:
                    for bundle in self._bundles(source, one):
                        self._bundle_in_order(bundle, runs)
                        gc.collect()
                else:
                    self._rows_in_order(source, one, runs)
            for keys, values in runs.columns():
                self._output.add_columns(keys, values)
        finally:
            runs.close()

    def _bundle_in_order(self, bundle: Bundle, runs: SortedRuns) -> None:
        groups = bundle.groups
        runs.begin()
        keys = groups.keys
        self._rank(keys)
        self._reduce_into(groups.take(keys), runs)
        for group in self._streamed(bundle):
            runs.begin()
            self._reduce_into(iter((group,)), runs)

    def _reduce_into(self, groups: Iterator[Group], runs: SortedRuns) -> None:
        """Reduce `groups`; each output pair is kept under the key that it came of."""
        current: list[Any] = [None]
        under: list[Any] = []

        def watched() -> Iterator[Group]:
            for group in groups:
                current[0] = group[0]
                yield group

        def write(keys: list[Any], values: list[Any]) -> None:
            runs.add(order_keys(under[: len(keys)], self._order), keys, values)
            del under[: len(keys)]

        output = OutputColumns(write)

        def add(key: Any, value: Any) -> None:
            under.append(current[0])
            output.add(key, value)

        self._reduce(watched(), add)
        output.flush()

    def _rows_in_order(self, source: PartInput, one: Pass, runs: SortedRuns) -> None:
        """Pairs that nothing reduces, more of them than fit: an external sort."""
        keys: list[Any] = []
        values: list[Any] = []
        rows_max = max(
            64, min(_ROWS_MAX, int(self._room / 3 * one.values / one.weight_bytes))
        )
        for block in source.stream(one):
            keys += block.keys
            values += block.values
            self.values += len(block.keys)
            if len(keys) >= rows_max:
                self._row_run(keys, values, runs)
        self._row_run(keys, values, runs)

    def _row_run(self, keys: list[Any], values: list[Any], runs: SortedRuns) -> None:
        runs.begin()
        self._rank(keys, values)
        runs.add(order_keys(keys, self._order), keys, values)
        keys.clear()
        values.clear()

    def _bundles(self, source: PartInput, one: Pass) -> Iterator[Bundle]:
        if one.weight_bytes <= self._room:
            yield Bundle(group_blocks(source.blocks(one)), [])
            return
        yield from overflow(
            partial(source.stream, one),
            one.keys,
            one.values,
            one.weight_bytes,
            self._room,
            self._scratch,
        )

    def _streamed(self, bundle: Bundle) -> Iterator[Group]:
        for key, values in bundle.streamed:
            if not self._sorts_values:
                yield key, values
                continue
            runs = SortedRuns(self._scratch)
            try:
                with _told_of(key, values):
                    self._sort_streamed(values, runs)
                yield key, FileValues(len(values), partial(_second, runs))
            finally:
                runs.close()

    def _sort_streamed(self, values: FileValues, runs: SortedRuns) -> None:
        chunk: list[Any] = []
        rows_max = max(64, min(_ROWS_MAX, int(self._room / 3 / 256)))

        def write() -> None:
            runs.begin()
            sort_values(chunk, self._value_order)
            nothing = [None] * len(chunk)
            runs.add(order_keys(chunk, self._value_order), nothing, chunk)
            chunk.clear()

        for value in values:
            chunk.append(value)
            if len(chunk) >= rows_max:
                write()
        write()

    def _reduce(self, groups: Iterator[Group], add: Callable[[Any, Any], None]) -> None:
        self._call.each(self._counted(groups), add)

    def _counted(self, groups: Iterator[Group]) -> Iterator[Group]:
        """The groups, counted, with their values in order where that is asked for."""
        for key, values in groups:
            self.keys += 1
            self.values += len(values)
            if not self.keys & 1023:
                self._publish(self.keys, 0)
            if self._sorts_values and type(values) is Values:
                with _told_of(key, values):
                    sort_values(values, self._value_order)
            yield key, values

    def _rank(self, keys: list[Any], *values: list[Any]) -> None:
        """Put columns in the order of the first, when an order is asked for."""
        if self._sorted:
            sort_by(order_keys(keys, self._order), *values, keys)


@contextmanager
def _told_of(key: Any, values: Values | FileValues) -> Iterator[None]:
    try:
        yield
    except MincerError as error:
        error.where = place_of_key(key, values)
        raise


def _columns(blocks: Iterator[Block]) -> tuple[list[Any], list[Any]]:
    """The pairs of blocks that were not grouped, as two columns."""
    keys: list[Any] = []
    values: list[Any] = []
    for block in blocks:
        keys += block.keys
        values += block.values
    return keys, values


def _second(runs: SortedRuns) -> Iterator[list[Any]]:
    return (values for _, values in runs.columns())
