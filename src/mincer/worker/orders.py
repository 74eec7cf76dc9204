"""What a parent tells a child to do, and what the child says of it."""

# Strategy: an attempt may take less time than its order takes to be pickled. So many
# orders travel at once, with what they have in common written once (`pack`), and a
# reply that tells of a map is a bare tuple on its way (`pack_reply`).

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from mincer.codec.functions import dump_value
from mincer.core.events import Fault
from mincer.errors import MincerError, ShipError, UsageError
from mincer.flow.ports import MapMade, PartMade, ReduceMade
from mincer.ids import AttemptId, TaskId
from mincer.job import Step
from mincer.sinks.base import Sink
from mincer.sources.base import Split
from mincer.store.disk import Place
from mincer.structs import Struct, field

if TYPE_CHECKING:
    from mincer.flow.stages import Program
    from mincer.sources.copies import Copy

__all__ = [
    "AttemptMade",
    "AttemptUnmade",
    "AttemptsUnbegun",
    "JobCode",
    "MapOrder",
    "Modules",
    "Order",
    "PackedSplit",
    "ReduceOrder",
    "Reply",
    "SampleOrder",
    "StepFiles",
    "pack",
    "pack_reply",
    "pack_splits",
    "unpack",
    "unpack_reply",
]

#: Splits are pickled together up to this size: who needs one of them gets them all.
_PACKET_BYTES_MAX = 1 << 18

_NO_COPIES: Mapping[str, Copy] = {}

#: Instead of a place, or of a part.
_NO_THREE = (None, None, None)


class JobCode(Struct):
    """One step of a job as it travels, once, in a file that children read."""

    step: Step
    parts: int
    job_name: str
    params: Mapping[str, Any]
    #: Where the output goes; None: to the child's own file, in blocks.
    sink: Sink | None
    records_max: int | None
    #: See `mincer.flow.stages.Program`.
    cut_parts: bool = True

    def program(self, cuts: list[Any] | None = None) -> Program:
        """The step as attempts run it, with these cut points."""
        # A driver reads orders, but runs nothing: it needs no stages at its start.
        from mincer.flow.stages import Program

        return Program(
            step=self.step,
            parts=self.parts,
            cuts=cuts,
            cut_parts=self.cut_parts,
            keys_written=self.sink is None or self.sink.writes_keys,
        )


class Modules(Struct):
    """The user's own modules: a zip on disk, and the folder that it is unpacked in."""

    zip_path: str
    digest: str
    folder: str


class StepFiles(Struct):
    """Where the attempts of a step find what they have in common, and leave what they
    make."""

    #: The file with the `JobCode`.
    code: str
    modules: Modules | None
    #: The folder of the outputs.
    folder: str
    #: The folder for scratch files.
    scratch: str
    #: What the sample attempt made.
    cuts: Place | None = None
    #: What a child may take.
    memory_bytes: int | None = None
    #: Parts go to the child's own file, to be sent, also those that a sink is to have.
    sends: bool = False


#: A pickled list of splits, and which of them is meant: splits are planned together and
#: used together, and alone each takes three times as long.
PackedSplit: TypeAlias = tuple[bytes, int]


class SampleOrder(Struct):
    """Find the cut points of `by_range`."""

    attempt: AttemptId
    files: StepFiles
    splits: list[PackedSplit]
    #: See `mincer.sources.copies`.
    copies: Mapping[str, Copy] = _NO_COPIES


class MapOrder(Struct, frozen=False):  # half the time; there are many
    """Map one split."""

    attempt: AttemptId
    files: StepFiles
    split: PackedSplit
    skip: tuple[int, ...] = ()
    careful: bool = False
    copies: Mapping[str, Copy] = _NO_COPIES


class ReduceOrder(Struct):
    """Reduce one part of what the maps in the commit log made.

    The first `commits` entries of the log count, but for those in `without`.
    """

    attempt: AttemptId
    files: StepFiles
    log: str
    commits: int
    without: tuple[int, ...] = ()


Order: TypeAlias = SampleOrder | MapOrder | ReduceOrder


class AttemptMade(Struct, frozen=False):
    """The attempt is done, and this is where its output lies."""

    attempt: AttemptId
    place: Place | None
    digest: int
    made: MapMade | ReduceMade | None
    counters: dict[str, int] = field(default_factory=dict)
    #: Seconds of this child's processor, those of short attempts before it included.
    cpu_s: float = 0.0
    #: Seconds on the wall.
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


class AttemptsUnbegun(Struct):
    """The child gives back these of what it was given at once."""

    attempts: tuple[AttemptId, ...]


Reply: TypeAlias = AttemptMade | AttemptUnmade


def pack_splits(splits: Sequence[Split]) -> list[PackedSplit]:
    """Pickle splits: together, if they are small and can travel at all."""
    if len(set(map(id, splits))) < len(splits):
        raise UsageError(
            "the source planned one split twice",
            hint="Let its plan() yield a new object for each split.",
        )
    try:
        packet = dump_value(splits)
    except ShipError:  # raised again, of the split alone
        packet = b""
    if 0 < len(packet) <= _PACKET_BYTES_MAX:
        return [(packet, nth) for nth in range(len(splits))]
    return [(dump_value([split]), 0) for split in splits]


def pack(orders: Sequence[Order]) -> object:
    """Orders of one kind, of one step of a job, as a message."""
    first = orders[0]
    if len(orders) == 1 or not isinstance(first, MapOrder):
        return list(orders)
    rows = [
        (
            one.attempt.task.index,
            one.attempt.number,
            one.split,
            one.skip,
            one.careful,
            one.copies,
        )
        for one in orders
        if isinstance(one, MapOrder)
    ]
    return first.attempt.task, first.files, rows


def unpack(message: Any) -> list[Order]:
    """What `pack` was given."""
    if isinstance(message, list):
        return message
    (job, step, kind, _), files, rows = message
    return [
        MapOrder(
            AttemptId(TaskId(job, step, kind, index), number),
            files,
            split,
            skip,
            careful,
            copies,
        )
        for index, number, split, skip, careful, copies in rows
    ]


def pack_reply(place_of: int, reply: Reply | AttemptsUnbegun) -> object:
    """A reply as a message; `place_of`: which of the orders it answers, from 0."""
    if not isinstance(reply, AttemptMade) or not isinstance(reply.made, MapMade):
        return reply
    *figures, part = vars(reply.made).values()
    # Flat: to unpickle tuples in a tuple takes twice as long.
    return (
        place_of,
        reply.digest,
        reply.counters,
        reply.cpu_s,
        reply.wall_s,
        reply.ended,
        *(reply.place or _NO_THREE),
        *(part or _NO_THREE),
        *figures,
    )


def unpack_reply(message: Any, attempts: Sequence[AttemptId]) -> Any:
    """What `pack_reply` was given, by a child whose orders were for `attempts`."""
    if type(message) is not tuple:
        return message
    (
        n,
        digest,
        counters,
        cpu_s,
        wall_s,
        ended,
        path,
        offset,
        length,
        pairs,
        size,
        checksum,
        *figures,
    ) = message
    place = None if path is None else Place(path, offset, length)
    figures.append(None if pairs is None else PartMade(pairs, size, checksum))
    made = MapMade(*figures)
    return AttemptMade(attempts[n], place, digest, made, counters, cpu_s, wall_s, ended)
