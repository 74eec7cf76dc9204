"""Why a local job has no result: one error, with its record."""

from __future__ import annotations

import contextlib

from mincer.core.events import Fault
from mincer.errors import CancelledError, JobError, MincerError, Where
from mincer.ids import AttemptId
from mincer.runners.base import SKIP_HINT
from mincer.runners.local.job import LocalJob

__all__ = ["failure_of"]


def failure_of(job: LocalJob) -> MincerError:
    """The one error that tells why a job has no result."""
    failed = job.failed
    if job.error is not None:
        return job.error
    attempt = None if failed is None else failed.attempt
    if failed is not None and failed.fault is Fault.WORKER_FAULT:
        attempt = next(reversed(job.failures), attempt)  # it says what is wrong here
    if failed is None or (failed.task is None and attempt is None):
        reason = "the runner was closed" if failed is None else failed.reason
        return CancelledError(f"the job was cancelled: {reason}")
    if attempt is None or attempt not in job.failures:
        last = next((error.what for error, _ in reversed(job.failures.values())), None)
        hint = None if last is None else f"The last that failed said: {last}"
        return JobError(failed.reason, task=str(attempt or failed.task), hint=hint)
    error, record = job.failures[attempt]
    if error.user_traceback is not None:
        error.user_traceback = job.users_paths(error.user_traceback)
    if error.where is None and record is not None:
        # The input may be gone meanwhile, and that is not what is to be told.
        with contextlib.suppress(MincerError, OSError):
            error.where = _where(job, attempt, record)
    if error.task is None:
        error.task = str(attempt)
    if failed.fault is Fault.RAISED and error.hint is None and record is not None:
        error.hint = SKIP_HINT
    return error


def _where(job: LocalJob, attempt: AttemptId, record: int) -> Where | None:
    """Read the split again, here, up to the record that ended a child."""
    if attempt.task.kind != "map":
        return None
    split = job.split_of(attempt.task)
    for batch in split.read():
        index = record - batch.first
        if 0 <= index < len(batch.values):
            return batch.where(index)
    return None
