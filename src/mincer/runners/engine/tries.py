"""Attempts at a task, in the worker of an engine, until one is done."""

# Strategy: the engine tries again what died; what the user's code raised is tried again
# here, and a bad record is left out here, by the rules of the coordinator (core): where
# records may be left out, one that fails is, at once; where none may, an attempt is
# made `max_attempts` times. How many were left out in all only the driver can add up.
#
# A worker of an engine may be shared: by threads, and by jobs one after another. What
# user code sees of its attempt is one for a process (`mincer.context`), so one attempt
# runs at a time; as they are Python, little is lost by that.

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mincer.errors import Bug, JobError, MincerError, UserCodeError
from mincer.flow.stages import RecordError
from mincer.ids import AttemptId, TaskId
from mincer.runners.engine.parcel import Account, Parcel
from mincer.runners.engine.timeout import limited
from mincer.worker.orders import AttemptMade

__all__ = ["alone", "tried"]

_lock = threading.RLock()


@contextmanager
def alone(task: TaskId) -> Iterator[None]:
    """One attempt at a time; what is no error of ours is a bug, and all of it told."""
    try:
        with _lock, _frozen():
            yield
    except (MincerError, RecordError):
        raise
    except Exception as error:
        import traceback

        raise Bug(
            f"{type(error).__name__}: {error}",
            user_traceback=traceback.format_exc(),
            task=str(task),
        ) from error


@contextmanager
def _frozen() -> Iterator[None]:
    """The collector need not look at what was there before: in the process of an engine
    that is a lot, and took half of the time of a small reduce."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def tried(
    task: TaskId,
    rules: Parcel,
    once: Callable[[int, frozenset[int]], AttemptMade],
) -> Account:
    """Make attempts until one is done, or no more may be made; then raise its error.

    `once`: makes an attempt, of this number, without these records.
    """
    skip: set[int] = set()
    failed = 0
    why: MincerError | None = None
    started, cpu_s = time.time(), time.thread_time()
    while True:
        number = failed + len(skip)
        try:
            with alone(task), limited(task, rules.task_timeout_s):
                made = once(number, frozenset(skip))
            break
        except RecordError as bad:
            error, ordinal = bad.error, bad.ordinal
        except MincerError as other:
            error, ordinal = other, None
        error.task = error.task or str(AttemptId(task, number))
        if ordinal is not None and rules.skips_max:
            if len(skip) == rules.skips_max or ordinal in skip:
                raise error
            skip.add(ordinal)
            why = error
            continue
        failed += 1
        if failed >= rules.attempts_max or not _may_go_well(error, ordinal):
            raise error
    made.ended = time.time()
    made.wall_s = made.ended - started
    made.cpu_s = time.thread_time() - cpu_s
    return Account(made, failed, len(skip), why)


def _may_go_well(error: MincerError, ordinal: int | None) -> bool:
    """True when the same may go well another time: what happened at one record, or in
    the user's code, or to this machine."""
    known = ordinal is not None or isinstance(error, UserCodeError)
    return known or not isinstance(error, JobError | Bug)
