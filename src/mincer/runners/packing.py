"""A job as it travels: functions and options of each step, and the user's modules."""

from __future__ import annotations

from mincer.codec import functions
from mincer.core.events import JobPlan, StepPlan
from mincer.job import default_parts
from mincer.runners.base import JobOrder
from mincer.structs import Struct
from mincer.worker.modules import ModuleSet, collect_reach
from mincer.worker.orders import JobCode

__all__ = ["PackedJob", "pack_job", "parts_of", "plan_of"]

#: An input that is one of so many shares of a child's memory is small: as Python's
#: objects it takes ten to twenty times its size, more if it is compressed.
_PART_SHARES = 64


class PackedJob(Struct):
    """All that children need but input."""

    #: The `JobCode` of each step.
    codes: list[bytes]
    modules: ModuleSet


def pack_job(order: JobOrder, memory_bytes: int) -> PackedJob:
    """Write down what children need: functions, and modules that they use.

    `memory_bytes`: about what a child may take. Raises `ShipError` for what cannot
    travel.
    """
    # The source too, since its splits may be of a class of the user's.
    _, reach = functions.dump_reaching(type(order.source))
    codes = []
    for number in range(len(order.steps)):
        data, more = functions.dump_reaching(_code(order, number, memory_bytes))
        reach.add(more)
        codes.append(data)
    return PackedJob(codes, collect_reach(reach))


def _code(order: JobOrder, number: int, memory_bytes: int) -> JobCode:
    last = number == len(order.steps) - 1
    return JobCode(
        step=order.steps[number].plain(),
        parts=parts_of(order, number),
        job_name=order.name,
        params=order.params,
        sink=order.sink if last else None,
        records_max=order.records_max if number == 0 else None,
        cut_parts=not _has_small_parts(order, number, memory_bytes),
    )


def _has_small_parts(order: JobOrder, number: int, memory_bytes: int) -> bool:
    """True when a part surely fits into a child's memory, as far as can be known before
    the input is read. (If one does not, it is taken to disk.)"""
    size_bytes = order.source.size_bytes
    if number or size_bytes is None:
        return False
    return size_bytes / parts_of(order, number) < memory_bytes / _PART_SHARES


def parts_of(order: JobOrder, number: int) -> int:
    """The parts of a step: as asked for, by the input, or as the step before."""
    for step in reversed(order.steps[: number + 1]):
        if step.parts is not None:
            return step.parts
    return default_parts(order.source.size_bytes)


def plan_of(order: JobOrder) -> JobPlan:
    """The job's shape, as the coordinator sees it."""
    last = len(order.steps) - 1
    first = order.steps[0]
    return JobPlan(
        tuple(
            StepPlan(
                parts=parts_of(order, number) if step.shuffles else 0,
                sampled=step.sampled,
                to_sink=number == last and order.sink is not None,
            )
            for number, step in enumerate(order.steps)
        ),
        attempts_max=first.max_attempts,
        skips_max=sum(step.skip_bad_records for step in order.steps),
        task_timeout_s=first.task_timeout,
    )
