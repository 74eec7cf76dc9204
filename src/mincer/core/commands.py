"""What a shell must do, in the imperative: the only way out of the coordinator.

Commands are obeyed in the order given. Each is about ids; what an id stands for
(a split, a file, a function) only the shell knows.
"""

from __future__ import annotations

from typing import TypeAlias

from mincer.core.events import Fault
from mincer.ids import AttemptId, JobId, TaskId, WorkerId
from mincer.structs import Struct


class StartAttempt(Struct, frozen=False):  # half the time; there are many
    """Run this attempt on this worker, when what was cancelled there has ended.

    `after`: it takes no slot of its own, but waits in that of this attempt, the last
    one there, and starts when that has ended, however it ends.

    A reduce reads the outputs of the maps of its step published under the numbers
    `0 … commits - 1`, except those in `without`.
    """

    worker: WorkerId
    attempt: AttemptId
    #: Ordinals of records to leave out.
    skip: tuple[int, ...] = ()
    #: An earlier try died: publish each record before it is worked on.
    careful: bool = False
    commits: int = 0
    without: tuple[int, ...] = ()
    after: AttemptId | None = None


class CancelAttempt(Struct):
    """Stop this attempt; what it still says is ignored. `timed_out`: its time is up,
    so tell its stack before ending it."""

    worker: WorkerId
    attempt: AttemptId
    timed_out: bool = False


class RecallAttempts(Struct):
    """Take back what waits in the slot of this attempt, then say `AttemptsReturned`.

    What has begun in the meantime goes on.
    """

    worker: WorkerId
    attempt: AttemptId


class PublishOutput(Struct):
    """This attempt won its task and others will read its output: give it `number` in
    the list of what its step makes of this kind (samples, maps, reduces apart).

    The one that was published last for a task is the one to read.
    """

    attempt: AttemptId
    number: int


class CommitOutput(Struct):
    """This attempt won its task: let the sink commit it, then say `OutputCommitted`."""

    attempt: AttemptId


class DiscardOutput(Struct):
    """Nobody will read the output of this attempt: its place may be used again."""

    attempt: AttemptId


class ReleaseStep(Struct):
    """Nobody will read what the maps of this step read or made: input batches that
    were spooled for them and their outputs may be removed.

    Comes just before the end of the job: a worker that is lost late may take with it
    what only the first step can make again.
    """

    job: JobId
    step: int


class FinishJob(Struct):
    """Every task is done and committed. `winners`: for each task of every step, the
    attempt whose output, counters and account count.

    What else is kept for the job may be removed, and whatever still comes for it: no
    `DiscardOutput` follows, since the coordinator has forgotten who won.
    """

    job: JobId
    winners: tuple[AttemptId, ...]


class FailJob(Struct):
    """The job is over without a result, because of this task (None: cancelled)."""

    job: JobId
    reason: str
    task: TaskId | None = None
    attempt: AttemptId | None = None
    fault: Fault | None = None
    record: int | None = None


Command: TypeAlias = (
    StartAttempt
    | CancelAttempt
    | RecallAttempts
    | PublishOutput
    | CommitOutput
    | DiscardOutput
    | ReleaseStep
    | FinishJob
    | FailJob
)
