"""One part from its runs to its output: passes, groups, order, reducer."""

# Strategy: a part that fits is one piece: group, sort, reduce, write. What does not fit
# is taken in pieces that do: some buckets, or bundles of a bucket too large for the
# room. Unsorted, the pieces simply follow one another. Sorted, each piece is reduced in
# its order and its output pairs are kept as a run under the key that they came of, then
# the runs are merged. With ranges the buckets are in order by themselves, so only the
# bundles of one bucket are ever merged.

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from mincer.calls import as_they_are, place_of_key
from mincer.codec.blocks import Block
from mincer.errors import MincerError
from mincer.flow.budget import Budget
from mincer.flow.combiner import FOLDS
from mincer.flow.cursor import Publish
from mincer.flow.fetcher import PartInput, Pass
from mincer.flow.grouper import Folded, Groups, gather
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
#: A part that may not fit is read in passes of this share of the room, or one bucket.
_PASSES = 8
#: Keys that are reduced between two looks at the rest of the world.
_KEYS_AT_ONCE = 1 << 10
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
        *,
        keys_written: bool = True,
    ) -> None:
        self._step = step
        self._keys_written = keys_written
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
        if self._grouped:
            self._groups(source)
        elif self._sorted:
            self._rows(source)
        else:
            for one in source.passes(self._room):
                for block in source.stream(one):
                    self.values += len(block.keys)
                    self._output.add_columns(block.keys, block.values)
        self._call.last(self._output.add)
        self._output.flush()

    def _rows(self, source: PartInput) -> None:
        """Pairs that nothing reduces, in order."""
        passes = source.passes(self._room)
        for together in [[one] for one in passes] if self._step.sampled else [passes]:
            if len(together) == 1 and together[0].weight_bytes <= self._room:
                keys, values = _columns(source.blocks(together[0]))
                self.values += len(keys)
                if self._keys_written:
                    self._rank(keys, values)
                else:
                    sort_by(order_keys(keys, self._order), values)
                    keys = [None] * len(values)
                self._output.add_columns(keys, values)
            else:
                with self._merged() as runs:
                    for one in together:
                        self._rows_in_order(source, one, runs)

    def _groups(self, source: PartInput) -> None:
        """Pairs that are grouped: each piece straight into the output, or, where that
        would not give the order, into runs that are merged."""
        by_range = self._step.sampled
        with ExitStack() as stack:
            runs: SortedRuns | None = None
            for tables, fits, is_last in self._pieces(source):
                alone = by_range or (is_last and runs is None)
                if not self._sorted or (fits and alone):
                    for table in tables:
                        self._straight(table)
                        gc.collect()
                    continue
                if runs is None:
                    runs = stack.enter_context(self._merged())
                for table in tables:
                    self._into_runs(table, runs)
                    gc.collect()
                if by_range:
                    stack.close()
                    runs = None

    def _pieces(
        self, source: PartInput
    ) -> Iterator[tuple[Iterable[Folded | Bundle], bool, bool]]:
        """Tables of consecutive passes; if this is one that fits, and if it is the
        last. One must be used up before the next is asked for."""
        left = source.passes(self._room)
        if len(left) > 1:
            left = source.passes(self._room / _PASSES)
        while left:
            table, taken = self._fold(source, left)
            if not taken and left[0].weight_bytes <= self._room:
                groups = Groups()
                taken = gather(groups, left, self._reader(source), self._room)
                table = Bundle(groups, [])
            if table is not None and taken:
                left = left[taken:]
                yield (table,), True, not left
                continue
            yield self._overflow(source, left[0]), False, False
            left = left[1:]

    def _fold(
        self, source: PartInput, passes: list[Pass]
    ) -> tuple[Folded | Bundle | None, int]:
        if not self._folds:
            return None, 0
        assert self._step.reducefn is not None
        folded = Folded(self._step.reducefn)
        try:
            taken = gather(folded, passes, self._reader(source), self._room)
        except Exception:
            # Whatever it is, the reducer itself meets it again, and there with its key.
            self._folds = False
            return None, 0
        self.keys += len(folded)
        self.values += sum(one.values for one in passes[:taken])
        return folded, taken

    def _reader(self, source: PartInput) -> Callable[[Pass], Iterator[Block]]:
        """Reads a pass: at once, or a block at a time when it is large."""

        def read(one: Pass) -> Iterator[Block]:
            fits = one.weight_bytes <= self._room
            return source.blocks(one) if fits else source.stream(one)

        return read

    def _overflow(self, source: PartInput, one: Pass) -> Iterator[Bundle]:
        return overflow(
            partial(source.stream, one),
            one.keys,
            one.values,
            one.weight_bytes,
            self._room,
            self._scratch,
        )

    @contextmanager
    def _merged(self) -> Iterator[SortedRuns]:
        """Runs to be filled; afterwards they are merged into the output."""
        runs = SortedRuns(self._scratch)
        try:
            yield runs
            for keys, values in runs.columns():
                self._output.add_columns(keys, values)
        finally:
            runs.close()

    def _straight(self, table: Folded | Bundle) -> None:
        if isinstance(table, Folded):
            self._output.add_columns(*self._ranked(table))
            return
        for groups in self._taken(table.groups):
            self._call.each(groups, self._output.add)
        self._call.each(self._streamed(table), self._output.add)
        self._output.flush()

    def _into_runs(self, table: Folded | Bundle, runs: SortedRuns) -> None:
        if isinstance(table, Folded):
            runs.begin()
            keys, values = self._ranked(table)
            runs.add(order_keys(keys, self._order), keys, values)
        else:
            self._bundle_in_order(table, runs)

    def _bundle_in_order(self, bundle: Bundle, runs: SortedRuns) -> None:
        runs.begin()
        for groups in self._taken(bundle.groups):
            self._reduce_into(groups, runs)
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

        self._call.each(watched(), add)
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

    def _streamed(self, bundle: Bundle) -> Iterator[Group]:
        for key, values in bundle.streamed:
            self.keys += 1
            self.values += len(values)
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

    def _taken(self, groups: Groups) -> Iterator[Iterator[Group]]:
        """Take the groups in their order, some at a time, and count them."""
        self.values += groups.values
        keys, values = self._ranked(groups)
        for at in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[at : at + _KEYS_AT_ONCE]
            of_some = [
                one if type(one) is Values else Values((one,))
                for one in values[at : at + _KEYS_AT_ONCE]
            ]
            pairs = zip(some, of_some, strict=True)
            yield self._values_in_order(pairs) if self._sorts_values else pairs
            self.keys += len(some)
            if len(some) == _KEYS_AT_ONCE:
                self._publish(self.keys, 0)

    def _values_in_order(self, groups: Iterator[tuple[Any, Values]]) -> Iterator[Group]:
        for key, values in groups:
            with _told_of(key, values):
                sort_values(values, self._value_order)
            yield key, values

    def _ranked(self, table: Folded | Groups) -> tuple[list[Any], list[Any]]:
        """Take what is in a table, in the order of its keys. (Keys in no order are not
        sorted twice, for a second column: to look them up again is cheaper.)"""
        keys = table.keys
        self._rank(keys)
        return keys, table.take(keys)

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
