"""The commands that ask a standing coordinator, as click knows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mincer.cli import desk
from mincer.cli.cluster_options import keys_option, taken_keys

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


COMMANDS = (status, jobs, workers, cancel)


def _execute(what: Any, typed: dict[str, Any]) -> int:
    keys = taken_keys(typed)
    if isinstance(keys, int):
        return keys
    return desk.execute(desk.DeskOptions(what=what, keys=keys, **typed))
