"""`mincer fetch`: the result of a job that its driver has left."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mincer.cli import failure
from mincer.cli.signals import Ended, ended_by_signals
from mincer.errors import UsageError
from mincer.structs import Struct

if TYPE_CHECKING:
    from mincer.net.keys import Keys

__all__ = ["FetchOptions", "execute"]


class FetchOptions(Struct, kw_only=True):
    """What was typed after `mincer fetch`."""

    #: The beginning of the job's id.
    job: str
    keys: Keys | None
    address: str | None = None
    output: str | None = None
    format: str | None = None
    overwrite: bool = False
    report: str | None = None
    quiet: bool = False
    verbose: bool = False


def execute(options: FetchOptions) -> int:
    """Fetch a result; return the exit code."""
    try:
        with ended_by_signals():
            _fetch(options)
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


def _fetch(options: FetchOptions) -> None:
    from mincer.cli import printer
    from mincer.cli.progress import ProgressView
    from mincer.cli.summary import summary, write_report
    from mincer.net.settings import address_of
    from mincer.net.visit import Visit
    from mincer.runners.cluster import Cluster

    if options.keys is None:
        raise UsageError(
            "a coordinator answers those who have its password or a key file",
            hint="-p WORD or --key-file FILE, or set MINCER_PASSWORD or "
            "MINCER_KEY_FILE.",
        )
    if options.output is None:
        printer.check_format(options.format, options.overwrite)
        printer.check_stdout()
    address = address_of(options.address)
    with Visit(address, options.keys, may_cancel=True) as visit:
        job = visit.job(options.job).job
    view = None if options.quiet else ProgressView()
    with Cluster.at(address, options.keys) as cluster:
        try:
            results = cluster.fetch(
                job,
                output=options.output,
                format=options.format if options.output is not None else None,
                overwrite=options.overwrite,
                progress=view,
            )
        finally:
            if view is not None:
                view.close()
    with results:
        # Without -o it may go where the driver wanted it that has left.
        if results.report.output is None:
            printer.print_columns(results.columns(), options.format or "tsv")
        if options.report is not None:
            write_report(results.report.as_dict(), options.report)
        if not options.quiet:
            sys.stderr.write(summary(results.report, verbose=options.verbose))
