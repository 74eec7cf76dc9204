"""Who the workers are: their lives, leases, slots, and what they keep."""

# Strategy: a lease begins with the first sign of life (`WorkerSeen`), not with joining.
# The local runner joins one worker, its own process, and never says anything of it: it
# cannot expire. A cluster says `WorkerSeen` as soon as it lets a worker join.
#
# All leases are of one length, so the order of the last signs of life is the order of
# expiry: an ordered dict, at O(1) a heartbeat, where a heap would need lazy deletion.
#
# A life that has ended cannot begin again: a worker that was lost (and may be alive all
# the same) must join with a higher incarnation. So a late `WorkerJoined` wakes no
# ghost.

from __future__ import annotations

from collections import OrderedDict

from mincer.core.task import Slot
from mincer.ids import AttemptId, JobId, TaskId, WorkerId
from mincer.limits import LEASE_S, WORKER_FAULTS_MAX

__all__ = ["Roster", "Worker"]


class Worker:
    """One member, in one of its lives."""

    __slots__ = ("attempts", "busy", "faults", "id", "is_leaving", "keeps", "slots")

    def __init__(self, id: WorkerId, slots: int) -> None:
        self.id = id
        self.slots = slots
        self.is_leaving = False
        #: Attempts that failed by its fault.
        self.faults = 0
        #: Slots in use, each for one attempt or for a queue of small ones.
        self.busy: dict[Slot, None] = {}
        #: What runs there or waits in a slot.
        self.attempts: dict[AttemptId, None] = {}
        #: Tasks whose output it keeps.
        self.keeps: dict[TaskId, None] = {}

    @property
    def is_shunned(self) -> bool:
        return self.faults >= WORKER_FAULTS_MAX

    @property
    def is_healthy(self) -> bool:
        """True when it may be given tasks."""
        return not self.is_leaving and not self.is_shunned

    @property
    def is_idle(self) -> bool:
        return self.is_healthy and len(self.busy) < self.slots


class Roster:
    """All workers that are here now."""

    def __init__(self) -> None:
        self.workers: dict[WorkerId, Worker] = {}
        #: Healthy workers with a free slot; who was given a task goes to the end.
        self.idle: OrderedDict[WorkerId, None] = OrderedDict()
        self.healthy: dict[WorkerId, None] = {}
        #: Slots in use whose queue runs low.
        self.low: dict[Slot, None] = {}
        #: The slots of the healthy ones.
        self.slots = 0
        #: The time of the event in work.
        self.now = 0.0
        #: When each lease ends, the next one first.
        self._leases: OrderedDict[WorkerId, float] = OrderedDict()
        self._last_lives: dict[str, WorkerId] = {}

    def last_life(self, name: str) -> WorkerId | None:
        """The latest life of the worker `name`, which may be over."""
        return self._last_lives.get(name)

    def join(self, id: WorkerId, slots: int) -> None:
        self.workers[id] = Worker(id, slots)
        self._last_lives[id.name] = id
        self._sort_in(id)

    def seen(self, id: WorkerId, now: float) -> None:
        if id in self.workers:
            self._leases[id] = now + LEASE_S
            self._leases.move_to_end(id)

    def leave(self, id: WorkerId) -> None:
        if id in self.workers:
            self.workers[id].is_leaving = True
            self._sort_in(id)

    def remove(self, id: WorkerId) -> Worker | None:
        """Its life is over; return what it was, or None if that is known already."""
        worker = self.workers.pop(id, None)
        self._leases.pop(id, None)
        self.idle.pop(id, None)
        if id in self.healthy and worker is not None:
            del self.healthy[id]
            self.slots -= worker.slots
        return worker

    def expired(self, now: float) -> list[WorkerId]:
        """Workers whose lease has ended."""
        over = []
        for id, ends in self._leases.items():
            if ends > now:
                break
            over.append(id)
        return over

    @property
    def next_expiry(self) -> float | None:
        return next(iter(self._leases.values()), None)

    def take_slot(self, id: WorkerId) -> Slot:
        """One slot of a worker that has one, for attempts to be put into its queue."""
        slot = Slot(id)
        self.workers[id].busy[slot] = None
        self._sort_in(id)
        return slot

    def give_back_slot(self, slot: Slot) -> None:
        """Nothing is left in its queue; its worker may be gone already."""
        self.low.pop(slot, None)
        worker = self.workers.get(slot.worker)
        if worker is not None:
            del worker.busy[slot]
            self._sort_in(slot.worker)

    def keep(self, id: WorkerId, task: TaskId) -> None:
        self.workers[id].keeps[task] = None

    def drop(self, id: WorkerId, task: TaskId) -> None:
        """Nobody will ask for this output; its worker may be gone already."""
        if id in self.workers:
            del self.workers[id].keeps[task]

    def drop_all(self, job: JobId) -> None:
        """Nobody will ask for an output of this job."""
        for worker in self.workers.values():
            worker.keeps = {task: None for task in worker.keeps if task.job != job}

    def blame(self, id: WorkerId) -> None:
        """An attempt failed by the fault of its worker."""
        self.workers[id].faults += 1
        self._sort_in(id)

    def forgive(self) -> None:
        """Begin to count the faults of all workers anew."""
        for id, worker in self.workers.items():
            worker.faults = 0
            self._sort_in(id)

    def _sort_in(self, id: WorkerId) -> None:
        worker = self.workers[id]
        if worker.is_healthy and id not in self.healthy:
            self.healthy[id] = None
            self.slots += worker.slots
        elif not worker.is_healthy and id in self.healthy:
            del self.healthy[id]
            self.slots -= worker.slots
        self.idle.pop(id, None)
        if worker.is_idle:
            self.idle[id] = None
