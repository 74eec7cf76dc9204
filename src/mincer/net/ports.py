"""What a worker's node asks of its machine: children, and a place for a job's files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from mincer.ids import AttemptId
from mincer.net.inputs import Inputs
from mincer.net.machine import Need
from mincer.net.offers import Outputs
from mincer.net.same_folder import SharedFolder
from mincer.store.disk import Place
from mincer.wire import frames
from mincer.wire.packets import Buffer
from mincer.wire.pulls import Thing
from mincer.worker.orders import AttemptUnmade, Order
from mincer.worker.page import Position

__all__ = ["Children", "Depot", "Kept"]


class Children(Protocol):
    """What runs attempts: see `mincer.worker.hands.Hands`."""

    def add(self, order: Order, after: AttemptId | None, memory_bytes: int) -> None: ...

    def send(self) -> None: ...

    def recall(self, attempt: AttemptId) -> tuple[AttemptId, ...]: ...

    def cancel(self, attempt: AttemptId) -> bool: ...

    def time_out(self, attempt: AttemptId, limit_s: float | None) -> AttemptUnmade: ...

    def in_work(self) -> Iterator[tuple[AttemptId, Position]]: ...


class Kept(NamedTuple):
    """What is to be told of an attempt and its output."""

    #: See `mincer.wire.frames.WAYS`.
    by_way: tuple[int, int, int] = (0, 0, 0)
    #: The driver sent input that it read.
    was_sent: bool = False
    #: Where it lies, for those who see the same disks, and a digest of its index.
    place: frames.PlaceTold | None = None
    index_digest: bytes = b""


class Depot(Protocol):
    """One job on this worker: what is told of it, brought here, made and served."""

    told: frames.JobTold
    #: What a child may take.
    memory_bytes: int

    #: The input files, which the coordinator tells, and what of them is here.
    inputs: Inputs
    #: The folder of the output, if it has one that workers may share.
    shared: SharedFolder

    # --- what the coordinator tells, each thing once and in order

    def trust(self, token: bytes) -> None:
        """With this it may read the job's data."""
        ...

    def add_commits(
        self, step: int, first: int, rows: list[frames.CommitRow]
    ) -> None: ...

    def add_withdrawals(self, step: int, first: int, numbers: list[int]) -> None: ...

    def set_cuts(self, step: int, output: frames.OutputName) -> None: ...

    def add_row(self, row: frames.StartRow) -> tuple[AttemptId, tuple[Need, ...]]:
        """Keep an order; return what has to be here before it can begin."""
        ...

    # --- what attempts need; raises `MincerError` for what the disk does not take

    def thing(self, need: Need) -> tuple[Thing, int]:
        """What is to be pulled, and from which member."""
        ...

    def lost_with(self, need: Need) -> tuple[AttemptId, ...]:
        """The outputs that are lost if this cannot be had."""
        ...

    def sized(self, need: Need, sizes: list[int]) -> None:
        """This need is on its way, and so long."""
        ...

    def write(self, need: Need, offset: int, data: Buffer) -> None:
        """These bytes of it have come."""
        ...

    def whole(self, need: Need, is_direct: bool) -> None:
        """All of it has come: straight from who has it, or by way of the
        coordinator."""
        ...

    def drop(self, need: Need) -> None:
        """Nobody wants it any more."""
        ...

    # --- attempts

    def order(self, attempt: AttemptId) -> Order:
        """What a child is told to run this attempt, whose needs are all here. Raises
        `SegmentError` if an output of its own is gone."""
        ...

    def made(self, attempt: AttemptId, place: Place | None) -> Kept:
        """The attempt is done, and this is where its output lies."""
        ...

    def ended(self, attempt: AttemptId) -> None:
        """It did not make anything."""
        ...

    def discard(self, attempt: AttemptId) -> None:
        """Nobody will ask for this output."""
        ...

    def release(self, step: int) -> None:
        """Nobody will ask for what the maps of this step made."""
        ...

    def find(self, thing: Thing) -> Outputs:
        """Lay out what is kept here for another member, or raise `NotHere`."""
        ...

    def close(self) -> None:
        """Remove all of it."""
        ...
