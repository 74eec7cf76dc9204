"""What travels through an engine: the code of a job, splits, pieces, parts, accounts.

    split --map--> one piece a group of parts --the engine's shuffle--> reduce --> part

All of it pickles. Pairs travel as blocks only: an engine never sees a key.
"""

# Strategy: the parts of a job are as many as on every runner, which may be more than an
# engine likes as tasks: a map would make hundreds of little things. So consecutive
# parts form a group: one piece of each map, and one reduce task.
#
# An account goes with what it tells of. An engine runs a task again when it likes, and
# only the data that was consumed in the end shows which attempt counts: so the account
# of a map lies in one of its pieces, and comes out with the part that was made of it.

from __future__ import annotations

from mincer.errors import MincerError
from mincer.flow.ports import PartMade
from mincer.ids import JobId, TaskId
from mincer.runners.packing import PackedJob
from mincer.structs import Struct, field
from mincer.worker.orders import AttemptMade, PackedSplit

__all__ = [
    "Account",
    "Input",
    "MadePart",
    "OwnBytes",
    "Parcel",
    "Piece",
    "group_bounds",
]

#: Bytes that only the driver had: the path by which a split opens them, their offset.
OwnBytes = tuple[str, int, bytes]


class Parcel(Struct):
    """All that the tasks of a job have in common; it travels once."""

    job: JobId
    packed: PackedJob
    #: The parts of each step, and how many groups these form.
    parts: tuple[int, ...]
    groups: tuple[int, ...]
    attempts_max: int = 4
    skips_max: int = 0
    task_timeout_s: float | None = None
    #: A file in the folder of the output, and what is in it: who finds that sees the
    #: same folder, and writes parts there.
    token: tuple[bytes, bytes] | None = None


class Input(Struct):
    """A split on its way to a worker."""

    packed: PackedSplit
    own_bytes: tuple[OwnBytes, ...] = ()


class Account(Struct):
    """What an attempt that counts did, and those before it that did not."""

    made: AttemptMade
    failed: int = 0
    skipped: int = 0
    #: Why a record was left out, the last one.
    why: MincerError | None = None


class Piece(Struct):
    """What one map made for one group of parts."""

    #: The index of the map: equal keys keep the order of the input.
    index: int
    #: By part, an output of its own: blocks and their index (`flow.run.cut_out`).
    outputs: dict[int, bytes]
    accounts: list[Account] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.outputs.values()))

    def __sizeof__(self) -> int:
        # Asked by Dask, to know when to put what it holds on disk.
        return object.__sizeof__(self) + self.size_bytes


class MadePart(Struct):
    """A part of the output of a step, without its data."""

    task: TaskId
    made: PartMade
    #: Its attempt's number in the sink, which has it; None: its blocks are data.
    number: int | None
    #: Of whoever made it, and of the maps whose accounts came with it.
    accounts: list[Account]


def group_bounds(group: int, groups: int, parts: int) -> range:
    """The parts that form a group."""
    return range(group * parts // groups, (group + 1) * parts // groups)
