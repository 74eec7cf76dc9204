"""`mincer run`: one job from its file, on this machine; pairs on stdout."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mincer.cli import failure
from mincer.cli.signals import Ended, ended_by_signals
from mincer.errors import UsageError
from mincer.structs import Struct, replace

if TYPE_CHECKING:
    from mincer.api import JobHandle

__all__ = ["FORMATS", "RUNNERS", "RunOptions", "execute"]

FORMATS = ("tsv", "jsonl", "pickle", "lines")
_ENGINES = ("spark", "dask", "ray")
RUNNERS = ("local", "inline", "serve", "cluster", *_ENGINES)


class RunOptions(Struct, kw_only=True):
    """What was typed after `mincer run`."""

    jobfile: str
    inputs: tuple[str, ...] = ()
    output: str | None = None
    format: str | None = None
    overwrite: bool = False
    workers: int | None = None
    memory: str | None = None
    runner: str = "local"
    params: tuple[str, ...] = ()
    parts: int | None = None
    sort_keys: bool = False
    name: str | None = None
    skip_bad_records: int | None = None
    limit: int | None = None
    report: str | None = None
    address: str | None = None
    password: str | None = None
    ask_password: bool = False
    cluster: str | None = None
    key_file: str | None = None
    priority: int | None = None
    detach: bool = False
    quiet: bool = False
    verbose: bool = False


def execute(options: RunOptions) -> int:
    """Run a job; return the exit code, whatever happens."""
    try:
        with ended_by_signals():
            run_job(options)
    except Ended as ended:
        sys.stderr.write("terminated\n")
        return ended.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except Exception as error:
        failure.show(error, verbose=options.verbose)
        return failure.exit_code(error)
    return 0


def run_job(options: RunOptions) -> None:
    """Do what was typed; raise what went wrong."""
    params = _params(options.params)
    _check(options)
    if options.ask_password:
        # Not above: without it, nothing here needs click.
        from mincer.cli.cluster_options import asked_password

        password = asked_password(options.password, options.key_file)
        options = replace(options, password=password)
    # Not before the arguments are known to be right: these imports cost the most.
    from mincer.cli import jobfile, printer
    from mincer.cli.progress import ProgressView
    from mincer.cli.summary import summary, write_report

    if options.output is None or options.detach:
        printer.check_stdout()
    with printer.stdout_for_pairs_only():
        job, module = jobfile.load(options.jobfile)
        job = jobfile.with_options(job, **_job_options(options))
        source = jobfile.find_source(job, module, options.inputs)
        view = None if options.quiet else ProgressView()
        asked: dict[str, Any] = {
            "workers": options.workers,
            "memory": options.memory,
            "output": options.output,
            "format": options.format if options.output is not None else None,
            "params": params,
            "progress": view or False,
            "overwrite": options.overwrite,
            "limit": options.limit,
        }
        left = ""
        try:
            with _runner(options) as runner:
                if options.detach:
                    handle = job.submit(source, runner=runner, detach=True, **asked)
                    left = _leave(handle)
                else:
                    results = job.run(source, runner=runner, **asked)
        finally:
            if view is not None:
                view.close()
    if options.detach:
        sys.stdout.write(left + "\n")
        if not options.quiet:
            sys.stderr.write(f"the job goes on; its result:  mincer fetch {left[:8]}\n")
        return
    with results:
        # A runner knows its sink, which need not be a folder.
        results.report.output = options.output
        if options.output is None:
            printer.print_columns(results.columns(), options.format or "tsv")
        if options.report is not None:
            write_report(results.report.as_dict(), options.report)
        if not options.quiet:
            sys.stderr.write(summary(results.report, verbose=options.verbose))


def _leave(handle: JobHandle) -> str:
    """Leave a job to its coordinator; return its id."""
    try:
        return handle.detach()
    except BaseException:
        handle.cancel()
        handle.wait()
        raise


@contextlib.contextmanager
def _runner(options: RunOptions) -> Iterator[Any]:
    """The runner that was named, for this job alone."""
    secret = {
        "password": options.password,
        "key_file": options.key_file,
        "cluster": options.cluster,
    }
    if options.runner == "serve":
        from mincer.runners.serve import Serve

        with Serve(options.address, **secret) as serve:
            yield serve
    elif options.runner == "cluster":
        from mincer.runners.cluster import Cluster

        with Cluster(
            options.address, **secret, priority=options.priority or 0
        ) as cluster:
            yield cluster
    elif options.runner in _ENGINES:
        from mincer.runners.engine.named import engine

        yield engine(options.runner, options.address, verbose=options.verbose)
    else:
        yield options.runner


def _check(options: RunOptions) -> None:
    """Refuse now what would go wrong only after the work."""
    if options.runner not in ("serve", "cluster"):
        _check_no_cluster(options)
    if options.runner not in ("local", "inline"):
        _check_no_sizes(options)
    if options.detach and options.runner != "cluster":
        raise UsageError(
            "--detach leaves a job to a standing coordinator, and "
            f"--runner {options.runner} has none",
            hint="Add --runner cluster.",
        )
    if options.priority is not None and options.runner != "cluster":
        raise UsageError(
            "--priority is among the jobs of a standing coordinator, and "
            f"--runner {options.runner} has none",
            hint="Add --runner cluster.",
        )
    if options.output is None:
        from mincer.cli import printer

        printer.check_format(options.format, options.overwrite)
    if options.report is not None:
        folder = os.path.dirname(options.report) or "."
        if os.path.isdir(options.report) or not os.path.isdir(folder):
            raise UsageError(
                f"--report cannot be written to {options.report}",
                hint="It takes the path of a file in a folder that exists.",
            )


def _check_no_cluster(options: RunOptions) -> None:
    given = [options.password, options.key_file, options.cluster]
    if options.runner not in _ENGINES:
        given.append(options.address)
    if options.ask_password or any(one is not None for one in given):
        raise UsageError(
            "--address, and what proves that one belongs to a cluster, are not for "
            f"--runner {options.runner}"
            if options.runner not in _ENGINES
            else "what proves that one belongs to a cluster of mincer is not for "
            f"--runner {options.runner}",
            hint="Add --runner cluster, or --runner serve.",
        )


def _check_no_sizes(options: RunOptions) -> None:
    if options.workers is None and options.memory is None:
        return
    from mincer.runners.base import CLUSTER_SIZES_HINT

    hint = CLUSTER_SIZES_HINT
    if options.runner in _ENGINES:
        from mincer.runners.engine.named import sizes_hint

        hint = sizes_hint(options.runner)
    raise UsageError(
        f"-w/--workers and --memory are not for --runner {options.runner}", hint=hint
    )


def _params(given: tuple[str, ...]) -> dict[str, str]:
    params = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not name or not equals:
            raise UsageError(f"-D {one}: it should be NAME=VALUE")
        params[name] = value
    return params


def _job_options(options: RunOptions) -> dict[str, Any]:
    """Those options that change the job itself; the others keep what its file says."""
    given: dict[str, Any] = {
        "parts": options.parts,
        "sort_keys": options.sort_keys or None,
        "name": options.name,
        "skip_bad_records": options.skip_bad_records,
    }
    return {name: value for name, value in given.items() if value is not None}
