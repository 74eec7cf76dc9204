"""The words of the `mincer` command, as click knows them."""

from __future__ import annotations

import sys
from typing import Any

import click

import mincer
from mincer.cli import cluster_commands, desk_commands
from mincer.cli.cluster_options import keys_option
from mincer.cli.run import FORMATS, RUNNERS, RunOptions, execute
from mincer.limits import PRIORITY_MAX

__all__ = ["cli"]

_RUN_EPILOG = """\b
JOBFILE is a Python file (or module) that defines
  job = mincer.Job(mapfn, reducefn)
or plain functions mapfn, reducefn, combinefn, partitionfn.
INPUT is a file, a folder, a glob, or - for stdin; without any, what JOBFILE
calls source. A job that joins takes TAG=PATH.

\b
Examples:
  mincer run wordcount.py books/*.txt
  mincer run wordcount.py books/ -o counts/ -w 4 --memory 512MB
  mincer run jobs.py:daily logs/ -D day=2024-05-01 --format jsonl
  mincer run join.py users=users.tsv orders=orders.tsv
  zcat huge.gz | mincer run wordcount.py - --sort-keys | head
  mincer run wordcount.py books/ --limit 100 --runner inline   (a first try)

\b
Exit codes: 0 done, 1 the job failed, 2 wrong usage, 3 no connection, 4 refused,
130 interrupted.
"""

_EPILOG = """\b
Examples:
  mincer run wordcount.py books/*.txt
  mincer run wordcount.py books/ -o counts/
  mincer run --help
"""


def _show_version(context: click.Context, option: click.Parameter, given: bool) -> None:
    if not given or context.resilient_parsing:
        return
    python = ".".join(map(str, sys.version_info[:3]))
    click.echo(f"mincer {mincer.__version__}, Python {python}")
    context.exit()


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """MapReduce for Python."""


_POSITIVE = click.IntRange(min=1)


@cli.command(epilog=_RUN_EPILOG, short_help="Run a job; pairs on stdout.")
@click.argument("jobfile", metavar="JOBFILE[:NAME]")
@click.argument("inputs", metavar="INPUT...", nargs=-1)
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    help="Write part-00000… and _SUCCESS there instead of stdout.",
)
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    help="How pairs are written (default tsv; pickle needs -o).",
)
@click.option(
    "--overwrite", is_flag=True, help="Replace what an earlier run wrote to DIR."
)
@click.option(
    "-w",
    "--workers",
    type=_POSITIVE,
    metavar="N",
    help="Child processes (default: the cores this process may use).",
)
@click.option(
    "--memory", metavar="SIZE", help="Bound of each worker as a whole, as 512MB."
)
@click.option(
    "--runner",
    type=click.Choice(RUNNERS),
    default="local",
    show_default=True,
    help="inline: in this process, for debuggers. serve: on the workers that join "
    "--address. cluster: by the coordinator there. spark, dask, ray: on such a "
    "cluster, the one at --address, or the one that its own settings name.",
)
@click.option(
    "-D",
    "params",
    metavar="NAME=VALUE",
    multiple=True,
    help="A string for mincer.context().params; repeatable.",
)
@click.option("--parts", type=_POSITIVE, metavar="N", help="Parts of the output.")
@click.option("--sort-keys", is_flag=True, help="Sort each part by key.")
@click.option(
    "--detach",
    is_flag=True,
    help="With --runner cluster: show the job's id, and leave it.",
)
@click.option("--name", metavar="NAME", help="What the job is called in reports.")
@click.option(
    "--skip-bad-records",
    type=click.IntRange(min=0),
    metavar="N",
    help="Leave out up to N records on which the job fails.",
)
@click.option(
    "--limit",
    type=_POSITIVE,
    metavar="N",
    help="Only N records of each split, for a first try.",
)
@click.option("--report", metavar="FILE", help="Write times, bytes, attempts as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", is_flag=True, help="More figures; our own tracebacks.")
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="Of the coordinator, or of the engine: spark://HOST:PORT.",
)
@keys_option
@click.option(
    "--priority",
    type=click.IntRange(-PRIORITY_MAX, PRIORITY_MAX),
    metavar="N",
    help="With --runner cluster: a job with more goes first (-100 to 100, default 0).",
)
def run(**typed: Any) -> int:
    """Run a job on this machine, or on a cluster. Pairs go to stdout, all else to
    stderr."""
    return execute(RunOptions(**typed))


for _command in (*cluster_commands.COMMANDS, *desk_commands.COMMANDS):
    cli.add_command(_command)
