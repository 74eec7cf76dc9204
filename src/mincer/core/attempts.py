"""The attempts of one job that run or wait: given to slots, begun in turn, ended."""

# Strategy: a slot is given one attempt, or a queue of small ones (see policy.py). The
# first of a queue runs; when it ends, however it ends, the next has its turn. The shell
# runs them in this order and needs no command for that. A queue that has come down to
# half of what was given runs low: more may be added, so that the worker does not wait
# while the coordinator works.

from __future__ import annotations

from collections import OrderedDict

from mincer.core import commands
from mincer.core.commands import Command
from mincer.core.plan import JobTasks, Phase
from mincer.core.roster import Roster
from mincer.core.task import Attempt, Slot, Task, Trigger
from mincer.ids import AttemptId, WorkerId
from mincer.structs import Struct

__all__ = ["Attempts", "Tally"]


class Tally(Struct, frozen=False):
    """What is counted about a job, for people."""

    attempts_started: int = 0
    #: Failed attempts, whoever was charged.
    attempts_failed: int = 0
    #: Attempts that ended with their worker, or because something they read was lost.
    attempts_lost: int = 0
    backups: int = 0
    skipped_records: int = 0
    nondeterministic_maps: int = 0


class Attempts:
    """Where the attempts of a job are. What must be done is appended to `out`."""

    def __init__(self, tasks: JobTasks, roster: Roster, out: list[Command]) -> None:
        self.tally = Tally()
        #: Attempts that run, or wait in a slot.
        self.running: dict[AttemptId, Attempt] = {}
        #: In the order in which their first attempts began: the first of these is the
        #: first to time out.
        self.slots: OrderedDict[Slot, None] = OrderedDict()
        self._tasks = tasks
        self._roster = roster
        self._out = out

    def start(self, phase: Phase, worker: WorkerId, length: int) -> None:
        """Give up to `length` READY tasks of `phase`, which has one, to a slot.

        A task of which a try died has the slot for itself: if that dies, too, it is
        known what it died of.
        """
        slot = self._roster.take_slot(worker)
        self.add(phase, slot, length)
        self._begin(slot)

    def add(self, phase: Phase, slot: Slot, length: int) -> None:
        """The same, to the end of the queue of a slot; none, if the first one needs a
        slot for itself."""
        self._roster.low.pop(slot, None)
        tasks: list[Task] = []
        worker = slot.worker
        task = phase.next_ready(worker)
        while task is not None and not (task.careful and (tasks or slot.queue)):
            task.move(Trigger.ASSIGNED)
            tasks.append(task)
            if len(tasks) == length or task.careful:
                break
            task = phase.next_ready(worker)
        self._give(phase, tasks, slot)
        slot.low = len(tasks) // 2

    def copy(self, task: Task, worker: WorkerId) -> None:
        """Start a backup copy of a RUNNING task."""
        slot = self._roster.take_slot(worker)
        task.move(Trigger.BACKED_UP)
        self._give(task.phase, [task], slot)
        self.tally.backups += 1
        self._begin(slot)

    def _give(self, phase: Phase, tasks: list[Task], slot: Slot) -> None:
        """Put a new attempt at each of `tasks` into the queue of `slot`."""
        published = 0
        without: tuple[int, ...] = ()
        if phase.kind == "reduce":
            maps = self._tasks.steps[phase.step].map
            published, without = maps.published, maps.without
        worker = slot.worker
        of_worker = self._roster.workers[worker].attempts
        after = slot.queue[-1].id if slot.queue else None
        for task in tasks:
            id = AttemptId(task.id, task.attempts_started)
            attempt = Attempt(id, task, slot)
            task.attempts_started += 1
            task.running.append(attempt)
            slot.queue.append(attempt)
            self.running[id] = attempt
            of_worker[id] = None
            self._out.append(
                commands.StartAttempt(
                    worker, id, task.skips, task.careful, published, without, after
                )
            )
            after = id
        self.tally.attempts_started += len(tasks)

    def _begin(self, slot: Slot) -> None:
        """The turn of the first in the queue of `slot` has come."""
        attempt = slot.queue[0]
        attempt.started = self._roster.now
        self.slots[slot] = None
        self.slots.move_to_end(slot)
        task = attempt.task
        if len(task.running) == 1:
            task.phase.unbacked[task] = attempt
        else:
            task.phase.unbacked.pop(task, None)

    def end(self, task: Task, attempt: Attempt) -> None:
        """It has ended, or will never run; the next in its slot has its turn."""
        task.running.remove(attempt)
        del self.running[attempt.id]
        task.phase.unbacked.pop(task, None)
        slot = attempt.slot
        worker = self._roster.workers.get(attempt.worker)
        if worker is not None:
            del worker.attempts[attempt.id]
        queue = slot.queue
        if len(queue) - 1 == slot.low > 0:
            self._roster.low[slot] = None
        if queue[0] is not attempt:
            queue.remove(attempt)
            return
        queue.popleft()
        if queue:
            self._begin(slot)
        else:
            del self.slots[slot]
            self._roster.give_back_slot(slot)

    def stop(self, task: Task) -> None:
        """End all running attempts at `task`; nobody is charged."""
        for attempt in list(task.running):
            self.end(task, attempt)
            if attempt.worker in self._roster.workers:
                self._out.append(commands.CancelAttempt(attempt.worker, attempt.id))

    def recall(self, slot: Slot) -> None:
        """Ask for what waits in the queue of `slot`."""
        slot.recalled = True
        first = slot.queue[0]
        self._out.append(commands.RecallAttempts(slot.worker, first.id))
