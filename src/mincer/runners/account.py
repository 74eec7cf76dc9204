"""The account of a job that is done: what its winners made, added up."""

from __future__ import annotations

import time
from collections.abc import Sized
from typing import Protocol

from mincer.flow.ports import MapMade, PartMade, ReduceMade
from mincer.ids import AttemptId, JobId
from mincer.runners.report import Report
from mincer.worker.orders import AttemptMade

__all__ = ["Accounted", "Named", "part_of", "report_of"]


class Named(Protocol):
    """What a job is called, and how many steps it has."""

    @property
    def job(self) -> JobId: ...

    @property
    def name(self) -> str: ...

    @property
    def steps(self) -> Sized: ...


class Accounted(Protocol):
    """What a runner keeps of a job."""

    @property
    def order(self) -> Named: ...

    made: dict[AttemptId, AttemptMade]
    #: How many records each attempt left out, if it did.
    skips: dict[AttemptId, int]
    #: The most that a child took.
    memory_bytes_max: int
    #: On the monotonic clock.
    started: float

    @property
    def outcomes(self) -> dict[str, int]:
        """The outcome of each attempt that ended."""
        ...

    @property
    def notes(self) -> list[str]: ...

    @property
    def winners(self) -> tuple[AttemptId, ...] | None: ...

    @property
    def output(self) -> list[AttemptMade]:
        """Who made the parts of the result, in the order of the parts."""
        ...


def part_of(made: AttemptMade) -> PartMade:
    """The part that an attempt made."""
    part = made.made.part if made.made is not None else None
    assert part is not None
    return part


def report_of(job: Accounted, runner: str, workers: int) -> Report:
    """The account of a job that is done."""
    won = [job.made[attempt] for attempt in job.winners or ()]
    report = Report(
        job=job.order.job,
        name=job.order.name,
        runner=runner,
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
        skipped = [job.skips.get(made.attempt, 0) for made in won]
        report.records_skipped = sum(skipped)
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
