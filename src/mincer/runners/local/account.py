"""Why a local job has no result: one error, with its record."""

from __future__ import annotations

from mincer.core.events import Fault
from mincer.errors import CancelledError, JobError, MincerError
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
    from mincer.runners.failures import complete, where_in  # not at each start

    complete(
        error,
        attempt,
        record,
        failed.fault,
        lambda task, record: where_in(job.split_of(task), record),
    )
    return error
