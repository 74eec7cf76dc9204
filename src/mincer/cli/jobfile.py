"""From `JOBFILE[:NAME] INPUT...` to the job and its source."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from mincer.api import Job, Pipeline
from mincer.errors import UsageError
from mincer.job import Step
from mincer.structs import replace

__all__ = ["AnyJob", "find_job", "find_source", "load", "split_name", "with_options"]

AnyJob: TypeAlias = Job | Pipeline

#: What a job file without a `job` may define at its top level.
_FUNCTIONS = ("mapfn", "reducefn", "combinefn", "partitionfn")


def split_name(jobfile: str) -> tuple[str, str | None]:
    """Cut `wordcount.py:job` in two; a path that holds a colon itself stays whole."""
    path, colon, name = jobfile.rpartition(":")
    if not colon or not path or not name.isidentifier() or os.path.exists(jobfile):
        return jobfile, None
    return path, name


def load(jobfile: str) -> tuple[AnyJob, ModuleType]:
    """Import the job file; return its job and the module, for `find_source`."""
    from mincer.worker.jobfile import import_jobfile

    path, name = split_name(jobfile)
    module = import_jobfile(path)
    job = find_job(module, path, name)
    return named(job, Path(path).stem), module


def find_job(module: ModuleType, path: str, name: str | None) -> AnyJob:
    """The job called `name`, else `job`, else one made of the module's functions."""
    if name is not None:
        if not hasattr(module, name):
            raise UsageError(f"{path} defines no {name}", hint=_others(module, path))
        return _checked(getattr(module, name), path, name)
    if hasattr(module, "job"):
        return _checked(module.job, path, "job")
    if hasattr(module, "mapfn"):
        found = vars(module)
        return Job(**{name: found[name] for name in _FUNCTIONS if name in found})
    raise UsageError(f"{path} defines no job", hint=_others(module, path))


def _checked(found: object, path: str, name: str) -> AnyJob:
    if isinstance(found, Job | Pipeline):
        return found
    raise UsageError(
        f"{name} in {path} is no job: it is of type {type(found).__name__}",
        hint=f"It should read {name} = mincer.Job(mapfn, reducefn).",
    )


def _others(module: ModuleType, path: str) -> str:
    found = vars(module).items()
    names = sorted(name for name, value in found if isinstance(value, Job | Pipeline))
    if names:
        return "It has: " + ", ".join(f"{path}:{name}" for name in names)
    return (
        "Write job = mincer.Job(mapfn, reducefn) in it, or functions called mapfn\n"
        "and reducefn at its top level."
    )


def named(job: AnyJob, name: str) -> AnyJob:
    """Give the job a name, if nobody did: that of its file is better than "mapfn"."""
    return job if _first(job).name is not None else with_options(job, name=name)


def with_options(job: AnyJob, **options: Any) -> AnyJob:
    """The same job with the options of the command line.

    In a pipeline, a name and how many records may be bad are told to the first step
    (both are about the job), all else (`parts`, `sort_keys`) to the last: it is about
    what comes out.
    """
    if isinstance(job, Job):
        return replace(job, **options)
    steps = list(job.steps)
    for option, value in options.items():
        if option == "skip_bad_records":
            # The budgets of the steps add up; the option is the budget of the job.
            steps = [replace(step, skip_bad_records=0) for step in steps]
        index = 0 if option in ("name", "skip_bad_records") else -1
        change = {option: value}
        steps[index] = replace(steps[index], **change)
    return Pipeline(tuple(steps))


def _first(job: AnyJob) -> Step:
    return job if isinstance(job, Job) else job.steps[0]


def find_source(job: AnyJob, module: ModuleType, inputs: Sequence[str]) -> Any:
    """What the job reads: the INPUTs, else what the file calls `source`."""
    tags = _first(job).tags
    if not inputs:
        if hasattr(module, "source"):
            return module.source
        raise UsageError(
            "no input: name files, folders or globs, or - for stdin",
            hint="The job file may also define source = ..., for when none is named.",
        )
    if tags is None:
        return list(inputs)
    return _tagged(inputs, tags)


def _tagged(inputs: Sequence[str], tags: frozenset[str]) -> dict[str, list[str]]:
    source: dict[str, list[str]] = {}
    for given in inputs:
        tag, equals, path = given.partition("=")
        if not equals or not path or tag not in tags:
            shown = " ".join(f"{tag}=PATH" for tag in sorted(tags))
            raise UsageError(
                f"the input {given!r} must say which mapfn reads it",
                hint=f"This job joins: give its inputs as {shown}",
            )
        source.setdefault(tag, []).append(path)
    return source
