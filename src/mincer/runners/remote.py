"""A job on other machines, as its driver keeps it: for `Serve` and for `Cluster`."""

# Strategy: two threads. The user's own plans the source, since his iterable may belong
# to it, and commits parts, since that may take its time; the client's thread
# (net/client.py) must answer at any time, so all that it does here is to look up, and
# to write chunks.

from __future__ import annotations

import os
import queue
import tempfile
import threading
import time
from typing import TYPE_CHECKING

from mincer.core.events import Fault
from mincer.errors import (
    CancelledError,
    JobError,
    MincerError,
    NoConnectionError,
    RefusedError,
    Where,
)
from mincer.ids import AttemptId, TaskId, TaskKind
from mincer.net.membership import Standing
from mincer.net.telling import error_of, made_of
from mincer.runners.account import report_of
from mincer.runners.base import JobControl, JobOrder, Progress
from mincer.runners.failures import complete, users_paths, where_in
from mincer.runners.handover import Handover
from mincer.runners.packing import pack_job, parts_of
from mincer.runners.received import ReceivedParts
from mincer.runners.results import Results
from mincer.runners.stored import StoredPart
from mincer.sources.base import Split
from mincer.store.disk import kept
from mincer.store.folder import OwnedFolder
from mincer.structs import replace
from mincer.wire import frames
from mincer.wire.frames import attempt_of, name_of
from mincer.worker.orders import AttemptMade

if TYPE_CHECKING:
    from mincer.net.client import Client
    from mincer.net.offers import Outputs
    from mincer.wire.packets import Buffer
    from mincer.wire.pulls import Thing

__all__ = ["RemoteJob", "run_remote"]

_FAULTS = {fault.value for fault in Fault}
#: Splits that are handed over at once, and how long a slow iterable keeps them.
_SPLITS_AT_ONCE = 256
_HAND_OVER_S = 0.05
#: What a child is taken to have, as long as it is not known.
_MEMORY_BYTES = 256_000_000
_LOOK_S = 0.2
#: A coordinator that was never there is waited for so long.
_CONNECT_S_MAX = 15.0


