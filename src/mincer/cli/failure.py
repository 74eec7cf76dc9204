"""One screen for each failure: what failed, where, and what to type next."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, TextIO

from mincer.errors import Bug, MincerError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["exit_code", "screen", "show"]

#: The user's frames get this many lines: the rest of the screen is for the answer.
_TRACEBACK_LINES_MAX = 30
#: What the machine may refuse to anybody: nobody's bug, and the user can act on it.
_REFUSALS = frozenset(
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EMFILE", "ENOMEM")
    if hasattr(errno, name)
)

_BOLD_RED, _BOLD, _PLAIN = "\x1b[1;31m", "\x1b[1m", ""
_RESET = "\x1b[0m"


def exit_code(error: BaseException) -> int:
    """The exit code that a command ends with after `error`."""
    return error.exit_code if isinstance(error, MincerError) else 1


def show(
    error: Exception, *, verbose: bool = False, stream: TextIO | None = None
) -> None:
    """Print the screen for `error`; with `verbose`, our own traceback before it."""
    out = sys.stderr if stream is None else stream
    if verbose:
        import traceback

        out.write("".join(traceback.format_exception(error)) + "\n")
    out.write(screen(error, colour=_has_colour(out), verbose=verbose))
    out.flush()


def screen(error: Exception, *, colour: bool = False, verbose: bool = False) -> str:
    """The text that tells of `error`, with colours of a terminal when asked for."""
    lines = []
    for style, text in _lines(error, verbose):
        lines.append(f"{style}{text}{_RESET}" if colour and style and text else text)
    return "\n".join(lines) + "\n"


def _lines(error: Exception, verbose: bool) -> Iterator[tuple[str, str]]:
    if isinstance(error, MincerError) and not isinstance(error, Bug):
        yield from _lines_of(error)
    elif isinstance(error, OSError) and error.errno in _REFUSALS:
        yield _BOLD_RED, f"error: the machine refused: {error.strerror}"
        if error.filename is not None:
            yield _PLAIN, ""
            yield _PLAIN, f"  where   {os.fsdecode(error.filename)}"
    else:
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        yield _BOLD_RED, f"error: this is a bug of mincer: {told}"
        again = "Send" if verbose else "Run it again with -v and send"
        yield _PLAIN, ""
        yield _BOLD, f"  Please report it. {again} all that it prints."


def _lines_of(error: MincerError) -> Iterator[tuple[str, str]]:
    what, *more = error.what.splitlines() or [type(error).__name__]
    yield _BOLD_RED, f"error: {what}"
    for line in more:
        yield _PLAIN, line
    if error.user_traceback:
        yield _PLAIN, ""
        for line in _cut(error.user_traceback.rstrip().splitlines()):
            yield _PLAIN, line
    facts = _facts(error)
    if facts:
        yield _PLAIN, ""
    for name, fact in facts:
        yield _PLAIN, f"  {name:7} {fact}"
    if error.hint:
        yield _PLAIN, ""
        for line in error.hint.splitlines():
            yield _BOLD, f"  {line}"


def _facts(error: MincerError) -> list[tuple[str, str]]:
    facts = []
    if error.where is not None:
        facts.append(("where", str(error.where)))
        if error.where.key is not None:
            facts.append(("key", error.where.key))
        if error.where.value is not None:
            facts.append(("record", error.where.value))
    if error.task:
        facts.append(("in", error.task))
    return facts


def _cut(lines: list[str]) -> list[str]:
    """Leave out the middle: the first frames say how it began, the last what it was."""
    if len(lines) <= _TRACEBACK_LINES_MAX:
        return lines
    head = _TRACEBACK_LINES_MAX // 3
    tail = _TRACEBACK_LINES_MAX - head - 1
    left_out = f"  … {len(lines) - head - tail} lines left out …"
    return [*lines[:head], left_out, *lines[-tail:]]


def _has_colour(stream: TextIO) -> bool:
    # Six escape codes: rich would cost 50 ms of start-up for the same.
    return (
        stream.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
