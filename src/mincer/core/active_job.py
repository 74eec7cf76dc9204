"""One job that runs: what becomes of it when its attempts end and its outputs go."""

# Who is charged when an attempt ends without an output:
#   the task     it raised, died, passed its memory or its time (`attempts_max` of them)
#   the record   in a map, when `skips_max` allows and the record is known for sure
#   the worker   a fault of its own (roster.py: shunned after some)
#   the output   it could not be read: its own task (`OUTPUT_LOSSES_MAX` of them)
#   nobody       it never began, or its worker was lost; but a task that takes worker
#                after worker with it is poison (`WORKERS_LOST_MAX`)
# Each of these is bounded, so that no job can go on for ever without getting further.

from __future__ import annotations

from math import inf

from mincer.core import commands
from mincer.core.attempts import Attempts
from mincer.core.commands import Command
from mincer.core.events import AttemptDone, AttemptFailed, Fault, JobPlan
from mincer.core.lineage import Lineage
from mincer.core.plan import JobTasks
from mincer.core.roster import Roster
from mincer.core.task import Attempt, State, Task, Trigger
from mincer.ids import AttemptId, JobId, WorkerId
from mincer.limits import OUTPUT_LOSSES_MAX, WORKERS_LOST_MAX

__all__ = ["ActiveJob"]

#: After these the record that did it may not be known: the next try names each record.
_SUDDEN = (Fault.DIED, Fault.OVER_MEMORY, Fault.TIMED_OUT)


