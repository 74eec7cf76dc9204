"""Whether a worker sees the folder that the output goes to, and may write there."""

# Strategy: as with files, an equal path proves nothing. So the driver leaves a token in
# the folder aside, and a worker that finds it under the same path writes its parts
# there itself. That it may write it finds out by writing. The other way round the
# driver looks at each part before it counts: not all that shares a path shares it both
# ways, or at once.

from __future__ import annotations

import contextlib
import os

from mincer.errors import UsageError
from mincer.urls import below, open_file, remove_file, write_new
from mincer.wire.frames import JobTold

__all__ = ["SharedFolder", "leave_token", "sees_token"]

_TOKEN = "token"
_TOKEN_BYTES = 16


def leave_token(folder: str) -> tuple[bytes, bytes] | None:
    """Leave a token in a folder: where it is, and what is in it. None: it cannot be."""
    path, token = below(folder, _TOKEN), os.urandom(_TOKEN_BYTES)
    try:
        write_new(path, token)
    except (OSError, UsageError):
        return None  # nobody will find one, and everything is sent
    return os.fsencode(path), token


def sees_token(left: tuple[bytes, bytes]) -> bool:
    """True when the token that was left is found here, and its folder can be written
    to."""
    path, token = os.fsdecode(left[0]), left[1]
    probe = below(os.path.dirname(path), f"probe-{os.urandom(8).hex()}")
    try:
        with open_file(path) as file:
            if file.read(_TOKEN_BYTES + 1) != token:
                return False
        write_new(probe, b"")
    # A path may hold what no path here may, and a URL what nothing here opens.
    except (OSError, ValueError, UsageError):
        return False
    with contextlib.suppress(OSError):
        remove_file(probe)
    return True


class SharedFolder:
    """The folder of a job's output, for one worker. It is looked for when it is first
    asked for."""

    def __init__(self, told: JobTold) -> None:
        self._output = told.output
        self._was_there = False
        self._is_there: bool | None = None if told.output else False

    @property
    def is_there(self) -> bool:
        """True when parts are written there, and not sent."""
        if self._is_there is None:
            self._is_there = self._was_there = self._look()
        return self._is_there

    def is_lost(self) -> bool:
        """A part could not be written. True when that is since the folder is not there
        any more: then it is not asked again, and parts are sent."""
        if self._was_there and self._is_there and not self._look():
            self._is_there = False
        return self._was_there and not self._is_there

    def give_up(self) -> None:
        """The driver does not see what is written there."""
        self._is_there = False

    def _look(self) -> bool:
        assert self._output is not None
        return sees_token(self._output)
