"""An error of ours on its way through Spark, which knows only texts."""

# Strategy: what a task raises comes to the driver as the text of a Java exception. So
# an error of ours travels in that text, in full, behind what a person reads. A record
# of the user's may be in that text too, and must not be taken for an error: what is
# unpickled stands behind the id of the job, which no input knows.

from __future__ import annotations

import base64
import contextlib
import pickle
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mincer.errors import CancelledError, JobError, MincerError
from mincer.ids import JobId

if TYPE_CHECKING:
    from mincer.runners.base import JobOrder

__all__ = ["as_error", "failing"]

_MARK = "mincer error of"


def as_error(error: BaseException, order: JobOrder) -> BaseException:
    """What Spark raised, as an error of ours."""
    if isinstance(error, MincerError) or not isinstance(error, Exception):
        return error
    text = str(error)
    found = re.search(rf"{_MARK} {order.job}: ([A-Za-z0-9+/=]+);", text)
    if found is not None:
        told: MincerError = pickle.loads(base64.b64decode(found[1]))
        return told
    if "cancelled" in text and "job group" in text:
        return CancelledError(f"the jobs of {order.name} were cancelled in Spark")
    hint = "The logs of its executors tell more."
    if "No module named 'mincer'" in text:
        hint = (
            "Its workers run a Python without mincer. Set PYSPARK_PYTHON to one that "
            "has it before the session is made (or give spark-submit the setting "
            "spark.pyspark.python)."
        )
    return JobError(f"Spark failed at {order.name}: {_cause(text)}", hint=hint)


def _cause(text: str) -> str:
    """The line of a Java exception that tells most."""
    lines = [line.strip() for line in text.splitlines()]
    for mark in ("ModuleNotFoundError", "Job aborted", "SparkException"):
        for line in lines:
            if mark in line:
                return line[:500]
    return lines[0][:500] if lines else "no reason was given"


class _Failed(Exception):
    """An error of ours, in words and in full."""

    def __init__(self, error: MincerError, job: JobId) -> None:
        rebuild, given = error.__reduce__()
        packed = base64.b64encode(pickle.dumps(rebuild(*given))).decode("ascii")
        super().__init__(f"{error}\n{_MARK} {job}: {packed};")


@contextlib.contextmanager
def failing(job: JobId) -> Iterator[None]:
    """What goes wrong goes to the driver, by itself."""
    failed: _Failed | None = None
    try:
        yield
    except MincerError as error:
        failed = _Failed(error, job)
    if failed is not None:
        raise failed
