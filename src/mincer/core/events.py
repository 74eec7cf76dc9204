"""What can happen, in the past tense: the only way into the coordinator.

A shell (the local runner, the cluster, a test) turns what it observes into these
and hands them to `Coordinator.handle`. They carry ids, counts, sizes and times.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from mincer.ids import AttemptId, JobId, WorkerId
from mincer.structs import Struct


class Fault(Enum):
    """Why an attempt failed: it decides who is charged."""

    #: The user's code raised. Charged to the task.
    RAISED = "raised"
    #: The child process died: killed, crashed, `os._exit`. Charged to the task.
    DIED = "died"
    #: The child passed its memory limit and was ended. Charged to the task.
    OVER_MEMORY = "over memory"
    #: A segment that it needed is lost: the producer's fault, never charged.
    NEED_LOST = "need lost"
    #: The worker cannot go on (its disk is full). Charged to the worker.
    WORKER_FAULT = "worker fault"
    #: Trying again cannot help (the job as given is wrong): fails the job at once.
    HOPELESS = "hopeless"
    #: It ran longer than `task_timeout_s`. Charged to the task.
    TIMED_OUT = "timed out"


class StepPlan(Struct):
    """The shape of one step of a job."""

    #: Number of reduce tasks; 0 is a map-only step.
    parts: int
    #: A sample task must find the cut points before any map may start.
    sampled: bool = False
    #: What the last tasks of this step make goes to a sink and must be committed.
    to_sink: bool = False


class JobPlan(Struct):
    """The shape of a job, and what it may cost.

    Step k + 1 has one map task for each output of step k (its reduces, or its
    maps when step k is map-only) and that map needs that output alone.
    """

    steps: tuple[StepPlan, ...]
    attempts_max: int = 4
    #: How many bad records the whole job may leave out.
    skips_max: int = 0
    task_timeout_s: float | None = None
    #: Of two jobs the one with the higher one is given slots first.
    priority: int = 0


class WorkerJoined(Struct):
    """It has no lease, and so cannot expire, until it is first seen (`WorkerSeen`)."""

    worker: WorkerId
    slots: int


class WorkerSeen(Struct):
    """A heartbeat of the worker's parent process: its lease is extended."""

    worker: WorkerId


class WorkerLeaving(Struct):
    """The worker drains: it gets nothing new, and finishes what it has."""

    worker: WorkerId


class WorkerLost(Struct):
    """The worker and everything that it keeps are gone, in one event."""

    worker: WorkerId
    reason: str


class JobSubmitted(Struct):
    job: JobId
    plan: JobPlan


class SplitsAdded(Struct):
    """The input of the first step grew by `len(sizes)` splits (bytes, estimated)."""

    job: JobId
    #: The index of the first of them: a repeated delivery can be told and ignored.
    first: int
    sizes: tuple[int, ...]
    #: What each of them reads, as far as that is in some places and not in others: see
    #: `InputFound`. Negative: of no matter where. Empty: none of them matters.
    homes: tuple[int, ...] = ()


class InputFound(Struct):
    """This worker has what the splits of these homes read."""

    job: JobId
    worker: WorkerId
    homes: tuple[int, ...]


class InputEnded(Struct):
    """No more splits will come for the first step."""

    job: JobId


class JobCancelled(Struct):
    job: JobId
    reason: str


class AttemptDone(Struct, frozen=False):  # half the time; there are many
    """An attempt finished; its output is kept by the worker that ran it."""

    attempt: AttemptId
    worker: WorkerId
    #: Length of the output and an order-free digest of what it holds.
    length_bytes: int
    digest: int


class AttemptFailed(Struct):
    attempt: AttemptId
    worker: WorkerId
    fault: Fault
    #: The ordinal in its split of the record that was in work, when known.
    record: int | None = None
    #: With `NEED_LOST`: the attempts whose outputs could not be read.
    lost: tuple[AttemptId, ...] = ()


class AttemptsReturned(Struct):
    """The worker gives back attempts that it had not begun: they waited in a slot for
    their turn."""

    worker: WorkerId
    attempts: tuple[AttemptId, ...]


class SegmentLost(Struct):
    """The output of a finished attempt is gone or damaged."""

    attempt: AttemptId


class OutputCommitted(Struct):
    """The sink has renamed the output of this attempt: it is what people see."""

    attempt: AttemptId


class OutputRefused(Struct):
    """The sink could not commit the output of this attempt (it is gone)."""

    attempt: AttemptId


class Tick(Struct):
    """Nothing but time has passed; due when `Coordinator.deadline()` says so.

    To be handed in after everything that has been received: only a tick ends leases.
    """

    #: Attempts that run and the ordinal of the record in work, where that is known for
    #: sure (in careful attempts): one whose time is up may be over just that record.
    in_work: tuple[tuple[AttemptId, int], ...] = ()


Event: TypeAlias = (
    WorkerJoined
    | WorkerSeen
    | WorkerLeaving
    | WorkerLost
    | JobSubmitted
    | SplitsAdded
    | InputFound
    | InputEnded
    | JobCancelled
    | AttemptDone
    | AttemptFailed
    | AttemptsReturned
    | SegmentLost
    | OutputCommitted
    | OutputRefused
    | Tick
)
