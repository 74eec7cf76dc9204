"""What a system or a storage refuses, told with the folder as the user typed it."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from mincer.errors import OutputError

__all__ = ["told_about"]


@contextlib.contextmanager
def told_about(folder: str) -> Iterator[None]:
    """Turn an `OSError` into an error that names the folder."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}",
            hint="Make room, or choose a folder on another disk." if full else None,
        ) from error
