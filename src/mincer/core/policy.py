"""Who is next: which task goes to which worker, and when a backup copy is worth it."""

# Strategy: a slot goes to the job of the highest priority that has something READY; of
# those of one priority, to the one that has the fewest slots, so that a small job does
# not wait for a large one; and of those again to the one that was given nothing for the
# longest time. Turns alone would not do: who keeps each slot for longer would end up
# with nearly all of them. What runs is not taken away for another job: it would be lost
# work, and slots become free all the time.
#
# Within a job the order is that of the data: lower steps first, in a step the sample,
# then maps, then reduces, each by index. Workers take turns, which spreads the outputs
# over their disks; a coordinator that queues for a busy worker would hand tasks to the
# dead.
#
# Where some workers have the input of a map and others have not (homes.py), the idle
# ones among the first have their turn before the others, and take those tasks.
#
# Small attempts are the exception: when the last of their kind took much less than
# `QUEUE_S`, a slot gets so many at once that they will take about that long together,
# but never more than half of its fair share of what is READY, so that all slots end at
# about the same time. When that was wrong, because the first of them takes long, what
# waits behind it is taken back as soon as other slots have nothing to do. A queue that
# runs low gets more of the same, if its job were given that slot again; otherwise it is
# soon free for others.
#
# A backup copy is for the straggler at the end: it starts only when a slot is idle and
# no task of any job is READY, and each stay of a task in RUNNING has one at most. It
# goes to another worker if there are several, since what is slow is mostly the machine;
# a worker alone may copy its own (the slow part may be one slow disk read).
#
# A job's `task_timeout_s` makes no difference to it. A copy is a try that starts early
# and has its own time; when the first attempt's time is up, it is charged and ended,
# and the copy goes on. Not to copy what is near its time would save little, and would
# begin the next try later.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mincer.core.active_job import ActiveJob
from mincer.core.plan import Phase
from mincer.core.roster import Roster
from mincer.core.task import Attempt, Slot, State, Task
from mincer.ids import WorkerId
from mincer.limits import (
    BACKUP_FINISHED_MIN,
    BACKUP_MEDIANS,
    BACKUP_S_MIN,
    QUEUE_FINISHED_MIN,
    QUEUE_MAX,
    QUEUE_S,
    RECALL_S,
)

__all__ = [
    "Copy",
    "backup_delay_s",
    "copies",
    "more_for",
    "next_ready",
    "next_worker",
    "queue_length",
    "stuck",
]


class Copy(NamedTuple):
    """A backup copy that could be started."""

    #: Not before this.
    due: float
    job: ActiveJob
    task: Task
    worker: WorkerId


def next_ready(
    jobs: Iterable[ActiveJob], slot: Slot | None = None
) -> tuple[ActiveJob, Phase] | None:
    """Whose READY tasks are given out next; `jobs` with the one that was given
    something last at the end. `slot`: it is about this one, as if it were free."""
    chosen: tuple[ActiveJob, Phase] | None = None
    for job in jobs:
        for phase in job.tasks.phases:
            if phase.counts[State.READY]:
                if chosen is None or _goes_before(job, chosen[0], slot):
                    chosen = job, phase
                break
    return chosen


def _goes_before(job: ActiveJob, other: ActiveJob, slot: Slot | None) -> bool:
    if job.plan.priority != other.plan.priority:
        return job.plan.priority > other.plan.priority
    return _share(job, slot) < _share(other, slot)


def _share(job: ActiveJob, slot: Slot | None) -> int:
    """How many slots the job has beside this one."""
    slots = job.attempts.slots
    return len(slots) - (slot in slots)


def next_worker(phase: Phase, roster: Roster) -> WorkerId:
    """Who of the idle, of whom there is one, is given READY tasks of `phase`."""
    if phase.homes is not None:
        for worker in roster.idle:
            if phase.homes.task_at(worker) is not None:
                return worker
    return next(iter(roster.idle))


def queue_length(phase: Phase, roster: Roster) -> int:
    """How many READY tasks of `phase` a slot is given at once."""
    if len(phase.durations) < QUEUE_FINISHED_MIN:
        return 1
    wished = QUEUE_S / max(phase.recent_s, QUEUE_S / QUEUE_MAX)
    fair = phase.counts[State.READY] / (2 * roster.slots)
    return max(1, int(min(wished, fair)))


def more_for(slot: Slot, phase: Phase, roster: Roster) -> int:
    """How many READY tasks of `phase`, whose turn it is, may follow in this queue."""
    may = (
        slot.queue[-1].task.phase is phase
        and not slot.recalled
        and slot.worker in roster.healthy
    )
    length = queue_length(phase, roster) if may else 0
    return length if length > 1 else 0


def stuck(jobs: Iterable[ActiveJob]) -> Iterator[tuple[float, ActiveJob, Slot]]:
    """The first slot of each job in which attempts wait, and from when on that is too
    long. Ask only when no task is READY."""
    for job in jobs:
        for slot in job.attempts.slots:
            if len(slot.queue) > 1 and not slot.recalled:
                yield slot.queue[0].started + RECALL_S, job, slot
                break


def backup_delay_s(phase: Phase) -> float | None:
    """How long an attempt may run before it is copied; None: as long as it likes."""
    if len(phase.durations) < BACKUP_FINISHED_MIN:
        return None
    return max(BACKUP_S_MIN, BACKUP_MEDIANS * phase.durations.value)


def copies(jobs: Iterable[ActiveJob], roster: Roster) -> Iterator[Copy]:
    """The next copy of each phase, due or not. Ask only when no task is READY."""
    for job in jobs:
        for phase in job.tasks.phases:
            delay_s = backup_delay_s(phase)
            if delay_s is None:
                continue
            for task, attempt in phase.unbacked.items():
                worker = _place(attempt, roster)
                if worker is not None:
                    yield Copy(attempt.started + delay_s, job, task, worker)
                    break


def _place(attempt: Attempt, roster: Roster) -> WorkerId | None:
    """An idle worker for a copy of `attempt`."""
    alone = roster.healthy.keys() == {attempt.worker}
    for worker in roster.idle:
        if alone or worker != attempt.worker:
            return worker
    return None
