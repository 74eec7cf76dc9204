"""What a coordinator and a worker say to each other."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from mincer.wire.bounds import (
    AttemptName,
    Count,
    Job,
    Key,
    Line,
    Path,
    Seconds,
    Signed,
    Small,
    Token,
    Word,
)
from mincer.wire.rows import (
    Account,
    Blob,
    CommitRow,
    ErrorTold,
    FileTold,
    OutputName,
    PlaceTold,
    StartRow,
    StepTold,
)

__all__ = [
    "CancelOne",
    "Commits",
    "CutsTold",
    "Discard",
    "Done",
    "Draining",
    "Failed",
    "FilesFound",
    "FilesTold",
    "Frame",
    "FromWorker",
    "JobEnd",
    "JobTold",
    "MemberGone",
    "MemberTold",
    "Recall",
    "Release",
    "Relieved",
    "Returned",
    "Start",
    "ToWorker",
    "Trusted",
    "Withdrawals",
    "Working",
]


class Frame(Struct, frozen=True, array_like=True):
    """One thing said, of a version that both ends know."""


class JobTold(Frame, frozen=True, tag="job"):
    """Comes before anything else of this job: with it a worker can say which of the
    input files it has."""

    job: Job
    name: Line
    driver: Small
    steps: Annotated[list[StepTold], Meta(max_length=1000)]
    modules: Blob | None = None
    task_timeout_s: Seconds | None = None
    #: A file that the driver left in the folder of the output, and what is in it.
    output: tuple[Path, Token] | None = None


class Trusted(Frame, frozen=True, tag="trusted"):
    """This worker is given something to do for the job: who has the `token` may read
    the job's data."""

    job: Job
    token: Token


class FilesTold(Frame, frozen=True, tag="files"):
    """The input files `first …` of this job."""

    job: Job
    first: Small
    files: Annotated[list[FileTold], Meta(max_length=10_000)]


class Start(Frame, frozen=True, tag="start"):
    """Run these, in this order where they share a slot."""

    job: Job
    rows: Annotated[list[StartRow], Meta(max_length=1000)]


class Commits(Frame, frozen=True, tag="commits"):
    """The commits `first …` of the maps of this step."""

    job: Job
    step: Small
    first: Small
    rows: Annotated[list[CommitRow], Meta(max_length=10_000)]


class Withdrawals(Frame, frozen=True, tag="withdrawals"):
    """The numbers of commits that lead to nothing: the withdrawals `first …`."""

    job: Job
    step: Small
    first: Small
    numbers: Annotated[list[Small], Meta(max_length=10_000)]


class CutsTold(Frame, frozen=True, tag="cuts"):
    """The sample attempt whose output holds the cut points of this step."""

    job: Job
    step: Small
    output: OutputName


class CancelOne(Frame, frozen=True, tag="cancel"):
    """End this attempt, begun or not; `timed_out`: and tell where it was."""

    job: Job
    attempt: AttemptName
    timed_out: bool = False


class Recall(Frame, frozen=True, tag="recall"):
    """Give back what waits behind this attempt."""

    job: Job
    attempt: AttemptName


class Discard(Frame, frozen=True, tag="discard"):
    """Nobody will ask for the output of this attempt."""

    job: Job
    attempt: AttemptName


class Release(Frame, frozen=True, tag="release"):
    """Nobody will ask for what the maps of this step made."""

    job: Job
    step: Small


class JobEnd(Frame, frozen=True, tag="end"):
    """The job is over, and nobody will ask for anything of it."""

    job: Job


class Relieved(Frame, frozen=True, tag="relieved"):
    """What others may still want of this worker, the coordinator has: it may go."""


class MemberTold(Frame, frozen=True, tag="member"):
    """Somebody who may be pulled from, and may pull. Without an address: by way of the
    coordinator, and if that was told before, from now on."""

    member: Small
    key: Key
    address: Line
    host: Line = ""


class MemberGone(Frame, frozen=True, tag="gone"):
    """This member is not here any more, nor what it kept."""

    member: Small


ToWorker: TypeAlias = (
    JobTold
    | Trusted
    | FilesTold
    | Start
    | Commits
    | Withdrawals
    | CutsTold
    | CancelOne
    | Recall
    | Discard
    | Release
    | JobEnd
    | Relieved
    | MemberTold
    | MemberGone
)


# --- worker to coordinator


class Done(Frame, frozen=True, tag="done"):
    """The attempt is done; its output stays here until it is discarded."""

    job: Job
    attempt: AttemptName
    length_bytes: Count
    digest: Signed
    account: Account
    index_digest: Annotated[bytes, Meta(max_length=32)] = b""
    place: PlaceTold | None = None


class Failed(Frame, frozen=True, tag="failed"):
    """The attempt made nothing; `fault`: whose that is; `lost`: the outputs that it
    could not read."""

    job: Job
    attempt: AttemptName
    fault: Word
    error: ErrorTold
    record: Count | None = None
    lost: Annotated[list[AttemptName], Meta(max_length=10_000)] = []


class Returned(Frame, frozen=True, tag="returned"):
    """These were not begun."""

    job: Job
    attempts: Annotated[list[AttemptName], Meta(max_length=10_000)]


class Working(Frame, frozen=True, tag="working"):
    """How far the attempts are that run here: bytes of their splits that were read, and
    the record in work where that is known for sure."""

    job: Job
    rows: Annotated[
        list[tuple[AttemptName, Count, Count | None]], Meta(max_length=10_000)
    ]


class FilesFound(Frame, frozen=True, tag="found"):
    """Which of so many input files from `first` on seem to be here, in the order in
    which they were told: a bit each, the lowest of a byte first."""

    job: Job
    first: Small
    files: Annotated[int, Meta(ge=1, le=10_000)]
    bits: Annotated[bytes, Meta(max_length=1250)]


class Draining(Frame, frozen=True, tag="draining"):
    """This worker takes nothing new; `is_done`: it has nothing left to do either, and
    waits for `Relieved`."""

    is_done: bool = False


FromWorker: TypeAlias = Done | Failed | Returned | Working | FilesFound | Draining
