"""The thread that owns the coordinator and the children: it obeys and it listens."""

# Strategy: one thread, so that nothing here needs a lock. Other threads leave a request
# and wake it. It does what the coordinator says and tells it what happened; what an id
# stands for is the job's own business (job.py).

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable

from mincer.core import commands, events
from mincer.core.coordinator import Coordinator
from mincer.core.events import Event, Fault
from mincer.errors import (
    Bug,
    JobError,
    MincerError,
)
from mincer.ids import AttemptId, JobId, WorkerId
from mincer.runners.local.job import LocalJob
from mincer.runners.local.progress import progress_of
from mincer.store.disk import kept
from mincer.store.folder import OwnedFolder
from mincer.worker.hands import Hands, Told
from mincer.worker.orders import AttemptMade, AttemptsUnbegun, PackedSplit

__all__ = ["LocalLoop"]

_WORKER = WorkerId("local", 0)
#: How often the children's memory is looked at, and progress told.
_LOOK_S = 0.05
_REPORT_S = 0.2
#: As long as children work on many small attempts, answers are gathered for this long:
#: to be woken for each would cost more than the attempt.
_GATHER_S = 0.00025


class LocalLoop:
    """Runs jobs on `slots` children until it is closed."""

    def __init__(self, slots: int, kill_at: dict[int, str] | None = None) -> None:
        self._coordinator = Coordinator()
        self._jobs: dict[JobId, LocalJob] = {}
        self._requests: deque[tuple[LocalJob, Callable[[], None]]] = deque()
        #: What has happened and the coordinator was not told yet.
        self._events: list[Event] = []
        self._looked = self._reported = 0.0
        self._closing = self._over = False
        self.crash: BaseException | None = None
        self.slots = slots
        self._thread = threading.Thread(target=self._run, name="mincer", daemon=True)
        self._kill_at = kill_at
        self._begun = threading.Event()
        try:
            self._thread.start()
            self._begun.wait()
            if self.crash is not None:
                raise self.crash
        except BaseException:
            self.close()
            raise

    @property
    def code_folder(self) -> str:
        """Where children unpack the user's modules, each set of them once."""
        return os.path.join(self._folder.path, "code")

    @property
    def is_over(self) -> bool:
        """True when it was closed, or cannot go on; a job that is submitted to it fails
        at once."""
        return self._over

    # Called from other threads.

    def submit(self, job: LocalJob) -> None:
        """Start a job whose splits will follow."""

        def start() -> None:
            self._jobs[job.order.job] = job
            self._tell(events.JobSubmitted(job.order.job, job.plan))

        self._ask(job, start)

    def add_splits(
        self, job: LocalJob, splits: list[PackedSplit], sizes: list[int]
    ) -> None:
        def add() -> None:
            first = job.add_splits(splits)
            if job.order.job in self._jobs:
                self._tell(events.SplitsAdded(job.order.job, first, tuple(sizes)))

        self._ask(job, add)

    def end_input(self, job: LocalJob) -> None:
        def end() -> None:
            if job.order.job in self._jobs:
                self._tell(events.InputEnded(job.order.job))

        self._ask(job, end)

    def cancel(self, job: LocalJob, reason: str) -> None:
        def cancel() -> None:
            if job.order.job in self._jobs:
                self._tell(events.JobCancelled(job.order.job, reason))
            else:  # it never came here, or is over
                job.over.set()

        self._ask(job, cancel)

    def wake(self) -> None:
        self._hands.wake()

    def close(self) -> None:
        """End the children and the thread; nothing is left when this returns."""
        self._closing = True
        if self._begun.is_set() and not self._over:
            self._hands.wake()
        # The collector may call this in any thread, in that one too.
        if self._thread.ident not in (None, threading.get_ident()):
            self._thread.join()

    def _ask(self, job: LocalJob, request: Callable[[], None]) -> None:
        self._requests.append((job, request))
        if self._over:
            self._give_up_jobs()
        else:
            self._hands.wake()

    # The thread.

    def _run(self) -> None:
        # Folder and children are made in here, where no Ctrl-C can come in between.
        try:
            with kept(os.path.join(tempfile.gettempdir(), "mincer")):
                self._folder = OwnedFolder()
            try:
                self._hands = Hands(self.slots, self._folder.path, self._kill_at)
                self._tell(events.WorkerJoined(_WORKER, self.slots))
                self._begun.set()
                try:
                    while not self._closing:
                        self._turn()
                finally:
                    self._hands.close()
            finally:
                self._folder.remove()
        except BaseException as error:
            self.crash = error
        finally:
            self._over = True
            self._begun.set()
            self._give_up_jobs()

    def _give_up_jobs(self) -> None:
        """All is over: whoever waits for a job must hear of it, and whoever still asks.

        Called by the thread at its end, then by those who ask, in theirs.
        """
        while self._jobs or self._requests:
            with contextlib.suppress(IndexError, KeyError):  # another one was faster
                job = (
                    self._jobs.popitem()[1]
                    if self._jobs
                    else self._requests.popleft()[0]
                )
                self._give_up(job)

    def _turn(self) -> None:
        if self._hands.have_queues and not self._requests:
            time.sleep(_GATHER_S)
        for told in self._hands.wait(self._patience()):
            self._hear(told)
        self._digest()
        if self._requests:  # one a turn: children must not wait for many
            self._requests.popleft()[1]()
        for job in list(self._jobs.values()):
            if job.control.cancelled:
                self._tell(events.JobCancelled(job.order.job, "cancelled"))
        now = time.monotonic()
        deadline = self._coordinator.deadline()
        if deadline is not None and deadline <= now:
            self._tell(events.Tick(self._in_work()))
        if now - self._looked >= _LOOK_S:
            self._looked = now
            self._look_at_memory()
        if now - self._reported >= _REPORT_S:
            self._reported = now
            for job in list(self._jobs.values()):
                self._report(job)

    def _in_work(self) -> tuple[tuple[AttemptId, int], ...]:
        return tuple(
            (attempt, position.record)
            for attempt, position in self._hands.in_work()
            if position.record is not None
        )

    def _patience(self) -> float | None:
        """How long nothing needs to be done unless somebody says something."""
        if self._closing or self._requests:
            return 0.0
        if self._hands.in_use:
            return _LOOK_S
        deadline = self._coordinator.deadline()
        if deadline is None:
            return _REPORT_S if self._jobs else None
        return max(0.0, min(_REPORT_S, deadline - time.monotonic()))

    def _tell(self, event: Event) -> None:
        """Hand an event to the coordinator, obey, and tell it what came of that."""
        self._events.append(event)
        self._digest()

    def _digest(self) -> None:
        """The same for all that has happened meanwhile."""
        while self._events:
            happened, self._events = self._events, []
            now = time.monotonic()
            for command in self._coordinator.handle_all(happened, now):
                self._obey(command)
            self._hands.send()

    def _obey(self, command: commands.Command) -> None:
        match command:
            case commands.StartAttempt():
                self._start(command)
            case commands.CancelAttempt(_, attempt, timed_out):
                self._cancel_attempt(attempt, timed_out)
            case commands.RecallAttempts(_, attempt):
                back = self._hands.recall(attempt)
                self._events.append(events.AttemptsReturned(_WORKER, back))
            case commands.PublishOutput(attempt, number):
                self._publish(attempt, number)
            case commands.CommitOutput(attempt):
                self._commit(attempt)
            case commands.DiscardOutput():
                pass  # it lies in a file of its child, and goes with that
            case commands.ReleaseStep():
                pass  # the end of the job follows, and its folder goes with that
            case commands.FinishJob(name, winners):
                job = self._jobs.pop(name)
                job.winners = winners
                self._report(job)
                job.over.set()
            case commands.FailJob():
                job = self._jobs.pop(command.job)
                job.failed = command
                job.over.set()

    def _start(self, command: commands.StartAttempt) -> None:
        job = self._jobs[command.attempt.task.job]
        self._hands.add(job.order_for(command), command.after, job.memory_bytes)

    def _cancel_attempt(self, attempt: AttemptId, timed_out: bool) -> None:
        job = self._jobs.get(attempt.task.job)
        if job is not None and timed_out:
            # The coordinator has ended it already: nothing is to be told there.
            job.keep_failure(self._hands.time_out(attempt, job.plan.task_timeout_s))
            return
        had_begun = self._hands.cancel(attempt)
        if job is not None:
            job.outcomes["cancelled"] += had_begun

    def _publish(self, attempt: AttemptId, number: int) -> None:
        job = self._jobs[attempt.task.job]
        try:
            job.publish(attempt, number)
        except MincerError as error:
            self._fail(job, error)

    def _fail(self, job: LocalJob, error: MincerError) -> None:
        job.error = error
        self._events.append(events.JobCancelled(job.order.job, error.what))

    def _commit(self, attempt: AttemptId) -> None:
        job = self._jobs[attempt.task.job]
        sink = job.order.sink
        assert sink is not None
        try:
            whole = sink.commit_part(attempt.task.index, attempt.number)
        except (MincerError, OSError) as error:
            self._fail(job, _as_mincer_error(error))
            return
        if whole:
            job.let_go(attempt)
        answer = events.OutputCommitted if whole else events.OutputRefused
        self._events.append(answer(attempt))

    def _hear(self, told: Told) -> None:
        """Take in what became of attempts; `_digest` follows."""
        if isinstance(told, AttemptsUnbegun):
            self._events.append(events.AttemptsReturned(_WORKER, told.attempts))
            return
        job = self._jobs.get(told.attempt.task.job)
        if job is None:
            return
        if isinstance(told, AttemptMade):
            job.keep(told)
            length = 0 if told.place is None else told.place.length_bytes
            self._events.append(
                events.AttemptDone(told.attempt, _WORKER, length, told.digest)
            )
            return
        job.keep_failure(told)
        if told.fault is Fault.DIED:
            number = told.attempt.number + 1
            job.notes.append(f"{told.error.what} (attempt {number})")
        self._events.append(
            events.AttemptFailed(
                told.attempt, _WORKER, told.fault, told.record, told.lost
            )
        )

    def _look_at_memory(self) -> None:
        for attempt, resident, ended in self._hands.sizes():
            job = self._jobs.get(attempt.task.job)
            if job is not None:
                job.memory_bytes_max = max(job.memory_bytes_max, resident)
            if ended is not None:
                self._hear(ended)
        self._digest()

    def _report(self, job: LocalJob) -> None:
        snapshot = self._coordinator.snapshot(job.order.job)
        doing = sum(
            position.done
            for attempt, position in self._hands.in_work()
            if attempt.task[:3] == (job.order.job, 0, "map")
        )
        try:
            job.control.report(progress_of(job, snapshot, self.slots, doing))
        except (Exception, SystemExit) as error:
            # The asker's own function: his error, told as such, and the job is over.
            job.error = JobError(
                f"the progress function raised {type(error).__name__}: {error}"
            )
            job.control.cancel()

    def _give_up(self, job: LocalJob) -> None:
        # Here, since at the end of the process no other thread may get to it.
        job.folder.remove()
        if job.error is None and isinstance(self.crash, MincerError):
            job.error = self.crash
        elif job.error is None and self.crash is not None:
            job.error = Bug(f"{type(self.crash).__name__}: {self.crash}")
            job.error.__cause__ = self.crash
        job.over.set()


def _as_mincer_error(error: Exception) -> MincerError:
    if isinstance(error, MincerError):
        return error
    return JobError(f"the output cannot be committed: {error}")
