"""`Spark`: a job as an RDD of blocks, on the executors of a Spark application."""

# Strategy: an element that crosses Spark is (group of parts, chunk of a block), and the
# partitioner is the identity, so that Spark's shuffle, its spilling and its lineage do
# what they do best, and grouping and order stay ours. Chunks are small: PySpark gathers
# elements before it hands them to the JVM, and counts them, not their bytes.
#
# One action runs everything. What is made goes through one more shuffle: its data into
# a partition like the one where it was made, which leaves it on that executor's disk
# until somebody asks; and the heads of all parts into a partition of their own, which
# alone is brought here. Rejected: to persist the data and filter the heads out of it,
# for which a second Python reads all of it; to make it again when it is asked for, by
# running user code again. An accumulator would count a stage that runs again twice;
# heads tell of what was consumed.
#
# What a task raises comes to the driver as the text of a Java exception. So an error of
# ours travels in that text, in full, behind what a person reads.

from __future__ import annotations

import base64
import contextlib
import os
import pickle
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from mincer.errors import (
    CancelledError,
    JobError,
    MincerError,
    NoConnectionError,
    UsageError,
)
from mincer.flow.budget import Budget
from mincer.flow.sampler import spread
from mincer.limits import MEMORY_BYTES_MIN, parse_size
from mincer.runners.base import JobControl, JobOrder
from mincer.runners.engine.job import EngineJob
from mincer.runners.engine.parcel import Account, Input, MadePart, Parcel, group_bounds
from mincer.runners.engine.parts import EarlierPart
from mincer.runners.engine.pieces import Arrivals, HeldFile, cut_pieces
from mincer.runners.engine.place import folder
from mincer.runners.engine.tasks import Tasks, group_of
from mincer.runners.results import Results
from mincer.sources.base import Split
from mincer.worker.machine import OwnSize

if TYPE_CHECKING:
    from types import TracebackType

    from pyspark import RDD, Broadcast, SparkContext

__all__ = ["Spark"]

#: What crosses the shuffle: part, map, number of the chunk (a negative one: accounts).
Chunk: TypeAlias = tuple[int, int, int, Any]
#: What a result is made of: part, number of the chunk (a negative one: its head).
Kept: TypeAlias = tuple[int, int, Any]

_CHUNK_BYTES = 1 << 16
_HEAD = -1
#: How often it is looked whether the job was cancelled, and progress is told.
_LOOK_S = 0.2
#: Of what Spark lets a Python worker take before it spills, what a task may take: the
#: rest is for what PySpark gathers.
_SHARE = 0.7
_ERROR = "mincer-error:"


