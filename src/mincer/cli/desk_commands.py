"""The commands that ask a standing coordinator, as click knows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mincer.cli import desk
from mincer.cli import fetch as fetch_command
from mincer.cli.cluster_options import keys_option, taken_keys
from mincer.cli.run import FORMATS

__all__ = ["COMMANDS"]

_CODES = """\b
Exit codes: 0 told, 2 wrong usage, 3 no connection, 4 refused, 130 interrupted.
"""

_CANCEL_EPILOG = """\b
JOB is the beginning of an id, as `mincer jobs` shows it, that only one job has. The
driver of the job hears who cancelled it.

\b
Exit codes: 0 cancelled, 1 it was over before, 2 wrong usage or no such job, 3 no
connection, 4 refused, 130 interrupted.
"""

_FETCH_EPILOG = """\b
JOB is the beginning of an id, as `mincer run --detach` and `mincer jobs` show it.
Without -o the result goes to the folder that was named when the job was submitted, or
to stdout. It can be fetched once; a fetch that fails leaves it where it was.

\b
Exit codes: 0 fetched, 1 the job failed, 2 wrong usage or no such job, 3 no connection,
4 refused, 130 interrupted.
"""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _asking(command: _Command) -> _Command:
    """The options of all who ask."""
    for option in reversed(
        (
            click.option(
                "--address",
                metavar="HOST:PORT",
                help="Of the coordinator (default: as it was set, or this machine).",
            ),
            keys_option,
            click.option("--json", is_flag=True, help="A JSON document, for machines."),
            click.option("-v", "--verbose", is_flag=True, help="Our own tracebacks."),
        )
    ):
        command = option(command)
    return command


@click.command(epilog=_CODES, short_help="How a coordinator is.")
@_asking
def status(**typed: Any) -> int:
    """Tell how a standing coordinator is: its workers, slots and jobs in figures."""
    return _execute("status", typed)


@click.command(epilog=_CODES, short_help="The jobs of a coordinator.")
@click.argument("job", required=False)
@_asking
def jobs(**typed: Any) -> int:
    """List the jobs of a standing coordinator, the last first, with the last 100 that
    are over. With JOB, the beginning of an id: all that is known of that one."""
    return _execute("jobs", typed)


@click.command(epilog=_CODES, short_help="The workers of a coordinator.")
@_asking
def workers(**typed: Any) -> int:
    """List the workers that have joined a standing coordinator."""
    return _execute("workers", typed)


@click.command(epilog=_CANCEL_EPILOG, short_help="End a job of a coordinator.")
@click.argument("job")
@_asking
def cancel(**typed: Any) -> int:
    """End a job, whoever runs it; return when the coordinator says that it is over."""
    return _execute("cancel", typed)


@click.command(epilog=_FETCH_EPILOG, short_help="The result of a job that was left.")
@click.argument("job")
@click.option("-o", "--output", metavar="DIR", help="Write it there.")
@click.option("--format", type=click.Choice(FORMATS), help="As for `mincer run`.")
@click.option("--overwrite", is_flag=True, help="Replace what an earlier run wrote.")
@click.option("--report", metavar="FILE", help="Write times, bytes, attempts as JSON.")
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="Of the coordinator (default: as it was set, or this machine).",
)
@keys_option
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Our own tracebacks.")
def fetch(**typed: Any) -> int:
    """Take the result of a job whose driver has left it (`mincer run --detach`), when
    it is done."""
    keys = taken_keys(typed)
    if isinstance(keys, int):
        return keys
    return fetch_command.execute(fetch_command.FetchOptions(keys=keys, **typed))


COMMANDS = (status, jobs, workers, cancel, fetch)


def _execute(what: Any, typed: dict[str, Any]) -> int:
    keys = taken_keys(typed)
    if isinstance(keys, int):
        return keys
    return desk.execute(desk.DeskOptions(what=what, keys=keys, **typed))
