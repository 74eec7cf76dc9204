"""`Dask`: a job as a graph of tasks on a `distributed` cluster."""

# Strategy: a map makes a list of pieces; a task each takes one out, so that a worker
# which needs one is sent that and no more; a reduce takes its pieces of all maps. Where
# tasks run, what moves, what is put on disk and made again after a worker died, is all
# Dask's. Pieces are taken out on the worker that has them, and are no copies.
#
# The driver looks which tasks are done, so that a failure is told at once, and what is
# told of progress is Dask's own.

from __future__ import annotations

import contextlib
import logging
import operator
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

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
from mincer.limits import MEMORY_BYTES_MIN
from mincer.runners.base import JobControl, JobOrder
from mincer.runners.engine.job import EngineJob
from mincer.runners.engine.outward import outward
from mincer.runners.engine.parcel import MadePart, Parcel, Piece
from mincer.runners.engine.parts import EarlierPart
from mincer.runners.engine.tasks import Tasks
from mincer.runners.engine.window import Fetch
from mincer.runners.results import Results
from mincer.worker.machine import memory_per_slot

if TYPE_CHECKING:
    from types import TracebackType

    from distributed import Client, Future

__all__ = ["Dask"]

#: Of a worker's memory, what a job may take for itself; by default Dask begins to put
#: what it holds on disk at 60 % of it.
_SHARE = 0.3
#: How often it is looked whether the job was cancelled, and progress is told.
_LOOK_S = 0.2


class Dask:
    """Runs jobs on a Dask cluster; see `mincer.runners.base.Runner`.

    `client`: a `distributed.Client`, or the address of a scheduler. Without one: the
    client that this program has already, or else processes on this machine, one a
    core, which end with this runner. `verbose`: let those say what Dask logs.
    """

    sizes_hint = (
        "They belong to Dask's workers, where these start:  "
        "dask worker ADDRESS --nworkers N --memory-limit SIZE"
    )

    def __init__(
        self, client: Client | str | None = None, *, verbose: bool = False
    ) -> None:
        self._given = client
        self._verbose = verbose
        self._client: Client | None = None
        self._stack = contextlib.ExitStack()
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
        """Let go of what this runner has begun: a connection, or processes."""
        with self._lock:
            self._client = None
            self._stack.close()

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """Run one job: see `mincer.runners.base.Runner`."""
        client = self._connected()
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        slots = max(1, sum(worker["nthreads"] for worker in workers))
        memory_bytes = min(
            (_share(one["memory_limit"], one["nthreads"]) for one in workers),
            default=memory_per_slot(slots),
        )
        with EngineJob(order, control, "dask", slots, memory_bytes) as job:
            graph = _Graph(client, job)
            try:
                return graph.run()
            except BaseException as error:
                graph.cancel()
                told = _as_error(error, order.name)
                if told is error:
                    raise
                raise told from error

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Client:
        try:
            from distributed import Client, LocalCluster, default_client
        except ImportError as error:
            raise UsageError(
                "the runner on Dask needs the packages of Dask",
                hint='pip install "mincer[dask]"',
            ) from error
        if isinstance(self._given, str):
            try:
                return self._stack.enter_context(
                    Client(self._given, set_as_default=False)
                )
            except (OSError, TimeoutError, ValueError) as error:
                raise NoConnectionError(
                    f"no scheduler of Dask answers at {self._given}: {error}",
                    hint="Begin one:  dask scheduler",
                ) from error
        if self._given is not None:
            return self._given
        with contextlib.suppress(ValueError):  # there is none
            return default_client()
        cluster = self._stack.enter_context(
            LocalCluster(
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.WARNING if self._verbose else logging.CRITICAL,
            )
        )
        return self._stack.enter_context(Client(cluster, set_as_default=False))


