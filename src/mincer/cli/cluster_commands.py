"""The commands of a cluster, as click knows them: serve, worker, keygen."""

from __future__ import annotations

from typing import Any

import click

from mincer.cli import keygen as keygen_command
from mincer.cli import serve as serve_command
from mincer.cli import worker as worker_command
from mincer.cli.cluster_options import keys_option, taken_keys

__all__ = ["COMMANDS"]

_POSITIVE = click.IntRange(min=1)

_SERVE_EPILOG = """\b
ADDRESS is HOST:PORT, by default 127.0.0.1:11235; 0.0.0.0 is this machine on all
its networks. Without a password or key file a fresh token is made and shown.

\b
Examples:
  mincer serve 0.0.0.0
  mincer serve 0.0.0.0:9000 --key-file mincer.key --allowed allowed/
"""

_WORKER_EPILOG = """\b
It waits for a coordinator that is not there yet, and comes back when one was away.
SIGTERM lets it finish what has begun; a second one ends it at once.

\b
Examples:
  mincer worker 192.168.1.10 --key-file mincer.key
  MINCER_PASSWORD=... mincer worker coordinator.example:9000 -n 4 --memory 1GB

\b
Exit codes: 0 left, 2 wrong usage, 4 refused (wrong key or version), 130 interrupted.
"""


@click.command(epilog=_SERVE_EPILOG, short_help="A standing coordinator.")
@click.argument("address", required=False)
@keys_option
@click.option("--allowed", metavar="DIR", help="Public keys that may join as well.")
@click.option(
    "--keep",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    metavar="HOURS",
    help="How long the result of a job that was left waits to be fetched.",
)
@click.option(
    "--keep-size",
    default="10GB",
    show_default=True,
    metavar="SIZE",
    help="How much of such results, and of what those have left who went, is kept.",
)
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Our own tracebacks.")
def serve(**typed: Any) -> int:
    """Coordinate jobs that others hand over, on the workers that join."""
    keys = taken_keys(typed)
    if isinstance(keys, int):
        return keys
    return serve_command.execute(serve_command.ServeOptions(keys=keys, **typed))


@click.command(epilog=_WORKER_EPILOG, short_help="Join a cluster.")
@click.argument("address", required=False)
@keys_option
@click.option(
    "-n",
    "--slots",
    type=_POSITIVE,
    metavar="SLOTS",
    help="Attempts at a time (default: the cores this process may use).",
)
@click.option("--memory", metavar="SIZE", help="Bound of each slot, as 512MB.")
@click.option("--once", is_flag=True, help="Leave when the coordinator is gone.")
@click.option(
    "--listen",
    metavar="HOST[:PORT]",
    help="Where others pull from; PORT may be a range, 9000-9100.",
)
@click.option(
    "--advertise", metavar="HOST[:PORT]", help="What others are told instead."
)
@click.option(
    "--drain-timeout",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="S",
    help="After SIGTERM, what has begun may take so long.",
)
@click.option(
    "--local-reads/--no-local-reads",
    default=True,
    help="Read what other workers of this machine made from their files.",
)
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", is_flag=True, help="Our own tracebacks.")
def worker(**typed: Any) -> int:
    """Run attempts for the coordinator at ADDRESS."""
    keys = taken_keys(typed)
    if isinstance(keys, int):
        return keys
    return worker_command.execute(worker_command.WorkerOptions(keys=keys, **typed))


@click.command(short_help="A key file.")
@click.argument("file", required=False)
@click.option("--worker", metavar="NAME", help="For this worker alone.")
@click.option("--driver", metavar="NAME", help="For this driver alone.")
@click.option("--observer", metavar="NAME", help="For who may only look.")
@click.option("--key-file", metavar="FILE", help="The key of the cluster.")
@click.option(
    "--allowed", metavar="DIR", help="Where the public half goes (default: allowed)."
)
def keygen(**typed: Any) -> int:
    """Write 32 random bytes to FILE (mode 0600), or a key for one role."""
    roles = {
        role: typed.pop(role)
        for role in ("worker", "driver", "observer")
        if typed[role] is not None or typed.pop(role)
    }
    if len(roles) > 1:
        raise click.UsageError("a key is for one role")
    role, name = next(iter(roles.items()), (None, None))
    options = keygen_command.KeygenOptions(role=role, name=name, **typed)
    return keygen_command.execute(options)


COMMANDS = (serve, worker, keygen)
