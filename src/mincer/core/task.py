"""The life of one task: its states, the one table of moves between them, its needs."""

# Rule 1: a task moves by `TRANSITIONS` and by nothing else. There is no fallback: a
# move that is not in the table is our mistake and raises `Bug` with the task's story.
# Rule 2: every task that must be made again after it was DONE passes through WAITING,
# where its needs are looked at anew. The diagram in docs/design/task-states.md is drawn
# from the table.

from __future__ import annotations

from collections import deque
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from mincer.errors import Bug
from mincer.ids import AttemptId, TaskId, WorkerId
from mincer.limits import STORY_MOVES_MAX

if TYPE_CHECKING:
    from mincer.core.plan import Phase

__all__ = [
    "TRANSITIONS",
    "Attempt",
    "Gate",
    "Slot",
    "State",
    "Task",
    "Trigger",
    "diagram",
]


class State(Enum):
    """What can be said of a task."""

    #: Something that it needs is not there.
    WAITING = "waiting"
    #: It could run, if there were a slot.
    READY = "ready"
    #: One attempt runs, or two: a backup copy is one more attempt.
    RUNNING = "running"
    #: An attempt has won, and the sink was asked to commit its output.
    COMMITTING = "committing"
    #: An attempt has won. Its output may be lost since, as long as nobody asks for it.
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    # Enum's own hashes the name, in Python: a third of what an event cost.
    __hash__ = object.__hash__


class Trigger(Enum):
    """What makes a task move."""

    NEEDS_MET = "needs met"
    NEED_LOST = "a need was lost"
    ASSIGNED = "assigned"
    BACKED_UP = "a backup copy started"
    ATTEMPT_ENDED = "an attempt ended, another still runs"
    TRY_AGAIN = "the last attempt ended, tries left"
    GIVEN_UP = "no tries left"
    WON = "an attempt is done"
    WON_FOR_SINK = "an attempt is done, its output goes to a sink"
    COMMITTED = "the sink has the output"
    REFUSED = "the sink does not have the output"
    OUTPUT_LOST = "its output is lost and still needed"
    INVALIDATED = "what it consumed was invalidated"
    CANCELLED = "the job ended"

    __hash__ = object.__hash__


TRANSITIONS: dict[tuple[State, Trigger], State] = {
    (State.WAITING, Trigger.NEEDS_MET): State.READY,
    (State.WAITING, Trigger.CANCELLED): State.CANCELLED,
    (State.READY, Trigger.ASSIGNED): State.RUNNING,
    (State.READY, Trigger.NEED_LOST): State.WAITING,
    (State.READY, Trigger.CANCELLED): State.CANCELLED,
    (State.RUNNING, Trigger.BACKED_UP): State.RUNNING,
    (State.RUNNING, Trigger.ATTEMPT_ENDED): State.RUNNING,
    (State.RUNNING, Trigger.TRY_AGAIN): State.READY,
    (State.RUNNING, Trigger.NEED_LOST): State.WAITING,
    (State.RUNNING, Trigger.WON): State.DONE,
    (State.RUNNING, Trigger.WON_FOR_SINK): State.COMMITTING,
    (State.RUNNING, Trigger.GIVEN_UP): State.FAILED,
    (State.RUNNING, Trigger.CANCELLED): State.CANCELLED,
    (State.COMMITTING, Trigger.COMMITTED): State.DONE,
    (State.COMMITTING, Trigger.REFUSED): State.READY,
    (State.COMMITTING, Trigger.GIVEN_UP): State.FAILED,
    (State.COMMITTING, Trigger.CANCELLED): State.CANCELLED,
    (State.DONE, Trigger.OUTPUT_LOST): State.WAITING,
    (State.DONE, Trigger.INVALIDATED): State.WAITING,
    (State.DONE, Trigger.GIVEN_UP): State.FAILED,
}


class Slot:
    """A worker's slot in use: its first attempt runs, the others wait their turn."""

    __slots__ = ("low", "queue", "recalled", "worker")

    def __init__(self, worker: WorkerId) -> None:
        self.worker = worker
        self.queue: deque[Attempt] = deque()
        #: So short the queue is when more may be added to it; 0: nothing is.
        self.low = 0
        #: The worker was asked to give back those that wait.
        self.recalled = False


