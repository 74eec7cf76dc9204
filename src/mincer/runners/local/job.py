"""One job of the local runner: what its ids stand for, on disk and in memory."""

# Strategy: the coordinator speaks of attempts, this file knows the splits, files and
# errors behind them. All of a job lies in one folder of its own, which is gone with it:
#
#     code-0, code-1 …     a step's functions and options, read once by each child
#     modules.zip          the user's own modules
#     spool                batches of an iterable, written by the driver
#     step-0/maps/         outputs of the maps, a file a child
#     step-0/out/          outputs of the reduces
#     step-0/log           which outputs of the maps count

from __future__ import annotations

import contextlib
import os
import pickle
import re
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from functools import cached_property

from mincer.codec import functions
from mincer.core.commands import FailJob, StartAttempt
from mincer.core.events import JobPlan, StepPlan
from mincer.errors import JobError, MincerError, SegmentError
from mincer.flow.part import read_part
from mincer.flow.ports import MapMade
from mincer.flow.sampler import spread
from mincer.ids import AttemptId, TaskId
from mincer.job import default_parts
from mincer.runners.base import JobControl, JobOrder
from mincer.sources.base import Split
from mincer.store.disk import FileCache, Place, PlaceReader, kept
from mincer.store.folder import OwnedFolder
from mincer.structs import Struct, field, replace
from mincer.worker.commits import Commit, CommitLog
from mincer.worker.handoff import PartSplit
from mincer.worker.modules import collect_reach
from mincer.worker.orders import (
    AttemptMade,
    AttemptUnmade,
    JobCode,
    MapOrder,
    Modules,
    Order,
    PackedSplit,
    ReduceOrder,
    SampleOrder,
    StepFiles,
)
from mincer.worker.origins import find
from mincer.worker.unpack import unpack

__all__ = ["LocalJob", "StoredPart"]

#: An input that is one of so many shares of a child's memory is small: as Python's
#: objects it takes ten to twenty times its size, more if it is compressed.
_PART_SHARES = 64
#: What a map left for a part is given back by itself if it is as much as this.
_HOLE_BYTES_MIN = 1 << 16
#: Errors of failed attempts that are kept, to be told if the job fails of one.
_FAILURES_MAX = 64


class StoredPart(Struct, frozen=False):  # half the time; there may be many
    """Reads one part from where a child left it; pickles as the place alone."""

    place: Place
    #: Any process of this machine may read it (see `Results`).
    stored: bool = True

    def __call__(self) -> Iterator[tuple[list[object], list[object]]]:
        if not self.place.length_bytes:
            return  # as most of ten thousand are
        files = FileCache()
        try:
            yield from read_part(PlaceReader(self.place, files))
        finally:
            files.close()


class _Step(Struct, frozen=False):
    """What the shell keeps of one step."""

    folder: str
    #: What its maps and samples are told, and what its reduces.
    maps: StepFiles
    reduces: StepFiles
    log: CommitLog
    parts: int
    shuffles: bool
    #: Published outputs of the maps that are large enough to be given back in parts.
    large: list[Place] = field(default_factory=list)
    #: The published outputs that the next step reads, by index of their task.
    outputs: dict[int, tuple[AttemptId, Place]] = field(default_factory=dict)


