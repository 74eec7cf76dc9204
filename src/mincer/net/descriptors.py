"""Descriptors: as many as this process may have, and whether there is one left."""

from __future__ import annotations

import contextlib
import os

__all__ = ["is_one_left", "limit", "raise_limit"]

#: Three connections for each member, and room for those who are none.
_WANTED = 65_536


def limit() -> int:
    """How many descriptors this process may have open."""
    try:
        import resource
    except ImportError:  # not on Windows, which has no such limit
        return _WANTED
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _WANTED if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Let this process have as many as the system gives without being asked."""
    if limit() >= _WANTED:
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def is_one_left() -> bool:
    """False: nobody else can connect, and no file can be opened."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    return True
