"""One job on an engine, at the driver: its input, its account, its output."""

# Strategy: a runner asks for a parcel and for inputs, has its engine work on them, and
# brings back the parts without their data. What is the same on every engine is here:
# what goes in, what a bad end looks like, what is committed, and what it all cost.

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from mincer.errors import InputError, MincerError, OutputError
from mincer.ids import AttemptId
from mincer.job import Step
from mincer.net.same_folder import leave_token
from mincer.runners.account import report_of
from mincer.runners.base import SKIP_HINT, JobControl, JobOrder, Progress
from mincer.runners.engine.inputs import DriverSpool, Inputs, joined
from mincer.runners.engine.parcel import Account, MadePart, Parcel
from mincer.runners.engine.window import Fetch, Window
from mincer.runners.packing import pack_job, parts_of
from mincer.runners.report import Report
from mincer.runners.results import Results
from mincer.worker.orders import AttemptMade

__all__ = ["EngineJob"]

#: A group of parts gets about so much of the input, and an engine no more groups than
#: that takes, if its slots have some each. Where what comes for a group is streamed,
#: groups may be larger, and each slot has one.
_GROUP_BYTES = 32 << 20
_GROUPS_A_SLOT = 2
_STREAMED_BYTES = 64 << 20


class EngineJob:
    """A job between `run` and its results; use it in a `with`, which prepares the sink
    and leaves nothing of a job that failed.

    `engine`: its name for people. `slots`: how many tasks it runs at a time.
    `memory_bytes`: about what a task may take. `streams`: a task need not hold all that
    comes for its group of parts.
    """

    def __init__(
        self,
        order: JobOrder,
        control: JobControl,
        engine: str,
        slots: int,
        memory_bytes: int,
        *,
        streams: bool,
    ) -> None:
        self.order = order
        self.control = control
        self.engine = engine
        self.slots = slots
        self._memory_bytes = memory_bytes
        self._streams = streams
        self.started = time.monotonic()
        self.made: dict[AttemptId, AttemptMade] = {}
        self.skips: dict[AttemptId, int] = {}
        self.memory_bytes_max = 0
        self.outcomes: dict[str, int] = {"done": 0, "failed": 0}
        self.notes: list[str] = []
        self.output: list[AttemptMade] = []
        self._spool = DriverSpool()
        self._stack = contextlib.ExitStack()
        self._parcel: Parcel | None = None

    def __enter__(self) -> Self:
        self.order.source.check()
        sink = self.order.sink
        with self._stack:
            self._stack.enter_context(self._spool)
            if sink is not None:
                self._stack.enter_context(sink.writing(self.order.job))
            self._parcel = self._pack()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)
        if isinstance(error, MincerError):
            self._complete(error)

    # --- what goes in

    @property
    def parcel(self) -> Parcel:
        assert self._parcel is not None
        return self._parcel

    def _pack(self) -> Parcel:
        order = self.order
        first, sink = order.steps[0], order.sink
        shared = None if sink is None else sink.shared_folder
        parts = tuple(parts_of(order, number) for number in range(len(order.steps)))
        return Parcel(
            job=order.job,
            packed=pack_job(order, self._memory_bytes),
            parts=parts,
            groups=tuple(map(self._groups, parts, order.steps)),
            attempts_max=first.max_attempts,
            skips_max=sum(step.skip_bad_records for step in order.steps),
            task_timeout_s=first.task_timeout,
            token=None if shared is None else leave_token(shared),
        )

    def _groups(self, parts: int, step: Step) -> int:
        size_bytes = self.order.source.size_bytes
        if not self._streams and (size_bytes is None or step.parts is not None):
            return parts  # all that is known of how much comes for each
        group_bytes = _STREAMED_BYTES if self._streams else _GROUP_BYTES
        by_size = -(-(size_bytes or 0) // group_bytes)
        by_slots = self.slots * (1 if self._streams else _GROUPS_A_SLOT)
        return min(parts, max(by_slots, by_size))

    def inputs(self) -> Inputs:
        """What the maps of the first step are given: planned in the caller's own
        thread, as an iterable of his may belong to that."""
        self.tell("mapping")
        splits = []
        for split in self.order.source.plan(self._spool):
            self.control.check()
            splits.append(split)
        if self.order.records_max is not None:
            return Inputs(splits)
        return Inputs(joined(splits, self.slots))

    # --- how far it is

    def tell(
        self,
        phase: str,
        maps: tuple[int, int | None] = (0, None),
        reduces: tuple[int, int | None] = (0, None),
        step: int = 0,
    ) -> None:
        """Report; (done, of how many) for the maps and the reduces of a step."""
        self.control.report(
            Progress(
                phase,
                time.monotonic() - self.started,
                *maps,
                *reduces,
                step=step + 1,
                steps=len(self.order.steps),
                bytes_total=self.order.source.size_bytes,
                workers=self.slots,
            )
        )

    # --- what comes out

    def finish(
        self,
        parts: Sequence[MadePart],
        fetch: Fetch,
        close: Callable[[], None],
    ) -> Results:
        """Commit the output and give the result to the caller.

        `fetch`: brings the data of parts that the engine has; `close`: lets go of it.
        """
        sizes = [part.made.size_bytes if part.number is None else 0 for part in parts]
        read = Window(sizes, fetch).reader
        report = self._account(parts)
        sink = self.order.sink
        if sink is None:
            readers = [read(n) for n in range(len(parts))]
            self.tell("done")
            return Results(
                readers, report.pairs, report.counters, report, on_close=close
            )
        self.tell("committing")
        written = {}
        for index, part in enumerate(parts):
            written[index] = part.made
            if part.number is None:
                written[index] = sink.write_part(index, read(index)())
            elif not sink.commit_part(index, part.number):
                raise OutputError(
                    f"part {index} of the output is gone or damaged",
                    hint="Do the workers see the same folder as this program?",
                )
        report.bytes_written = sum(one.size_bytes for one in written.values())
        sink.commit_job(written, report.as_dict())
        close()
        self.tell("done")
        return Results(
            sink.readers(), report.pairs, report.counters, report, paths=sink.paths
        )

    @property
    def winners(self) -> tuple[AttemptId, ...]:
        return tuple(self.made)

    def _account(self, parts: Sequence[MadePart]) -> Report:
        accounts = [one for part in parts for one in part.accounts]
        self._check_skips(accounts)
        for one in accounts:
            self.made[one.made.attempt] = one.made
            if one.skipped:
                self.skips[one.made.attempt] = one.skipped
            self.outcomes["done"] += 1
            self.outcomes["failed"] += one.failed + one.skipped
        self.output = [part.accounts[-1].made for part in parts]
        report = report_of(self, self.engine, self.slots)
        report.input_from = {"read by workers": report.splits} if report.splits else {}
        return report

    def _check_skips(self, accounts: Iterable[Account]) -> None:
        left = self.parcel.skips_max
        for one in accounts:
            left -= one.skipped
            if left < 0 and one.why is not None:
                raise one.why

    def _complete(self, error: MincerError) -> None:
        """Add to an error what a worker could not know."""
        if error.user_traceback is not None and self._parcel is not None:
            from mincer.runners.failures import users_paths

            digest = self._parcel.packed.modules.digest
            error.user_traceback = users_paths(error.user_traceback, digest)
        if error.hint is None and error.where is not None:
            if isinstance(error, InputError) and os.path.isfile(error.where.source):
                error.hint = (
                    "It is here, but the worker opens it itself: put it where all "
                    "workers see it under the same path."
                )
            elif error.task is not None and " map " in f" {error.task}":
                error.hint = SKIP_HINT
