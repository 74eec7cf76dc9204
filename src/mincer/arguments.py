"""The arguments of `run` and `submit`: checked, and made an order for a runner."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from mincer.errors import UsageError, preview
from mincer.job import Step
from mincer.runners.base import JobControl, JobOrder, Progress
from mincer.worker import fork_server

if TYPE_CHECKING:
    from mincer.runners.results import Results

__all__ = ["ProgressChoice", "Run", "job_order", "prepared", "progress_view", "run_by"]

#: None: a live display when stderr is a terminal; True and False; or what gets it.
ProgressChoice: TypeAlias = bool | Callable[[Progress], None] | None
#: The `run` of a runner.
Run: TypeAlias = "Callable[[JobOrder, JobControl], Results]"

#: For who gave workers or memory beside a runner; a runner may know better.
_SIZES_HINT = "Give them to the runner:  mincer.Local(workers=4, memory='512MB')"
_RUNNERS = ("inline", "local", "spark", "dask", "ray")


def run_by(runner: object, workers: object, memory: object) -> Run:
    """What runs an order. A runner that was named is made for this job alone, and one
    that was given stays its owner's to close."""
    if isinstance(runner, str):
        if runner == "inline":
            from mincer.runners.inline import Inline

            return Inline().run
        if runner == "local":
            return _run_local
        if runner in _RUNNERS:
            from mincer.runners.engine.named import engine

            runner = engine(runner)
    run = getattr(runner, "run", None)
    if isinstance(runner, type | Step) or not callable(run):
        raise UsageError(
            f"runner={preview(runner)} is not a runner of this version",
            hint=f"Take one of {', '.join(map(repr, _RUNNERS))}, or an object such as "
            "mincer.Local(…).",
        )
    if workers is not None or memory is not None:
        raise UsageError(
            "workers and memory were given beside a runner that has its own",
            hint=getattr(runner, "sizes_hint", _SIZES_HINT),
        )
    chosen: Run = run
    return chosen


def _run_local(order: JobOrder, control: JobControl) -> Results:
    try:
        with _collector_paused():
            from mincer.runners.local import Local

        with Local(workers=order.workers, memory=order.memory_bytes) as local:
            return local.run(order, control)
    finally:
        fork_server.end_spare()


@contextmanager
def prepared(runner: object) -> Iterator[None]:
    """Let the children of a local job get ready while its arguments are looked at, and
    the rest is imported."""
    if isinstance(runner, str) and runner == "local":
        fork_server.begin()
    try:
        yield
    except BaseException:
        fork_server.end_spare()
        raise


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Imports make thousands of objects, and none of them is garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def job_order(
    steps: tuple[Step, ...],
    source: Any,
    *,
    workers: object,
    memory: object,
    output: Any,
    format: object,
    params: object,
    overwrite: object,
    limit: object,
) -> JobOrder:
    """Check every argument; the source and the sink are looked at by the runner."""
    from mincer.sources.coerce import as_source

    workers_n = _count("workers", workers)
    records_max = _count("limit", limit)
    memory_bytes = _memory(memory)
    checked_params = _params(params)
    from mincer.sinks.asked import sink_of

    sink = sink_of(output, format, overwrite)
    records = as_source(source, steps[0].tags)
    return JobOrder(
        job=os.urandom(16).hex(),
        name=" → ".join(step.title for step in steps),
        steps=steps,
        source=records,
        sink=sink,
        workers=workers_n,
        memory_bytes=memory_bytes,
        params=checked_params,
        records_max=records_max,
    )


def _count(name: str, given: object) -> int | None:
    if given is None:
        return None
    if type(given) is not int or given < 1:
        raise UsageError(f"{name} must be an int, at least 1, not {preview(given)}")
    return given


def _memory(given: object) -> int | None:
    from mincer.limits import MEMORY_BYTES_MIN, parse_size

    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise UsageError(
            f"memory must be a size such as '512MB', or bytes, not {preview(given)}"
        )
    size_bytes = parse_size(given, "memory")
    if size_bytes < MEMORY_BYTES_MIN:
        raise UsageError(
            f"memory must be at least 64MB for each child, not {preview(given)}",
            hint="With fewer workers each can have more:  workers=1",
        )
    return size_bytes


def _params(given: object) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UsageError(f"params must be a mapping, not {preview(given)}")
    for name in given:
        if not isinstance(name, str):
            raise UsageError(f"the names in params must be str, not {preview(name)}")
    return dict(given)


def progress_view(
    choice: object,
) -> tuple[Callable[[Progress], None] | None, Callable[[], None]]:
    """What gets the progress, and what to call when the job has ended."""
    if callable(choice):
        return choice, _nothing
    if choice is None:
        import sys

        choice = sys.stderr is not None and sys.stderr.isatty()
    if not isinstance(choice, bool):
        raise UsageError(
            f"progress must be None, True, False or a function, not {preview(choice)}"
        )
    if not choice:
        return None, _nothing
    from mincer.cli.progress import ProgressView

    view = ProgressView()
    return view, view.close


def _nothing() -> None:
    """There is no display to close."""
