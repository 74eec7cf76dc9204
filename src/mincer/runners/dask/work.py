"""What the tasks of a job on Dask do, in its workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mincer.errors import (
    CancelledError,
)
from mincer.flow.budget import Budget
from mincer.ids import JobId
from mincer.limits import MEMORY_BYTES_MIN
from mincer.runners.engine.outward import outward
from mincer.runners.engine.parcel import MadePart, Piece
from mincer.runners.engine.parts import source_of
from mincer.runners.engine.tasks import Tasks
from mincer.worker.machine import memory_per_slot

if TYPE_CHECKING:
    pass

__all__ = ["cuts", "group", "item", "part", "pieces", "sample", "share"]

#: Of a worker's memory, what a job may take for itself; by default Dask begins to put
#: what it holds on disk at 60 % of it.
_SHARE = 0.3


def _tasks(job: JobId) -> Tasks:
    from mincer.runners.dask.plugin import parcel_of

    return Tasks(parcel_of(job), _budget, _stop_if_cancelled)


def share(limit_bytes: int | None, threads: int) -> int:
    limit_bytes = limit_bytes or memory_per_slot(1)
    return max(MEMORY_BYTES_MIN, int(limit_bytes * _SHARE / threads))


def _budget() -> Budget:
    """What of this worker's memory one task may take. The size of the process tells
    nothing, as all that Dask holds is in it."""
    from distributed import get_worker

    worker = get_worker()
    return Budget(share(worker.memory_manager.memory_limit, worker.state.nthreads))


def _stop_if_cancelled(ordinal: int, done: int) -> None:
    from distributed import get_worker
    from distributed.worker import thread_state

    state = get_worker().state.tasks.get(getattr(thread_state, "key", None))
    if state is not None and state.state == "cancelled":
        raise CancelledError("the job was cancelled")


@outward
def sample(job: JobId, step: int, splits: int, *given: Any) -> bytes:
    return _tasks(job).sample(step, source_of(given), splits)


@outward
def cuts(job: JobId, step: int, samples: list[bytes]) -> bytes:
    return _tasks(job).cuts(step, samples)


@outward
def pieces(
    job: JobId, step: int, index: int, cut: bytes | None, *given: Any
) -> list[Piece]:
    return list(_tasks(job).pieces(step, index, source_of(given), cut))


@outward
def part(job: JobId, step: int, index: int, *given: Any) -> tuple[MadePart, bytes]:
    return _tasks(job).part(step, index, source_of(given))


@outward
def group(
    job: JobId, step: int, number: int, some: list[Piece], cut: bytes | None
) -> list[tuple[MadePart, bytes]]:
    return list(_tasks(job).group(step, number, some, cut))


def item(made: Any, *where: int) -> Any:
    """One thing of what a task made."""
    for n in where:
        made = made[n]
    return made
