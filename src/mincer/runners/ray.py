"""`Ray`: a job as tasks on a Ray cluster, its pieces in the object store."""

# Strategy: a map returns a piece for each group of parts as an object of its own; a
# reduce is told which pieces are its own and gets one after another, so that it never
# holds more than one beside what it has put aside. Where tasks run, what moves, what is
# spilled and made again after a worker or a node died, is all Ray's.
#
# A reduce is submitted when the maps are done: one that waits would keep a processor
# that a map needs.

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from mincer.errors import (
    CancelledError,
    JobError,
    MincerError,
    NoConnectionError,
    UsageError,
    WorkerDiedError,
)
from mincer.flow.budget import Budget
from mincer.flow.sampler import spread
from mincer.runners.base import JobControl, JobOrder
from mincer.runners.closing import Closing
from mincer.runners.engine.job import EngineJob
from mincer.runners.engine.outward import outward, outward_each
from mincer.runners.engine.parcel import MadePart, Parcel, Piece, group_bounds
from mincer.runners.engine.parts import source_of
from mincer.runners.engine.pieces import Arrivals
from mincer.runners.engine.place import folder
from mincer.runners.engine.reach import check_reachable
from mincer.runners.engine.tasks import Tasks
from mincer.runners.engine.window import Fetch
from mincer.runners.results import Results
from mincer.worker.machine import OwnSize, memory_per_slot

__all__ = ["Ray"]

#: What stands for an object in the store; Ray has no type for it that tells more.
Ref: TypeAlias = Any
#: The head of a part, and its data.
Part: TypeAlias = tuple[Ref, Ref]

_HINT = "Begin one:  ray start --head"
#: How often it is looked whether the job was cancelled, and progress is told.
_LOOK_S = 0.2