class Spark:
    """Runs jobs on Spark; see `mincer.runners.base.Runner`.

    `session`: a `SparkSession` or a `SparkContext`, which stays its owner's to stop; or
    the address of a master ("spark://…", "local[4]"). Without one: the session that
    this program has already, or else a new one as `spark-submit` and Spark's own
    settings say, on this machine if they say nothing; that ends with this runner.
    `verbose`: show what such a new one logs.
    """

    sizes_hint = (
        "They belong to Spark:  spark-submit --num-executors N --executor-memory SIZE "
        "--conf spark.python.worker.memory=SIZE"
    )

    def __init__(self, session: Any = None, *, verbose: bool = False) -> None:
        self._given = session
        self._verbose = verbose
        self._context: SparkContext | None = None
        #: True when this runner has begun the application, and stops it.
        self._is_own = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop what this runner has begun."""
        with self._lock:
            context, self._context = self._context, None
            if context is not None and self._is_own:
                self._is_own = False
                context.stop()

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """Run one job: see `mincer.runners.base.Runner`."""
        context = self._connected()
        memory_bytes = _memory_of(context)
        slots = max(1, context.defaultParallelism)
        with EngineJob(order, control, "spark", slots, memory_bytes) as job:
            return _Application(context, job, memory_bytes).run()

    def _connected(self) -> SparkContext:
        with self._lock:
            if self._context is None:
                self._context = self._connect()
            return self._context

    def _connect(self) -> SparkContext:
        try:
            from pyspark import SparkContext
        except ImportError as error:
            raise UsageError(
                "the runner on Spark needs its package",
                hint='pip install "mincer[spark]"',
            ) from error
        given = self._given
        if isinstance(given, SparkContext):
            return given
        if given is not None and not isinstance(given, str):
            return _context_of(given)
        if given is None and SparkContext._active_spark_context is not None:
            return SparkContext._active_spark_context
        context = _begun(given, self._verbose)
        self._is_own = True
        return context


def _context_of(session: Any) -> SparkContext:
    """The context of a session."""
    try:
        context: SparkContext = session.sparkContext
    except Exception as error:
        raise UsageError(
            "this is no session that the runner on Spark can use: "
            f"{type(session).__name__}",
            hint="It takes a SparkSession, a SparkContext or the address of a master. "
            "A session of Spark Connect has no RDDs.",
        ) from error
    return context


def _begun(master: str | None, verbose: bool) -> SparkContext:
    """A new application."""
    import shutil

    from pyspark import SparkConf, SparkContext

    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise UsageError(
            "Spark needs Java, and there is none here",
            hint="Debian: apt install default-jre-headless; or set JAVA_HOME.",
        )
    conf = SparkConf()
    if master is not None:
        conf.setMaster(master)
    elif not conf.contains("spark.master"):
        conf.setMaster("local[*]")
    conf.setIfMissing("spark.app.name", "mincer")
    if conf.get("spark.master", "").startswith("local"):
        conf.setIfMissing("spark.pyspark.python", sys.executable)
        conf.setIfMissing("spark.pyspark.driver.python", sys.executable)
        conf.setIfMissing("spark.ui.enabled", "false")
    conf.setIfMissing("spark.ui.showConsoleProgress", "false")
    if not verbose:
        conf.setIfMissing("spark.log.level", "OFF")
    with _said_aside(verbose) as said:
        try:
            return SparkContext(conf=conf)
        except Exception as error:
            told = _first_line(error)
            tail = "\n".join(f"  {line}" for line in said()[-8:])
            raise NoConnectionError(
                f"Spark cannot be begun with the master "
                f"{conf.get('spark.master')}: {told}" + (f"\n{tail}" if tail else ""),
                hint="Is it a master's address, and can it be reached?",
            ) from error


@contextlib.contextmanager
def _said_aside(verbose: bool) -> Iterator[Callable[[], list[str]]]:
    """What the processes that the body begins say on stderr goes aside, for as long as
    they live: they say things at their start that no setting turns off. Yields what
    tells the lines."""
    import tempfile

    if verbose:
        yield list
        return
    with tempfile.TemporaryFile() as aside:

        def said() -> list[str]:
            aside.seek(0)
            return aside.read().decode("utf-8", "replace").splitlines()

        sys.stderr.flush()
        own = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(own, 2)
            os.close(own)


def _memory_of(context: SparkContext) -> int:
    """What a task of ours may take in a Python worker."""
    conf = context.getConf()
    whole = conf.get("spark.executor.pyspark.memory") or conf.get(
        "spark.python.worker.memory", "512m"
    )
    size = f"{whole}iB" if whole[-1:].isalpha() else f"{whole}MiB"
    size_bytes = parse_size(size.replace("biB", "iB"), "spark.python.worker.memory")
    return max(MEMORY_BYTES_MIN, int(size_bytes * _SHARE))


class _Application:
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
                rdd = _stored(rdd, before).mapPartitionsWithIndex(_Stored(before))
            cuts = self._cuts(number, rdd, count) if step.sampled else None
            work = _Work(self._parcel, number, self._memory_bytes, cuts)
            if step.shuffles:
                groups = parcel.groups[number]
                mapped = rdd.mapPartitionsWithIndex(work.map)
                shuffled = mapped.partitionBy(groups, _same)
                rdd = shuffled.mapPartitionsWithIndex(work.reduce)
                count = parcel.parts[number]
            else:
                rdd = rdd.mapPartitionsWithIndex(work.map_only)
        groups = rdd.getNumPartitions()
        made = _stored(rdd, groups)
        heads: list[MadePart] = self._act(
            lambda: self._spark.runJob(made, _heads, [groups])
        )
        heads.sort(key=_part_of)

        def fetch(parts: Sequence[int]) -> list[bytes]:
            wanted = sorted({group_of(one, groups, len(heads)) for one in parts})
            found: dict[int, list[bytes]] = {one: [] for one in parts}
            chosen = _Chosen(frozenset(parts))
            for part, data in self._spark.runJob(made, chosen, wanted):
                found[part].append(data)
            return [b"".join(found[one]) for one in parts]

        return self._job.finish(heads, fetch, self._let_go)

    def _cuts(self, step: int, rdd: RDD[Any], count: int) -> bytes:
        """The cut points of a step, of a sample of what it is to map."""
        work = _Work(self._parcel, step, self._memory_bytes, None)
        chosen = spread(count)
        samples = self._act(
            lambda: rdd.mapPartitionsWithIndex(
                _Sample(work, frozenset(chosen), len(chosen))
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
            told = _as_error(raised[0], self._order.name)
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


def _as_error(error: BaseException, name: str) -> BaseException:
    """What Spark raised, as an error of ours."""
    if isinstance(error, MincerError) or not isinstance(error, Exception):
        return error
    text = str(error)
    found = re.search(rf"{_ERROR}([A-Za-z0-9+/=]+):", text)
    if found is not None:
        told: MincerError = pickle.loads(base64.b64decode(found[1]))
        return told
    if "cancelled" in text and "job group" in text:
        return CancelledError(f"the jobs of {name} were cancelled in Spark")
    return JobError(
        f"Spark failed at {name}: {_cause(text)}",
        hint="The logs of its executors tell more.",
    )


def _cause(text: str) -> str:
    """The line of a Java exception that tells most."""
    lines = [line.strip() for line in text.splitlines()]
    for mark in ("ModuleNotFoundError", "Job aborted", "SparkException"):
        for line in lines:
            if mark in line:
                return line[:500]
    return lines[0][:500] if lines else "no reason was given"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:500]


# --- in a Python worker

_size: OwnSize | None = None


class _Failed(Exception):
    """An error of ours, in words and in full."""

    def __init__(self, error: MincerError) -> None:
        rebuild, given = error.__reduce__()
        packed = base64.b64encode(pickle.dumps(rebuild(*given))).decode("ascii")
        super().__init__(f"{error}\n{_ERROR}{packed}:")


class _Work:
    """What the tasks of one step do; it pickles, as PySpark wants functions to."""

    def __init__(
        self,
        parcel: Broadcast[Parcel],
        step: int,
        memory_bytes: int,
        cuts: bytes | None,
    ) -> None:
        self._parcel = parcel
        self._step = step
        self._memory_bytes = memory_bytes
        self._cuts = cuts

    @property
    def _tasks(self) -> Tasks:
        return Tasks(self._parcel.value, self._budget)

    def _budget(self) -> Budget:
        global _size
        if _size is None:
            _size = OwnSize()
        return Budget(self._memory_bytes, _size)

    def map(
        self, partition: int, elements: Iterable[Any]
    ) -> Iterator[tuple[int, Chunk]]:
        """Map what is in a partition; yield chunks, by their group."""
        parcel = self._parcel.value
        groups, parts = parcel.groups[self._step], parcel.parts[self._step]
        for index, source in _sources(partition, elements):
            with _failing(), _file() as output:
                account = self._tasks.map_into(
                    output, self._step, index, source, self._cuts
                )
                for part, chunks in cut_pieces(output, parts, _CHUNK_BYTES):
                    group = group_of(part, groups, parts)
                    for number, data in enumerate(chunks):
                        yield group, (part, index, number, data)
                accounts = [*_accounts_of(source), account]
                yield index % groups, (0, index, _HEAD, accounts)

    def reduce(
        self, group: int, elements: Iterable[tuple[int, Chunk]]
    ) -> Iterator[Kept]:
        """Reduce the parts of a group."""
        parcel = self._parcel.value
        accounts: list[Account] = []
        with _failing(), contextlib.closing(Arrivals(folder())) as arrivals:
            for _, (part, index, number, data) in elements:
                if number == _HEAD:
                    accounts += data
                else:
                    arrivals.add(part, index, number, data)
            for part in group_bounds(
                group, parcel.groups[self._step], parcel.parts[self._step]
            ):
                with _file() as output:
                    readers = arrivals.readers(part)
                    made = self._tasks.reduce(
                        output, self._step, part, readers, accounts, self._cuts
                    )
                    yield from _kept(part, made, output)
                accounts = []

    def map_only(self, partition: int, elements: Iterable[Any]) -> Iterator[Kept]:
        """Map what is in a partition to parts."""
        for index, source in _sources(partition, elements):
            with _failing(), _file() as output:
                made = self._tasks.map_part(output, self._step, index, source)
                yield from _kept(index, made, output)

    def sample(self, index: int, source: Input | Split, splits: int) -> bytes:
        with _failing():
            return self._tasks.sample(self._step, source, splits)

    def cuts(self, samples: list[bytes]) -> bytes:
        with _failing():
            return self._tasks.cuts(self._step, samples)


class _Sample:
    """Samples those of the chosen indexes."""

    def __init__(self, work: _Work, chosen: frozenset[int], splits: int) -> None:
        self._work = work
        self._chosen = chosen
        self._splits = splits

    def __call__(self, partition: int, elements: Iterable[Any]) -> Iterator[bytes]:
        for index, source in _sources(partition, elements):
            if index in self._chosen:
                yield self._work.sample(index, source, self._splits)


class _Chosen:
    """The chunks of some parts."""

    def __init__(self, parts: frozenset[int]) -> None:
        self._parts = parts

    def __call__(
        self, elements: Iterable[tuple[int, Kept]]
    ) -> Iterator[tuple[int, bytes]]:
        for _, (part, number, data) in elements:
            if part in self._parts and number != _HEAD:
                yield part, data


class _Addressed:
    """What a partition makes stays in it; the heads go to the last one as well."""

    def __init__(self, last: int) -> None:
        self._last = last

    def __call__(
        self, partition: int, elements: Iterable[Kept]
    ) -> Iterator[tuple[int, Kept]]:
        for element in elements:
            if element[1] == _HEAD:
                yield self._last, element
            yield partition, element


class _Stored:
    """What was stored in the partitions before the last one."""

    def __init__(self, last: int) -> None:
        self._last = last

    def __call__(
        self, partition: int, elements: Iterable[tuple[int, Kept]]
    ) -> Iterator[Kept]:
        for _, element in elements:
            if partition != self._last:
                yield element


def _stored(rdd: RDD[Any], partitions: int) -> RDD[Any]:
    """What an RDD makes, where it is made, and its heads in one more partition."""
    addressed = rdd.mapPartitionsWithIndex(_Addressed(partitions))
    return addressed.partitionBy(partitions + 1, _same)


def _same(group: int) -> int:
    return group


def _heads(elements: Iterable[tuple[int, Kept]]) -> Iterator[MadePart]:
    for _, (_, number, made) in elements:
        if number == _HEAD:
            yield made


def _part_of(made: MadePart) -> int:
    return made.task.index


def _accounts_of(source: Input | Split) -> list[Account]:
    return source.accounts if isinstance(source, EarlierPart) else []


def _sources(
    partition: int, elements: Iterable[Any]
) -> Iterator[tuple[int, Input | Split]]:
    """What is to be mapped in a partition: a split of the source, or the parts of the
    step before; and its index among all."""
    head: MadePart | None = None
    chunks: list[bytes] = []
    for element in elements:
        if isinstance(element, Input):
            yield partition, element
            continue
        _, number, data = element
        if number != _HEAD:
            chunks.append(data)
            continue
        if head is not None:
            yield head.task.index, EarlierPart(head, b"".join(chunks))
        head, chunks = data, []
    if head is not None:
        yield head.task.index, EarlierPart(head, b"".join(chunks))


def _kept(part: int, made: MadePart, output: HeldFile) -> Iterator[Kept]:
    yield part, _HEAD, made
    size = output.length_bytes
    for number, at in enumerate(range(0, size, _CHUNK_BYTES)):
        yield part, number, output.read(at, min(_CHUNK_BYTES, size - at))


@contextlib.contextmanager
def _file() -> Iterator[HeldFile]:
    with contextlib.closing(HeldFile(folder())) as output:
        yield output


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    """What goes wrong goes to the driver, by itself."""
    failed: _Failed | None = None
    try:
        yield
    except MincerError as error:
        failed = _Failed(error)
    if failed is not None:
        raise failed