class _Graph:
    """The tasks of one job."""

    def __init__(self, client: Client, job: EngineJob) -> None:
        self._client = client
        self._job = job
        self._order = job.order
        #: All that were made and are held by anybody.
        self._futures: weakref.WeakSet[Future] = weakref.WeakSet()
        self._parcel = self._submit("parcel", _itself, job.parcel)

    def run(self) -> Results:
        job = self._job
        sources: list[tuple[Any, ...]] = [(source,) for source in job.inputs()]
        heads: list[Future] = []
        blocks: list[Future] = []
        for step in range(len(self._order.steps)):
            heads, blocks = self._step(step, sources)
            sources = list(zip(heads, blocks, strict=True))
        self._wait(heads, "reducing")
        parts: list[MadePart] = self._client.gather(heads)
        data = dict(enumerate(blocks))
        return job.finish(parts, _fetch(self._client, data), data.clear)

    def _step(
        self, step: int, sources: list[tuple[Any, ...]]
    ) -> tuple[list[Future], list[Future]]:
        """Submit the tasks of a step; return the head and the data of each part."""
        plan = self._order.steps[step]
        if not plan.shuffles:
            made = [
                self._submit(f"map-{step}-{n}", _part, self._parcel, step, n, *source)
                for n, source in enumerate(sources)
            ]
            return self._both(f"part-{step}", made)
        cuts = self._cuts(step, sources) if plan.sampled else None
        parcel = self._job.parcel
        groups, parts = parcel.groups[step], parcel.parts[step]
        pieces: list[list[Future]] = [[] for _ in range(groups)]
        maps = []
        for n, source in enumerate(sources):
            mapped = self._submit(
                f"map-{step}-{n}", _pieces, self._parcel, step, n, cuts, *source
            )
            maps.append(mapped)
            for group in range(groups):
                name = f"piece-{step}-{n}-{group}"
                pieces[group].append(
                    self._submit(name, operator.getitem, mapped, group)
                )
        self._wait(maps, "mapping", step)
        heads: list[Future] = []
        blocks: list[Future] = []
        for group in range(groups):
            name = f"reduce-{step}-{group}"
            reduced = self._submit(
                name, _group, self._parcel, step, group, pieces[group], cuts
            )
            first, last = group * parts // groups, (group + 1) * parts // groups
            for n in range(last - first):
                heads.append(self._submit(f"{name}-head-{n}", _item, reduced, 0, n))
                blocks.append(self._submit(f"{name}-data-{n}", _item, reduced, 1, n))
        return heads, blocks

    def _both(self, name: str, made: list[Future]) -> tuple[list[Future], list[Future]]:
        return (
            [
                self._submit(f"{name}-{n}-head", operator.getitem, one, 0)
                for n, one in enumerate(made)
            ],
            [
                self._submit(f"{name}-{n}-data", operator.getitem, one, 1)
                for n, one in enumerate(made)
            ],
        )

    def _cuts(self, step: int, sources: list[tuple[Any, ...]]) -> Future:
        chosen = spread(len(sources))
        samples = [
            self._submit(
                f"sample-{step}-{n}",
                _sample,
                self._parcel,
                step,
                len(chosen),
                *sources[n],
            )
            for n in chosen
        ]
        return self._submit(f"cuts-{step}", _cuts, self._parcel, step, samples)

    def _submit(self, name: str, function: Callable[..., Any], *given: Any) -> Future:
        future: Future = self._client.submit(
            function, *given, key=f"mincer-{self._order.job[:12]}-{name}", pure=False
        )
        self._futures.add(future)
        return future

    def _wait(self, futures: list[Future], phase: str, step: int = 0) -> None:
        """Wait for these; raise what went wrong."""
        news = threading.Event()
        waiting = set(futures)
        for one in futures:
            one.add_done_callback(lambda _: news.set())
        while True:
            done = {one for one in waiting if one.done()}
            for one in done:
                if one.status != "finished":
                    one.result()
            waiting -= done
            count = len(futures) - len(waiting), len(futures)
            told = {"maps": count} if phase == "mapping" else {"reduces": count}
            self._job.tell(phase, **told, step=step)
            if not waiting:
                return
            news.wait(_LOOK_S)
            news.clear()
            self._job.control.check()

    def cancel(self) -> None:
        """Nobody wants anything of this job any more."""
        # Not `Client.cancel`: by force, it has ended the client's connection.
        for future in list(self._futures):
            future.release()


def _fetch(client: Client, data: dict[int, Future]) -> Fetch:
    def fetch(parts: Sequence[int]) -> Sequence[bytes]:
        found: list[bytes] = client.gather([data[one] for one in parts])
        return found

    return fetch


def _as_error(error: BaseException, name: str) -> BaseException:
    """What Dask raised, as an error of ours."""
    if isinstance(error, MincerError) or not isinstance(error, Exception):
        return error
    kind = type(error).__name__
    if kind == "KilledWorker":
        return WorkerDiedError(
            f"workers of Dask died at {name}, again and again: {error}",
            hint="Look into the log of a worker: often it had too little memory.",
        )
    if kind in ("CancelledError", "FutureCancelledError"):
        return CancelledError(f"the tasks of {name} were cancelled in Dask: {error}")
    return JobError(f"Dask failed at {name}: {kind}: {error}")


# --- on a worker


def _tasks(parcel: Parcel) -> Tasks:
    return Tasks(parcel, _budget, _stop_if_cancelled)


def _share(limit_bytes: int | None, threads: int) -> int:
    limit_bytes = limit_bytes or memory_per_slot(1)
    return max(MEMORY_BYTES_MIN, int(limit_bytes * _SHARE / threads))


def _budget() -> Budget:
    """What of this worker's memory one task may take. The size of the process tells
    nothing, as all that Dask holds is in it."""
    from distributed import get_worker

    worker = get_worker()
    return Budget(_share(worker.memory_manager.memory_limit, worker.state.nthreads))


def _stop_if_cancelled(ordinal: int, done: int) -> None:
    from distributed import get_worker
    from distributed.worker import thread_state

    state = get_worker().state.tasks.get(getattr(thread_state, "key", None))
    if state is not None and state.state == "cancelled":
        raise CancelledError("the job was cancelled")


def _itself(parcel: Parcel) -> Parcel:
    return parcel


def _source(given: tuple[Any, ...]) -> Any:
    """An input, or a part of the step before with its data."""
    return given[0] if len(given) == 1 else EarlierPart(*given)


@outward
def _sample(parcel: Parcel, step: int, splits: int, *given: Any) -> bytes:
    return _tasks(parcel).sample(step, _source(given), splits)


@outward
def _cuts(parcel: Parcel, step: int, samples: list[bytes]) -> bytes:
    return _tasks(parcel).cuts(step, samples)


@outward
def _pieces(
    parcel: Parcel, step: int, index: int, cuts: bytes | None, *given: Any
) -> list[Piece]:
    return _tasks(parcel).pieces(step, index, _source(given), cuts)


@outward
def _part(parcel: Parcel, step: int, index: int, *given: Any) -> tuple[MadePart, bytes]:
    return _tasks(parcel).part(step, index, _source(given))


@outward
def _group(
    parcel: Parcel, step: int, group: int, pieces: list[Piece], cuts: bytes | None
) -> tuple[list[MadePart], list[bytes]]:
    return _tasks(parcel).group(step, group, pieces, cuts)


def _item(made: tuple[list[Any], list[Any]], which: int, n: int) -> Any:
    return made[which][n]
