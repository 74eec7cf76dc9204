"""The `mincer` command: its words, and the exit code that it ends with."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

import mincer
from mincer.cli.run import run

__all__ = ["main"]

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


cli.add_command(run)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code, whatever happens.

    0 done, 1 the job failed, 2 wrong usage, 130 interrupted, 143 terminated.
    """
    try:
        # A command returns its exit code; `--help` and `--version` give 0.
        code = cli.main(arguments, prog_name="mincer", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return 130
    return int(code or 0)
