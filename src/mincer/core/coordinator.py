"""The life of all jobs: given what happened and when, what must be done."""

# Strategy: the shell says what happened and obeys what comes back, in order. The
# coordinator has no clock: `now` is an argument, and `deadline()` tells when a `Tick`
# is due.
#
# Leases and task times end on a `Tick` and on no other event. A shell hands in all that
# it has received before it ticks; so when it wakes from a sleep, the heartbeats that
# wait in its queue are heard first, and no worker is taken for dead in the meantime.

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from mincer.core import policy
from mincer.core.active_job import ActiveJob
from mincer.core.commands import Command, DiscardOutput
from mincer.core.events import (
    AttemptDone,
    AttemptFailed,
    AttemptsReturned,
    Event,
    Fault,
    InputEnded,
    InputFound,
    JobCancelled,
    JobSubmitted,
    OutputCommitted,
    OutputRefused,
    SegmentLost,
    SplitsAdded,
    Tick,
    WorkerJoined,
    WorkerLeaving,
    WorkerLost,
    WorkerSeen,
)
from mincer.core.roster import Roster
from mincer.core.snapshot import JobSnapshot, snapshot_of
from mincer.errors import Bug
from mincer.ids import JobId, WorkerId
from mincer.limits import JOBS_REMEMBERED

__all__ = ["Coordinator"]


