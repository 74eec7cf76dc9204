"""What a parent tells a child to do, and what the child says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from mincer.core.events import Fault
from mincer.errors import MincerError
from mincer.flow.stages import MapMade, ReduceMade
from mincer.ids import AttemptId
from mincer.job import Step
from mincer.sinks.base import Sink
from mincer.store.disk import Place
from mincer.structs import Struct, field

__all__ = [
    "AttemptMade",
    "AttemptUnmade",
    "JobCode",
    "MapOrder",
    "Modules",
    "Order",
    "ReduceOrder",
    "Reply",
    "SampleOrder",
]


class JobCode(Struct):
    """One step of a job as it travels, once, in a file that children read."""

    step: Step
    parts: int
    job_name: str
    params: Mapping[str, Any]
    #: Where the output goes; None: to the child's own file, in blocks.
    sink: Sink | None
    records_max: int | None
    memory_bytes: int | None


class Modules(Struct):
    """The user's own modules: a zip on disk, and the folder that it is unpacked in."""

    zip_path: str
    digest: str
    folder: str


class _Order(Struct, kw_only=True):
    attempt: AttemptId
    #: The file with the `JobCode`.
    code: str
    modules: Modules | None
    #: The folder of the outputs of this step.
    folder: str
    #: The folder for scratch files.
    scratch: str


class SampleOrder(_Order, kw_only=True):
    """Find the cut points of `by_range`."""

    splits: list[bytes]


class MapOrder(_Order, kw_only=True):
    """Map one split."""

    split: bytes
    #: What the sample attempt of this step made.
    cuts: Place | None = None
    skip: tuple[int, ...] = ()
    careful: bool = False


class ReduceOrder(_Order, kw_only=True):
    """Reduce one part of what the maps in the commit log made.

    The first `commits` entries of the log count, but for those in `without`.
    """

    log: str
    commits: int
    without: tuple[int, ...] = ()
    cuts: Place | None = None


Order: TypeAlias = SampleOrder | MapOrder | ReduceOrder


class AttemptMade(Struct):
    """The attempt is done, and this is where its output lies."""

    attempt: AttemptId
    place: Place | None
    digest: int
    made: MapMade | ReduceMade | None
    counters: dict[str, int] = field(default_factory=dict)
    #: Seconds of this child's processor, and of the wall.
    cpu_s: float = 0.0
    wall_s: float = 0.0
    #: When it ended, on the monotonic clock of the machine.
    ended: float = 0.0


class AttemptUnmade(Struct):
    """The attempt failed, and why."""

    attempt: AttemptId
    fault: Fault
    error: MincerError
    record: int | None = None
    lost: tuple[AttemptId, ...] = ()


Reply: TypeAlias = AttemptMade | AttemptUnmade
