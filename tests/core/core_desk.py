"""A desk to play by hand: events in, commands out, invariants checked after each."""

from mincer.core.commands import Command, DiscardOutput, StartAttempt
from mincer.core.coordinator import Coordinator
from mincer.core.events import (
    AttemptDone,
    AttemptFailed,
    InputEnded,
    JobPlan,
    JobSubmitted,
    OutputCommitted,
    SplitsAdded,
    StepPlan,
    Tick,
    WorkerJoined,
    WorkerLost,
)
from mincer.core.invariants import check
from mincer.ids import AttemptId, TaskId, WorkerId


class Desk:
    """Hands in every event twice: the second time, nothing must come of it."""

    def __init__(self):
        self.coordinator = Coordinator()
        self.now = 0.0
        self.workers: dict[AttemptId, WorkerId] = {}
        self.log: list[Command] = []

    def tell(self, event) -> list[Command]:
        commands = self._handle(event)
        again = self._handle(event)
        assert all(isinstance(c, DiscardOutput) for c in again), again
        return commands

    def _handle(self, event) -> list[Command]:
        commands = self.coordinator.handle(event, self.now)
        for command in commands:
            if isinstance(command, StartAttempt):
                assert command.attempt not in self.workers
                self.workers[command.attempt] = command.worker
        check(self.coordinator)
        self.log += commands
        return commands

    def join(self, name="w", slots=1, incarnation=0):
        return self.tell(WorkerJoined(WorkerId(name, incarnation), slots))

    def lose(self, name="w", incarnation=0):
        return self.tell(WorkerLost(WorkerId(name, incarnation), "killed"))

    def submit(self, *steps: StepPlan, job="j", splits: int | None = None, **limits):
        """A job; with `splits`, its whole input as well."""
        commands = self.tell(JobSubmitted(job, JobPlan(steps, **limits)))
        if splits is not None:
            if splits:
                commands += self.splits(0, splits, job)
            commands += self.tell(InputEnded(job))
        return commands

    def splits(self, first, count, job="j"):
        return self.tell(SplitsAdded(job, first, (1,) * count))

    def end(self, job="j"):
        return self.tell(InputEnded(job))

    def done(self, attempt: AttemptId, digest=0):
        return self.tell(AttemptDone(attempt, self.workers[attempt], 1, digest))

    def fail(self, attempt: AttemptId, fault, record=None, lost=()):
        worker = self.workers[attempt]
        return self.tell(AttemptFailed(attempt, worker, fault, record, lost))

    def commit(self, attempt: AttemptId):
        return self.tell(OutputCommitted(attempt))

    def tick(self, now: float):
        self.now = now
        return self.tell(Tick())

    def task(self, id: TaskId):
        return self.coordinator.jobs[id.job].tasks.task(id)

    def state(self, id: TaskId) -> str:
        return self.task(id).state.name

    def snapshot(self, job="j"):
        return self.coordinator.snapshot(job)


def map_(index, number=0, step=0, job="j") -> AttemptId:
    return AttemptId(TaskId(job, step, "map", index), number)


def reduce_(index, number=0, step=0, job="j") -> AttemptId:
    return AttemptId(TaskId(job, step, "reduce", index), number)


def sample(number=0, step=0, job="j") -> AttemptId:
    return AttemptId(TaskId(job, step, "sample", 0), number)


def started(commands) -> list[AttemptId]:
    return [c.attempt for c in commands if isinstance(c, StartAttempt)]


def only(commands, kind):
    """The one command of this kind."""
    (found,) = [c for c in commands if isinstance(c, kind)]
    return found


def every(commands, kind):
    return [c for c in commands if isinstance(c, kind)]
