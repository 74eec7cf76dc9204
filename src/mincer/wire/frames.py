"""Everything that one process of a cluster may say to another, with bounds."""

# Strategy: msgspec decodes into these types or refuses; there is no other way from
# bytes of the network to an object of ours. Every text, list and blob has a bound of
# its own, since a message has only one for all of it. What a frame is about is opaque
# here: functions, splits, keys, values and records never are frames' business, they are
# pulled as bytes (pulls.py) by those who may unpickle them.
#
# Four unions, one for each way of the line: what a worker must not say cannot be
# decoded from a worker. Greetings are maps and the rest are arrays: a greeting is read
# by other versions, which may know other fields, and is what tells them apart.

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from mincer.ids import AttemptId, JobId, TaskId, TaskKind

__all__ = [
    "PROTOCOL",
    "Account",
    "AttemptName",
    "Blob",
    "CancelJob",
    "CancelOne",
    "CommitAsked",
    "Commits",
    "Committed",
    "CutsTold",
    "Decoder",
    "Discard",
    "Done",
    "Draining",
    "ErrorTold",
    "Extent",
    "Failed",
    "Files",
    "FromDriver",
    "FromWorker",
    "Greeting",
    "Hello",
    "InputEnd",
    "JobDone",
    "JobEnd",
    "JobFailed",
    "JobTold",
    "MemberGone",
    "MemberTold",
    "OutputName",
    "PlaceTold",
    "ProgressTold",
    "Recall",
    "Refused",
    "Release",
    "Returned",
    "SegmentGone",
    "SplitName",
    "Splits",
    "Start",
    "StepTold",
    "Stranger",
    "Submit",
    "Taken",
    "ToDriver",
    "ToWorker",
    "Welcome",
    "Withdrawals",
    "Working",
    "attempt_of",
    "encode",
    "name_of",
]

#: Both ends must say the same number.
PROTOCOL = 1

_Count = Annotated[int, Meta(ge=0, le=2**62)]
_Small = Annotated[int, Meta(ge=0, le=2**31)]
_Signed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Word = Annotated[str, Meta(min_length=1, max_length=200)]
_Line = Annotated[str, Meta(max_length=4096)]
_Text = Annotated[str, Meta(max_length=100_000)]
_Seconds = Annotated[float, Meta(ge=0, le=1e12)]
_Job = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
_Key = Annotated[bytes, Meta(min_length=40, max_length=40)]
_Digest = Annotated[bytes, Meta(min_length=16, max_length=32)]
_Token = Annotated[bytes, Meta(min_length=16, max_length=16)]
#: As the system has it: not every path is a text.
_Path = Annotated[bytes, Meta(min_length=1, max_length=8192)]
_Kind = Literal["sample", "map", "reduce"]

#: Step, kind, index and number of an attempt; the job is said once in a frame.
AttemptName: TypeAlias = tuple[_Small, _Kind, _Small, _Small]


class _Greeting(Struct, frozen=True, tag_field="is"):
    """Read by any version: fields may be added, and never taken away."""


class _Row(Struct, frozen=True, array_like=True):
    """A part of a frame."""


class _Frame(Struct, frozen=True, array_like=True):
    """One thing said, of a version that both ends know."""


# --- greetings: before there is a line


class Hello(_Greeting, tag="hello"):
    """Who connects. A worker that joins again says a higher `incarnation`."""

    protocol: _Small
    mincer: _Word
    python: _Word
    role: _Word
    name: _Word
    incarnation: _Small = 0
    slots: Annotated[int, Meta(ge=0, le=4096)] = 0
    #: Where others may pull from it; empty: nowhere.
    address: _Line = ""
    #: The same for all processes that see the same files under the same paths.
    host: _Line = ""


class Welcome(_Greeting, tag="welcome"):
    """The line begins. `coordinator`: a new word for each life of one."""

    coordinator: _Word
    #: What this process is called by all others as long as it stays.
    member: _Small
    incarnation: _Small
    beat_s: _Seconds
    lease_s: _Seconds


