"""`Local`: the cores of this machine, for one job or for many."""

from __future__ import annotations

import os
import threading
import time
import weakref
from types import TracebackType
from typing import Self

from mincer.errors import UsageError
from mincer.limits import MEMORY_BYTES_MIN, parse_size
from mincer.runners.account import part_of, report_of
from mincer.runners.base import JobControl, JobOrder
from mincer.runners.local.account import failure_of
from mincer.runners.local.job import LocalJob
from mincer.runners.local.loop import LocalLoop
from mincer.runners.results import Results
from mincer.runners.stored import StoredPart
from mincer.sinks.base import Sink
from mincer.sources.base import Split
from mincer.worker.machine import cores, memory_per_slot
from mincer.worker.orders import pack_splits

__all__ = ["Local"]

#: Splits that are handed to the loop at once: waking it for each would cost more.
_SPLITS_AT_ONCE = 256
#: A slow iterable hands over what it has after this long.
_HAND_OVER_S = 0.05


class Local:
    """Child processes on this machine.

    `workers`: how many, by default the cores that this process may use. `memory`: the
    limit of each ("512MB", or bytes), by default half of the machine's, shared out.
    The children start with the first job and stay until `close()` or the end of a
    `with`, so that a loop of jobs pays for their start once. Several threads may run
    jobs at once.
    """

    def __init__(
        self, workers: int | None = None, memory: int | str | None = None
    ) -> None:
        if workers is not None and (type(workers) is not int or workers < 1):
            raise UsageError(f"workers must be an int, at least 1, not {workers!r}")
        self._slots = workers or cores()
        if memory is None:
            self._memory_bytes = memory_per_slot(self._slots)
        else:
            self._memory_bytes = parse_size(memory, "memory")
            if self._memory_bytes < MEMORY_BYTES_MIN:
                raise UsageError(
                    f"memory must be at least {MEMORY_BYTES_MIN / 1e6:.0f}MB, "
                    f"not {memory!r}"
                )
        self._loop: LocalLoop | None = None
        #: Several threads may start it, or close it.
        self._lock = threading.RLock()
        self._pid = 0
        #: For tests: where the first child of each slot kills itself.
        self._kill_at: dict[int, str] = {}
        self._finalizer: weakref.finalize[[LocalLoop, int], Local] | None = None

    def start(self) -> None:
        """Start the children now, while the caller gets ready what they will do."""
        self._started()

    def _started(self) -> LocalLoop:
        with self._lock:
            if self._loop is not None and self._pid != os.getpid():
                # This process was forked from the one that the children belong to.
                self._forget()
            elif self._loop is not None and self._loop.is_over:
                self.close()  # it could not go on; a new one may
            if self._loop is None:
                self._pid = os.getpid()
                self._loop = loop = LocalLoop(self._slots, self._kill_at)
                self._finalizer = weakref.finalize(self, _close, loop, self._pid)
            return self._loop

    def close(self) -> None:
        """End the children. Harmless when repeated; the next job starts new ones."""
        with self._lock:
            if self._loop is not None:
                _close(self._loop, self._pid)
            self._forget()

    def _forget(self) -> None:
        if self._finalizer is not None:
            self._finalizer.detach()
        self._loop = self._finalizer = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """Run one job: see `mincer.runners.base.Runner`."""
        if order.workers not in (None, self._slots):
            raise UsageError(
                f"workers={order.workers} was given to a runner of {self._slots}",
                hint="Give it to Local(workers=…), or not at all.",
            )
        loop = self._started()
        order.source.check()
        sink = order.sink
        if sink is not None:
            sink.check()
        job: LocalJob | None = None
        try:
            if sink is not None:
                sink.prepare(order.job)
            memory_bytes = order.memory_bytes or self._memory_bytes
            job = LocalJob(order, control, memory_bytes, loop.code_folder)
            control.wake = loop.wake
            loop.submit(job)
            try:
                self._plan(job, loop)
            except FileNotFoundError:
                if not loop.is_over:
                    raise
                # The loop could not go on and took the job's folder: told below.
            job.over.wait()
            if not job.is_done:
                raise failure_of(job)
            return _finish(job, self._slots)
        except BaseException:
            _abandon(job, loop, sink)
            raise
        finally:
            control.wake = _nobody  # the asker may keep `control`, and wake nothing

    def _plan(self, job: LocalJob, loop: LocalLoop) -> None:
        """Read the plan of the source, in the caller's own thread: an iterable of his
        may belong to it (a cursor of sqlite3 does)."""
        splits: list[Split] = []
        handed = time.monotonic()
        for split in job.order.source.plan(_LazySpool(job)):
            splits.append(split)
            now = time.monotonic()
            if len(splits) >= _SPLITS_AT_ONCE or now - handed > _HAND_OVER_S:
                _hand_over(job, loop, splits)
                splits, handed = [], now
            if job.over.is_set():
                return
        if splits:
            _hand_over(job, loop, splits)
        loop.end_input(job)


def _hand_over(job: LocalJob, loop: LocalLoop, splits: list[Split]) -> None:
    loop.add_splits(job, pack_splits(splits), [split.size_bytes for split in splits])


def _close(loop: LocalLoop, pid: int) -> None:
    """End the loop, unless this process was forked from its own."""
    if os.getpid() == pid:
        loop.close()


def _nobody() -> None:
    """Wake nobody."""


def _abandon(job: LocalJob | None, loop: LocalLoop, sink: Sink | None) -> None:
    """Leave nothing of a job, also when Ctrl-C is pressed again meanwhile."""
    try:
        if job is not None:
            try:
                loop.cancel(job, "interrupted")
                job.over.wait()
            finally:
                job.close()
    finally:
        if sink is not None:
            sink.abort_job()


def _finish(job: LocalJob, workers: int) -> Results:
    """Commit the output and give the result to the caller."""
    last = job.output
    report = report_of(job, "local", workers)
    sink = job.order.sink
    if sink is None:
        job.keep_output()
        parts = [StoredPart(made.place) for made in last if made.place is not None]
        remove = job.folder.remove
        counters = report.counters
        return Results(parts, report.pairs, counters, report, on_close=remove)
    parts_made = {made.attempt.task.index: part_of(made) for made in last}
    sink.commit_job(parts_made, report.as_dict())
    job.close()
    return Results(
        sink.readers(), report.pairs, report.counters, report, paths=sink.paths
    )


class _LazySpool:
    """The job's spool, made when something is put there."""

    def __init__(self, job: LocalJob) -> None:
        self._job = job

    def append(self, data: bytes) -> tuple[str, int, int]:
        return self._job.spool().append(data)
