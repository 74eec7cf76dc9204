"""How a local job ended, for its asker: the report, or the error with its record."""

from __future__ import annotations

import contextlib
import time

from mincer.core.events import Fault
from mincer.errors import CancelledError, JobError, MincerError, Where
from mincer.flow.ports import MapMade, PartMade, ReduceMade
from mincer.ids import AttemptId
from mincer.runners.base import SKIP_HINT
from mincer.runners.local.job import LocalJob
from mincer.runners.report import Report
from mincer.worker.orders import AttemptMade

__all__ = ["failure_of", "part_of", "report_of"]


def part_of(made: AttemptMade) -> PartMade:
    """The part that an attempt made."""
    part = made.made.part if made.made is not None else None
    assert part is not None
    return part


def report_of(job: LocalJob, workers: int) -> Report:
    """The account of a job that is done."""
    won = [job.made[attempt] for attempt in job.winners or ()]
    report = Report(
        job=job.order.job,
        name=job.order.name,
        runner="local",
        started_at=time.time() - (time.monotonic() - job.started),
        elapsed_s=time.monotonic() - job.started,
        cpu_s=sum([made.cpu_s for made in won]),
        workers=workers,
        steps=len(job.order.steps),
        attempts={name: n for name, n in job.outcomes.items() if n},
        memory_bytes_max=job.memory_bytes_max,
        notes=list(job.notes),
    )
    maps = [made for made in won if isinstance(made.made, MapMade)]
    report.map_s = _span_s(maps)
    report.reduce_s = _span_s([one for one in won if isinstance(one.made, ReduceMade)])
    _add_maps(report, maps)
    counters: dict[str, int] = {}
    for counted in [made.counters for made in won if made.counters]:
        for name, n in counted.items():
            counters[name] = counters.get(name, 0) + n
    report.counters = counters
    if job.skips:
        skipped = [job.skips.get(made.attempt, ()) for made in won]
        report.records_skipped = sum(map(len, skipped))
    parts = [part_of(made) for made in job.output]
    report.parts = len(parts)
    report.pairs = sum([part.pairs for part in parts])
    report.bytes_written = sum([part.size_bytes for part in parts])
    return report


def _add_maps(report: Report, won: list[AttemptMade]) -> None:
    """Add up what the maps of a job have made."""
    for one in won:
        made = one.made
        assert isinstance(made, MapMade)
        report.pairs_mapped += made.pairs
        if made.part is None and one.place is not None:
            report.bytes_spilled += one.place.length_bytes
        if one.attempt.task.step == 0:
            report.splits += 1
            report.records += made.records
            report.bytes_read += made.bytes_read
    report.bytes_shuffled = report.bytes_spilled


def _span_s(some: list[AttemptMade]) -> float:
    """From the first start to the last end of some attempts."""
    if not some:
        return 0.0
    return max([made.ended for made in some]) - min(
        [made.ended - made.wall_s for made in some]
    )


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
