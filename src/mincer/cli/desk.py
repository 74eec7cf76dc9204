"""`mincer status`, `jobs`, `workers`, `cancel`: a standing coordinator is asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from mincer.cli import failure, printer
from mincer.errors import JobError, UsageError
from mincer.structs import Struct

if TYPE_CHECKING:
    from mincer.net.keys import Keys
    from mincer.net.visit import Visit

__all__ = ["DeskOptions", "execute"]


class DeskOptions(Struct, kw_only=True):
    """What was typed after `mincer` and one of these words."""

    what: Literal["status", "jobs", "workers", "cancel"]
    keys: Keys | None
    #: The beginning of the id of a job.
    job: str | None = None
    address: str | None = None
    json: bool = False
    verbose: bool = False


def execute(options: DeskOptions) -> int:
    """Ask, and print the answer; return the exit code."""
    try:
        _ask(options)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except Exception as error:
        failure.show(error, verbose=options.verbose)
        return failure.exit_code(error)
    return 0


def _ask(options: DeskOptions) -> None:
    from mincer.net.settings import address_of
    from mincer.net.visit import Visit

    if options.keys is None:
        raise UsageError(
            "a coordinator answers those who have its password or a key file",
            hint="-p WORD or --key-file FILE, or set MINCER_PASSWORD or "
            "MINCER_KEY_FILE.",
        )
    printer.check_stdout()
    address = address_of(options.address)
    with Visit(address, options.keys, may_cancel=options.what == "cancel") as visit:
        if options.what == "cancel":
            _cancel(visit, options)
        else:
            _print(options, *_told(visit, options))


def _told(visit: Visit, options: DeskOptions) -> tuple[dict[str, Any], Iterable[str]]:
    """What was asked for, as a document and as lines."""
    from mincer.cli import desk_view as view

    if options.what == "status":
        told = visit.status()
        return view.status_document(told), view.status_lines(told)
    if options.what == "workers":
        workers = visit.workers()
        return view.document("workers", workers), view.workers_lines(workers)
    if options.job is not None:
        row = visit.job(options.job)
        return view.document("jobs", [row]), view.job_lines(row)
    jobs = visit.jobs()
    return view.document("jobs", jobs), view.jobs_lines(jobs)


def _cancel(visit: Visit, options: DeskOptions) -> None:
    from mincer.cli import desk_view as view

    found = visit.job(options.job or "")
    # If the coordinator has forgotten it since, it was over.
    row = visit.cancel(found.job) or found
    is_cancelled = row.state == "cancelled"
    lines = [view.cancelled_line(row)] if is_cancelled else []
    _print(options, view.document("jobs", [row]), lines)
    if not is_cancelled:
        raise JobError(f"job {row.job} was over before: it is {row.state}")


def _print(
    options: DeskOptions, document: dict[str, Any], lines: Iterable[str]
) -> None:
    if options.json:
        lines = [json.dumps(document, indent=2)]
    printer.print_text("".join(f"{line}\n" for line in lines))
