"""The words of a plain `mincer run`, read without click."""

# Strategy: click takes 30 ms to import, a third of all that a trivial job takes here.
# So what is typed nearly always is read by a table. Whatever is not plainly right
# (help, a mistake, `--parts=3`, `-w2`) is None: click reads it, explains or refuses it.
# A test holds the table against click's own.

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from mincer.cli.run import FORMATS, RUNNERS, RunOptions
from mincer.limits import PRIORITY_MAX

__all__ = ["FLAGS", "TAKERS", "plain_options"]

FLAGS = {
    "--overwrite": "overwrite",
    "--sort-keys": "sort_keys",
    "--ask-password": "ask_password",
    "--detach": "detach",
    "-q": "quiet",
    "--quiet": "quiet",
    "-v": "verbose",
    "--verbose": "verbose",
}
#: Options that take a word.
TAKERS = {
    "-o": "output",
    "--output": "output",
    "--format": "format",
    "-w": "workers",
    "--workers": "workers",
    "--memory": "memory",
    "--runner": "runner",
    "-D": "params",
    "--parts": "parts",
    "--name": "name",
    "--skip-bad-records": "skip_bad_records",
    "--limit": "limit",
    "--report": "report",
    "--address": "address",
    "-p": "password",
    "--password": "password",
    "--cluster": "cluster",
    "--key-file": "key_file",
    "--priority": "priority",
}
_CHOICES = {"format": FORMATS, "runner": RUNNERS}
#: What each number may be. (A priority below 0 begins with a dash, and is click's.)
_NUMBERS = {
    "workers": range(1, sys.maxsize),
    "parts": range(1, sys.maxsize),
    "limit": range(1, sys.maxsize),
    "skip_bad_records": range(sys.maxsize),
    "priority": range(PRIORITY_MAX + 1),
}


def plain_options(words: Sequence[str]) -> RunOptions | None:
    """What follows `mincer run`, or None when click should look at it."""
    inputs: list[str] = []
    params: list[str] = []
    typed: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        if word == "-" or not word.startswith("-"):
            inputs.append(word)
        elif word in FLAGS:
            typed[FLAGS[word]] = True
        elif word in TAKERS:
            name, given = TAKERS[word], next(rest, "-")
            if given.startswith("-"):
                return None
            if name == "params":
                params.append(given)
            elif name in _NUMBERS:
                if not given.isdecimal() or int(given) not in _NUMBERS[name]:
                    return None
                typed[name] = int(given)
            elif given not in _CHOICES.get(name, (given,)):
                return None
            else:
                typed[name] = given
        else:
            return None
    if not inputs:
        return None
    return RunOptions(
        jobfile=inputs[0], inputs=tuple(inputs[1:]), params=tuple(params), **typed
    )
