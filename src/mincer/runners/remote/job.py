"""A job on other machines, as its driver keeps it, who submitted it or came for it."""

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
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from mincer.core.events import Fault
from mincer.errors import CancelledError, DetachedError, JobError, MincerError
from mincer.ids import AttemptId, TaskId
from mincer.net.telling import error_of, made_of
from mincer.runners.account import Named
from mincer.runners.base import JobControl, Progress
from mincer.runners.failures import complete
from mincer.runners.remote.received import ReceivedParts
from mincer.store.disk import kept
from mincer.store.folder import OwnedFolder
from mincer.wire import frames
from mincer.wire.frames import attempt_of
from mincer.worker.orders import AttemptMade

if TYPE_CHECKING:
    from mincer.net.offers import Outputs
    from mincer.wire.packets import Buffer
    from mincer.wire.pulls import Thing

__all__ = ["RemoteJob"]

_FAULTS = {fault.value for fault in Fault}


class RemoteJob(ABC):
    """See `mincer.net.driver.Asker`, whose methods are called by the client's thread;
    the others belong to the one that asked for the job. `parts`: makes the place for
    the parts, in a folder."""

    def __init__(
        self, order: Named, control: JobControl, parts: Callable[[str], ReceivedParts]
    ) -> None:
        self.order = order
        self.control = control
        self.started = time.monotonic()
        self.token = b""
        self.made: dict[AttemptId, AttemptMade] = {}
        self.done: frames.JobDone | None = None
        self._error: MincerError | None = None
        self._failed: frames.JobFailed | None = None
        self.over = threading.Event()
        #: Its driver has left it: nothing of it is here any more.
        self.was_left = threading.Event()
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
            self.parts = parts(self.folder.path)
        except BaseException:
            self.folder.remove()
            raise

    @abstractmethod
    def find(self, thing: Thing) -> Outputs:
        """See `mincer.net.driver.Asker`."""

    @abstractmethod
    def fetched(self, told: frames.FetchTold) -> None:
        """What this driver came for is there, or not."""

    @abstractmethod
    def close_files(self) -> None:
        """Nothing more is given or received."""

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
        | frames.DetachTold
        | frames.FetchTold
        | frames.JobDone
        | frames.JobFailed
        | frames.ProgressTold,
    ) -> None:
        match frame:
            case frames.DetachTold():
                self._told_of_leaving(frame)
            case frames.FetchTold():
                self.fetched(frame)
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

    def _told_of_leaving(self, told: frames.DetachTold) -> None:
        if told.why and self.control.will_leave:
            # No part of the result will come here: to go on would be for ever.
            why = f"the job cannot be left to the coordinator: {told.why}"
            self._end(JobError(why, hint="Wait here for its result: no detach."))
        elif told.why:
            self.control.refuse_to_leave(told.why)
        elif told.owed:
            self.control.owed = f"{told.owed:,} pieces of its code and input are owed"
        else:
            self.was_left.set()
            self._end(DetachedError(self.order.job))

    def gone(self, why: str) -> None:
        self._end(JobError(f"the job was lost: {why}"))

    def _end(self, error: MincerError | None) -> None:
        if not self.over.is_set():
            self._error = error
            self.over.set()
            self.commits.put(None)

    @property
    def has_failed(self) -> bool:
        """True when the coordinator has said so."""
        return self._failed is not None

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
            bytes_total=self._bytes_total,
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

    @property
    def _bytes_total(self) -> int | None:
        return None

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
        fault = Fault(failed.fault) if failed.fault in _FAULTS else None
        self._complete(error, attempt, failed.record, fault)
        return error

    def _complete(
        self,
        error: MincerError,
        attempt: AttemptId,
        record: int | None,
        fault: Fault | None,
    ) -> None:
        """Add what the worker could not know."""
        complete(error, attempt, record, fault, lambda task, record: None)

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
    @abstractmethod
    def _shuffles_last(self) -> bool:
        """True when reduces make the parts of the result."""

    @property
    def output(self) -> list[AttemptMade]:
        """The attempts that made the parts of the result, in their order."""
        last = len(self.order.steps) - 1
        kind = "reduce" if self._shuffles_last else "map"
        won = sorted(one for one in self.made if one.task[1:3] == (last, kind))
        return [self.made[one] for one in won]

    def close(self) -> None:
        """Remove everything."""
        self.close_files()
        self.folder.remove()
