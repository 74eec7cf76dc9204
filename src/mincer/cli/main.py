"""The `mincer` command: started, and the exit code that it ends with."""

from __future__ import annotations

import atexit
import gc
import os
import sys

from mincer.worker import fork_server

TYPE_CHECKING = False  # `typing` and `collections.abc` come after the fork server
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

#: New objects between two looks for cycles of them (Python's own default: 700). A
#: driver makes many for each attempt and hardly a cycle: a quarter of its time went
#: into looking.
_COLLECT_EVERY = 200_000
#: With one of these words this process needs no children.
_CHILDLESS = {"inline", "serve", "cluster", "-h", "--help"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code, whatever happens.

    0 done, 1 the job failed, 2 wrong usage, 130 interrupted, 143 terminated.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # A process that ends need not look for garbage in what goes anyway (15 ms).
    atexit.register(gc.freeze)
    gc.set_threshold(_COLLECT_EVERY, *gc.get_threshold()[1:])
    if words[:1] != ["run"] or "_MINCER_COMPLETE" in os.environ:
        return _by_click(words)
    if len(words) > 1 and not _CHILDLESS & set(words):
        # Now, since what this process imports next takes as long as their start.
        fork_server.begin()
    try:
        from mincer.cli.run import execute
        from mincer.cli.words import plain_options

        options = plain_options(words[1:])
        return _by_click(words) if options is None else execute(options)
    finally:
        fork_server.end_spare()


def _by_click(words: list[str]) -> int:
    import click

    from mincer.cli.commands import cli

    try:
        # A command returns its exit code; `--help` and `--version` give 0.
        code = cli.main(words, prog_name="mincer", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return 130
    return int(code or 0)
