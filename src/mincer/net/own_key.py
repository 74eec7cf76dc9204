"""The key file that the processes of one user on one machine share by themselves."""

# Strategy: made by whoever needs it first. It is written aside and then linked to its
# name: so it is there whole or not at all, and of two that make it at once (both ends
# of a script are started together) the first one counts for both.

from __future__ import annotations

import contextlib
import os
import secrets

from mincer.errors import UsageError
from mincer.net.keys import make_key_file
from mincer.net.settings import home

__all__ = ["own_key_file"]

_NAME = "own.key"


def own_key_file() -> str:
    """The path of this user's own key file, which is made when there is none.

    Raises:
        UsageError: it cannot be made.
    """
    folder = os.path.abspath(home())
    path = os.path.join(folder, _NAME)
    if os.path.exists(path):
        return path
    aside = f"{path}.{secrets.token_hex(8)}"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        make_key_file(aside)
        try:
            with contextlib.suppress(FileExistsError):
                os.link(aside, path)
        finally:
            os.unlink(aside)
    except OSError as error:
        raise UsageError(
            f"cannot make a key file in {folder}: {error.strerror}",
            hint="Set MINCER_HOME to a folder of your own, or MINCER_PASSWORD.",
        ) from error
    return path
