"""From what people type (files, folders, globs, `-`) to the files that are there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any, TypeAlias

from mincer.errors import InputError, UsageError, preview
from mincer.sources.input_file import HIDDEN, InputFile
from mincer.urls import as_path, is_remote, local_path

__all__ = ["STDIN", "Paths", "check_paths", "find_files"]

#: What stands for the standard input.
STDIN = "-"

Paths: TypeAlias = (
    str | os.PathLike[str] | list[str | os.PathLike[str]]
    | tuple[str | os.PathLike[str], ...]
)  # fmt: skip


def check_paths(paths: Any) -> tuple[str, ...]:
    """Return the paths as text; raise `UsageError` for what is none."""
    given = tuple(paths) if isinstance(paths, list | tuple) else (paths,)
    if not given:
        raise UsageError("paths: the list of paths is empty")
    return tuple(map(_check_path, given))


def _check_path(path: Any) -> str:
    if isinstance(path, str | os.PathLike):
        text = as_path(path)
        if isinstance(text, str) and text and "\0" not in text:
            return text
    raise UsageError(
        f"paths: {preview(path)} is not a path",
        hint="Give a str or Path (a file, folder, glob, or '-'), or a list of them.",
    )


def find_files(paths: tuple[str, ...]) -> list[InputFile | None]:
    """The files that `paths` mean, in order; None stands for the standard input.

    A folder or a glob becomes its files, sorted by path. What is missing, matches
    nothing or cannot be read is an `InputError` that says which.
    """
    found: list[InputFile | None] = []
    for path in paths:
        if path == STDIN:
            if None in found:
                raise InputError("'-' is given twice, and stdin can be read once")
            found.append(None)
        elif is_remote(path):
            from mincer.sources.remote import find_remote

            found += find_remote(path)
        else:
            found += map(_look, _expand(local_path(path)))
    return found


def _expand(path: str) -> list[str]:
    """The paths of the files that `path` means, sorted."""
    if os.path.isdir(path):
        files = sorted(_walk(path))
        if not files:
            raise InputError(
                f"the folder {path} holds no files",
                hint="Files whose names begin with . or _ are not taken.",
            )
        return files
    if os.path.lexists(path):
        return [path]
    if not any(sign in path for sign in "*?["):
        raise InputError(
            f"no such file or folder: {path}",
            hint=f"Relative paths start at {os.getcwd()}",
        )
    return _expand_glob(path)


def _expand_glob(pattern: str) -> list[str]:
    import glob

    # A set: `**` gives a folder and also what is in it.
    files: set[str] = set()
    # Not `not in pattern`: `_old/*.txt` names its folder, so what is in it is meant.
    shown = tuple(
        sign for sign in HIDDEN if any(p.startswith(sign) for p in _parts(pattern))
    )
    for path in glob.iglob(pattern, recursive=True):
        parts = _parts(path)
        if any(p.startswith(HIDDEN) and not p.startswith(shown) for p in parts):
            continue
        if os.path.isdir(path):
            files.update(_walk(path))
        else:
            files.add(path)
    if not files:
        raise InputError(
            f"no file matches {pattern}",
            hint=f"Relative paths start at {os.getcwd()}",
        )
    return sorted(files)


def _parts(path: str) -> list[str]:
    names = path.replace(os.sep, "/").split("/")
    return [name for name in names if name not in {"", ".", ".."}]


def _walk(folder: str) -> Iterator[str]:
    """The files below `folder`. Links to folders are not followed: they may loop."""
    for here, folders, names in os.walk(folder, onerror=_refuse_folder):
        folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
        for name in names:
            if not name.startswith(HIDDEN):
                yield os.path.join(here, name)


def _refuse_folder(error: OSError) -> None:
    raise InputError(f"cannot list {error.filename}: {error.strerror}") from error


def _look(path: str) -> InputFile:
    try:
        status = os.stat(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(
            f"{path} is not a regular file, so it cannot be read in pieces",
            hint="Send it through a pipe and name the input '-'.",
        )
    if not os.access(path, os.R_OK):
        raise InputError(f"cannot read {path}: Permission denied")
    return InputFile(path, status.st_size, status.st_mtime_ns)