class RemoteJob:
    """See `mincer.net.driver.Asker`, whose methods are called by the client's thread;
    the others belong to the one that asked for the job."""

    def __init__(self, order: JobOrder, control: JobControl, priority: int = 0) -> None:
        self.order = order
        self.priority = priority
        self.control = control
        self.token = os.urandom(16)
        self.started = time.monotonic()
        self.made: dict[AttemptId, AttemptMade] = {}
        self.done: frames.JobDone | None = None
        self._error: MincerError | None = None
        self._failed: frames.JobFailed | None = None
        self.over = threading.Event()
        self.skips: dict[AttemptId, int] = {}
        self.bytes_by_way = dict.fromkeys(frames.WAYS, 0)
        self.memory_bytes_max = 0
        with kept(os.path.join(tempfile.gettempdir(), "mincer")):
            self.folder = OwnedFolder()
        #: Parts that have come whole; None: the job is over.
        self.commits: queue.SimpleQueue[tuple[AttemptId, frames.Account] | None] = (
            queue.SimpleQueue()
        )
        try:
            self.parts = ReceivedParts(self.folder.path, order.sink)
            memory_bytes = order.memory_bytes or _MEMORY_BYTES
            # Without a token the sink is opened here alone.
            sent = order if self.parts.token else replace(order, sink=None)
            packed = pack_job(sent, memory_bytes)
        except BaseException:
            self.folder.remove()
            raise
        self.handover = Handover(order.job, self.folder.path, packed, self._end)

    @property
    def submit(self) -> frames.Submit:
        """What the coordinator is told of it."""
        steps = self.order.steps
        first = steps[0]
        return frames.Submit(
            self.order.job,
            self.token,
            self.order.name[:4000],
            [
                frames.StepTold(
                    code,
                    parts_of(self.order, number),
                    steps[number].shuffles,
                    steps[number].sampled,
                    self.parts.token is not None and number == len(steps) - 1,
                )
                for number, (code, _) in enumerate(self.handover.codes)
            ],
            self.handover.modules,
            attempts_max=first.max_attempts,
            skips_max=sum(step.skip_bad_records for step in steps),
            task_timeout_s=first.task_timeout,
            priority=self.priority,
            output=self.parts.token,
        )

    def find(self, thing: Thing) -> Outputs:
        """See `mincer.net.driver.Asker`."""
        return self.handover.find(thing)

    # --- what comes, in the client's thread

    def write(self, attempt: AttemptId, offset: int, data: Buffer) -> None:
        self.parts.write(attempt, offset, data)

    def commit(self, attempt: AttemptId, account: frames.Account) -> None:
        self.parts.close(attempt)
        self.commits.put((attempt, account))

    def drop(self, attempt: AttemptId) -> None:
        self.parts.drop(attempt)

    def told(
        self,
        frame: frames.AccountsTold
        | frames.JobDone
        | frames.JobFailed
        | frames.ProgressTold,
    ) -> None:
        match frame:
            case frames.AccountsTold(rows=rows):
                for row in rows:
                    attempt = attempt_of(self.order.job, row.attempt)
                    ended = self.started + row.ended_s
                    made = made_of(attempt, row.account, row.length_bytes, ended)
                    self.made[attempt] = made
                    for way, n in zip(frames.WAYS, row.account.by_way, strict=True):
                        self.bytes_by_way[way] += n
                    if row.skips:
                        self.skips[attempt] = row.skips
            case frames.JobDone():
                self.done = frame
                self._report(self._progress_at_end(frame))
                self._end(None)
            case frames.JobFailed():
                self._failed = self._failed or frame
                self._end(None)
            case frames.ProgressTold():
                self._report(self._progress(frame))

    def gone(self, why: str) -> None:
        self._end(JobError(f"the job was lost: {why}"))

    def _end(self, error: MincerError | None) -> None:
        if not self.over.is_set():
            self._error = error
            self.over.set()
            self.commits.put(None)

    @property
    def error(self) -> MincerError | None:
        """Why it is over and has no result; for the user's thread, since to find out
        may take its time."""
        if self._error is None and self.done is None and self._failed is not None:
            self._error = self._failure(self._failed)
        return self._error

    def _progress(self, told: frames.ProgressTold) -> Progress:
        return Progress(
            phase=told.phase,
            elapsed_s=time.monotonic() - self.started,
            maps_done=told.maps_done,
            maps_total=told.maps_total,
            reduces_done=told.reduces_done,
            reduces_total=told.reduces_total,
            step=told.step + 1,
            steps=len(self.order.steps),
            records=told.records,
            bytes_read=told.bytes_read,
            bytes_total=self.order.source.size_bytes,
            workers=told.workers,
            attempts_failed=told.attempts_failed,
            notes=tuple(told.notes),
        )

    def _progress_at_end(self, done: frames.JobDone) -> Progress:
        steps = len(self.order.steps)
        return Progress(
            phase="done",
            elapsed_s=time.monotonic() - self.started,
            step=steps,
            steps=steps,
            workers=done.workers,
            notes=tuple(done.notes),
        )

    def _report(self, progress: Progress) -> None:
        try:
            self.control.report(progress)
        except (Exception, SystemExit) as error:
            # The asker's own function: his error, told as such, and the job is over.
            kind = type(error).__name__
            self._end(JobError(f"the progress function raised {kind}: {error}"))

    def _failure(self, failed: frames.JobFailed) -> MincerError:
        """The one error that tells why there is no result."""
        if failed.error is None:
            if failed.task is None:
                return CancelledError(f"the job was cancelled: {failed.reason}")
            return JobError(failed.reason, task=str(TaskId("", *failed.task)))
        error = error_of(failed.error)
        if failed.attempt is None:
            return error
        attempt = attempt_of(self.order.job, failed.attempt)
        modules = self.handover.modules
        if error.user_traceback is not None and modules is not None:
            digest = modules.digest.hex()
            error.user_traceback = users_paths(error.user_traceback, digest)
        fault = Fault(failed.fault) if failed.fault in _FAULTS else None
        complete(error, attempt, failed.record, fault, self._where)
        return error

    def _where(self, task: TaskId, record: int) -> Where | None:
        if task.step == 0:
            split = self.handover.split(task.index)
            return None if split is None else where_in(split, record)
        # What it read has not come here: its name and the record's place in it.
        kind: TaskKind = "reduce" if self.order.steps[task.step - 1].shuffles else "map"
        before = TaskId(task.job, task.step - 1, kind, task.index)
        return Where(f"output of {before}", record)

    # --- the result, in the user's thread

    @property
    def winners(self) -> tuple[AttemptId, ...]:
        return tuple(self.made)

    @property
    def outcomes(self) -> dict[str, int]:
        return {} if self.done is None else dict(self.done.outcomes)

    @property
    def notes(self) -> list[str]:
        return [] if self.done is None else list(self.done.notes)

    @property
    def output(self) -> list[AttemptMade]:
        """The attempts that made the parts of the result, in their order."""
        last = len(self.order.steps) - 1
        kind = "reduce" if self.order.steps[last].shuffles else "map"
        won = sorted(one for one in self.made if one.task[1:3] == (last, kind))
        return [self.made[one] for one in won]

    def close_files(self) -> None:
        self.handover.close()
        self.parts.close_files()

    def close(self) -> None:
        """Remove everything."""
        self.close_files()
        self.folder.remove()


