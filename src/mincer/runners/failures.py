"""What a user needs to see of a failed attempt, and only its driver can tell."""

# Strategy: a child tells what went wrong, in its own words. Where the record stands is
# told by the split, which the driver planned: it is read again here, up to the record
# that was in work. The input may be gone meanwhile, and that is not what is to be told.

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable

from mincer.core.events import Fault
from mincer.errors import MincerError, Where
from mincer.ids import AttemptId, TaskId
from mincer.runners.base import SKIP_HINT
from mincer.sources.base import Split
from mincer.worker.origins import find

__all__ = ["complete", "users_paths", "where_in"]


def complete(
    error: MincerError,
    attempt: AttemptId,
    record: int | None,
    fault: Fault | None,
    where_of: Callable[[TaskId, int], Where | None],
) -> None:
    """Add to the error of an attempt what its child could not know.

    `record`: which one was in work, if that is known; `where_of`: tells where a record
    of a map stands.
    """
    if error.where is None and record is not None and attempt.task.kind == "map":
        with contextlib.suppress(MincerError, OSError):
            error.where = where_of(attempt.task, record)
    if error.task is None:
        error.task = str(attempt)
    if fault is Fault.RAISED and error.hint is None and record is not None:
        error.hint = SKIP_HINT


def where_in(split: Split, record: int) -> Where | None:
    """Read a split again, here, up to this record."""
    for batch in split.read():
        index = record - batch.first
        if 0 <= index < len(batch.values):
            return batch.where(index)
    return None


def users_paths(text: str, digest: str) -> str:
    """A traceback with the user's own files in place of their copies in the children;
    `digest`: that of the user's modules, which their folder is called by."""
    folder = re.escape(os.sep + digest + os.sep)

    def original(found: re.Match[str]) -> str:
        origin = find(re.split(r"[/.]", found[1])[0])
        files = {} if origin is None else origin.files()
        return str(files.get(found[1], found[0]))

    return re.sub(rf'(?<=")[^"\n]*{folder}([^"\n]+)', original, text)
