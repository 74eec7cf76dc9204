"""A job that this process has handed to a coordinator, with all that belongs to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mincer.core.events import Fault
from mincer.errors import Bug, MincerError, Where
from mincer.ids import AttemptId, TaskId, TaskKind
from mincer.runners.base import JobControl, JobOrder
from mincer.runners.failures import complete, users_paths, where_in
from mincer.runners.packing import pack_job, parts_of
from mincer.runners.remote.handover import Handover
from mincer.runners.remote.job import RemoteJob
from mincer.runners.remote.keepsake import keepsake_of
from mincer.runners.remote.received import ReceivedParts
from mincer.structs import replace
from mincer.wire import frames

if TYPE_CHECKING:
    from mincer.net.offers import Outputs
    from mincer.wire.pulls import Thing

__all__ = ["SubmittedJob"]

#: What a child is taken to have: the workers may join later. Half of what a core has on
#: most machines; where it is less, a part that does not fit is taken to disk. (Cutting
#: parts for 256 MB made the maps of a sort of 1 GB a third slower.)
_MEMORY_BYTES = 2_000_000_000


class SubmittedJob(RemoteJob):
    """`order`: the job; `priority`: among those of its coordinator."""

    order: JobOrder

    def __init__(self, order: JobOrder, control: JobControl, priority: int = 0) -> None:
        self._priority = priority
        self._will_leave = control.will_leave
        # Of a job that will be left nothing is written before somebody comes for it.
        sink = None if self._will_leave else order.sink
        super().__init__(order, control, lambda folder: ReceivedParts(folder, sink))
        self.token = os.urandom(16)
        try:
            memory_bytes = order.memory_bytes or _MEMORY_BYTES
            # Without a token the sink is opened here alone.
            sent = order if self.parts.token else replace(order, sink=None)
            packed = pack_job(sent, memory_bytes)
        except BaseException:
            self.folder.remove()
            raise
        self.handover = Handover(order.job, self.folder.path, packed, self._end)

    @property
    def submit(self) -> frames.Submit:
        """What the coordinator is told of it."""
        steps = self.order.steps
        first = steps[0]
        return frames.Submit(
            self.order.job,
            self.token,
            self.order.name[:4000],
            [
                frames.StepTold(
                    code,
                    parts_of(self.order, number),
                    steps[number].shuffles,
                    steps[number].sampled,
                    self.parts.token is not None and number == len(steps) - 1,
                )
                for number, (code, _) in enumerate(self.handover.codes)
            ],
            self.handover.modules,
            attempts_max=first.max_attempts,
            skips_max=sum(step.skip_bad_records for step in steps),
            task_timeout_s=first.task_timeout,
            priority=self._priority,
            output=self.parts.token,
            keepsake=keepsake_of(self.order.sink),
            will_leave=self._will_leave,
        )

    def find(self, thing: Thing) -> Outputs:
        return self.handover.find(thing)

    def fetched(self, told: frames.FetchTold) -> None:
        raise Bug("nobody asked to fetch what was submitted here")

    def close_files(self) -> None:
        self.handover.close()
        self.parts.close_files()

    @property
    def _bytes_total(self) -> int | None:
        return self.order.source.size_bytes

    @property
    def _shuffles_last(self) -> bool:
        return self.order.steps[-1].shuffles

    def _complete(
        self,
        error: MincerError,
        attempt: AttemptId,
        record: int | None,
        fault: Fault | None,
    ) -> None:
        modules = self.handover.modules
        if error.user_traceback is not None and modules is not None:
            digest = modules.digest.hex()
            error.user_traceback = users_paths(error.user_traceback, digest)
        complete(error, attempt, record, fault, self._where)

    def _where(self, task: TaskId, record: int) -> Where | None:
        if task.step == 0:
            split = self.handover.split(task.index)
            return None if split is None else where_in(split, record)
        # What it read has not come here: its name and the record's place in it.
        kind: TaskKind = "reduce" if self.order.steps[task.step - 1].shuffles else "map"
        before = TaskId(task.job, task.step - 1, kind, task.index)
        return Where(f"output of {before}", record)
