"""A job whose driver has left it: this process comes for its result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from mincer.errors import JobError, MincerError
from mincer.net.offers import NotHere
from mincer.runners.base import JobControl
from mincer.runners.remote.job import RemoteJob
from mincer.runners.remote.keepsake import Keepsake, read_keepsake
from mincer.runners.remote.received import ReceivedParts
from mincer.runners.remote.run import check_connection, finish, take_parts
from mincer.runners.results import Results
from mincer.sinks.base import Sink
from mincer.wire import frames

if TYPE_CHECKING:
    from mincer.net.client import Client
    from mincer.net.offers import Outputs
    from mincer.wire.pulls import Thing

__all__ = ["FetchedJob", "fetch_remote"]

_LOOK_S = 0.2
_GIVE_BACK_S = 2.0


class FetchedJob(RemoteJob):
    """`job`: its id. What it is like is known when `answered` is set."""

    order: frames.FetchTold

    def __init__(self, job: str, control: JobControl) -> None:
        told = frames.FetchTold(job)
        super().__init__(told, control, lambda folder: ReceivedParts(folder, None))
        self.answered = threading.Event()
        #: It cannot be had, or not by this process.
        self.is_refused = False

    @property
    def keepsake(self) -> Keepsake | None:
        return read_keepsake(self.order.keepsake)

    def find(self, thing: Thing) -> Outputs:
        raise NotHere("this driver came for the result, and has nothing else")

    def close_files(self) -> None:
        self.parts.close_files()

    def fetched(self, told: frames.FetchTold) -> None:
        self.order = told
        self.token = told.token
        if told.why:
            self.is_refused = True
            job = self.order.job
            self._end(
                JobError(
                    f"the result of job {job} cannot be fetched: {told.why}",
                    hint=f"mincer jobs {job[:8]}  tells what became of it.",
                )
            )
        self.answered.set()

    def _end(self, error: MincerError | None) -> None:
        super()._end(error)
        self.answered.set()

    @property
    def _shuffles_last(self) -> bool:
        return bool(self.order.steps) and self.order.steps[-1].shuffles


def fetch_remote(
    client: Client,
    name: str,
    control: JobControl,
    sink_of: Callable[[Keepsake | None], Sink | None],
) -> Results:
    """Take the result of this job, which then is forgotten by its coordinator.

    `sink_of`: makes the sink of what its first driver has left. If this fails, the
    result can be fetched again.
    """
    job = FetchedJob(name, control)
    sink: Sink | None = None
    try:
        client.fetch(name, job)
        while not job.answered.wait(_LOOK_S):
            control.check()
            check_connection(job, client)
        if job.error is None:
            sink = sink_of(job.keepsake)
            if sink is not None:
                sink.check()
                sink.prepare(name)
                job.parts.use(sink)
        take_parts(job, client)
        if job.error is not None:
            raise job.error
        results = finish(job, sink, "cluster")
    except BaseException:
        if job.has_failed:
            client.leave(name)
        elif not job.is_refused:
            # Another driver may come for it, and this one again.
            client.say(frames.Detach(name))
            if job.answered.is_set():
                job.was_left.wait(_GIVE_BACK_S)
        job.close()
        if sink is not None:
            sink.abort_job()
        raise
    client.leave(name)
    return results