class Refused(_Greeting, tag="refused"):
    """And will be each time."""

    why: _Line
    #: "version", "role", "full" or "revoked".
    code: _Word


class Stranger(_Greeting, tag="stranger"):
    """Whoever says that is not known here, or was given up: greet anew."""

    incarnation: _Small = 0


Greeting: TypeAlias = Hello | Welcome | Refused | Stranger


# --- rows


class Blob(_Row):
    """Bytes that are pulled by their digest."""

    digest: _Digest
    size_bytes: _Count


class StepTold(_Row):
    """What all need to know of a step."""

    code: Blob
    parts: _Small
    shuffles: bool
    sampled: bool
    to_sink: bool


class Extent(_Row):
    """Some bytes of an input: what a split reads of a file."""

    file: _Small
    start: _Count
    #: Beyond the last byte that is surely read; lines go on to their ends.
    end: _Count


class SplitName(_Row, tag="split"):
    """A split as the driver packed it, and the bytes of files that it needs."""

    packet: _Small
    nth: _Small
    extents: Annotated[list[Extent], Meta(max_length=2048)] = []


class OutputName(_Row, tag="output"):
    """What an attempt of the step before made, and which member keeps it."""

    attempt: AttemptName
    keeper: _Small
    length_bytes: _Count


class PlaceTold(_Row):
    """Where an output lies on the machine of its keeper, for who may see its disk."""

    path: _Path
    offset: _Count


class FileTold(_Row):
    """A file as the driver saw it."""

    #: As the split names it, and from the root on.
    name: _Path
    path: _Path
    size_bytes: _Count
    mtime_ns: _Signed
    #: Of its head and tail.
    digest: _Digest


class SplitRow(_Row):
    packet: _Small
    nth: _Small
    size_bytes: _Count
    extents: Annotated[list[Extent], Meta(max_length=2048)] = []


class CommitRow(_Row):
    """A map whose output counts, and who keeps it; numbers of commits are counted."""

    index: _Small
    number: _Small
    keeper: _Small
    length_bytes: _Count
    #: Of the index of the output.
    digest: Annotated[bytes, Meta(max_length=32)] = b""
    place: PlaceTold | None = None


class StartRow(_Row):
    """One attempt to be run."""

    attempt: AttemptName
    inputs: Annotated[list[SplitName | OutputName], Meta(max_length=4096)] = []
    skip: Annotated[list[_Count], Meta(max_length=100_000)] = []
    careful: bool = False
    #: A reduce reads so many of the commits that were told, except those that are
    #: among so many of the withdrawals.
    commits: _Small = 0
    withdrawals: _Small = 0
    after: AttemptName | None = None


class Account(_Row):
    """What an attempt made, in figures: see `mincer.flow.ports`."""

    #: The figures of a `MapMade` or `ReduceMade`; empty for a sample.
    figures: Annotated[list[_Signed], Meta(max_length=16)] = []
    #: Pairs, bytes and digest of the part, if it made one.
    part: tuple[_Count, _Count, _Line] | None = None
    counters: dict[_Line, _Signed] = {}
    cpu_s: _Seconds = 0.0
    wall_s: _Seconds = 0.0
    #: The worker wrote the part where the sink will look for it.
    is_written: bool = False


class WhereTold(_Row):
    source: _Line
    offset: _Signed | None = None
    key: _Line | None = None
    value: _Line | None = None


class ErrorTold(_Row):
    """An error as its texts: nothing of it is unpickled anywhere."""

    kind: _Word
    what: _Text
    where: WhereTold | None = None
    hint: _Text | None = None
    user_traceback: _Text | None = None
    task: _Line | None = None


# --- coordinator to worker


