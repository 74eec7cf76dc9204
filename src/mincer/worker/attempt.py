"""Run one attempt in a child: from an order to a reply."""

# Strategy: everything that can go wrong ends as a reply with the fault's name, so that
# the coordinator can decide; the child itself decides nothing and lives on. Only an
# attempt that met a pair it could not take in is made again here, exactly, since the
# first time it was not known which record made the pair.

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence

from mincer.codec import functions
from mincer.context import Context
from mincer.core.events import Fault
from mincer.errors import (
    Bug,
    JobError,
    MincerError,
    OverMemoryError,
    SegmentError,
    UserCodeError,
)
from mincer.flow.budget import Budget
from mincer.flow.mapper import Inexact
from mincer.flow.part import BlockPart
from mincer.flow.ports import PartWriter
from mincer.flow.stages import (
    MapAttempt,
    RecordError,
    map_task,
    reduce_task,
    sample_task,
)
from mincer.ids import AttemptId
from mincer.sources.copies import using
from mincer.store.disk import AppendFile, DiskScratch, FileCache, Place, PlaceReader
from mincer.worker.commits import read_commits
from mincer.worker.loaded import Loaded
from mincer.worker.machine import OwnSize
from mincer.worker.orders import (
    AttemptMade,
    AttemptsUnbegun,
    AttemptUnmade,
    JobCode,
    MapOrder,
    Order,
    ReduceOrder,
    Reply,
    SampleOrder,
    StepFiles,
)
from mincer.worker.page import Page
from mincer.worker.reserve import Reserve

__all__ = ["Bench"]

#: After a shorter attempt the collector waits until the last of them is done.
_SHORT_S = 0.005
#: Attempts that begin so soon after each other share one look at the memory. (No
#: record is read in that time that would be large enough to make a difference.)
_LOOK_S = 0.001


class _NoRoom(Exception):
    """Too little memory is left in this process for another attempt."""


