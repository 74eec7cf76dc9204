"""A job on other machines, as its driver keeps it: for `Serve` and for `Cluster`."""

# Strategy: two threads. The user's own plans the source, since his iterable may belong
# to it, and commits parts, since that may take its time; the client's thread
# (net/client.py) must answer at any time, so all that it does here is to look up, and
# to write chunks.

from __future__ import annotations

import contextlib
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
    SegmentError,
    Where,
)
from mincer.flow.ports import PartMade
from mincer.ids import AttemptId
from mincer.net.membership import Standing
from mincer.net.telling import error_of, made_of
from mincer.runners.account import report_of
from mincer.runners.base import SKIP_HINT, JobControl, JobOrder, Progress
from mincer.runners.handover import Handover
from mincer.runners.packing import pack_job, parts_of
from mincer.runners.results import Results
from mincer.runners.stored import StoredPart
from mincer.sources.base import Split
from mincer.store.disk import Place, kept
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

    def __init__(self, order: JobOrder, control: JobControl) -> None:
        self.order = order
        self.control = control
        self.token = os.urandom(16)
        self.started = time.monotonic()
        self.made: dict[AttemptId, AttemptMade] = {}
        self.done: frames.JobDone | None = None
        self.error: MincerError | None = None
        self.over = threading.Event()
        self.skips: dict[AttemptId, int] = {}
        self.memory_bytes_max = 0
        #: The parts that count: what the sink made of them, or where they lie.
        self.parts_made: dict[int, PartMade] = {}
        self.places: dict[int, Place] = {}
        with kept(os.path.join(tempfile.gettempdir(), "mincer")):
            self.folder = OwnedFolder()
        #: Parts that have come whole; None: the job is over.
        self.commits: queue.SimpleQueue[tuple[AttemptId, frames.Account] | None] = (
            queue.SimpleQueue()
        )
        self._parts: dict[AttemptId, int] = {}
        try:
            memory_bytes = order.memory_bytes or _MEMORY_BYTES
            # Parts come here as blocks, and the sink is opened here.
            packed = pack_job(replace(order, sink=None), memory_bytes)
        except BaseException:
            self.folder.remove()
            raise
        self.handover = Handover(order.job, self.folder.path, packed)

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
                    False,
                )
                for number, (code, _) in enumerate(self.handover.codes)
            ],
            self.handover.modules,
            attempts_max=first.max_attempts,
            skips_max=sum(step.skip_bad_records for step in steps),
            task_timeout_s=first.task_timeout,
        )

    def find(self, thing: Thing) -> Outputs:
        """See `mincer.net.driver.Asker`."""
        return self.handover.find(thing)

    # --- what comes, in the client's thread

    def write(self, attempt: AttemptId, offset: int, data: Buffer) -> None:
        file = self._parts.get(attempt)
        path = self._path(attempt)
        with kept(path):
            if file is None:
                file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
                self._parts[attempt] = file
            left = memoryview(data)
            while left:
                done = os.pwrite(file, left, offset)
                left, offset = left[done:], offset + done

    def _path(self, attempt: AttemptId) -> str:
        name = f"part-{attempt.task.index}-{attempt.number}"
        return os.path.join(self.folder.path, name)

    def commit(self, attempt: AttemptId, account: frames.Account) -> None:
        file = self._parts.pop(attempt, None)
        if file is not None:
            os.close(file)
        self.commits.put((attempt, account))

    def drop(self, attempt: AttemptId) -> None:
        file = self._parts.pop(attempt, None)
        if file is not None:
            os.close(file)
            with contextlib.suppress(OSError):
                os.remove(self._path(attempt))

    def told(
        self,
        frame: frames.AccountsTold
        | frames.JobDone
        | frames.JobFailed
        | frames.ProgressTold,
    ) -> None:
        match frame:
            case frames.AccountsTold(rows=rows):
                now = time.monotonic()
                for name, length_bytes, account, skips in rows:
                    attempt = attempt_of(self.order.job, name)
                    self.made[attempt] = made_of(attempt, account, length_bytes, now)
                    if skips:
                        self.skips[attempt] = skips
            case frames.JobDone():
                self.done = frame
                self._report(self._progress_at_end(frame))
                self._end(None)
            case frames.JobFailed():
                self._end(self._failure(frame))
            case frames.ProgressTold():
                self._report(self._progress(frame))

    def gone(self, why: str) -> None:
        self._end(JobError(f"the job was lost: {why}"))

    def _end(self, error: MincerError | None) -> None:
        if not self.over.is_set():
            self.error = error
            self.over.set()
            self.commits.put(None)

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
            return JobError(failed.reason)
        error = error_of(failed.error)
        if failed.attempt is None:
            return error
        attempt = attempt_of(self.order.job, failed.attempt)
        if error.where is None and failed.record is not None:
            # The input may be gone meanwhile, and that is not what is to be told.
            with contextlib.suppress(MincerError, OSError):
                error.where = self._where(attempt, failed.record)
        if error.task is None:
            error.task = str(attempt)
        is_raised = failed.fault == Fault.RAISED.value
        if is_raised and error.hint is None and failed.record is not None:
            error.hint = SKIP_HINT
        return error

    def _where(self, attempt: AttemptId, record: int) -> Where | None:
        return None

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

    def commit_part(self, attempt: AttemptId, account: frames.Account) -> bool:
        """Make a part count that has come whole; False: it is not what was promised."""
        if account.part is None:
            return False
        path = self._path(attempt)
        length = os.path.getsize(path) if os.path.exists(path) else 0
        sink = self.order.sink
        if sink is None:
            self.places[attempt.task.index] = Place(path, 0, length)
            return True
        read = StoredPart(Place(path, 0, length))
        part = attempt.task.index
        writer = sink.open(part, attempt.number)
        try:
            for keys, values in read():
                writer.write(keys, values)
            self.parts_made[part] = writer.close()
        except SegmentError:
            writer.abort()
            return False
        except BaseException:
            writer.abort()
            raise
        with contextlib.suppress(OSError):
            os.remove(path)
        return sink.commit_part(part, attempt.number)

    def close_files(self) -> None:
        self.handover.close()
        for file in self._parts.values():
            os.close(file)
        self._parts.clear()

    def close(self) -> None:
        """Remove everything."""
        self.close_files()
        self.folder.remove()


def run_remote(
    client: Client, order: JobOrder, control: JobControl, runner: str
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
        job = RemoteJob(order, control)
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
        _check_connection(job, client)  # a source may be endless
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
        is_good = job.commit_part(attempt, account)
        client.say(frames.Committed(name, name_of(attempt), not is_good))


def _check_connection(job: RemoteJob, client: Client) -> None:
    """Raise when nothing will come of this connection."""
    if client.is_over:
        raise client.crash or NoConnectionError("the connection has ended")
    if client.standing is Standing.REFUSED:
        raise RefusedError(
            f"refused by the coordinator at {client.where}: {client.why}",
            hint=client.hint,
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
    sink = job.order.sink
    job.close_files()
    if sink is None:
        parts = [StoredPart(job.places[number]) for number in sorted(job.places)]
        counters, remove = report.counters, job.folder.remove
        return Results(parts, report.pairs, counters, report, on_close=remove)
    sink.commit_job(job.parts_made, report.as_dict())
    job.close()
    return Results(
        sink.readers(), report.pairs, report.counters, report, paths=sink.paths
    )