class JobTold(_Frame, tag="job"):
    """Comes before anything else of this job. `token`: who has it may read the job's
    data."""

    job: _Job
    token: _Token
    name: _Line
    driver: _Small
    steps: Annotated[list[StepTold], Meta(max_length=1000)]
    modules: Blob | None = None
    task_timeout_s: _Seconds | None = None
    #: A file that the driver left in the folder of the output, and what is in it.
    output: tuple[_Path, _Token] | None = None


class FilesTold(_Frame, tag="files"):
    """The input files `first …` of this job."""

    job: _Job
    first: _Small
    files: Annotated[list[FileTold], Meta(max_length=10_000)]


class Start(_Frame, tag="start"):
    """Run these, in this order where they share a slot."""

    job: _Job
    rows: Annotated[list[StartRow], Meta(max_length=1000)]


class Commits(_Frame, tag="commits"):
    """The commits `first …` of the maps of this step."""

    job: _Job
    step: _Small
    first: _Small
    rows: Annotated[list[CommitRow], Meta(max_length=10_000)]


class Withdrawals(_Frame, tag="withdrawals"):
    """The numbers of commits that lead to nothing: the withdrawals `first …`."""

    job: _Job
    step: _Small
    first: _Small
    numbers: Annotated[list[_Small], Meta(max_length=10_000)]


class CutsTold(_Frame, tag="cuts"):
    """The sample attempt whose output holds the cut points of this step."""

    job: _Job
    step: _Small
    output: OutputName


class CancelOne(_Frame, tag="cancel"):
    job: _Job
    attempt: AttemptName
    timed_out: bool = False


class Recall(_Frame, tag="recall"):
    """Give back what waits behind this attempt."""

    job: _Job
    attempt: AttemptName


class Discard(_Frame, tag="discard"):
    """Nobody will ask for the output of this attempt."""

    job: _Job
    attempt: AttemptName


class Release(_Frame, tag="release"):
    """Nobody will ask for what the maps of this step made."""

    job: _Job
    step: _Small


class JobEnd(_Frame, tag="end"):
    """The job is over, and nobody will ask for anything of it."""

    job: _Job


class MemberTold(_Frame, tag="member"):
    """Somebody who may be pulled from, and may pull."""

    member: _Small
    key: _Key
    address: _Line
    host: _Line = ""


class MemberGone(_Frame, tag="gone"):
    member: _Small


ToWorker: TypeAlias = (
    JobTold
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
    | MemberTold
    | MemberGone
)


# --- worker to coordinator


class Done(_Frame, tag="done"):
    """The attempt is done; its output stays here until it is discarded."""

    job: _Job
    attempt: AttemptName
    length_bytes: _Count
    digest: _Signed
    account: Account
    index_digest: Annotated[bytes, Meta(max_length=32)] = b""
    place: PlaceTold | None = None


class Failed(_Frame, tag="failed"):
    job: _Job
    attempt: AttemptName
    fault: _Word
    error: ErrorTold
    record: _Count | None = None
    lost: Annotated[list[AttemptName], Meta(max_length=10_000)] = []


class Returned(_Frame, tag="returned"):
    """These were not begun."""

    job: _Job
    attempts: Annotated[list[AttemptName], Meta(max_length=10_000)]


class SegmentGone(_Frame, tag="lost"):
    """The output of this attempt, that is kept here, cannot be read any more."""

    job: _Job
    attempt: AttemptName


class Working(_Frame, tag="working"):
    """How far the attempts are that run here: bytes of their splits that were read, and
    the record in work where that is known for sure."""

    job: _Job
    rows: Annotated[
        list[tuple[AttemptName, _Count, _Count | None]], Meta(max_length=10_000)
    ]


class Draining(_Frame, tag="draining"):
    """This worker takes nothing new; `is_done`: and has nothing left to do."""

    is_done: bool = False


FromWorker: TypeAlias = Done | Failed | Returned | SegmentGone | Working | Draining


# --- driver to coordinator


