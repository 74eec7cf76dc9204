"""The door for programs: a job, a chain of jobs, and the handle of one that runs."""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

from mincer.arguments import (
    ProgressChoice,
    Run,
    job_order,
    prepared,
    progress_view,
    run_by,
)
from mincer.errors import (
    CancelledError,
    DetachedError,
    OwedError,
    UsageError,
    preview,
)
from mincer.job import Step
from mincer.runners.base import JobControl, JobOrder, Progress, Runner
from mincer.structs import Struct

if TYPE_CHECKING:
    from mincer.runners.results import Results
    from mincer.sinks.base import Sink

__all__ = ["Job", "JobHandle", "Pipeline"]


class _Runnable(ABC):
    """What `Job` and `Pipeline` share: steps that can be run."""

    @property
    @abstractmethod
    def _steps(self) -> tuple[Step, ...]: ...

    def run(
        self,
        source: Any,
        *,
        runner: str | Runner = "local",
        workers: int | None = None,
        memory: str | int | None = None,
        output: str | os.PathLike[str] | Sink | None = None,
        format: str | None = None,
        params: Mapping[str, Any] | None = None,
        progress: ProgressChoice = None,
        overwrite: bool = False,
        limit: int | None = None,
    ) -> Results:
        """Run the job and return its results when it is done.

        Args:
            source: Paths, a mapping, an iterable of pairs, a `mincer.sources` object,
                the `Results` of another job, or a dict of those by tag.
            runner: "local" (child processes), "inline" (this process, for debuggers),
                or a runner such as `mincer.Local()`.
            workers: How many children; as many as there are cores when not given.
            memory: What each child may take, "512MB" or bytes; at least 64 MB.
            output: A folder for the pairs. Nothing is visible in it before the job is
                done. It must be new or empty, unless `overwrite`.
            format: "tsv" (the default), "jsonl", "pickle" or "lines", with `output`.
            params: What user code sees as `mincer.context().params`.
            progress: None for a live display when stderr is a terminal, True, False,
                or a function that gets a `Progress` a few times a second.
            overwrite: Replace what an earlier job wrote to `output`, once this one
                is done. A folder with anything else in it is refused all the same.
            limit: At most so many records of each split, for a first try.

        Raises:
            UsageError: An argument is wrong; nothing was started.
            JobError: The job cannot be done; its subclasses say why.
        """
        with prepared(runner):
            run = run_by(runner, workers, memory)
            order = job_order(
                self._steps,
                source,
                workers=workers,
                memory=memory,
                output=output,
                format=format,
                params=params,
                overwrite=overwrite,
                limit=limit,
            )
        show, close = progress_view(progress)
        try:
            return run(order, JobControl(show))
        finally:
            close()

    def submit(
        self,
        source: Any,
        *,
        runner: str | Runner = "local",
        workers: int | None = None,
        memory: str | int | None = None,
        output: str | os.PathLike[str] | Sink | None = None,
        format: str | None = None,
        params: Mapping[str, Any] | None = None,
        progress: ProgressChoice = False,
        overwrite: bool = False,
        limit: int | None = None,
        detach: bool = False,
    ) -> JobHandle:
        """Start the job in the background and return at once.

        Takes what `run` takes and raises the same `UsageError`s; what goes wrong
        later is raised by the handle. A live display is shown only when asked for.
        `detach`: no part of the result is for this process, which leaves the job as
        soon as it may: see `JobHandle.detach`.
        """
        with prepared(runner):
            run = run_by(runner, workers, memory)
            order = job_order(
                self._steps,
                source,
                workers=workers,
                memory=memory,
                output=output,
                format=format,
                params=params,
                overwrite=overwrite,
                limit=limit,
            )
        may_be_left = bool(getattr(runner, "may_be_left", False))
        if detach and not may_be_left:
            raise UsageError(
                "only a job at a standing coordinator can be left",
                hint="runner=mincer.Cluster(address, …)",
            )
        return JobHandle(run, order, progress, may_be_left, detach)

    def then(
        self, mapfn: Any, reducefn: Callable[..., Any] | None = None, **options: Any
    ) -> Pipeline:
        """Go on with another step, which maps the pairs that this one makes.

        Takes what `Job` takes. The data between the steps stays with the workers.
        """
        return Pipeline((*self._steps, Step(mapfn, reducefn, **options)))


class Job(Step, _Runnable):
    """A map and, when asked for, a reduce; `run` it on any source, any number of times.

    `Job(mapfn, reducefn=None, *, combinefn=None, partitionfn=None, sort_keys=False,
    sort_values=False, parts=None, name=None, max_attempts=4, skip_bad_records=0,
    task_timeout=None)`. Frozen, and checked on creation: a wrong argument is a
    `UsageError` that names it.
    """

    @property
    def _steps(self) -> tuple[Step, ...]:
        return (self.plain(),)


