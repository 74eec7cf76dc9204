"""`Dask`: jobs on a Dask cluster."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

from mincer.errors import (
    CancelledError,
    JobError,
    MincerError,
    NoConnectionError,
    UsageError,
    WorkerDiedError,
)
from mincer.runners.base import JobControl, JobOrder
from mincer.runners.closing import Closing
from mincer.runners.dask.work import share
from mincer.runners.engine.job import EngineJob
from mincer.runners.engine.reach import check_reachable
from mincer.runners.results import Results
from mincer.worker.machine import memory_per_slot

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Dask", "as_error"]


class Dask(Closing):
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
            (share(one["memory_limit"], one["nthreads"]) for one in workers),
            default=memory_per_slot(slots),
        )
        with EngineJob(
            order, control, "dask", slots, memory_bytes, streams=False
        ) as job:
            from mincer.runners.dask.graph import Graph

            graph = Graph(client, job)
            try:
                return graph.run()
            except BaseException as error:
                graph.cancel()
                told = as_error(error, order.name)
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
            check_reachable(
                self._given, "scheduler of Dask", "Begin one:  dask scheduler"
            )
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


def as_error(error: BaseException, name: str) -> BaseException:
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