class Bench:
    """A child's place of work: what it keeps from one attempt to the next.

    `name`: tells its files from those of other children.
    """

    def __init__(
        self, name: str, page: Page, reached: Callable[[str], None] | None = None
    ) -> None:
        self._name = name
        self._page = page
        #: For tests: called at points with a name, to be killed there.
        self._test_hook = reached
        self._files = FileCache()
        self._loaded = Loaded(self._files)
        self._output: AppendFile | None = None
        self._folder = ""
        self._size = OwnSize()
        self._reserve = Reserve(self._size)
        #: What the last look at the memory gave, for which limit, and when the next is
        #: due.
        self._budget: tuple[Budget, int | None] | None = None
        self._look_at = 0.0
        #: Processor time of this process, up to which it is in a reply.
        self._cpu_s = time.process_time()

    def run_in_turn(self, orders: Sequence[Order]) -> Iterator[Reply | AttemptsUnbegun]:
        """Run the attempts of these orders, one after the other.

        Those that the parent wants back, and those for which no memory is left as long
        as this process lives, are given back.
        """
        self._page.take()
        for n, order in enumerate(orders):
            try:
                reply = None if n and self._page.is_recalled else self.run(order, n)
            except _NoRoom:
                reply = None
            if reply is None:
                yield AttemptsUnbegun(tuple(order.attempt for order in orders[n:]))
                break
            if (
                n == len(orders) - 1
                or not isinstance(reply, AttemptMade)
                or reply.wall_s >= _SHORT_S
            ):
                self._tidy(reply)
            yield reply

    def _tidy(self, reply: Reply) -> None:
        """What is not done for each of many short attempts."""
        gc.collect()
        self._reserve.tidy()
        if isinstance(reply, AttemptMade):
            before, self._cpu_s = self._cpu_s, time.process_time()
            reply.cpu_s = self._cpu_s - before

    def run(self, order: Order, place_of: int = 0) -> Reply:
        """Run one attempt; never raises for what the user or the disk did.

        `place_of`: how many attempts came before it in the same turn. When they have
        left no memory, that is not its fault, and `_NoRoom` is raised.
        """
        attempt = order.attempt
        started = time.monotonic()
        try:
            reply = self._run(order, place_of)
        except _NoRoom:
            raise
        except RecordError as failed:
            # One record is at fault: another try is owed, or it is left out.
            known = failed.ordinal is not None
            fault = Fault.RAISED if known else _fault_of(failed.error)
            return AttemptUnmade(attempt, fault, failed.error, failed.ordinal)
        except SegmentError as error:
            if not isinstance(error.segment, AttemptId):
                return AttemptUnmade(attempt, Fault.WORKER_FAULT, error)
            lost = (error.segment,)
            return AttemptUnmade(attempt, Fault.NEED_LOST, error, lost=lost)
        except MincerError as error:
            return AttemptUnmade(attempt, _fault_of(error), error)
        except Exception as error:
            # Ours, then: tell all of it, and do not try the same again.
            import traceback

            bug = Bug(
                f"{type(error).__name__}: {error}",
                user_traceback=traceback.format_exc(),
            )
            return AttemptUnmade(attempt, Fault.HOPELESS, bug)
        reply.ended = time.monotonic()
        reply.wall_s = reply.ended - started
        return reply

    def close(self) -> None:
        """Close the files that are kept open."""
        self._files.close()
        self._size.close()
        if self._output is not None:
            self._output.close()

    def _run(self, order: Order, place_of: int) -> AttemptMade:
        careful = isinstance(order, MapOrder) and order.careful
        self._page.begin(careful=careful)
        code = self._loaded.code(order.files)
        output = self._open(order.files.folder)
        try:
            return self._try(order, place_of, code, output, exact=False)
        except Inexact:
            return self._try(order, place_of, code, output, exact=True)

    def _try(
        self,
        order: Order,
        place_of: int,
        code: JobCode,
        output: AppendFile,
        *,
        exact: bool,
    ) -> AttemptMade:
        output.begin()
        task, number = order.attempt
        context = Context(code.job_name, task, number + 1, params=code.params)
        try:
            budget = self._budget_of(order.files)
        except OverMemoryError as error:
            if place_of:
                raise _NoRoom from error
            raise
        with context:
            if isinstance(order, ReduceOrder):
                return self._reduce(order, code, output, context, budget)
            with using(order.copies):
                if isinstance(order, MapOrder):
                    return self._map(order, code, output, context, budget, exact)
                return self._sample(order, code, output, context, budget)

    def _map(
        self,
        order: MapOrder,
        code: JobCode,
        output: AppendFile,
        context: Context,
        budget: Budget,
        exact: bool,
    ) -> AttemptMade:
        split = self._loaded.split(order.split)
        context.split, context.tag = str(split), split.tag
        attempt = MapAttempt(
            records=split,
            tag=split.tag,
            budget=budget,
            context=context,
            publish=self._publish("map:batch"),
            skip=frozenset(order.skip),
            records_max=code.records_max,
            careful=order.careful,
            exact=exact,
        )
        program = self._loaded.program(code, order.files.cuts)
        self._reached("map:start")
        if code.step.shuffles:
            made = map_task(program, attempt, output, None)
            self._reached("map:written")
            place = output.commit()
            self._reached("map:committed")
            return AttemptMade(
                order.attempt, place, made.digest, made, context.counters
            )
        context.part = order.attempt.task.index
        writer, place_of = self._part_writer(order, code, output)
        try:
            made = map_task(program, attempt, None, writer)
        except BaseException:
            writer.abort()
            raise
        self._reached("map:written")
        return AttemptMade(
            order.attempt, place_of(), made.digest, made, context.counters
        )

    def _reduce(
        self,
        order: ReduceOrder,
        code: JobCode,
        output: AppendFile,
        context: Context,
        budget: Budget,
    ) -> AttemptMade:
        context.part = part = order.attempt.task.index
        commits = read_commits(order.log, order.commits, order.without)
        readers = [
            PlaceReader(commit.place, self._files, commit.attempt) for commit in commits
        ]
        program = self._loaded.program(code, order.files.cuts)
        writer, place_of = self._part_writer(order, code, output)
        scratch = DiskScratch(order.files.scratch)
        publish = self._publish("reduce:keys")
        self._reached("reduce:start")
        try:
            made = reduce_task(program, part, readers, writer, scratch, budget, publish)
        except BaseException:
            writer.abort()
            raise
        finally:
            scratch.close()
        self._reached("reduce:written")
        digest = hash((made.keys, made.values, made.part.pairs))
        return AttemptMade(order.attempt, place_of(), digest, made, context.counters)

    def _sample(
        self,
        order: SampleOrder,
        code: JobCode,
        output: AppendFile,
        context: Context,
        budget: Budget,
    ) -> AttemptMade:
        attempts = []
        for packed in order.splits:
            split = self._loaded.split(packed)
            attempts.append(
                MapAttempt(
                    records=split,
                    tag=split.tag,
                    budget=budget,
                    context=context,
                    publish=self._publish("sample:batch"),
                    records_max=code.records_max,
                )
            )
        try:
            cuts = sample_task(code.program(), attempts, len(attempts))
        except RecordError:
            # The map that has this record tells it better, and may leave it out.
            cuts = []
        self._reached("sample:mapped")
        output.write(functions.dump_value(cuts))
        return AttemptMade(order.attempt, output.commit(), hash(len(cuts)), None)

    def _reached(self, point: str) -> None:
        if self._test_hook is not None:
            self._test_hook(point)

    def _publish(self, point: str) -> Callable[[int, int], None]:
        """What tells how far an attempt is; it passes `point` each time."""

        def publish(ordinal: int, done: int) -> None:
            self._page.publish(ordinal, done)
            if ordinal > 0:
                self._reserve.look()
            elif ordinal == 0 and time.monotonic() >= self._look_at:
                self._reserve.expect()
            self._reached(point)

        return publish

    def _part_writer(
        self, order: MapOrder | ReduceOrder, code: JobCode, output: AppendFile
    ) -> tuple[PartWriter, Callable[[], Place | None]]:
        """Where a part goes: into the sink's own place, or into this child's file."""
        task, number = order.attempt
        if code.sink is not None and not order.files.sends:
            return code.sink.open(task.index, number), lambda: None
        return BlockPart(output), output.commit

    def _budget_of(self, files: StepFiles) -> Budget:
        last, now = self._budget, time.monotonic()
        limit = files.memory_bytes
        if last is not None and last[1] == limit and now < self._look_at:
            return last[0]
        self._reserve.begin(limit)
        budget = Budget(limit, self._size)
        self._budget, self._look_at = (budget, limit), now + _LOOK_S
        return budget

    def _open(self, folder: str) -> AppendFile:
        if self._output is None or self._folder != folder:
            if self._output is not None:
                self._output.close()
            self._output = AppendFile(os.path.join(folder, f"{self._name}.outputs"))
            self._folder = folder
        return self._output


def _fault_of(error: MincerError) -> Fault:
    if isinstance(error, OverMemoryError):
        return Fault.OVER_MEMORY
    if isinstance(error, UserCodeError):
        return Fault.RAISED
    return Fault.HOPELESS if isinstance(error, JobError) else Fault.RAISED
