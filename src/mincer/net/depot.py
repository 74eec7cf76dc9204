"""What a worker has of one job on its disk, and the orders that are made of that."""

# Strategy: a child sees local paths only. So what an attempt reads is brought here
# first and lies in files that the readers of `sources` and `flow` know already: the
# packet of its splits, copies of the input files with holes where it does not read,
# outputs of other workers, and a commit log that names local places only. Nothing of it
# is unpickled in this process.

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Iterator
from functools import partial

from mincer.ids import AttemptId, TaskId
from mincer.net import needs
from mincer.net.inputs import Inputs
from mincer.net.machine import Need
from mincer.net.nearby import IsNear, Nearby, place_told
from mincer.net.offers import Outputs
from mincer.net.ports import Kept
from mincer.net.same_folder import SharedFolder
from mincer.net.shelf import Shelf
from mincer.store.disk import FileCache, Place, kept
from mincer.store.folder import OwnedFolder
from mincer.structs import Struct, field
from mincer.wire import pulls
from mincer.wire.frames import (
    CommitRow,
    Extent,
    JobTold,
    OutputName,
    SplitName,
    StartRow,
    attempt_of,
)
from mincer.wire.packets import Buffer
from mincer.wire.pulls import Thing
from mincer.worker.commits import Commit, CommitLog
from mincer.worker.handoff import PartSplit
from mincer.worker.orders import (
    MapOrder,
    Modules,
    Order,
    PackedSplit,
    ReduceOrder,
    SampleOrder,
    StepFiles,
)
from mincer.worker.unpack import unpack

__all__ = ["JobDepot"]

_NO_WAYS = (0, 0, 0)
#: So many files of segments are kept to be written over.
_SPARE_MAX = 4


class _Pulled(Struct, frozen=False):
    """Where something that was pulled lies, and what stands in it."""

    path: str
    #: Where its first byte belongs in the file.
    start: int = 0
    sizes: list[int] = field(default_factory=list)