class Attempt:
    """One try at a task, from when it is given to a slot until it ends."""

    __slots__ = ("careful", "id", "skip", "slot", "started", "task", "worker")

    def __init__(self, id: AttemptId, task: Task, slot: Slot) -> None:
        self.id = id
        self.task = task
        self.slot = slot
        self.worker = slot.worker
        #: When its turn came; infinite while it waits.
        self.started = inf
        self.skip = task.skips
        self.careful = task.careful


class Gate:
    """What some tasks feed and others wait at; open when nothing is missing.

    A gate counts and never lists what is missing, so that R reduces that wait for M
    maps cost M + R and not M × R.
    """

    __slots__ = ("demand", "gone", "holds", "missing", "waiters")

    def __init__(self, holds: int = 0, demand: int = 0) -> None:
        #: Outputs of tasks that are not there.
        self.missing = 0
        #: Reasons of another kind to stay closed: more tasks may still be added.
        self.holds = holds
        self.waiters: list[Task] = []
        #: How many of those who wait here are not done, and so want what is missing.
        self.demand = demand
        #: Tasks that are done and whose output is lost: made again when there is
        #: demand.
        self.gone: dict[Task, None] = {}

    @property
    def is_open(self) -> bool:
        return not self.missing and not self.holds


class Task:
    """What must be done once, and what has become of it so far."""

    __slots__ = (
        "attempts_started",
        "careful",
        "digest",
        "doubted",
        "failures",
        "feeds",
        "id",
        "keeper",
        "needs",
        "number",
        "output_losses",
        "phase",
        "running",
        "skips",
        "state",
        "story",
        "winner",
        "workers_lost",
    )

    def __init__(
        self,
        id: TaskId,
        phase: Phase,
        needs: tuple[Gate, ...],
        feeds: tuple[Gate, ...],
    ) -> None:
        self.id = id
        #: All tasks of its kind and step.
        self.phase = phase
        #: It may run when all of these are open.
        self.needs = needs
        #: These wait for its output.
        self.feeds = feeds
        self.state = State.WAITING
        #: Attempts that run, or wait in a slot.
        self.running: list[Attempt] = []
        self.attempts_started = 0
        #: Attempts that are charged to the task.
        self.failures = 0
        #: Workers that were lost while they ran an attempt at it.
        self.workers_lost = 0
        #: Times its output could not be had from a living worker.
        self.output_losses = 0
        #: Ordinals of the records that it leaves out, in order.
        self.skips: tuple[int, ...] = ()
        #: A try died: the next publishes each record before it is worked on.
        self.careful = False
        #: Number of the attempt that won last; -1: none has.
        self.winner = -1
        #: Who keeps the winner's output; None when it is lost, or in the sink.
        self.keeper: WorkerId | None = None
        #: Under which number the winner's output was published.
        self.number: int | None = None
        #: Digest of the winner's output, still known when the output is lost.
        self.digest: int | None = None
        #: It is made again because of what it consumed: its digest may change.
        self.doubted = False
        self.story: list[Trigger] = []

    def move(self, trigger: Trigger) -> None:
        """Go where the table says; raise `Bug` when it says nothing."""
        before = self.state
        to = TRANSITIONS.get((before, trigger))
        if to is None:
            raise self.bug(f"{before.name} task cannot take {trigger.name}")
        self.state = to
        story = self.story
        story.append(trigger)
        if len(story) > STORY_MOVES_MAX:
            del story[0]
        phase = self.phase
        phase.counts[before] -= 1
        phase.counts[to] += 1
        if to is State.READY:
            phase.add_ready(self)

    def bug(self, what: str) -> Bug:
        """An error that says what was impossible, and what came before it."""
        story = ", ".join(trigger.value for trigger in self.story) or "nothing"
        return Bug(
            f"{self.id}: {what}",
            task=f"{self.id} ({self.state.value}, {self.attempts_started} attempts)",
            hint=f"Its story: {story}. Please report this.",
        )


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.WAITING.name}"]
    lines += [
        f"    {state.name} --> {to.name}: {trigger.value}"
        for (state, trigger), to in TRANSITIONS.items()
    ]
    ends = (State.DONE, State.FAILED, State.CANCELLED)
    lines += [f"    {state.name} --> [*]" for state in ends]
    return "\n".join(lines) + "\n"
