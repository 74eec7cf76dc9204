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
import tempfile
import threading
import time
from collections import OrderedDict
from functools import cached_property

from mincer.core.commands import FailJob, StartAttempt
from mincer.core.events import JobPlan
from mincer.errors import JobError, MincerError, SegmentError
from mincer.flow.ports import MapMade
from mincer.flow.sampler import spread
from mincer.ids import AttemptId, TaskId
from mincer.runners.base import JobControl, JobOrder
from mincer.runners.packing import pack_job, parts_of, plan_of
from mincer.runners.stored import Spool
from mincer.sources.base import Split
from mincer.store.disk import FileCache, Place, PlaceReader, kept
from mincer.store.folder import OwnedFolder
from mincer.structs import Struct, field, replace
from mincer.worker.commits import Commit, CommitLog
from mincer.worker.handoff import PartSplit
from mincer.worker.orders import (
    AttemptMade,
    AttemptUnmade,
    MapOrder,
    Modules,
    Order,
    PackedSplit,
    ReduceOrder,
    SampleOrder,
    StepFiles,
)
from mincer.worker.unpack import unpack

__all__ = ["LocalJob"]

#: What a map left for a part is given back by itself if it is as much as this.
_HOLE_BYTES_MIN = 1 << 16
#: Errors of failed attempts that are kept, to be told if the job fails of one.
_FAILURES_MAX = 64


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
        #: How many records each attempt left out, if it did.
        self.skips: dict[AttemptId, int] = {}
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
        packed = pack_job(self.order, self.memory_bytes)
        modules = packed.modules
        if modules.names:
            path = os.path.join(self.folder.path, "modules.zip")
            with open(path, "wb") as file:
                file.write(modules.data)
            self._modules = Modules(path, modules.digest, self._code_folder)
            # Here, so that no child has to import what unpacks it.
            unpack(modules.data, modules.digest, self._code_folder)
        for number, code in enumerate(packed.codes):
            self._steps.append(self._step(number, code))

    def _step(self, number: int, code: bytes) -> _Step:
        """Make the files of a step; `code`: its functions and options."""
        path = os.path.join(self.folder.path, f"code-{number}")
        with open(path, "wb") as file:
            file.write(code)
        folder = os.path.join(self.folder.path, f"step-{number}")
        maps, out = os.path.join(folder, "maps"), os.path.join(folder, "out")
        os.makedirs(maps)
        os.makedirs(out)
        return _Step(
            folder,
            self._files(path, maps),
            self._files(path, out),
            CommitLog(os.path.join(folder, "log")),
            parts_of(self.order, number),
            self.order.steps[number].shuffles,
        )

    def _files(self, code: str, folder: str) -> StepFiles:
        scratch, memory_bytes = self.folder.path, self.memory_bytes
        return StepFiles(
            code, self._modules, folder, scratch, memory_bytes=memory_bytes
        )

    @property
    def plan(self) -> JobPlan:
        """The job's shape, as the coordinator sees it."""
        return plan_of(self.order)

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
            self.skips[attempt] = len(command.skip)
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
        from mincer.flow.run import cut_out
        from mincer.store.holes import punch_holes

        files = FileCache()
        with contextlib.closing(files), contextlib.suppress(SegmentError):
            for place in step.large:
                part = cut_out(PlaceReader(place, files), task.index, step.parts)
                at = place.offset
                holes = [(at + one, at + one + size) for one, size in part.extents]
                punch_holes(place.path, holes)

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
        from mincer.runners.failures import users_paths  # not at each start

        return users_paths(text, self._modules.digest)

    def close_files(self) -> None:
        for step in self._steps:
            # Closing a log flushes it, and on a full disk that fails once more.
            with contextlib.suppress(OSError):
                step.log.close()
        if self._spool is not None:
            self._spool.close()