def run_remote(
    client: Client, order: JobOrder, control: JobControl, runner: str, priority: int = 0
) -> Results:
    """Run one job at the coordinator of `client`: see `mincer.runners.base.Runner`."""
    order.source.check()
    sink = order.sink
    if sink is not None:
        sink.check()
    job: RemoteJob | None = None
    try:
        if sink is not None:
            sink.prepare(order.job)
        job = RemoteJob(order, control, priority)
        client.submit(job.submit, job)
        _plan(job, client)
        _commit_parts(job, client)
        if job.error is not None:
            raise job.error
        results = _finish(job, runner)
    except BaseException:
        if job is not None:
            client.leave(order.job)
            job.close()
        if sink is not None:
            sink.abort_job()
        raise
    client.leave(order.job)
    return results


def _plan(job: RemoteJob, client: Client) -> None:
    """Read the plan of the source, in the caller's own thread: see `Local`."""
    splits: list[Split] = []
    handed = time.monotonic()

    def hand_over() -> None:
        for frame in job.handover.told_of(splits):
            client.say(frame)
        splits.clear()

    for split in job.order.source.plan(job.handover):
        splits.append(split)
        now = time.monotonic()
        if len(splits) >= _SPLITS_AT_ONCE or now - handed > _HAND_OVER_S:
            hand_over()
            handed = now
        job.control.check()
        if job.over.is_set():
            return
    if splits:
        hand_over()
    client.say(frames.InputEnd(job.order.job))


def _commit_parts(job: RemoteJob, client: Client) -> None:
    """Commit parts as they come, until the job is over."""
    name = job.order.job
    while not job.over.is_set() or not job.commits.empty():
        try:
            come = job.commits.get(timeout=_LOOK_S)
        except queue.Empty:
            job.control.check()
            _check_connection(job, client)
            continue
        if come is None:
            return
        attempt, account = come
        is_good = job.parts.commit(attempt, account)
        client.say(frames.Committed(name, name_of(attempt), not is_good))


def _check_connection(job: RemoteJob, client: Client) -> None:
    """Raise when nothing will come of this connection."""
    if client.is_over:
        raise client.crash or NoConnectionError("the connection has ended")
    if client.standing is Standing.REFUSED:
        raise RefusedError(
            f"refused by the coordinator at {client.where}: {client.why}",
            hint="Give the same password or key file as the coordinator has.",
        )
    waited_s = time.monotonic() - job.started
    if not client.was_there and waited_s > _CONNECT_S_MAX:
        raise NoConnectionError(
            f"no coordinator answers at {client.where}",
            hint="Start one there (mincer serve ADDRESS), or give another address.",
        )


def _finish(job: RemoteJob, runner: str) -> Results:
    """Commit the output and give the result to the caller."""
    assert job.done is not None
    report = report_of(job, runner, job.done.workers)
    report.bytes_by_way = job.bytes_by_way
    report.input_from = dict(job.done.input_from)
    sink = job.order.sink
    job.close_files()
    if sink is None:
        places = job.parts.places
        parts = [StoredPart(places[number]) for number in sorted(places)]
        counters, remove = report.counters, job.folder.remove
        return Results(parts, report.pairs, counters, report, on_close=remove)
    # Of what was sent the workers know only how large it was on its way.
    report.bytes_written = sum(made.size_bytes for made in job.parts.made.values())
    sink.commit_job(job.parts.made, report.as_dict())
    job.close()
    return Results(
        sink.readers(), report.pairs, report.counters, report, paths=sink.paths
    )