class Pipeline(_Runnable, Struct):
    """Steps one after another: each maps the pairs that the one before it made.

    The `max_attempts` and `task_timeout` of the first are those of all; their
    `skip_bad_records` add up. Without `parts` a step has as many as the one before.
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        steps = tuple(self.steps)
        if not steps or not all(isinstance(step, Step) for step in steps):
            raise UsageError(
                f"a Pipeline takes one or more jobs, not {preview(self.steps)}",
                hint="job.then(mapfn, reducefn) makes one.",
            )
        for step in steps[1:]:
            if step.tags is not None:
                raise UsageError(
                    "only the first step can have a mapfn for each tag",
                    hint="The pairs of a step come from all sources, and have no tag.",
                )
            if (step.max_attempts, step.task_timeout) != (4, None):
                raise UsageError(
                    "max_attempts and task_timeout are of the whole pipeline",
                    hint="Give them to its first job.",
                )
        object.__setattr__(self, "steps", tuple(step.plain() for step in steps))

    @property
    def _steps(self) -> tuple[Step, ...]:
        return self.steps


class JobHandle:
    """A job that runs in the background; also awaitable.

    Methods may be called from any thread. The job ends with the process, unless that
    leaves it to a standing coordinator (`detach`).
    """

    def __init__(
        self,
        run: Run,
        order: JobOrder,
        progress: ProgressChoice = False,
        may_be_left: bool = False,
        will_leave: bool = False,
    ) -> None:
        from concurrent.futures import Future

        show, self._close_progress = progress_view(progress)
        self._control = JobControl(show, will_leave)
        self._may_be_left = may_be_left
        #: The job's id.
        self.job = order.job
        self._future: Future[Results] = Future()
        self._future.set_running_or_notify_cancel()
        self.name = order.name
        #: A thread of our own and not an executor's: those are joined at exit,
        #: before anything could cancel the job.
        self._thread = threading.Thread(
            target=self._work,
            args=(run, order),
            name=f"mincer {order.name}",
            daemon=True,
        )
        self._thread.start()

    def _work(self, run: Run, order: JobOrder) -> None:
        try:
            results = run(order, self._control)
        except BaseException as error:
            self._close_progress()
            self._future.set_exception(error)
            return
        self._close_progress()
        self._future.set_result(results)

    @property
    def done(self) -> bool:
        """True when there are results or an error."""
        return self._future.done()

    def status(self) -> Progress | None:
        """How far it is; None before the runner has said anything."""
        return self._control.latest

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is done, at most `timeout` seconds; True when it is."""
        from concurrent.futures import wait

        return bool(wait([self._future], timeout).done)

    def cancel(self) -> None:
        """Ask it to stop; `result()` raises `CancelledError` then. A job that is done
        stays done."""
        if not self.done:
            self._control.cancel()

    def detach(self, timeout: float | None = None) -> str:
        """Leave the job to its coordinator, which goes on with it, and return its id:
        `Cluster.fetch(id)` or `mincer fetch` take the result, from anywhere.

        This waits, for `timeout` seconds at the most, until the coordinator has all
        that this process alone could give: code, and input that not all workers can
        read.

        Raises:
            OwedError: something is still owed; the job goes on as before.
            UsageError: the job is not at a standing coordinator, or it is done.
        """
        if not self._may_be_left:
            raise UsageError(
                "only a job at a standing coordinator can be left",
                hint="runner=mincer.Cluster(address, …)",
            )
        control = self._control
        control.ask_to_leave()
        due = None if timeout is None else time.monotonic() + timeout
        while not self.wait(0.02):
            if control.refusal:
                raise OwedError(f"this job cannot be left: {control.refusal}")
            if due is not None and time.monotonic() >= due:
                control.stay()
                raise OwedError(
                    f"this job cannot be left yet: {control.owed}",
                    hint="detach() without a timeout waits for that.",
                )
        error = self._future.exception()
        if error is None:
            raise UsageError("the job is done, and its result is here")
        if not isinstance(error, DetachedError):
            raise error
        return error.job

    def result(self, timeout: float | None = None) -> Results:
        """Wait for the results; raise what went wrong.

        `TimeoutError` after `timeout` seconds: the job runs on. Ctrl-C here cancels the
        job and waits for its end, so that nothing of it is left.
        """
        try:
            return self._future.result(timeout)
        except KeyboardInterrupt:
            self.cancel()
            self._thread.join()
            raise

    def __await__(self) -> Generator[Any, None, Results]:
        import asyncio

        # Shielded: whoever stops waiting need not want the job to stop.
        return asyncio.shield(asyncio.wrap_future(self._future)).__await__()

    def __repr__(self) -> str:
        latest = self._control.latest
        state = "starting" if latest is None else latest.phase
        if self.done:
            error = self._future.exception()
            state = "done" if error is None else "failed"
            if isinstance(error, CancelledError):
                state = "cancelled"
        return f"<JobHandle {self.name!r}: {state}>"