class Submit(_Frame, tag="submit"):
    """A job, of which splits follow."""

    job: _Job
    token: _Token
    name: _Line
    steps: Annotated[list[StepTold], Meta(min_length=1, max_length=1000)]
    modules: Blob | None = None
    attempts_max: Annotated[int, Meta(ge=1, le=1000)] = 4
    skips_max: _Count = 0
    task_timeout_s: _Seconds | None = None
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0
    output: tuple[_Path, _Token] | None = None


class Files(_Frame, tag="files"):
    """The input files `first …`."""

    job: _Job
    first: _Small
    files: Annotated[list[FileTold], Meta(max_length=10_000)]


class Splits(_Frame, tag="splits"):
    """The splits `first …`; `packets`: the sizes of the packets `first_packet …` that
    come with them, to be pulled."""

    job: _Job
    first: _Small
    splits: Annotated[list[SplitRow], Meta(max_length=10_000)]
    first_packet: _Small = 0
    packets: Annotated[list[_Count], Meta(max_length=10_000)] = []


class InputEnd(_Frame, tag="input ended"):
    job: _Job


class CancelJob(_Frame, tag="cancel"):
    job: _Job
    reason: _Line


class Committed(_Frame, tag="committed"):
    """The sink has the output of this attempt, or refused it."""

    job: _Job
    attempt: AttemptName
    is_refused: bool = False


class Taken(_Frame, tag="taken"):
    """The driver has all that it wants of this job, which may be forgotten."""

    job: _Job


FromDriver: TypeAlias = (
    Submit | Files | Splits | InputEnd | CancelJob | Committed | Taken
)


# --- coordinator to driver


class CommitAsked(_Frame, tag="commit"):
    """Let the sink commit the output of this attempt, then say `Committed`."""

    job: _Job
    output: OutputName
    account: Account


class AccountsTold(_Frame, tag="accounts"):
    """What winners have made (and how long that is), before `JobDone`."""

    job: _Job
    rows: Annotated[list[tuple[AttemptName, _Count, Account]], Meta(max_length=10_000)]


class JobDone(_Frame, tag="done"):
    """All is done and committed."""

    job: _Job
    #: Outcome of attempts to their number.
    outcomes: dict[_Word, _Count] = {}
    notes: Annotated[list[_Line], Meta(max_length=1000)] = []
    input_from: dict[_Line, _Count] = {}
    workers: _Small = 0


class JobFailed(_Frame, tag="failed"):
    job: _Job
    reason: _Text
    task: tuple[_Small, _Kind, _Small] | None = None
    attempt: AttemptName | None = None
    fault: _Word | None = None
    record: _Count | None = None
    error: ErrorTold | None = None


class ProgressTold(_Frame, tag="progress"):
    """How far a job is: see `mincer.runners.base.Progress`."""

    job: _Job
    phase: _Word
    step: _Small
    maps_done: _Small
    maps_total: _Small | None
    reduces_done: _Small
    reduces_total: _Small | None
    records: _Count
    bytes_read: _Count
    workers: _Small
    attempts_failed: _Small
    notes: Annotated[list[_Line], Meta(max_length=100)] = []


ToDriver: TypeAlias = (
    MemberTold
    | MemberGone
    | CommitAsked
    | AccountsTold
    | JobDone
    | JobFailed
    | ProgressTold
)


class Decoder:
    """Decodes one union of frames; counts what is none of it, and drops that."""

    def __init__(self, frames: Any) -> None:
        self._decoder = msgspec.msgpack.Decoder(frames)
        self.dropped = 0

    def decode(self, data: bytes | memoryview) -> Any:
        """The frame, or None."""
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, ValueError):  # a text that is no UTF-8
            self.dropped += 1
            return None


encode = msgspec.msgpack.Encoder().encode


def name_of(attempt: AttemptId) -> AttemptName:
    _, step, kind, index = attempt.task
    return step, kind, index, attempt.number


def attempt_of(job: JobId, name: AttemptName) -> AttemptId:
    step, kind, index, number = name
    return AttemptId(TaskId(job, step, kind, index), number)


_: TaskKind = "map"  # the same words as `_Kind`