class Ray(Closing):
    """Runs jobs on a Ray cluster; see `mincer.runners.base.Runner`.

    `address`: of the cluster, as `ray.init` takes it. Without one: the cluster that
    this program is connected to already, or the one that `RAY_ADDRESS` names, or else
    one on this machine, which ends with this runner. `memory`: what a task may take
    ("512MB"); by default half of the machine's, shared out. `verbose`: show what Ray
    logs.
    """

    sizes_hint = (
        "They belong to Ray, where it starts:  ray start --num-cpus N; and "
        "mincer.Ray(address, memory='512MB') says what a task may take."
    )

    def __init__(
        self,
        address: str | None = None,
        *,
        memory: int | str | None = None,
        verbose: bool = False,
    ) -> None:
        from mincer.limits import parse_size

        self._address = address
        self._memory_bytes = None if memory is None else parse_size(memory, "memory")
        self._verbose = verbose
        #: True when this runner has made the connection, and ends it.
        self._is_own = False
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of what this runner has begun: a connection, or a cluster."""
        with self._lock:
            if self._is_own:
                import ray

                self._is_own = False
                ray.shutdown()

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """Run one job: see `mincer.runners.base.Runner`."""
        self._connect()
        import ray

        slots = max(1, int(ray.cluster_resources().get("CPU", 1)))
        memory_bytes = self._memory_bytes or memory_per_slot(slots)
        with EngineJob(order, control, "ray", slots, memory_bytes, streams=True) as job:
            graph = _Graph(job, memory_bytes)
            try:
                return graph.run()
            except BaseException as error:
                graph.cancel()
                told = _as_error(error, order.name)
                if told is error:
                    raise
                raise told from error

    def _connect(self) -> None:
        try:
            import ray
        except ImportError as error:
            raise UsageError(
                "the runner on Ray needs its package",
                hint='pip install "mincer[ray]"',
            ) from error
        with self._lock:
            if ray.is_initialized():
                return
            if self._address is not None:
                check_reachable(self._address, "Ray cluster", _HINT)
            # What is begun here tells nobody anything, unless its user wants that.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            # An error is told by us, once.
            os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
            os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
            try:
                ray.init(
                    self._address,
                    log_to_driver=self._verbose,
                    logging_level=logging.INFO if self._verbose else logging.ERROR,
                )
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise NoConnectionError(
                    f"no Ray cluster answers at {self._address}: {error}",
                    hint=_HINT,
                ) from error
            self._is_own = True


class _Graph:
    """The tasks of one job."""

    def __init__(self, job: EngineJob, memory_bytes: int) -> None:
        import ray

        self._ray = ray
        self._job = job
        self._order = job.order
        self._memory_bytes = memory_bytes
        self._parcel: Ref = ray.put(job.parcel)
        #: What runs, or waits to.
        self._open: set[Ref] = set()

    def run(self) -> Results:
        job = self._job
        sources: list[tuple[Any, ...]] = [(one,) for one in job.inputs()]
        parts: list[Part] = []
        for step in range(len(self._order.steps)):
            parts = self._step(step, sources)
            sources = list(parts)
        heads: list[MadePart] = self._ray.get([head for head, _ in parts])
        data = {n: ref for n, (_, ref) in enumerate(parts)}
        return job.finish(heads, _fetch(data), data.clear)

    def _step(self, step: int, sources: list[tuple[Any, ...]]) -> list[Part]:
        plan = self._order.steps[step]
        if not plan.shuffles:
            made = [
                self._begin(_part, 2, f"map {n}", step, n, *source)
                for n, source in enumerate(sources)
            ]
            self._wait([head for head, _ in made], "mapping", step)
            return [(head, data) for head, data in made]
        cuts = self._cuts(step, sources) if plan.sampled else None
        parcel = self._job.parcel
        groups, parts = parcel.groups[step], parcel.parts[step]
        # The first thing that a task returns is small: it tells how the task ended.
        maps = [
            self._begin(_pieces, 1 + groups, f"map {n}", step, n, cuts, *source)
            for n, source in enumerate(sources)
        ]
        sources.clear()
        self._wait([some[0] for some in maps], "mapping", step)
        found: list[Part] = []
        reduced = []
        for group in range(groups):
            count = len(group_bounds(group, groups, parts))
            mine = [some[1 + group] for some in maps]
            name = f"reduce {group}"
            refs = self._begin(_group, 2 * count, name, step, group, cuts, mine)
            reduced.append(refs[0])
            found += zip(refs[::2], refs[1::2], strict=True)
        maps.clear()
        self._wait(reduced, "reducing", step)
        return found

    def _cuts(self, step: int, sources: list[tuple[Any, ...]]) -> Ref:
        chosen = spread(len(sources))
        samples = [
            self._begin(_sample, 1, f"sample {n}", step, len(chosen), *sources[n])[0]
            for n in chosen
        ]
        return self._begin(_cuts, 1, "cuts", step, *samples)[0]

    def _begin(
        self, task: Callable[..., Any], returns: int, name: str, *given: Any
    ) -> list[Ref]:
        """Submit a task of this job; return what stands for each thing it returns."""
        remote = self._ray.remote(task).options(
            num_returns=returns, name=f"{self._order.name}: {name}"
        )
        refs = remote.remote(self._parcel, self._memory_bytes, *given)
        refs = refs if isinstance(refs, list) else [refs]
        self._open.add(refs[0])
        return refs

    def _wait(self, refs: list[Ref], phase: str, step: int) -> None:
        """Wait for these; raise what went wrong."""
        waiting = list(refs)
        while True:
            done = len(refs) - len(waiting)
            count = done, len(refs)
            told = {"maps": count} if phase == "mapping" else {"reduces": count}
            self._job.tell(phase, **told, step=step)
            if not waiting:
                return
            self._job.control.check()
            ready, waiting = self._ray.wait(
                waiting, num_returns=len(waiting), timeout=_LOOK_S, fetch_local=False
            )
            self._open.difference_update(ready)
            self._ray.get(ready)

    def cancel(self) -> None:
        """Nobody wants anything of this job any more."""
        with contextlib.suppress(Exception):
            for ref in self._open:
                self._ray.cancel(ref)
        self._open.clear()


def _fetch(data: dict[int, Ref]) -> Fetch:
    def fetch(parts: Sequence[int]) -> Sequence[bytes]:
        import ray

        found: list[bytes] = ray.get([data[one] for one in parts])
        return found

    return fetch


def _as_error(error: BaseException, name: str) -> BaseException:
    """What Ray raised, as an error of ours."""
    from ray import exceptions

    if isinstance(error, exceptions.RayTaskError) and error.cause is not None:
        error = error.cause
    if isinstance(error, MincerError) or not isinstance(error, Exception):
        return error
    if isinstance(error, exceptions.TaskCancelledError):
        return CancelledError(f"a task of {name} was cancelled in Ray")
    if isinstance(
        error,
        exceptions.WorkerCrashedError
        | exceptions.OutOfMemoryError
        | exceptions.ObjectLostError,
    ):
        return WorkerDiedError(
            f"workers of Ray died at {name}, again and again: {_first_line(error)}",
            hint="Often the system, out of memory. Ray's logs are in "
            "/tmp/ray/session_latest/logs on the machine of the worker.",
        )
    return JobError(f"Ray failed at {name}: {type(error).__name__}: {error}")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


# --- on a worker

_size: OwnSize | None = None


def _tasks(parcel: Parcel, memory_bytes: int) -> Tasks:
    def budget() -> Budget:
        global _size
        if _size is None:
            _size = OwnSize(private=True)
        return Budget(memory_bytes, _size)

    return Tasks(parcel, budget)


@outward
def _sample(
    parcel: Parcel, memory_bytes: int, step: int, splits: int, *given: Any
) -> bytes:
    return _tasks(parcel, memory_bytes).sample(step, source_of(given), splits)


@outward
def _cuts(parcel: Parcel, memory_bytes: int, step: int, *samples: bytes) -> bytes:
    return _tasks(parcel, memory_bytes).cuts(step, samples)


@outward_each
def _pieces(
    parcel: Parcel,
    memory_bytes: int,
    step: int,
    index: int,
    cuts: bytes | None,
    *given: Any,
) -> Iterator[Piece | None]:
    """Nothing, and the pieces; each goes to the store before the next is made."""
    found = _tasks(parcel, memory_bytes).pieces(step, index, source_of(given), cuts)
    first = next(found)  # what can go wrong has gone wrong now
    yield None
    yield first
    yield from found


@outward
def _part(
    parcel: Parcel, memory_bytes: int, step: int, index: int, *given: Any
) -> tuple[MadePart, bytes]:
    return _tasks(parcel, memory_bytes).part(step, index, source_of(given))


@outward_each
def _group(
    parcel: Parcel,
    memory_bytes: int,
    step: int,
    group: int,
    cuts: bytes | None,
    refs: list[Ref],
) -> Iterator[Any]:
    """Of each part of a group its head and its data."""
    import ray

    arrivals = Arrivals(folder())
    try:
        accounts = []
        for ref in refs:
            piece: Piece = ray.get(ref)
            accounts += piece.accounts
            for part, output in piece.outputs.items():
                arrivals.add(part, piece.index, 0, output)
            del piece
        tasks = _tasks(parcel, memory_bytes)
        for made, data in tasks.arrived(step, group, arrivals, accounts, cuts):
            yield made
            yield data
    finally:
        arrivals.close()
