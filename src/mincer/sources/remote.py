"""The files that a URL means: itself, those below it, or those that match."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mincer.errors import InputError, UsageError
from mincer.sources.input_file import HIDDEN, InputFile
from mincer.urls import status_of_info, storage_of

__all__ = ["find_remote"]


def find_remote(url: str) -> list[InputFile]:
    """The files that a URL means, sorted. What is missing, matches nothing or cannot be
    read is an `InputError` that says which."""
    storage, path = storage_of(url)
    with _told(url):
        storage.invalidate_cache()  # of an earlier job's time
        if storage.isdir(path):
            inside = path.rstrip("/") + "/"
            paths = [one for one in storage.find(path) if not _is_hidden(one, inside)]
        elif storage.exists(path):
            paths = [path]
        elif any(sign in path for sign in "*?["):
            paths = [one for one in storage.glob(path) if not storage.isdir(one)]
        else:
            raise InputError(f"no such file or folder: {url}")
        if not paths:
            raise InputError(
                f"no file matches {url}",
                hint="Files whose names begin with . or _ are not taken.",
            )
        return [_found(storage, one) for one in sorted(paths)]


def _is_hidden(path: str, inside: str) -> bool:
    names = path.removeprefix(inside).split("/")
    return any(name.startswith(HIDDEN) for name in names)


def _found(storage: Any, path: str) -> InputFile:
    info = storage.info(path)
    url = storage.unstrip_protocol(path)
    if info.get("size") is None:
        raise InputError(
            f"nobody tells the size of {url}, so it cannot be read in pieces",
            hint="Bring it here first, or send it through a pipe: '-'.",
        )
    return InputFile(url, *status_of_info(info))


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What a storage raises is an error that names the URL."""
    try:
        yield
    except (InputError, UsageError):
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(f"cannot read {url}: {reason}") from error
