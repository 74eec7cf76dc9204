"""How far a job is, from the coordinator's counts and what the children read."""

from __future__ import annotations

import time

from mincer.core.snapshot import JobSnapshot
from mincer.runners.base import Progress
from mincer.runners.local.job import LocalJob

__all__ = ["progress_of"]


def progress_of(
    job: LocalJob, snapshot: JobSnapshot | None, workers: int, doing_bytes: int
) -> Progress:
    """`snapshot`: None when the job is over. `doing_bytes`: what running maps of the
    first step have read of their splits."""
    elapsed_s = time.monotonic() - job.started
    total = job.order.source.size_bytes
    if snapshot is None:
        return Progress(
            phase="done",
            elapsed_s=elapsed_s,
            step=len(job.order.steps),
            steps=len(job.order.steps),
            records=job.records,
            bytes_read=job.bytes_read,
            bytes_total=total,
            workers=workers,
            notes=tuple(job.notes),
        )
    step = snapshot.steps[snapshot.step]
    return Progress(
        phase=snapshot.state,
        elapsed_s=elapsed_s,
        maps_done=step.maps.done,
        maps_total=step.maps.total,
        reduces_done=step.reduces.done,
        reduces_total=step.reduces.total,
        step=snapshot.step + 1,
        steps=len(job.order.steps),
        records=job.records,
        bytes_read=job.bytes_read + doing_bytes,
        bytes_total=total,
        workers=workers,
        attempts_failed=snapshot.attempts_failed,
        notes=tuple(job.notes),
    )
