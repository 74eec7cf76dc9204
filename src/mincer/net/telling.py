"""Accounts, errors and progress as what travels of them, and back."""

from __future__ import annotations

from typing import Any

import mincer.errors
from mincer.core.commands import FailJob
from mincer.core.snapshot import JobSnapshot
from mincer.errors import JobError, MincerError, Where
from mincer.flow.ports import MapMade, PartMade, ReduceMade
from mincer.ids import AttemptId
from mincer.net.book import Book
from mincer.store.disk import Place
from mincer.wire import frames
from mincer.wire.frames import Account, ErrorTold, WhereTold, name_of
from mincer.worker.orders import AttemptMade

__all__ = [
    "account_told",
    "error_of",
    "error_told",
    "failure_told",
    "made_of",
    "printable",
    "progress_told",
]

_TEXT_CHARS_MAX = 50_000
_LINE_CHARS_MAX = 2_000
#: What workers said, added up, may be more than can be said.
_COUNT_MAX = 2**62


def account_told(
    told: AttemptMade, by_way: tuple[int, int, int], was_sent: bool
) -> Account:
    """What an attempt made, in figures; `by_way`: what it read of other workers;
    `was_sent`: the driver sent what it read."""
    figures: list[int] = []
    part = None
    if told.made is not None:
        *figures, part = vars(told.made).values()
        if isinstance(told.made, MapMade):
            figures[-1] = 0  # the digest, which is told apart
    is_written = part is not None and told.place is None
    times = told.cpu_s, told.wall_s
    read = by_way, was_sent
    return Account(figures, part, told.counters, *times, is_written, *read)


def made_of(
    attempt: AttemptId, account: Account, length_bytes: int, ended: float
) -> AttemptMade:
    """The same for the driver, whatever a worker said; `ended`: when that was, on the
    driver's own clock."""
    part = None if account.part is None else PartMade(*account.part)
    made: MapMade | ReduceMade | None = None
    if attempt.task.kind == "map":
        records, read, pairs, keys, values, runs, _ = _figures(account, 7)
        made = MapMade(records, read, pairs, keys, values, runs, 0, part)
    elif attempt.task.kind == "reduce":
        keys, values = _figures(account, 2)
        made = ReduceMade(keys, values, part or PartMade(0, 0, ""))
    place = Place("", 0, length_bytes)
    times = account.cpu_s, account.wall_s, ended
    return AttemptMade(attempt, place, 0, made, account.counters, *times)


def _figures(account: Account, count: int) -> list[int]:
    """So many figures, whatever a worker said."""
    return [*account.figures, *[0] * count][:count]


def error_told(error: MincerError) -> ErrorTold:
    """An error as its texts, none too long to travel."""
    where = error.where
    return ErrorTold(
        type(error).__name__,
        _cut(error.what, _TEXT_CHARS_MAX),
        None
        if where is None
        else WhereTold(
            _cut(where.source, _LINE_CHARS_MAX),
            where.offset,
            _cut(where.key, _LINE_CHARS_MAX),
            _cut(where.value, _LINE_CHARS_MAX),
        ),
        _cut(error.hint, _TEXT_CHARS_MAX),
        _cut(error.user_traceback, _TEXT_CHARS_MAX),
        _cut(error.task, _LINE_CHARS_MAX),
    )


def error_of(told: ErrorTold) -> MincerError:
    """The error that was told; of a kind that is not known here, a `JobError`."""
    kind: Any = getattr(mincer.errors, told.kind, None)
    if not (isinstance(kind, type) and issubclass(kind, MincerError)):
        kind = JobError
    where = told.where
    error: MincerError = kind(
        told.what,
        where=None
        if where is None
        else Where(where.source, where.offset, where.key, where.value),
        hint=told.hint,
        user_traceback=told.user_traceback,
        task=told.task,
    )
    return error


def _cut(text: Any, chars_max: int) -> Any:
    """A text that can travel: not too long, and UTF-8 whatever is in it."""
    if text is None:
        return None
    if len(text) > chars_max:
        # The end of a traceback says what was wrong.
        half = chars_max // 2
        text = f"{text[:half]}\n…\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()


def printable(text: str) -> str:
    """What somebody said of himself, as it may stand on a screen: no line of it, and no
    order to a terminal, is his."""
    return "".join(one if one.isprintable() else "?" for one in text)


def failure_told(failed: FailJob, book: Book) -> frames.JobFailed:
    """How a job failed, with the error of the attempt that it failed of."""
    attempt = failed.attempt
    if failed.fault is not None and failed.fault.value == "worker fault":
        attempt = next(reversed(book.failures), attempt)
    error = None if attempt is None else book.failures.get(attempt)
    return frames.JobFailed(
        failed.job,
        failed.reason,
        None if failed.task is None else failed.task[1:],
        None if attempt is None else name_of(attempt),
        None if failed.fault is None else failed.fault.value,
        failed.record,
        error,
    )


def progress_told(
    book: Book, snapshot: JobSnapshot, doing_bytes: int
) -> frames.ProgressTold:
    """How far a job is; `doing_bytes`: what running maps of the first step have read
    of their splits."""
    step = snapshot.steps[snapshot.step]
    return frames.ProgressTold(
        book.job,
        snapshot.state,
        snapshot.step,
        step.maps.done,
        step.maps.total,
        step.reduces.done,
        step.reduces.total,
        min(book.records, _COUNT_MAX),
        min(book.bytes_read + doing_bytes, _COUNT_MAX),
        snapshot.workers_healthy,
        snapshot.attempts_failed,
        [note[:_LINE_CHARS_MAX] for note in book.notes[-20:]],
    )