class LocalJob:
    """A job between `run` and its results. Made in the caller's thread, then used by
    the loop's; the caller waits for `over`."""

    def __init__(
        self, order: JobOrder, control: JobControl, memory_bytes: int, code: str
    ) -> None:
        """`code`: the folder in which children unpack the user's modules. It outlives
        the job, as the children do that have imported them from there."""
        self.order = order
        self.control = control
        self.memory_bytes = memory_bytes
        with kept(os.path.join(tempfile.gettempdir(), "mincer")):
            self.folder = OwnedFolder()
        self.over = threading.Event()
        self.error: MincerError | None = None
        self.failed: FailJob | None = None
        self.winners: tuple[AttemptId, ...] | None = None
        self.made: dict[AttemptId, AttemptMade] = {}
        #: Why attempts failed, and the ordinal of the record that was in work.
        self.failures: OrderedDict[AttemptId, tuple[MincerError, int | None]] = (
            OrderedDict()
        )
        #: The records that each attempt left out.
        self.skips: dict[AttemptId, tuple[int, ...]] = {}
        #: The outcome of each attempt that ended, for the report.
        self.outcomes = {"done": 0, "failed": 0, "cancelled": 0}
        self.notes: list[str] = []
        self.memory_bytes_max = 0
        self.started = time.monotonic()
        self.records = 0
        self.bytes_read = 0
        self._code_folder = code
        self._splits: list[PackedSplit] = []
        self._spool: Spool | None = None
        self._modules: Modules | None = None
        self._steps: list[_Step] = []
        try:
            with kept(self.folder.path):
                self._pack()
        except BaseException:
            self.close()
            raise

    @property
    def is_done(self) -> bool:
        """True when it is over and has a result."""
        return self.winners is not None and self.error is None

    @cached_property
    def output(self) -> list[AttemptMade]:
        """The attempts that made the parts of the result, in the order of the parts,
        once it is done."""
        last = len(self.order.steps) - 1
        kind = "reduce" if self._steps[last].shuffles else "map"
        won = [one for one in self.winners or () if one.task[1:3] == (last, kind)]
        return [self.made[one] for one in sorted(won)]

    # --- what travels

    def _pack(self) -> None:
        """Write down what the children need: functions, and modules that they use."""
        codes = [self._code(number) for number in range(len(self.order.steps))]
        # The source too, since its splits may be of a class of the user's.
        _, reach = functions.dump_reaching(type(self.order.source))
        written = []
        for code in codes:
            data, more = functions.dump_reaching(code)
            reach.add(more)
            written.append(data)
        modules = collect_reach(reach)
        if modules.names:
            path = os.path.join(self.folder.path, "modules.zip")
            with open(path, "wb") as file:
                file.write(modules.data)
            self._modules = Modules(path, modules.digest, self._code_folder)
            # Here, so that no child has to import what unpacks it.
            unpack(modules.data, modules.digest, self._code_folder)
        for number, (code, data) in enumerate(zip(codes, written, strict=True)):
            self._steps.append(self._step(number, code, data))

    def _step(self, number: int, code: JobCode, data: bytes) -> _Step:
        """Make the files of a step; `data`: its code, as it travels."""
        path = os.path.join(self.folder.path, f"code-{number}")
        with open(path, "wb") as file:
            file.write(data)
        folder = os.path.join(self.folder.path, f"step-{number}")
        maps, out = os.path.join(folder, "maps"), os.path.join(folder, "out")
        os.makedirs(maps)
        os.makedirs(out)
        return _Step(
            folder,
            self._files(path, maps),
            self._files(path, out),
            CommitLog(os.path.join(folder, "log")),
            code.parts,
            code.step.shuffles,
        )

    def _files(self, code: str, folder: str) -> StepFiles:
        scratch, memory_bytes = self.folder.path, self.memory_bytes
        return StepFiles(
            code, self._modules, folder, scratch, memory_bytes=memory_bytes
        )

    def _code(self, number: int) -> JobCode:
        order = self.order
        last = number == len(order.steps) - 1
        return JobCode(
            step=order.steps[number].plain(),
            parts=self._parts(number),
            job_name=order.name,
            params=order.params,
            sink=order.sink if last else None,
            records_max=order.records_max if number == 0 else None,
            cut_parts=not self._has_small_parts(number),
        )

    def _has_small_parts(self, number: int) -> bool:
        """True when a part surely fits into a child's memory, as far as can be known
        before the input is read. (If one does not, it is taken to disk.)"""
        size_bytes = self.order.source.size_bytes
        if number or size_bytes is None:
            return False
        return size_bytes / self._parts(number) < self.memory_bytes / _PART_SHARES

    def _parts(self, number: int) -> int:
        """The parts of a step: as asked for, by the input, or as the step before."""
        for step in reversed(self.order.steps[: number + 1]):
            if step.parts is not None:
                return step.parts
        return default_parts(self.order.source.size_bytes)

    @property
    def plan(self) -> JobPlan:
        """The job's shape, as the coordinator sees it."""
        steps = self.order.steps
        last = len(steps) - 1
        first = steps[0]
        return JobPlan(
            tuple(
                StepPlan(
                    parts=self._steps[number].parts if step.shuffles else 0,
                    sampled=step.sampled,
                    to_sink=number == last and self.order.sink is not None,
                )
                for number, step in enumerate(steps)
            ),
            attempts_max=first.max_attempts,
            skips_max=sum(step.skip_bad_records for step in steps),
            task_timeout_s=first.task_timeout,
        )

    # --- input

    def spool(self) -> Spool:
        """Where the driver writes batches that only it can make."""
        if self._spool is None:
            self._spool = Spool(os.path.join(self.folder.path, "spool"))
        return self._spool

    def add_splits(self, splits: list[PackedSplit]) -> int:
        """Keep more splits; return the index of the first of them."""
        first = len(self._splits)
        self._splits += splits
        return first

    # --- orders

    def order_for(self, command: StartAttempt) -> Order:
        """What a child must be told to run this attempt."""
        attempt = command.attempt
        task = attempt.task
        step = self._steps[task.step]
        if command.skip:
            self.skips[attempt] = command.skip
        if task.kind == "map":
            split = self._split(task)
            return MapOrder(attempt, step.maps, split, command.skip, command.careful)
        if task.kind == "sample":
            count = self._inputs(task.step)
            chosen = [self._split(task._replace(index=i)) for i in spread(count)]
            return SampleOrder(attempt, step.maps, chosen)
        log, commits, without = step.log.path, command.commits, command.without
        return ReduceOrder(attempt, step.reduces, log, commits, without)

    def _inputs(self, step: int) -> int:
        return len(self._splits) if step == 0 else len(self._steps[step - 1].outputs)

    def _split(self, task: TaskId) -> PackedSplit:
        if task.step == 0:
            return self._splits[task.index]
        made_by, place = self._steps[task.step - 1].outputs[task.index]
        return pickle.dumps([PartSplit(place, made_by)]), 0

    def split_of(self, task: TaskId) -> Split:
        """The split of a map, for an error that tells of its record."""
        packet, nth = self._split(task)
        split: Split = pickle.loads(packet)[nth]
        return split

    # --- what became of attempts

    def keep(self, made: AttemptMade) -> None:
        self.made[made.attempt] = made
        self.outcomes["done"] += 1
        task = made.attempt.task
        if task.kind == "map" and task.step == 0 and isinstance(made.made, MapMade):
            self.records += made.made.records
            self.bytes_read += made.made.bytes_read

    def keep_failure(self, unmade: AttemptUnmade) -> None:
        self.failures[unmade.attempt] = unmade.error, unmade.record
        if len(self.failures) > _FAILURES_MAX:
            self.failures.popitem(last=False)
        self.outcomes["failed"] += 1

    def publish(self, attempt: AttemptId, number: int) -> None:
        """Others read the output of this attempt from now on."""
        task = attempt.task
        place = self.made[attempt].place
        if place is None:
            raise JobError(f"{attempt} made nothing that can be published")
        step = self._steps[task.step]
        if task.kind == "sample":
            step.maps = replace(step.maps, cuts=place)
            step.reduces = replace(step.reduces, cuts=place)
        elif task.kind == "map" and step.shuffles:
            with kept(step.folder):
                step.log.append(Commit(number, attempt, place))
            if place.length_bytes >= step.parts * _HOLE_BYTES_MIN:
                step.large.append(place)
        else:
            step.outputs[task.index] = (attempt, place)

    def let_go(self, attempt: AttemptId) -> None:
        """The sink has this part for good: give back what was read for it."""
        task = attempt.task
        step = self._steps[task.step]
        if not step.large:
            return
        from mincer.flow.run import open_runs
        from mincer.store.holes import punch_holes

        partitioner = self._code(task.step).program().partitioner()
        first, last = partitioner.bounds(task.index)
        files = FileCache()
        with contextlib.closing(files), contextlib.suppress(SegmentError):
            for place in step.large:
                reader = PlaceReader(place, files)
                extents = [run.extent for run in open_runs(reader, first, last)]
                at = place.offset
                punch_holes(place.path, [(at + one, at + end) for one, end in extents])

    def keep_output(self) -> None:
        """Remove everything but the parts of the result."""
        self.close_files()
        places = [made.place for made in self.output]
        kept = {place.path for place in places if place is not None}
        self.folder.remove_but(kept)

    def close(self) -> None:
        """Remove everything."""
        self.close_files()
        self.folder.remove()

    def users_paths(self, text: str) -> str:
        """`text` with the user's own files in place of their copies in the children."""
        if self._modules is None:
            return text
        copies = os.path.join(self._modules.folder, self._modules.digest) + os.sep

        def original(found: re.Match[str]) -> str:
            origin = find(re.split(r"[/.]", found[1])[0])
            files = {} if origin is None else origin.files()
            return str(files.get(found[1], found[0]))

        return re.sub(re.escape(copies) + r'([^"\n]+)', original, text)

    def close_files(self) -> None:
        for step in self._steps:
            # Closing a log flushes it, and on a full disk that fails once more.
            with contextlib.suppress(OSError):
                step.log.close()
        if self._spool is not None:
            self._spool.close()


class Spool:
    """A file of batches: see `mincer.sources.base.Spool`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        self._end = 0

    def append(self, data: bytes) -> tuple[str, int, int]:
        at = self._end
        with kept(self._path):
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
        self._end += len(data)
        return self._path, at, len(data)

    def close(self) -> None:
        self._file.close()