class ActiveJob:
    """A job between its submission and its end.

    What must be done is appended to `out`. Once `is_over`, nothing of it runs and
    nothing is kept for it, and it must not be called again.
    """

    def __init__(
        self, id: JobId, plan: JobPlan, roster: Roster, out: list[Command]
    ) -> None:
        self.id = id
        self.plan = plan
        self.tasks = JobTasks(id, plan)
        self.attempts = Attempts(self.tasks, roster, out)
        self.tally = self.attempts.tally
        self.is_over = False
        #: It is over, and there is a result.
        self.is_finished = False
        self._lineage = Lineage(self.tasks, self.attempts.stop)
        self._roster = roster
        self._out = out

    def _settle(self, task: Task) -> None:
        """An attempt at `task` has ended without an output; who is charged, is."""
        if task.running:
            task.move(Trigger.ATTEMPT_ENDED)
        elif task.state is State.RUNNING:  # not so if a need went at the same time
            task.move(Trigger.TRY_AGAIN)

    # --- an attempt has won

    def done(self, event: AttemptDone) -> None:
        attempt = self._attempt(event.attempt, event.worker)
        if attempt is None:
            is_winner = event.attempt.number == self._task(event.attempt).winner
            if not is_winner and event.attempt not in self.attempts.running:
                self._out.append(commands.DiscardOutput(event.attempt))
            return
        task = attempt.task
        phase = task.phase
        self.attempts.end(task, attempt)
        if task.running:
            self.attempts.stop(task)
        phase.took(max(0.0, self._roster.now - attempt.started))
        task.winner = attempt.id.number
        task.keeper = attempt.worker
        self._roster.keep(attempt.worker, task.id)
        if phase.is_for_sink:
            task.move(Trigger.WON_FOR_SINK)
            self._out.append(commands.CommitOutput(attempt.id))
            return
        task.move(Trigger.WON)
        if phase.is_read:
            number = phase.publish(task)
            self._out.append(commands.PublishOutput(attempt.id, number))
        old, task.digest = task.digest, event.digest
        if old is None or old == event.digest or self._invalidate_consumers(task):
            self._lineage.made(task)

    def _invalidate_consumers(self, task: Task) -> bool:
        """`task` gave another result than before; false if that cannot be mended.

        What the sink has committed cannot be taken back (it is renamed only once), and
        a result made of both the old output and the new one would count some records
        twice and others never: so the job fails, as Spark's does.
        """
        if task.id.kind == "map":
            self.tally.nondeterministic_maps += 1
        for consumer in self._lineage.consumers(task):
            if consumer.phase.is_for_sink:
                self.fail(
                    f"{task.id} ran again and gave another result, but {consumer.id}, "
                    "which read the first one, is committed to the output: "
                    "is the function deterministic?",
                    task,
                )
                return False
            self._take_output(consumer, discard=True)
            self._lineage.invalidate(consumer)
        return True

    # --- an attempt has failed

    def failed(self, event: AttemptFailed) -> bool:
        """Return False if this is late or repeated.

        The fault of a worker is charged to it by the caller (see coordinator.py).
        """
        attempt = self._attempt(event.attempt, event.worker)
        if attempt is None:
            return False
        task = attempt.task
        self.attempts.end(task, attempt)
        if event.fault is Fault.NEED_LOST and self._lose_needs(event.lost):
            self.tally.attempts_lost += 1
            if not self.is_over:
                self._settle(task)
            return True
        self.tally.attempts_failed += 1
        if event.fault is Fault.HOPELESS:
            reason = f"{task.id} cannot be done, however often it is tried"
            self.fail(reason, task, attempt.id, event.fault, event.record)
        elif event.fault is Fault.WORKER_FAULT:
            self._settle(task)
        else:
            self._charge(task, attempt, event.fault, event.record)
        return True

    def returned(self, id: AttemptId, worker: WorkerId) -> None:
        """This attempt was not begun: another may be."""
        attempt = self._attempt(id, worker)
        if attempt is not None:
            self.attempts.end(attempt.task, attempt)
            self._settle(attempt.task)

    def time_out(self, attempt: Attempt, record: int | None = None) -> None:
        """Its time is up, at this record if that is known; the retry names each one."""
        task = attempt.task
        self.attempts.end(task, attempt)
        self.tally.attempts_failed += 1
        self._out.append(commands.CancelAttempt(attempt.worker, attempt.id, True))
        self._charge(task, attempt, Fault.TIMED_OUT, record)

    def _charge(
        self, task: Task, attempt: Attempt, fault: Fault, record: int | None
    ) -> None:
        failure = (task, attempt.id, fault, record)
        if fault in _SUDDEN:
            task.careful = True
        if record is not None and self._may_skip(attempt, fault, record):
            if record not in task.skips:
                if self.tally.skipped_records == self.plan.skips_max:
                    spent = f"skip_bad_records={self.plan.skips_max} is used up"
                    self.fail(f"{task.id} failed, and {spent}", *failure)
                    return
                self.tally.skipped_records += 1
                task.skips = tuple(sorted((*task.skips, record)))
            self._settle(task)
            return
        task.failures += 1
        if task.failures >= self.plan.attempts_max:
            times = f"{task.failures} times" if task.failures > 1 else "once"
            self.fail(f"{task.id} failed {times} ({fault.value})", *failure)
        else:
            self._settle(task)

    def _may_skip(self, attempt: Attempt, fault: Fault, record: int) -> bool:
        """True when it is sure that this record did it, and leaving it out helps.

        A process that died without being careful has told a chunk at best. A record
        that was left out in this very attempt cannot have done it.
        """
        return (
            self.plan.skips_max > 0
            and attempt.id.task.kind == "map"
            and (fault is not Fault.DIED or attempt.careful)
            and record not in attempt.skip
        )

    def _lose_needs(self, lost: tuple[AttemptId, ...]) -> bool:
        """Lose what could not be read; false if none of it is in use.

        Then nobody else is at fault and the reader is charged, or it could go on for
        ever: had it been lost in the meantime, the reader would have been stopped.
        """
        found = False
        for id in lost:
            task = self._published_task(id)
            if task is not None:
                found = True
                self._lose_output(task)
        return found

    # --- an output is gone

    def segment_lost(self, id: AttemptId) -> None:
        """A living worker cannot give back this output."""
        task = self._published_task(id)
        if task is not None:
            self._lose_output(task)

    def _published_task(self, id: AttemptId) -> Task | None:
        """The task whose output in use this is, if it is one."""
        task = self._task(id)
        in_use = task.state is State.DONE and task.keeper is not None
        return task if in_use and task.winner == id.number else None

    def _lose_output(self, task: Task) -> None:
        keeper = task.keeper
        self._take_output(task, discard=True)
        if not self._count_loss(task, f"could not be read, last from {keeper}"):
            self._lineage.lost(task)

    def _count_loss(self, task: Task, how: str) -> bool:
        """True when the output of `task` was lost too often, so that the job fails."""
        task.output_losses += 1
        if task.output_losses < OUTPUT_LOSSES_MAX:
            return False
        self.fail(f"the output of {task.id} {how}, {task.output_losses} times", task)
        return True

    def _take_output(self, task: Task, discard: bool) -> None:
        """Nobody keeps the output of `task` any more."""
        task.phase.withdraw(task)
        if task.keeper is not None:
            self._roster.drop(task.keeper, task.id)
            task.keeper = None
            if discard:
                winner = AttemptId(task.id, task.winner)
                self._out.append(commands.DiscardOutput(winner))

    def attempt_lost(self, id: AttemptId) -> None:
        """The worker that ran this attempt, or was to run it, is lost."""
        attempt = self.attempts.running[id]
        task = attempt.task
        began = attempt.started < inf
        self.attempts.end(task, attempt)
        self.tally.attempts_lost += 1
        if began and all(other.worker != attempt.worker for other in task.running):
            task.workers_lost += 1  # a worker that ran two of them counts once
        if task.workers_lost >= WORKERS_LOST_MAX:
            reason = f"{task.workers_lost} workers were lost while they ran {task.id}"
            self.fail(reason, task, id, Fault.DIED)
        else:
            self._settle(task)

    def output_lost(self, task: Task) -> None:
        """The worker that kept the output of `task` is lost.

        A COMMITTING task does not mind: the sink was asked, and it knows what it has.
        """
        self._take_output(task, discard=False)
        if task.state is State.DONE:
            self._lineage.lost(task)

    # --- the sink has answered

    def committed(self, id: AttemptId) -> None:
        task = self._task(id)
        if task.state is State.COMMITTING and task.winner == id.number:
            task.move(Trigger.COMMITTED)
            self._take_output(task, discard=False)
            self._lineage.made(task)

    def refused(self, id: AttemptId) -> None:
        task = self._task(id)
        if task.state is not State.COMMITTING or task.winner != id.number:
            return
        self._take_output(task, discard=False)
        if self._count_loss(task, "was refused by the sink"):
            return
        task.move(Trigger.REFUSED)
        if not all(gate.is_open for gate in task.needs):
            task.move(Trigger.NEED_LOST)

    # --- the job ends

    def finish(self) -> None:
        """Every task of the last step is done: nobody waits for what still runs."""
        winners = tuple(
            AttemptId(task.id, task.winner) for task in self.tasks if task.winner >= 0
        )
        self.is_finished = True
        self._stop_everything()
        for step in self.tasks.steps:
            holds_result = step.last is step.map and step is self.tasks.steps[-1]
            if step.plan.to_sink or not holds_result:
                self._out.append(commands.ReleaseStep(self.id, step.number))
        self._out.append(commands.FinishJob(self.id, winners))
        self._roster.drop_all(self.id)

    def fail(
        self,
        reason: str,
        task: Task | None = None,
        attempt: AttemptId | None = None,
        fault: Fault | None = None,
        record: int | None = None,
    ) -> None:
        """End the job without a result, because of `task` if one is given."""
        if task is not None:
            self.attempts.stop(task)
            task.move(Trigger.GIVEN_UP)
        self._stop_everything()
        for one in self.tasks:
            self._take_output(one, discard=True)
        for step in self.tasks.steps:
            self._out.append(commands.ReleaseStep(self.id, step.number))
        name = None if task is None else task.id
        self._out.append(
            commands.FailJob(self.id, reason, name, attempt, fault, record)
        )

    def _stop_everything(self) -> None:
        self.is_over = True
        for task in self.tasks:
            if task.state not in (State.DONE, State.FAILED):
                self.attempts.stop(task)
                task.move(Trigger.CANCELLED)

    # --- names from outside

    def _task(self, id: AttemptId) -> Task:
        """The task of an attempt that was started; raise `Bug` if it never was."""
        task = self.tasks.task(id.task)
        if not 0 <= id.number < task.attempts_started:
            raise task.bug(f"attempt {id.number} was never started")
        return task

    def _attempt(self, id: AttemptId, worker: WorkerId) -> Attempt | None:
        """The attempt, if it runs, and on this worker."""
        attempt = self.attempts.running.get(id)
        if attempt is None:
            self._task(id)
            return None
        return attempt if attempt.worker == worker else None
