"""One job on Dask: a graph of tasks."""

# Strategy: a map makes a list of pieces; a task each takes one out, so that a worker
# which needs one is sent that and no more; a reduce takes its pieces of all maps. Where
# tasks run, what moves, what is put on disk and made again after a worker died, is all
# Dask's. Pieces are taken out on the worker that has them, and are no copies.
#
# The driver looks which tasks are done, so that a failure is told at once, and what is
# told of progress is Dask's own.

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mincer.flow.sampler import spread
from mincer.runners.dask.plugin import ParcelPlugin
from mincer.runners.dask.work import cuts, group, item, part, pieces, sample
from mincer.runners.engine.job import EngineJob
from mincer.runners.engine.parcel import MadePart, group_bounds
from mincer.runners.engine.window import Fetch
from mincer.runners.results import Results

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Graph"]

#: How often it is looked whether the job was cancelled, and progress is told.
_LOOK_S = 0.2


class Graph:
    """The tasks of one job."""

    def __init__(self, client: Client, job: EngineJob) -> None:
        self._client = client
        self._job = job
        self._order = job.order
        #: All that were made and are held by anybody.
        self._futures: weakref.WeakSet[Future] = weakref.WeakSet()
        self._plugin = ParcelPlugin(job.parcel)

    def run(self) -> Results:
        job = self._job
        self._client.register_plugin(self._plugin)
        sources: list[tuple[Any, ...]] = [(source,) for source in job.inputs()]
        heads: list[Future] = []
        blocks: list[Future] = []
        for step in range(len(self._order.steps)):
            heads, blocks = self._step(step, sources)
            sources = list(zip(heads, blocks, strict=True))
        self._wait(heads, "reducing")
        parts: list[MadePart] = self._client.gather(heads)
        data = dict(enumerate(blocks))
        client, plugin = self._client, self._plugin.name

        def close() -> None:
            data.clear()
            _forget(client, plugin)

        return job.finish(parts, _fetch(client, data), close)

    def _step(
        self, step: int, sources: list[tuple[Any, ...]]
    ) -> tuple[list[Future], list[Future]]:
        """Submit the tasks of a step; return the head and the data of each part."""
        plan = self._order.steps[step]
        heads: list[Future] = []
        blocks: list[Future] = []
        if not plan.shuffles:
            for n, source in enumerate(sources):
                made = self._submit(f"map-{step}", n, part, step, n, *source)
                heads.append(self._take(f"head-{step}", n, made, 0))
                blocks.append(self._take(f"data-{step}", n, made, 1))
            return heads, blocks
        cut = self._cuts(step, sources) if plan.sampled else None
        parcel = self._job.parcel
        groups, parts = parcel.groups[step], parcel.parts[step]
        some: list[list[Future]] = [[] for _ in range(groups)]
        maps = []
        for n, source in enumerate(sources):
            mapped = self._submit(f"map-{step}", n, pieces, step, n, cut, *source)
            maps.append(mapped)
            for number in range(groups):
                name = f"piece-{step}-{number}"
                some[number].append(self._take(name, n, mapped, number))
        self._wait(maps, "mapping", step)
        for number in range(groups):
            reduced = self._submit(
                f"reduce-{step}", number, group, step, number, some[number], cut
            )
            for n, index in enumerate(group_bounds(number, groups, parts)):
                heads.append(self._take(f"head-{step}", index, reduced, n, 0))
                blocks.append(self._take(f"data-{step}", index, reduced, n, 1))
        return heads, blocks

    def _cuts(self, step: int, sources: list[tuple[Any, ...]]) -> bytes:
        """The cut points of a step. They are brought here, since tasks that depend on
        something go where that is."""
        chosen = spread(len(sources))
        samples = [
            self._submit(f"sample-{step}", n, sample, step, len(chosen), *sources[n])
            for n in chosen
        ]
        cut = self._submit(f"cuts-{step}", 0, cuts, step, samples)
        self._wait([cut], "mapping", step)
        found: bytes = cut.result()
        return found

    def _submit(
        self, name: str, n: int, task: Callable[..., Any], *given: Any
    ) -> Future:
        """Submit a task of this job; those of one name are alike, for Dask."""
        return self._kept(name, n, task, self._order.job, *given)

    def _take(self, name: str, n: int, made: Future, *where: int) -> Future:
        """Take one thing out of what a task made."""
        return self._kept(name, n, item, made, *where)

    def _kept(self, name: str, n: int, task: Callable[..., Any], *given: Any) -> Future:
        key = (f"mincer-{name}-{self._order.job}", n)
        future: Future = self._client.submit(task, *given, key=key, pure=False)
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
        _forget(self._client, self._plugin.name)


def _forget(client: Client, plugin: str) -> None:
    """Workers need not keep what the tasks of this job have in common."""
    with contextlib.suppress(Exception):  # the client may be closed
        client.unregister_worker_plugin(plugin)


def _fetch(client: Client, data: dict[int, Future]) -> Fetch:
    def fetch(parts: Sequence[int]) -> Sequence[bytes]:
        found: list[bytes] = client.gather([data[one] for one in parts])
        return found

    return fetch
