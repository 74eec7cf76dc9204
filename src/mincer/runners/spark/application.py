"""One job on Spark: an RDD of blocks, and the action that makes it."""

# Strategy: an element that crosses Spark is (group of parts, chunk of a block), and the
# partitioner is the identity, so that Spark's shuffle, its spilling and its lineage do
# what they do best, and grouping and order stay ours. Chunks are small: PySpark gathers
# elements before it hands them to the JVM, and counts them, not their bytes.
#
# One action runs everything. Parts that workers write to the output themselves leave
# nothing in Spark, and their heads come here at once. Where there is no output, or a
# worker does not see it (he says so before he reduces anything; what the maps left is
# used again, and those who do see it reduce once more), what is made goes through one
# more shuffle: its data into a partition like the one where it was made, which leaves
# it on that executor's disk until somebody asks; and the heads of all parts into a
# partition of their own, which alone is brought here. Rejected: to persist the data and
# filter the heads out of it, for which a second Python reads all of it; to make it
# again when it is asked for, by running user code again. An accumulator would count a
# stage that runs again twice; heads tell of what was consumed.

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mincer.errors import Bug
from mincer.flow.sampler import spread
from mincer.runners.engine.job import EngineJob
from mincer.runners.engine.parcel import MadePart, Parcel
from mincer.runners.engine.tasks import group_of
from mincer.runners.results import Results
from mincer.runners.spark.failing import as_error
from mincer.runners.spark.work import (
    Chosen,
    Sampler,
    Unstored,
    Work,
    Written,
    heads,
    part_of,
    same,
    stored,
)

if TYPE_CHECKING:
    from pyspark import RDD, Broadcast, SparkContext

__all__ = ["Application"]

#: How often it is looked whether the job was cancelled, and progress is told.
_LOOK_S = 0.2


class Application:
    """One job, as an RDD and the action that makes it."""

    def __init__(
        self, context: SparkContext, job: EngineJob, memory_bytes: int
    ) -> None:
        self._spark = context
        self._job = job
        self._order = job.order
        self._memory_bytes = memory_bytes
        self._group = f"mincer-{job.order.job}"
        self._parcel: Broadcast[Parcel] = context.broadcast(job.parcel)

    def run(self) -> Results:
        try:
            return self._run()
        except BaseException:
            self._let_go()
            raise

    def _run(self) -> Results:
        inputs = self._job.inputs()
        rdd: RDD[Any] = self._spark.parallelize(inputs, max(1, len(inputs)))
        count = len(inputs)
        parcel = self._job.parcel
        for number, step in enumerate(self._order.steps):
            if step.sampled and number:
                before = rdd.getNumPartitions()
                rdd = stored(rdd, before).mapPartitionsWithIndex(Unstored(before))
            cuts = self._cuts(number, rdd, count) if step.sampled else None
            work = Work(self._parcel, number, self._memory_bytes, cuts)
            if step.shuffles:
                mapped = rdd.mapPartitionsWithIndex(work.map)
                given = mapped.partitionBy(parcel.groups[number], same)
                rdd = given.mapPartitionsWithIndex(work.reduce)
                count = parcel.parts[number]
            else:
                given = rdd
                rdd = rdd.mapPartitionsWithIndex(work.map_only)
        written = self._written(given, Written(work, step.shuffles))
        if written is not None:
            return self._job.finish(written, _nothing, self._let_go)
        groups = rdd.getNumPartitions()
        made = stored(rdd, groups)
        parts: list[MadePart] = self._act(
            lambda: self._spark.runJob(made, heads, [groups])
        )
        parts.sort(key=part_of)

        def fetch(wanted: Sequence[int]) -> list[bytes]:
            found: dict[int, list[bytes]] = {part: [] for part in wanted}
            where = sorted({group_of(part, groups, len(parts)) for part in wanted})
            chosen = Chosen(frozenset(wanted))
            for part, data in self._spark.runJob(made, chosen, where):
                found[part].append(data)
            return [b"".join(found[part]) for part in wanted]

        return self._job.finish(parts, fetch, self._let_go)

    def _written(self, given: RDD[Any], work: Written) -> list[MadePart] | None:
        """Make the parts where all who make them see the output; else None."""
        if self._job.parcel.token is None:
            return None
        parts: list[MadePart | None] = self._act(
            given.mapPartitionsWithIndex(work).collect
        )
        made = [part for part in parts if part is not None]
        if len(made) < len(parts):
            return None
        return sorted(made, key=part_of)

    def _cuts(self, step: int, rdd: RDD[Any], count: int) -> bytes:
        """The cut points of a step, of a sample of what it is to map."""
        work = Work(self._parcel, step, self._memory_bytes, None)
        chosen = spread(count)
        samples = self._act(
            lambda: rdd.mapPartitionsWithIndex(
                Sampler(work, frozenset(chosen), len(chosen))
            ).collect()
        )
        cut = self._spark.parallelize([samples], 1).map(work.cuts)
        cuts: bytes = self._act(cut.collect)[0]
        return cuts

    def _act(self, action: Callable[[], Any]) -> Any:
        """Run an action of Spark; tell how far it is, and stop it when the job is
        cancelled."""
        from pyspark import InheritableThread

        made: list[Any] = []
        raised: list[BaseException] = []
        over = threading.Event()

        def work() -> None:
            try:
                self._spark.setJobGroup(self._group, self._order.name, True)
                made.append(action())
            except BaseException as error:
                raised.append(error)
            finally:
                over.set()

        thread = InheritableThread(target=work, name="mincer spark", daemon=True)
        thread.start()
        try:
            while not over.wait(_LOOK_S):
                self._tell()
                self._job.control.check()
        except BaseException:
            self._spark.cancelJobGroup(self._group)
            over.wait()
            raise
        if raised:
            told = as_error(raised[0], self._order)
            raise told from (None if told is raised[0] else raised[0])
        return made[0]

    def _tell(self) -> None:
        """Report what Spark says of the stages of this job."""
        status = self._spark.statusTracker()
        stages: list[int] = []
        for job in status.getJobIdsForGroup(self._group):
            info = status.getJobInfo(job)
            stages += [] if info is None else list(info.stageIds)
        known = [status.getStageInfo(stage) for stage in sorted(set(stages))]
        running = [
            (number, one)
            for number, one in enumerate(known)
            if one is not None and one.numCompletedTasks < one.numTasks
        ]
        if not running:
            return
        number, one = running[0]
        count = one.numCompletedTasks, one.numTasks
        if number == 0:
            self._job.tell("mapping", count)
        else:
            self._job.tell(
                "reducing", reduces=count, step=min(number, len(self._order.steps)) - 1
            )

    def _let_go(self) -> None:
        # The application may have ended meanwhile, and all of it with that.
        with contextlib.suppress(Exception):
            self._parcel.destroy()


def _nothing(wanted: Sequence[int]) -> list[bytes]:
    raise Bug(f"the parts {wanted} are in the output, and were asked of Spark")