class JobDepot:
    """One job on one worker.

    `me`: the number of this member. `code_folder`: where children unpack modules; it
    outlives the job, as they do. `memory_bytes`: what a child may take. `is_near`:
    tells by its number whether a member sees the same disks; without it, nobody reads
    another's files.
    """

    def __init__(
        self,
        told: JobTold,
        me: int,
        folder: str,
        code_folder: str,
        memory_bytes: int,
        is_near: IsNear | None = None,
    ) -> None:
        self.told = told
        self._token = b""
        self.memory_bytes = memory_bytes
        self._me = me
        self._code_folder = code_folder
        self._folder = OwnedFolder(folder)
        self._steps = [needs.ToldStep() for _ in told.steps]
        #: The input files, which may be looked for at leisure.
        self.inputs = Inputs()
        #: Where parts of the output may be written.
        self.shared = SharedFolder(told)
        self._rows: dict[AttemptId, StartRow] = {}
        self._pulled: dict[Need, _Pulled] = {}
        #: Files of segments that nobody wants any more, for the next ones: to write
        #: over what is in the page cache takes a tenth of the time of new pages.
        self._spare: list[str] = []
        self._last = 0
        self._packets: dict[int, bytes] = {}
        self._files = FileCache()
        #: What was made here, and what others of this machine made.
        parts = [step.parts for step in told.steps]
        self._shelf = Shelf(told.job, b"", self._files, parts)
        self._nearby = Nearby(is_near, self._files)
        self._is_open = is_near is not None
        self._by_way: dict[AttemptId, tuple[int, int, int]] = {}
        for name in ("pulled", "scratch"):
            os.mkdir(self._path(name))
        for number, _ in enumerate(told.steps):
            os.makedirs(self._path(f"step-{number}", "maps"))
            os.makedirs(self._path(f"step-{number}", "out"))

    def _path(self, *names: str) -> str:
        return os.path.join(self._folder.path, *names)

    # --- what the coordinator tells

    def trust(self, token: bytes) -> None:
        self._token = self._shelf.token = token

    def add_commits(self, step: int, first: int, rows: list[CommitRow]) -> None:
        self._steps[step].add_commits(first, rows)

    def add_withdrawals(self, step: int, first: int, numbers: list[int]) -> None:
        self._steps[step].add_withdrawals(first, numbers)

    def set_cuts(self, step: int, output: OutputName) -> None:
        self._steps[step].cuts = output

    def add_row(self, row: StartRow) -> tuple[AttemptId, tuple[Need, ...]]:
        """Keep an order; return what has to be here before it can begin."""
        attempt = attempt_of(self.told.job, row.attempt)
        self._rows[attempt] = row
        if row.sends:
            self.shared.give_up()
        return attempt, tuple(self._needs(attempt, row))

    # --- what attempts need

    def _needs(self, attempt: AttemptId, row: StartRow) -> Iterator[Need]:
        job, number, kind, _ = attempt.task
        step = self._steps[number]
        yield Need(job, needs.Code(number))
        if self.told.modules is not None:
            yield Need(job, needs.Modules(self.told.modules.digest))
        cuts = step.cuts
        # Maps alone place keys: for others the cut points may be lost.
        if kind == "map" and cuts is not None and cuts.keeper != self._me:
            yield Need(job, needs.Cuts(number, cuts))
        if kind == "reduce":
            self._nearby.ordered(attempt, step.commits(row))
            for segments in step.segments(row, partial(self._is_local, attempt)):
                yield Need(job, segments, attempt)
        packets = {one.packet for one in row.inputs if isinstance(one, SplitName)}
        for packet in sorted(packets):
            yield Need(job, needs.Packet(packet))
        outputs = [one for one in row.inputs if isinstance(one, OutputName)]
        for one in outputs:
            if one.length_bytes and one.keeper != self._me:
                yield Need(job, needs.Output(one), attempt)
        for extent in self.inputs.sent_for(row):
            yield _input(extent, attempt)

    def _maps(self, need: Need, segments: needs.Segments) -> list[tuple[int, int]]:
        """The maps (index, number) of these segments."""
        assert need.attempt is not None
        step, row = self._steps[need.attempt.task.step], self._rows[need.attempt]
        return step.maps(row, segments, partial(self._is_local, need.attempt))

    def _is_local(self, attempt: AttemptId, commit: CommitRow) -> bool:
        """True when this attempt reads what this map made where it lies."""
        is_own = commit.keeper == self._me
        return is_own or self._nearby.place(attempt, commit) is not None

    def thing(self, need: Need) -> tuple[Thing, int]:
        """What is to be pulled, and from which member."""
        told = self.told
        key = told.job, self._token
        match need.what:
            case needs.Code(step):
                return pulls.BlobOf(*key, told.steps[step].code.digest), told.driver
            case needs.Modules(digest):
                return pulls.BlobOf(*key, digest), told.driver
            case needs.Packet(packet):
                return pulls.PacketOf(*key, packet), told.driver
            case needs.Input(extent):
                span = extent.file, extent.start, extent.end
                return pulls.InputOf(*key, *span), told.driver
            case needs.Segments(keeper) as segments:
                assert need.attempt is not None
                _, step, _, part = need.attempt.task
                maps = self._maps(need, segments)
                parts = told.steps[step].parts
                return pulls.SegmentsOf(*key, step, part, parts, maps), keeper
            case needs.Cuts(_, output) | needs.Output(output):
                return pulls.OutputOf(*key, output.attempt), output.keeper
        raise AssertionError(need)

    def lost_with(self, need: Need) -> tuple[AttemptId, ...]:
        """The outputs that are lost if this cannot be had."""
        match need.what:
            case needs.Segments() as segments:
                assert need.attempt is not None
                job, step, _, _ = need.attempt.task
                return tuple(
                    AttemptId(TaskId(job, step, "map", index), number)
                    for index, number in self._maps(need, segments)
                )
            case needs.Cuts(_, output) | needs.Output(output):
                return (attempt_of(self.told.job, output.attempt),)
        return ()

    # --- what arrives

    def sized(self, need: Need, sizes: list[int]) -> None:
        """This need is on its way, and so long."""
        start = 0
        if self._spare and isinstance(need.what, needs.Segments):
            path = self._spare.pop()
        else:
            self._last += 1
            path = self._path("pulled", str(self._last))
        if isinstance(need.what, needs.Input):
            extent = need.what.extent
            assert need.attempt is not None
            path, start = self._copy(need.attempt, extent.file), extent.start
        self._pulled[need] = _Pulled(path, start, sizes)
        with kept(path), open(path, "ab"):
            pass

    def write(self, need: Need, offset: int, data: Buffer) -> None:
        """These bytes of it have come."""
        pulled = self._pulled[need]
        with kept(pulled.path), open(pulled.path, "r+b") as file:
            file.seek(pulled.start + offset)
            file.write(data)

    def whole(self, need: Need, is_direct: bool) -> None:
        """All of it has come."""
        if isinstance(need.what, needs.Segments | needs.Output):
            assert need.attempt is not None
            size = sum(self._pulled[need].sizes)
            ways = (0, size, 0) if is_direct else (0, 0, size)
            self._add_ways(need.attempt, ways)

    def _add_ways(self, attempt: AttemptId, more: tuple[int, int, int]) -> None:
        file, direct, relayed = self._by_way.get(attempt, _NO_WAYS)
        self._by_way[attempt] = file + more[0], direct + more[1], relayed + more[2]

    def drop(self, need: Need) -> None:
        """Nobody wants it any more."""
        pulled = self._pulled.pop(need, None)
        if pulled is None:
            return
        if isinstance(need.what, needs.Segments) and len(self._spare) < _SPARE_MAX:
            self._spare.append(pulled.path)
        else:
            with contextlib.suppress(OSError):
                os.remove(pulled.path)

    def _copy(self, attempt: AttemptId, file: int) -> str:
        """Where an attempt finds what it reads of an input file."""
        step, kind, index = attempt.task[1:]
        name = f"{step}-{kind}-{index}-{attempt.number}-file-{file}"
        return self._path("pulled", name)

    # --- orders

    def order(self, attempt: AttemptId) -> Order:
        """What a child is told to run this attempt; all that it needs is here."""
        row = self._rows[attempt]
        task = attempt.task
        if task.kind == "reduce":
            files = self._step_files(task, "out")
            log, commits = self._write_log(attempt, row)
            return ReduceOrder(attempt, files, log, commits)
        files = self._step_files(task, "maps")
        splits = [self._split(one, attempt) for one in row.inputs]
        copies = self.inputs.copies(
            row,
            lambda file: self._copy(attempt, file),
            lambda extent: sum(self._pulled[_input(extent, attempt)].sizes),
        )
        if task.kind == "sample":
            return SampleOrder(attempt, files, splits, copies)
        (split,) = splits
        skip = tuple(row.skip)
        return MapOrder(attempt, files, split, skip, row.careful, copies)

    def _step_files(self, task: TaskId, folder: str) -> StepFiles:
        told, number = self.told, task.step
        modules = None
        if told.modules is not None:
            digest = told.modules.digest.hex()
            path = self._pulled[Need(told.job, needs.Modules(told.modules.digest))].path
            unpack(path, digest, self._code_folder)
            modules = Modules(path, digest, self._code_folder)
        return StepFiles(
            self._pulled[Need(told.job, needs.Code(number))].path,
            modules,
            self._path(f"step-{number}", folder),
            self._path("scratch"),
            self._cuts(number) if task.kind == "map" else None,
            self.memory_bytes,
            sends=not self.shared.is_there,
        )

    def _cuts(self, number: int) -> Place | None:
        cuts = self._steps[number].cuts
        if cuts is None:
            return None
        return self._output(cuts, Need(self.told.job, needs.Cuts(number, cuts)))

    def _output(self, output: OutputName, need: Need) -> Place:
        if not output.length_bytes:
            return Place("", 0, 0)  # and nobody asks for that
        if output.keeper == self._me:
            return self._shelf.place(attempt_of(self.told.job, output.attempt))
        return Place(self._pulled[need].path, 0, output.length_bytes)

    def _split(self, one: SplitName | OutputName, attempt: AttemptId) -> PackedSplit:
        if isinstance(one, SplitName):
            return self._packet(one.packet), one.nth
        made_by = attempt_of(self.told.job, one.attempt)
        place = self._output(one, Need(self.told.job, needs.Output(one), attempt))
        return pickle.dumps([PartSplit(place, made_by)]), 0

    def _packet(self, packet: int) -> bytes:
        # One object for all: a child knows by that that it has unpacked it already.
        if packet not in self._packets:
            path = self._pulled[Need(self.told.job, needs.Packet(packet))].path
            with open(path, "rb") as file:
                self._packets[packet] = file.read()
        return self._packets[packet]

    def _write_log(self, attempt: AttemptId, row: StartRow) -> tuple[str, int]:
        """A commit log of its own for a reduce, that names places on this machine."""
        path = self._path("scratch", f"log-{attempt.task.index}-{attempt.number}")
        log = CommitLog(path)
        count = 0
        with contextlib.closing(log), kept(path):
            for made_by, place in self._places(attempt, row):
                log.append(Commit(count, made_by, place))
                count += 1
        return path, count

    def _places(
        self, attempt: AttemptId, row: StartRow
    ) -> Iterator[tuple[AttemptId, Place]]:
        job, step, _, part = attempt.task
        parts = self.told.steps[step].parts
        #: Of each keeper, how many of its maps came before, and where that ends.
        ends: dict[int, tuple[int, int]] = {}
        for one in self._steps[step].commits(row):
            made_by = AttemptId(TaskId(job, step, "map", one.index), one.number)
            if one.keeper == self._me:
                yield made_by, self._shelf.place(made_by)
                continue
            near = self._nearby.place(attempt, one)
            if near is not None:
                size = self._nearby.part_bytes(made_by, near, part, parts)
                self._add_ways(attempt, (size, 0, 0))
                yield made_by, near
                continue
            before, offset = ends.get(one.keeper, (0, 0))
            nth, at = divmod(before, needs.MAPS_MAX)
            segments = needs.Segments(one.keeper, nth)
            pulled = self._pulled[Need(job, segments, attempt)]
            size = pulled.sizes[at]
            offset = offset if at else 0
            ends[one.keeper] = before + 1, offset + size
            yield made_by, Place(pulled.path, offset, size)

    # --- what is made here

    def made(self, attempt: AttemptId, place: Place | None) -> Kept:
        row = self._rows.pop(attempt, None)
        self._nearby.ended(attempt)
        was_sent = row is not None and any(map(bool, self.inputs.sent_for(row)))
        read = self._by_way.pop(attempt, _NO_WAYS), was_sent
        if place is None:
            return Kept(*read)
        self._shelf.put(attempt, place)
        _, step, kind, _ = attempt.task
        is_map = kind == "map" and self.told.steps[step].shuffles
        if not is_map or not place.length_bytes or not self._is_open:
            return Kept(*read)
        return Kept(*read, *place_told(place, self._files))

    def ended(self, attempt: AttemptId) -> None:
        """It did not make anything."""
        self._rows.pop(attempt, None)
        self._nearby.ended(attempt)
        self._by_way.pop(attempt, None)

    def discard(self, attempt: AttemptId) -> None:
        self._shelf.discard(attempt)

    def release(self, step: int) -> None:
        self._shelf.release(step)

    def find(self, thing: Thing) -> Outputs:
        """Lay out what is kept here, for another member."""
        return self._shelf.find(thing)

    def close(self) -> None:
        """Remove all of it."""
        self._files.close()
        self._folder.remove()


def _input(extent: Extent, attempt: AttemptId) -> Need:
    return Need(attempt.task.job, needs.Input(extent), attempt)
