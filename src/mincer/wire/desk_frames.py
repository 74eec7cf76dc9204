"""What may be asked of a coordinator that stands, and what it answers."""

# Strategy: a question has a number, which comes back with its answer. What may be long
# is answered in pages: who asks for the next one says where the last one ended. Texts
# of others (names, reasons) are cut to what a person reads on one line.

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from mincer.wire.bounds import Count, Job, Priority, Seconds, Small, Word
from mincer.wire.rows import Row
from mincer.wire.worker_frames import Frame

__all__ = [
    "PAGE_ROWS_MAX",
    "QUESTIONS",
    "SHORT_CHARS_MAX",
    "Answer",
    "CancelAsked",
    "CancelTold",
    "FromObserver",
    "JobRow",
    "JobState",
    "JobsAsked",
    "JobsTold",
    "Question",
    "StatusAsked",
    "StatusTold",
    "WorkerRow",
    "WorkersAsked",
    "WorkersTold",
]

PAGE_ROWS_MAX = 100
SHORT_CHARS_MAX = 300
Short = Annotated[str, Meta(max_length=SHORT_CHARS_MAX)]

JobState = Literal[
    "waiting for input",
    "running",
    "ready to fetch",
    "done",
    "failed",
    "cancelled",
    "lost",
]


class StatusAsked(Frame, frozen=True, tag="ask status"):
    """How is the coordinator?"""

    ask: Small


class JobsAsked(Frame, frozen=True, tag="ask jobs"):
    """Which jobs are there, the last first: those whose ids begin with `prefix`, of a
    number below `before`."""

    ask: Small
    prefix: Annotated[str, Meta(pattern="^[0-9a-f]{0,32}$")] = ""
    before: Small | None = None


class WorkersAsked(Frame, frozen=True, tag="ask workers"):
    """Which workers are here, of a number above `after`?"""

    ask: Small
    after: Small = 0


class CancelAsked(Frame, frozen=True, tag="ask to cancel"):
    """Cancel this job, whoever submitted it; answered when it is over."""

    ask: Small
    job: Job


#: An observer may look, and change nothing.
FromObserver: TypeAlias = StatusAsked | JobsAsked | WorkersAsked
Question: TypeAlias = StatusAsked | JobsAsked | WorkersAsked | CancelAsked
QUESTIONS = (StatusAsked, JobsAsked, WorkersAsked, CancelAsked)


# --- what is answered


class JobRow(Row, frozen=True):
    """One job. Its fields are what `mincer jobs --json` prints (docs/commands.md)."""

    job: Job
    #: Jobs are counted as they come.
    number: Small
    name: Short
    #: The driver that submitted it.
    by: Word
    state: JobState
    #: What it does, or did last: "starting", "sampling", "mapping", "reducing",
    #: "committing"; at the end "done".
    phase: Word
    #: The step in work, from 1, and how many there are; what follows is about it.
    step: Small
    steps: Small
    maps_done: Small
    maps_total: Small | None
    reduces_done: Small
    reduces_total: Small | None
    #: Of the input of the whole job.
    records: Count
    bytes_read: Count
    #: From its submission on, until it ended if it did.
    elapsed_s: Seconds
    #: How long ago that was.
    ended_s: Seconds | None
    #: In use just now.
    workers: Small
    slots: Small
    priority: Priority
    attempts_failed: Small
    #: Why it has no result.
    reason: Short = ""


class WorkerRow(Row, frozen=True):
    """One worker. Its fields are what `mincer workers --json` prints."""

    number: Small
    name: Word
    #: Where others pull from it.
    address: Short
    slots: Small
    slots_used: Small
    mincer: Word
    python: Word
    #: How long it has been here, and not been heard of.
    here_s: Seconds
    heard_s: Seconds
    #: It leaves, and takes nothing new.
    draining: bool
    #: Too many attempts failed by its own fault: it is given nothing.
    shunned: bool
    attempts_done: Count
    #: What attempts made there, of jobs that are not closed.
    kept_bytes: Count


class StatusTold(Frame, frozen=True, tag="status"):
    """The coordinator. Its fields, but for `ask`, are what `mincer status --json`
    prints."""

    ask: Small
    #: A new word for each life of a coordinator.
    coordinator: Word
    #: Where it listens.
    address: Short
    mincer: Word
    python: Word
    up_s: Seconds
    workers: Small
    drivers: Small
    slots: Small
    slots_used: Small
    #: Those that are in work, and of those that are over all since it began.
    jobs: dict[JobState, Count]
    #: What it passed on for members that cannot reach each other.
    relayed_bytes: Count
    #: Messages that made no sense, or were said without any right.
    dropped: Count
    #: Connections and greetings of those who were not let in.
    refused: Count


class JobsTold(Frame, frozen=True, tag="jobs"):
    """Some jobs; `has_more`: ask for those before the last of them."""

    ask: Small
    rows: Annotated[list[JobRow], Meta(max_length=PAGE_ROWS_MAX)]
    has_more: bool = False


class WorkersTold(Frame, frozen=True, tag="workers"):
    """Some workers; `has_more`: ask for those after the last of them."""

    ask: Small
    rows: Annotated[list[WorkerRow], Meta(max_length=PAGE_ROWS_MAX)]
    has_more: bool = False


class CancelTold(Frame, frozen=True, tag="cancelled"):
    """The job as it is now: cancelled, unless it was over before. None: there is none
    of that id, or it ended too long ago."""

    ask: Small
    row: JobRow | None = None


Answer: TypeAlias = StatusTold | JobsTold | WorkersTold | CancelTold
