"""Jobs on other machines: for `Serve` and for `Cluster`."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING

from mincer.errors import NoConnectionError, RefusedError
from mincer.net.membership import Standing
from mincer.runners.account import report_of
from mincer.runners.base import JobControl, JobOrder
from mincer.runners.remote.job import RemoteJob
from mincer.runners.remote.submitted import SubmittedJob
from mincer.runners.results import Results
from mincer.runners.stored import StoredPart
from mincer.sinks.base import Sink
from mincer.sources.base import Split
from mincer.wire import frames
from mincer.wire.frames import name_of

if TYPE_CHECKING:
    from mincer.net.client import Client

__all__ = ["check_connection", "finish", "run_remote", "take_parts"]

#: Splits that are handed over at once, and how long a slow iterable keeps them.
_SPLITS_AT_ONCE = 256
_HAND_OVER_S = 0.05
_LOOK_S = 0.2
#: A coordinator that was never there is waited for so long.
_CONNECT_S_MAX = 15.0


def run_remote(
    client: Client, order: JobOrder, control: JobControl, runner: str, priority: int = 0
) -> Results:
    """Run one job at the coordinator of `client`: see `mincer.runners.base.Runner`."""
    order.source.check()
    sink = order.sink
    if sink is not None:
        sink.check()
    job: SubmittedJob | None = None
    try:
        if sink is not None:
            sink.prepare(order.job)
        job = SubmittedJob(order, control, priority)
        client.submit(job.submit, job)
        _plan(job, client)
        take_parts(job, client)
        if job.error is not None:
            raise job.error
        results = finish(job, sink, runner)
    except BaseException:
        if job is not None:
            if not job.was_left.is_set():
                client.leave(order.job)
            job.close()
        if sink is not None:
            sink.abort_job()
        raise
    client.leave(order.job)
    return results


def _plan(job: SubmittedJob, client: Client) -> None:
    """Read the plan of the source, in the caller's own thread: see `Local`."""
    splits: list[Split] = []
    handed = time.monotonic()

    def hand_over() -> None:
        check_connection(job, client)  # a source may be endless
        for frame in job.handover.told_of(splits):
            client.say(frame)
        splits.clear()

    for split in job.order.source.plan(job.handover):
        splits.append(split)
        now = time.monotonic()
        if len(splits) >= _SPLITS_AT_ONCE or now - handed > _HAND_OVER_S:
            hand_over()
            handed = now
        job.control.check()
        if job.over.is_set():
            return
    if splits:
        hand_over()
    client.say(frames.InputEnd(job.order.job))


def take_parts(job: RemoteJob, client: Client) -> None:
    """Commit parts as they come, until the job is over, or left."""
    name = job.order.job
    while not job.over.is_set() or not job.commits.empty():
        try:
            come = job.commits.get(timeout=_LOOK_S)
        except queue.Empty:
            job.control.check()
            check_connection(job, client)
            if job.control.wants_to_leave or job.control.will_leave:
                client.say(frames.Detach(name))
            continue
        if come is None:
            return
        attempt, account = come
        is_good = job.parts.commit(attempt, account)
        client.say(frames.Committed(name, name_of(attempt), not is_good))


def check_connection(job: RemoteJob, client: Client) -> None:
    """Raise when nothing will come of this connection."""
    if client.is_over:
        raise client.crash or NoConnectionError("the connection has ended")
    if client.standing is Standing.REFUSED:
        raise RefusedError(
            f"refused by the coordinator at {client.where}: {client.why}",
            hint=client.hint,
        )
    waited_s = time.monotonic() - job.started
    if not client.was_there and waited_s > _CONNECT_S_MAX:
        raise NoConnectionError(
            f"no coordinator answers at {client.where}",
            hint="Start one there (mincer serve ADDRESS), or give another address.",
        )


def finish(job: RemoteJob, sink: Sink | None, runner: str) -> Results:
    """Commit the output and give the result to the caller."""
    assert job.done is not None
    report = report_of(job, runner, job.done.workers)
    report.bytes_by_way = job.bytes_by_way
    report.input_from = dict(job.done.input_from)
    report.backups_won, report.saved_s = job.done.backups_won, job.done.saved_s
    job.close_files()
    if sink is None:
        places = job.parts.places
        parts = [StoredPart(places[number]) for number in sorted(places)]
        counters, remove = report.counters, job.folder.remove
        return Results(parts, report.pairs, counters, report, on_close=remove)
    # Of what was sent the workers know only how large it was on its way.
    report.bytes_written = sum(made.size_bytes for made in job.parts.made.values())
    sink.commit_job(job.parts.made, report.as_dict())
    job.close()
    return Results(
        sink.readers(), report.pairs, report.counters, report, paths=sink.paths
    )
