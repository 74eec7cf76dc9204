"""Folders of a process that are gone with it, however it ends."""

# Strategy: a folder holds a file that its process keeps locked. The lock ends with the
# process, SIGKILL included, so the next process that makes a folder finds the ones that
# nobody holds, and removes them. A process id in the name would not do: ids return.
# The lock file gets its name only once it is locked; a folder without one is somebody
# being born, and is left alone unless it is old.

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Set
from typing import IO

__all__ = ["OwnedFolder", "sweep"]

_PREFIX = "mincer-"
_LOCK = "lock"
#: A folder without a lock that is older than this was never born.
_UNBORN_S_MAX = 3600.0


class OwnedFolder:
    """A new folder, for this process alone; `remove` it, or let go of this object."""

    path = ""
    _lock: IO[bytes] | None = None
    _pid = -1

    def __init__(self, parent: str | None = None) -> None:
        parent = parent or tempfile.gettempdir()
        self._pid = os.getpid()
        sweep(parent)
        self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
        unnamed = os.path.join(self.path, _LOCK + ".new")
        self._lock = open(unnamed, "wb")  # noqa: SIM115
        _lock(self._lock)
        os.rename(unnamed, os.path.join(self.path, _LOCK))

    def remove(self) -> None:
        """Remove the folder with all that is in it. Harmless when repeated, and in a
        process that was forked from the one that made it."""
        if not self.path or self._pid != os.getpid():
            return
        self.remove_but(frozenset())
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
        self._pid = -1

    def __del__(self) -> None:
        # Ctrl-C may come before anybody has this object, even inside of `__init__`.
        self.remove()

    def remove_but(self, kept: Set[str]) -> None:
        """Remove all files in the folder but those in `kept`, given by their paths.

        Their room is given back also where another process has them open still.
        """
        kept = {*kept, os.path.join(self.path, _LOCK)}
        for folder, _, names in os.walk(self.path, topdown=False):
            for name in names:
                path = os.path.join(folder, name)
                if path not in kept:
                    # What cannot be removed now is removed with the folder.
                    with contextlib.suppress(OSError):
                        os.truncate(path, 0)
                        os.remove(path)
            with contextlib.suppress(OSError):  # not empty
                os.rmdir(folder)


def sweep(parent: str) -> None:
    """Remove the folders in `parent` whose processes are gone."""
    with os.scandir(parent) as found:
        entries = list(found)
    for entry in entries:
        if not entry.name.startswith(_PREFIX) or not entry.is_dir(
            follow_symlinks=False
        ):
            continue
        lock = os.path.join(entry.path, _LOCK)
        try:
            with open(lock, "rb+") as file:
                if not _lock(file):
                    continue
        except FileNotFoundError:
            if not _is_old(entry):
                continue
        except OSError:
            continue  # another user's
        shutil.rmtree(entry.path, ignore_errors=True)


def _is_old(entry: os.DirEntry[str]) -> bool:
    try:
        age_s = time.time() - entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return False
    # Only ours: mkdtemp names end in 8 characters, and nothing else is in there yet.
    return age_s > _UNBORN_S_MAX and len(entry.name) == len(_PREFIX) + 8


def _lock(file: IO[bytes]) -> bool:
    """Lock `file` until it is closed; False when somebody else holds it."""
    try:
        if os.name == "nt":
            import msvcrt

            lock = getattr(msvcrt, "locking")  # noqa: B009 - mypy knows no Windows here
            lock(file.fileno(), getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
