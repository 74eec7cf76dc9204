"""Every error that a user can meet, as one tree: the class says whose fault it is.

MincerError
├── UsageError           an argument is wrong; nothing was started        (exit 2)
├── JobError             the job cannot be done as it was given           (exit 1)
│   ├── InputError       an input is missing, unreadable or malformed
│   ├── UserCodeError    mapfn, combinefn, partitionfn or reducefn raised
│   ├── BadKeyError      a key cannot be hashed or told apart by equality
│   ├── OrderError       keys or values that were to be sorted do not compare
│   ├── ShipError        something cannot travel to another process
│   ├── OutputError      an output exists already, or a format cannot hold a pair
│   ├── OverMemoryError  one record or the user's own data passed the limit
│   ├── TimedOutError    an attempt ran longer than task_timeout
│   ├── WorkerDiedError  the child process that ran an attempt died, again and again
│   ├── CancelledError   somebody cancelled the job
│   ├── DetachedError    this process has left the job, which goes on without it
│   └── OwedError        the job cannot be left yet, or not any more
├── NoConnectionError    no coordinator is there, or not any more         (exit 3)
├── RefusedError         a coordinator does not let this process in       (exit 4)
├── SegmentError         stored data is gone or fails its checksum; the map runs again
└── Bug                  our own mistake: please report it
"""

from __future__ import annotations

from typing import Any

from mincer.structs import Struct

__all__ = [
    "BadKeyError",
    "Bug",
    "CancelledError",
    "DetachedError",
    "InputError",
    "JobError",
    "MincerError",
    "NoConnectionError",
    "OrderError",
    "OutputError",
    "OverMemoryError",
    "OwedError",
    "RefusedError",
    "SegmentError",
    "ShipError",
    "TimedOutError",
    "UsageError",
    "UserCodeError",
    "Where",
    "WorkerDiedError",
]

#: Longest preview of a key or a record in an error, in characters.
PREVIEW_CHARS_MAX = 200


def preview(value: object, chars_max: int = PREVIEW_CHARS_MAX) -> str:
    """Show `value` on one line, cut in the middle of nowhere but never too long.

    A `repr` of the user's that raises must not hide the error that is being told.
    """
    try:
        text = repr(value)
    except Exception as error:
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    if len(text) > chars_max:
        return f"{text[:chars_max]}… ({len(text):,} characters)"
    return text


class Where(Struct):
    """The place of one record, as a person looks for it."""

    #: A path, or words such as "item" or "line of stdin".
    source: str
    #: Byte offset in `source` when it is a file, else the position of the item.
    offset: int | None = None
    key: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        return self.source if self.offset is None else f"{self.source} at {self.offset}"


class MincerError(Exception):
    """What failed, where, and what to type next; pickles with all its data."""

    #: What the command line exits with.
    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        where: Where | None = None,
        hint: str | None = None,
        user_traceback: str | None = None,
        task: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        #: The user's own frames only, as `traceback` prints them.
        self.user_traceback = user_traceback
        #: The task, attempt and worker it happened on, in words.
        self.task = task

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.what, dict(self.__dict__)))

    def __str__(self) -> str:
        lines = [self.what]
        if self.user_traceback:
            lines += ["", self.user_traceback.rstrip()]
        if self.where is not None:
            lines += ["", f"  where   {self.where}"]
            if self.where.key is not None:
                lines.append(f"  key     {self.where.key}")
            if self.where.value is not None:
                lines.append(f"  record  {self.where.value}")
        if self.task:
            lines.append(f"  in      {self.task}")
        if self.hint:
            lines += ["", f"  {self.hint}"]
        return "\n".join(lines)


def _rebuild(kind: type[MincerError], what: str, data: dict[str, Any]) -> MincerError:
    error = kind(what)
    error.__dict__.update(data)
    return error


class UsageError(MincerError, ValueError):
    """An argument is wrong; nothing was started."""

    exit_code = 2


class JobError(MincerError):
    """The job cannot be done as it was given."""


class InputError(JobError):
    """An input is missing, unreadable or malformed."""


class UserCodeError(JobError):
    """A function of the user raised."""


class BadKeyError(JobError):
    """A key cannot be hashed, or is told apart by identity only."""


class OrderError(JobError):
    """Keys or values that were to be sorted cannot be compared."""


class ShipError(JobError):
    """Something cannot travel to another process."""


class OutputError(JobError):
    """An output exists already, cannot be written, or cannot hold a pair."""


class OverMemoryError(JobError):
    """One record, its pairs or the user's own data passed the memory limit."""


class TimedOutError(JobError):
    """An attempt ran longer than `task_timeout`."""


class WorkerDiedError(JobError):
    """The child process that ran an attempt died, again and again."""


class CancelledError(JobError):
    """Somebody cancelled the job."""


class DetachedError(JobError):
    """This process has left the job, which goes on without it; `job`: its id."""

    def __init__(self, job: str, **more: Any) -> None:
        more.setdefault("hint", f"Fetch its result:  mincer fetch {job}")
        super().__init__("the job goes on without this process", **more)
        self.job = job


class OwedError(JobError):
    """The job cannot be left yet, or not any more."""


class NoConnectionError(MincerError):
    """No coordinator is there, or not any more."""

    exit_code = 3


class RefusedError(MincerError):
    """A coordinator does not let this process in."""

    exit_code = 4


class SegmentError(MincerError):
    """Stored data is gone or fails its checksum."""

    #: What the reader calls the output that is damaged (an attempt, when it is known).
    segment: object = None


class Bug(MincerError):
    """Our own mistake, never the user's: please report it."""
