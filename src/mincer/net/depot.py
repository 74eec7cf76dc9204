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
from hmac import compare_digest

from mincer.errors import SegmentError
from mincer.flow.run import cut_out
from mincer.ids import AttemptId, TaskId
from mincer.net import needs
from mincer.net.machine import Need
from mincer.net.offers import Bytes, NotHere, Outputs, Piece
from mincer.net.same_file import is_here
from mincer.store.disk import FileCache, Place, PlaceReader, kept
from mincer.store.folder import OwnedFolder
from mincer.store.holes import punch_holes
from mincer.structs import Struct, field
from mincer.wire import pulls
from mincer.wire.frames import (
    CommitRow,
    FileTold,
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


class _Pulled(Struct, frozen=False):
    """Where something that was pulled lies, and what stands in it."""

    path: str
    #: Where its first byte belongs in the file.
    start: int = 0
    sizes: list[int] = field(default_factory=list)


class JobDepot:
    """One job on one worker.

    `me`: the number of this member. `code_folder`: where children unpack modules; it
    outlives the job, as they do. `memory_bytes`: what a child may take.
    """

    def __init__(
        self, told: JobTold, me: int, folder: str, code_folder: str, memory_bytes: int
    ) -> None:
        self.told = told
        self.memory_bytes = memory_bytes
        self._me = me
        self._code_folder = code_folder
        self._folder = OwnedFolder(folder)
        self._steps = [needs.ToldStep() for _ in told.steps]
        self._inputs: list[FileTold] = []
        #: Which of the input files can be read here, as far as it was looked.
        self._is_here: dict[int, bool] = {}
        self._rows: dict[AttemptId, StartRow] = {}
        #: The outputs that are kept here.
        self._made: dict[AttemptId, Place] = {}
        self._pulled: dict[Need, _Pulled] = {}
        self._last = 0
        self._packets: dict[int, bytes] = {}
        self._files = FileCache()
        for name in ("pulled", "scratch"):
            os.mkdir(self._path(name))
        for number, _ in enumerate(told.steps):
            os.makedirs(self._path(f"step-{number}", "maps"))
            os.makedirs(self._path(f"step-{number}", "out"))

    def _path(self, *names: str) -> str:
        return os.path.join(self._folder.path, *names)

    # --- what the coordinator tells

    def add_files(self, first: int, files: list[FileTold]) -> None:
        assert first == len(self._inputs)
        self._inputs += files

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
        return attempt, tuple(self._needs(attempt, row))

    # --- what attempts need

    def _needs(self, attempt: AttemptId, row: StartRow) -> Iterator[Need]:
        job, number, kind, _ = attempt.task
        step = self._steps[number]
        yield Need(job, needs.Code(number))
        if self.told.modules is not None:
            yield Need(job, needs.Modules(self.told.modules.digest))
        cuts = step.cuts
        if kind != "sample" and cuts is not None and cuts.keeper != self._me:
            yield Need(job, needs.Cuts(number, cuts))
        if kind == "reduce":
            for segments in step.segments(row, self._me):
                yield Need(job, segments, attempt)
        packets = {one.packet for one in row.inputs if isinstance(one, SplitName)}
        for packet in sorted(packets):
            yield Need(job, needs.Packet(packet))
        for one in row.inputs:
            if isinstance(one, OutputName):
                if one.keeper != self._me:
                    yield Need(job, needs.Output(one), attempt)
                continue
            for extent in one.extents:
                if not self._has(extent.file):
                    yield Need(job, needs.Input(extent), attempt)

    def _has(self, file: int) -> bool:
        """True when this input file can be read here, and is the one that is meant."""
        if file not in self._is_here:
            self._is_here[file] = is_here(self._inputs[file])
        return self._is_here[file]

    def _maps(self, need: Need, segments: needs.Segments) -> list[tuple[int, int]]:
        """The maps (index, number) of these segments."""
        assert need.attempt is not None
        step = self._steps[need.attempt.task.step]
        return step.maps(self._rows[need.attempt], segments)

    def thing(self, need: Need) -> tuple[Thing, int]:
        """What is to be pulled, and from which member."""
        told = self.told
        key = told.job, told.token
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

    def drop(self, need: Need) -> None:
        """Nobody wants it any more."""
        pulled = self._pulled.pop(need, None)
        if pulled is not None:
            _remove(pulled.path)

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
            files = self._step_files(task.step, "out")
            log, commits = self._write_log(attempt, row)
            return ReduceOrder(attempt, files, log, commits)
        files = self._step_files(task.step, "maps")
        splits = [self._split(one, attempt) for one in row.inputs]
        copies = self._copies(attempt, row)
        if task.kind == "sample":
            return SampleOrder(attempt, files, splits, copies)
        (split,) = splits
        skip = tuple(row.skip)
        return MapOrder(attempt, files, split, skip, row.careful, copies)

    def _step_files(self, number: int, folder: str) -> StepFiles:
        told = self.told
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
            self._cuts(number),
            self.memory_bytes,
        )

    def _cuts(self, number: int) -> Place | None:
        cuts = self._steps[number].cuts
        if cuts is None:
            return None
        return self._output(cuts, Need(self.told.job, needs.Cuts(number, cuts)))

    def _output(self, output: OutputName, need: Need) -> Place:
        if output.keeper == self._me:
            return self._own(attempt_of(self.told.job, output.attempt))
        return Place(self._pulled[need].path, 0, output.length_bytes)

    def _own(self, attempt: AttemptId) -> Place:
        place = self._made.get(attempt)
        if place is None:
            lost = SegmentError(f"the output of {attempt} is not here any more")
            lost.segment = attempt
            raise lost
        return place

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

    def _copies(self, attempt: AttemptId, row: StartRow) -> dict[str, str]:
        """Where the input files are to be opened that do not lie under their names."""
        copies: dict[str, str] = {}
        for one in row.inputs:
            for extent in one.extents if isinstance(one, SplitName) else ():
                told = self._inputs[extent.file]
                name, path = os.fsdecode(told.name), os.fsdecode(told.path)
                if name in copies:
                    continue
                if not self._has(extent.file):
                    path = self._copy(attempt, extent.file)
                    _dress(path, told)
                if path != name:
                    copies[name] = path
        return copies

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
        job, step, _, _ = attempt.task
        #: Of each keeper, how many of its maps came before, and where that ends.
        ends: dict[int, tuple[int, int]] = {}
        for one in self._steps[step].commits(row):
            made_by = AttemptId(TaskId(job, step, "map", one.index), one.number)
            if one.keeper == self._me:
                yield made_by, self._own(made_by)
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

    def made(self, attempt: AttemptId, place: Place | None) -> None:
        self._rows.pop(attempt, None)
        if place is not None:
            self._made[attempt] = place

    def ended(self, attempt: AttemptId) -> None:
        """It did not make anything."""
        self._rows.pop(attempt, None)

    def discard(self, attempt: AttemptId) -> None:
        """Nobody will ask for this output: give back its room, if the system can."""
        place = self._made.pop(attempt, None)
        if place is not None and place.length_bytes:
            end = place.offset + place.length_bytes
            punch_holes(place.path, [(place.offset, end)])

    def find(self, thing: Thing) -> Outputs:
        """Lay out what is kept here, for another member."""
        if not compare_digest(thing.token, self.told.token):
            raise NotHere("the token is not that of the job")
        if isinstance(thing, pulls.OutputOf):
            attempt = attempt_of(self.told.job, thing.attempt)
            place = self._made.get(attempt)
            if place is None:
                raise NotHere(f"the output of {attempt} is not here")
            return [[Piece(PlaceReader(place, self._files), 0, place.length_bytes)]]
        if isinstance(thing, pulls.SegmentsOf):
            return self._find_segments(thing)
        raise NotHere("a worker has outputs and nothing else")

    def _find_segments(self, thing: pulls.SegmentsOf) -> Outputs:
        steps = self.told.steps
        parts = steps[thing.step].parts if thing.step < len(steps) else 0
        if thing.parts != parts or thing.part >= parts:
            raise NotHere("the job has no such part")
        outputs: Outputs = []
        why, lost = "", list[tuple[int, int]]()
        for index, number in thing.maps:
            task = TaskId(self.told.job, thing.step, "map", index)
            try:
                place = self._own(AttemptId(task, number))
                reader = PlaceReader(place, self._files)
                part = cut_out(reader, thing.part, thing.parts)
            except SegmentError as error:
                lost.append((index, number))
                why = error.what
                continue
            pieces = [Piece(reader, *extent) for extent in part.extents]
            tail = Piece(Bytes(part.tail), 0, len(part.tail))
            outputs.append([*pieces, tail])
        if lost:
            raise NotHere(why, lost)
        return outputs

    def close(self) -> None:
        """Remove all of it."""
        self._files.close()
        self._folder.remove()


def _dress(copy: str, told: FileTold) -> None:
    """Make a copy pass for the file: readers look whether it was changed."""
    if told.mtime_ns >= 0:
        with kept(copy):
            os.truncate(copy, told.size_bytes)
            os.utime(copy, ns=(told.mtime_ns, told.mtime_ns))


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.remove(path)
