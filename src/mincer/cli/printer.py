"""Pairs on stdout, where nothing else may stand."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from mincer.errors import OutputError, UsageError

__all__ = ["check_stdout", "print_columns", "print_text", "stdout_for_pairs_only"]


def check_stdout() -> None:
    """Refuse to compute what nobody could read."""
    if sys.stdout is None:
        raise UsageError("stdout is closed", hint="Write to a folder with -o DIR.")


@contextlib.contextmanager
def stdout_for_pairs_only() -> Iterator[None]:
    """Send what user code prints in this process to stderr.

    Unless stdout is a terminal: nothing is lost there, and a debugger needs it.
    """
    if sys.stdout is None or sys.stdout.isatty():
        yield
        return
    with contextlib.redirect_stdout(sys.stderr):
        yield


def print_columns(columns: Iterable[tuple[list[Any], list[Any]]], format: str) -> None:
    """Write blocks of pairs to stdout in this format.

    A reader that has seen enough (`| head`) ends it quietly: the job was done, so
    that is no failure, and `set -o pipefail` need not stop a script for it.
    """
    from mincer.codec.formats import encode

    out = sys.stdout.buffer
    sys.stdout.flush()
    for keys, values in columns:
        data = encode(format, keys, values)
        try:
            out.write(data)
        except OSError as error:
            return _stopped(error)
    try:
        out.flush()
    except OSError as error:
        return _stopped(error)


def print_text(text: str) -> None:
    """Write this to stdout, as far as its encoding goes; the same about `| head`."""
    out = sys.stdout.buffer
    try:
        out.write(text.encode(sys.stdout.encoding, "backslashreplace"))
        out.flush()
    except OSError as error:
        _stopped(error)


def _stopped(error: OSError) -> None:
    # Python flushes stdout again at its end: let that go nowhere, or it would complain.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    finally:
        os.close(nowhere)
    if not isinstance(error, BrokenPipeError):
        raise OutputError(
            f"cannot write to stdout: {error.strerror}",
            hint="Write to a folder with -o DIR.",
        ) from error


def check_format(format: str | None, overwrite: bool) -> None:
    """Refuse what is for a folder only, when pairs go to stdout."""
    if format == "pickle":
        raise UsageError(
            "--format pickle is not for stdout", hint="Add a folder: -o DIR."
        )
    if overwrite:
        raise UsageError("--overwrite needs a folder to overwrite: -o DIR")