class Coordinator:
    """Decides which attempt runs where, without sockets, clocks or threads.

    The shell calls `handle` for everything that happens and obeys the commands it
    returns, in order. Nothing else may change this object.
    """

    def __init__(self) -> None:
        self.roster = Roster()
        #: The jobs that run; the one that was given something last is at the end.
        self.jobs: OrderedDict[JobId, ActiveJob] = OrderedDict()
        #: Jobs that are over, and if they have a result. What still comes about them
        #: is late.
        self._ended: OrderedDict[JobId, bool] = OrderedDict()
        self._out: list[Command] = []
        self._on: dict[type[Any], Callable[[Any], None]] = {
            WorkerJoined: self._worker_joined,
            WorkerSeen: self._worker_seen,
            WorkerLeaving: self._worker_leaving,
            WorkerLost: self._worker_lost,
            JobSubmitted: self._job_submitted,
            SplitsAdded: self._splits_added,
            InputFound: self._input_found,
            InputEnded: self._input_ended,
            JobCancelled: self._job_cancelled,
            AttemptDone: self._attempt_done,
            AttemptFailed: self._attempt_failed,
            AttemptsReturned: self._attempts_returned,
            SegmentLost: self._segment_lost,
            OutputCommitted: self._output_committed,
            OutputRefused: self._output_refused,
            Tick: self._tick,
        }

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take in one event; return what the shell must do about it.

        `now`: seconds of a monotonic clock. Late and repeated events are normal (a
        worker may be slow or have been replaced) and are answered with no command, or
        with `DiscardOutput` for an output that nobody will read. Impossible ones raise
        `Bug`.
        """
        return self.handle_all((event,), now)

    def handle_all(self, events: Iterable[Event], now: float) -> list[Command]:
        """Take in events that came together, in their order, and then look at what is
        to be given out: for many small attempts, that is most of the work."""
        self.roster.now = now
        for event in events:
            self._on[type(event)](event)
        self._end_jobs()
        self._give_out()
        commands = self._out.copy()
        self._out.clear()  # the same list stays in the hands of the jobs
        return commands

    def deadline(self) -> float | None:
        """When to hand in a `Tick`, if nothing happens before; None: never."""
        times = [self.roster.next_expiry]
        for job in self.jobs.values():
            first = next(iter(job.attempts.slots), None)
            if first is not None and job.plan.task_timeout_s is not None:
                times.append(first.queue[0].started + job.plan.task_timeout_s)
        if self.roster.idle:
            copies = policy.copies(self.jobs.values(), self.roster)
            times += [copy.due for copy in copies]
            times += [due for due, _, _ in policy.stuck(self.jobs.values())]
        return min((time for time in times if time is not None), default=None)

    def snapshot(self, job: JobId) -> JobSnapshot | None:
        """How far this job is; None when it is over or was never here."""
        if job not in self.jobs:
            return None
        workers = len(self.roster.workers)
        return snapshot_of(self.jobs[job], workers, len(self.roster.healthy))

    # --- workers

    def _worker_joined(self, event: WorkerJoined) -> None:
        before = self.roster.last_life(event.worker.name)
        if before is not None:
            if event.worker.incarnation <= before.incarnation:
                return
            self._lose(before)
        self.roster.join(event.worker, event.slots)

    def _worker_seen(self, event: WorkerSeen) -> None:
        self.roster.seen(event.worker, self.roster.now)

    def _worker_leaving(self, event: WorkerLeaving) -> None:
        self.roster.leave(event.worker)
        self._give_another_chance()

    def _worker_lost(self, event: WorkerLost) -> None:
        self._lose(event.worker)

    def _lose(self, id: WorkerId) -> None:
        """The worker is gone, with its attempts and all that it kept.

        Attempts first: those that ran there were lost with their worker, which counts
        against a task that takes one worker after another with it. From the last on, so
        that those that waited have not begun when they are lost.
        """
        worker = self.roster.remove(id)
        if worker is None:
            return
        self._give_another_chance()
        for attempt in reversed(worker.attempts):
            job = self.jobs[attempt.task.job]
            if not job.is_over:
                job.attempt_lost(attempt)
        for task in worker.keeps:
            job = self.jobs[task.job]
            if not job.is_over:
                job.output_lost(job.tasks.task(task))

    def _give_another_chance(self) -> None:
        """Of one who was healthy nothing more will come. Those who are shunned are all
        that there is: either one of them can do it now, or jobs fail with a reason."""
        if not self.roster.healthy:
            self.roster.forgive()

    # --- jobs

    def _job(self, id: JobId) -> ActiveJob | None:
        """The job of that name, if it is not over."""
        job = self.jobs.get(id)
        if job is None or not job.is_over:
            return job
        self._end_jobs()  # it ended by an event that came together with this one
        return None

    def _job_submitted(self, event: JobSubmitted) -> None:
        if event.job not in self.jobs and event.job not in self._ended:
            job = ActiveJob(event.job, event.plan, self.roster, self._out)
            self.jobs[event.job] = job

    def _splits_added(self, event: SplitsAdded) -> None:
        job = self._job(event.job)
        if job is None:
            return
        step = job.tasks.steps[0]
        known = len(step.map.tasks)
        if event.first < known:
            return
        if event.first > known or step.ended:
            raise Bug(
                f"job {event.job}: splits from {event.first} on cannot follow {known} "
                f"splits ({'ended' if step.ended else 'not ended'})"
            )
        job.tasks.add_maps(len(event.sizes), event.homes)

    def _input_found(self, event: InputFound) -> None:
        job = self._job(event.job)
        if job is not None:
            job.tasks.homes.found(event.worker, event.homes)

    def _input_ended(self, event: InputEnded) -> None:
        job = self._job(event.job)
        if job is not None and not job.tasks.steps[0].ended:
            job.tasks.end_input()

    def _job_cancelled(self, event: JobCancelled) -> None:
        job = self._job(event.job)
        if job is not None:
            job.fail(event.reason)

    def _end_jobs(self) -> None:
        """Finish what is done, and forget what is over."""
        for job in list(self.jobs.values()):
            if not job.is_over and job.tasks.finish.is_open:
                job.finish()
            if job.is_over:
                del self.jobs[job.id]
                self._ended[job.id] = job.is_finished
                if len(self._ended) > JOBS_REMEMBERED:
                    self._ended.popitem(last=False)

    # --- attempts and their outputs

    def _attempt_done(self, event: AttemptDone) -> None:
        job = self._job(event.attempt.task.job)
        if job is not None:
            job.done(event)
        elif not self._ended.get(event.attempt.task.job, True):
            # Not so for a finished job: this may repeat what a winner said, and its
            # output is the result. Who won is forgotten here, and known to the shell.
            self._out.append(DiscardOutput(event.attempt))

    def _attempt_failed(self, event: AttemptFailed) -> None:
        job = self._job(event.attempt.task.job)
        if job is None:
            return
        is_news = job.failed(event)
        if is_news and event.fault is Fault.WORKER_FAULT:
            self._blame(event.worker)

    def _attempts_returned(self, event: AttemptsReturned) -> None:
        for attempt in event.attempts:
            job = self._job(attempt.task.job)
            if job is not None:
                job.returned(attempt, event.worker)

    def _blame(self, worker: WorkerId) -> None:
        """Charge the worker; without a healthy one, waiting would be for ever."""
        self.roster.blame(worker)
        if self.roster.healthy or not self.roster.workers[worker].is_shunned:
            return
        self._end_jobs()
        for job in self.jobs.values():
            job.fail(
                f"no healthy worker is left: too many attempts failed by the fault of "
                f"their worker, the last on {worker} (is its disk full?)",
                fault=Fault.WORKER_FAULT,
            )
        # They have been told. A worker may be healthy again when the next job comes.
        self.roster.forgive()

    def _segment_lost(self, event: SegmentLost) -> None:
        job = self._job(event.attempt.task.job)
        if job is not None:
            job.segment_lost(event.attempt)

    def _output_committed(self, event: OutputCommitted) -> None:
        job = self._job(event.attempt.task.job)
        if job is not None:
            job.committed(event.attempt)

    def _output_refused(self, event: OutputRefused) -> None:
        job = self._job(event.attempt.task.job)
        if job is not None:
            job.refused(event.attempt)

    # --- time

    def _tick(self, event: Tick) -> None:
        now = self.roster.now
        for worker in self.roster.expired(now):
            self._lose(worker)
        in_work = dict(event.in_work)
        for job in self.jobs.values():
            timeout_s = job.plan.task_timeout_s
            while not job.is_over and timeout_s is not None and job.attempts.slots:
                first = next(iter(job.attempts.slots)).queue[0]
                if first.started + timeout_s > now:
                    break
                job.time_out(first, in_work.get(first.id))

    def _give_out(self) -> None:
        """Fill idle slots with READY tasks, and then queues that run low; when there
        are none, idle slots with what others have waited with for too long, and with
        backup copies that are due."""
        while self.roster.idle:
            ready = policy.next_ready(self.jobs.values())
            if ready is None:
                break
            job, phase = ready
            length = policy.queue_length(phase, self.roster)
            worker = policy.next_worker(phase, self.roster)
            job.attempts.start(phase, worker, length)
            self.jobs.move_to_end(job.id)
        for slot in list(self.roster.low):
            ready = policy.next_ready(self.jobs.values(), slot)
            if ready is None:
                break
            job, phase = ready
            del self.roster.low[slot]
            more = policy.more_for(slot, phase, self.roster)
            if more:
                job.attempts.add(phase, slot, more)
                self.jobs.move_to_end(job.id)
        if self.roster.idle:
            for due, job, slot in policy.stuck(self.jobs.values()):
                if due <= self.roster.now:
                    job.attempts.recall(slot)
        while self.roster.idle:
            copies = policy.copies(self.jobs.values(), self.roster)
            copy = next((c for c in copies if c.due <= self.roster.now), None)
            if copy is None:
                break
            copy.job.attempts.copy(copy.task, copy.worker)
