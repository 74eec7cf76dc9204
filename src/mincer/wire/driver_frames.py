"""What a coordinator and a driver say to each other."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, field

from mincer.wire.bounds import (
    AttemptName,
    Count,
    Job,
    Kind,
    Line,
    Path,
    Priority,
    Seconds,
    Small,
    Text,
    Token,
    Word,
)
from mincer.wire.desk_frames import Question
from mincer.wire.rows import (
    Account,
    Blob,
    ErrorTold,
    FileTold,
    OutputName,
    SplitRow,
    StepTold,
    WinnerRow,
)
from mincer.wire.worker_frames import Frame, MemberGone, MemberTold

__all__ = [
    "AccountsTold",
    "CancelJob",
    "CommitAsked",
    "Committed",
    "Detach",
    "DetachTold",
    "Fetch",
    "FetchTold",
    "Files",
    "FromDriver",
    "InputEnd",
    "JobDone",
    "JobFailed",
    "JobSaid",
    "ProgressTold",
    "Splits",
    "Submit",
    "Taken",
    "ToDriver",
]


#: What one driver leaves for another; nobody else reads it.
Keepsake: TypeAlias = Annotated[bytes, Meta(max_length=1 << 16)]


class Submit(Frame, frozen=True, tag="submit"):
    """A job, of which splits follow."""

    job: Job
    token: Token
    name: Line
    steps: Annotated[list[StepTold], Meta(min_length=1, max_length=1000)]
    modules: Blob | None = None
    attempts_max: Annotated[int, Meta(ge=1, le=1000)] = 4
    skips_max: Count = 0
    task_timeout_s: Seconds | None = None
    priority: Priority = 0
    output: tuple[Path, Token] | None = None
    #: For the driver that will come for the result.
    keepsake: Keepsake = b""
    #: The driver will leave: no part of the result is for it.
    will_leave: bool = False


class Files(Frame, frozen=True, tag="files"):
    """The input files `first …`."""

    job: Job
    first: Small
    files: Annotated[list[FileTold], Meta(max_length=10_000)]


class Splits(Frame, frozen=True, tag="splits"):
    """The splits `first …`; `packets`: the sizes of the packets `first_packet …` that
    come with them, to be pulled."""

    job: Job
    first: Small
    splits: Annotated[list[SplitRow], Meta(max_length=10_000)]
    first_packet: Small = 0
    packets: Annotated[list[Count], Meta(max_length=10_000)] = field(
        default_factory=list
    )


class InputEnd(Frame, frozen=True, tag="input ended"):
    """No more splits will come."""

    job: Job


class Detach(Frame, frozen=True, tag="detach"):
    """The driver wants to leave. As long as something is owed, it must ask again."""

    job: Job


class Fetch(Frame, frozen=True, tag="fetch"):
    """This driver comes for the result of a job that its driver has left."""

    job: Job


class CancelJob(Frame, frozen=True, tag="cancel"):
    """End this job."""

    job: Job
    reason: Line


class Committed(Frame, frozen=True, tag="committed"):
    """The sink has the output of this attempt, or refused it."""

    job: Job
    attempt: AttemptName
    is_refused: bool = False


class Taken(Frame, frozen=True, tag="taken"):
    """The driver has all that it wants of this job, which may be forgotten."""

    job: Job


#: Of its own jobs.
JobSaid: TypeAlias = (
    Submit | Files | Splits | InputEnd | Detach | Fetch | CancelJob | Committed | Taken
)
FromDriver: TypeAlias = JobSaid | Question


# --- coordinator to driver


class CommitAsked(Frame, frozen=True, tag="commit"):
    """Let the sink commit the output of this attempt, then say `Committed`."""

    job: Job
    output: OutputName
    account: Account


class DetachTold(Frame, frozen=True, tag="detached"):
    """It has left, unless something is `owed`: so many pieces of code and input; or
    there is another reason `why` it may not."""

    job: Job
    owed: Count = 0
    why: Line = ""


class FetchTold(Frame, frozen=True, tag="fetched"):
    """The job, as it was submitted; what is to be committed follows. With a `why`: it
    cannot be fetched."""

    job: Job
    token: Annotated[bytes, Meta(max_length=64)] = b""
    name: Line = ""
    steps: Annotated[list[StepTold], Meta(max_length=1000)] = field(
        default_factory=list
    )
    keepsake: Keepsake = b""
    why: Line = ""


class AccountsTold(Frame, frozen=True, tag="accounts"):
    """What winners have made, before `JobDone`."""

    job: Job
    rows: Annotated[list[WinnerRow], Meta(max_length=10_000)]


class JobDone(Frame, frozen=True, tag="done"):
    """All is done and committed."""

    job: Job
    #: Outcome of attempts to their number.
    outcomes: dict[Word, Count] = field(default_factory=dict)
    notes: Annotated[list[Line], Meta(max_length=1000)] = field(default_factory=list)
    input_from: dict[Line, Count] = field(default_factory=dict)
    workers: Small = 0
    #: Backup copies that won, and how much later the others would have been done.
    backups_won: Count = 0
    saved_s: Seconds = 0.0


class JobFailed(Frame, frozen=True, tag="failed"):
    """There is no result, and why; with a `task`, the one that it failed of."""

    job: Job
    reason: Text
    task: tuple[Small, Kind, Small] | None = None
    attempt: AttemptName | None = None
    fault: Word | None = None
    record: Count | None = None
    error: ErrorTold | None = None


class ProgressTold(Frame, frozen=True, tag="progress"):
    """How far a job is: see `mincer.runners.base.Progress`."""

    job: Job
    phase: Word
    step: Small
    maps_done: Small
    maps_total: Small | None
    reduces_done: Small
    reduces_total: Small | None
    records: Count
    bytes_read: Count
    workers: Small
    attempts_failed: Small
    notes: Annotated[list[Line], Meta(max_length=100)] = field(default_factory=list)


ToDriver: TypeAlias = (
    MemberTold
    | MemberGone
    | CommitAsked
    | DetachTold
    | FetchTold
    | AccountsTold
    | JobDone
    | JobFailed
    | ProgressTold
)
