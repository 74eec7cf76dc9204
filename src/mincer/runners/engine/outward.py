"""An error on its way out of a worker: by itself, without those it came of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar

from mincer.errors import MincerError

__all__ = ["outward", "outward_each"]

Given = ParamSpec("Given")
Made = TypeVar("Made")


def outward(task: Callable[Given, Made]) -> Callable[Given, Made]:
    """A task whose errors can be sent: engines also send what an error came of, which
    need not be picklable, and has been told in words already."""

    @wraps(task)
    def run(*args: Given.args, **more: Given.kwargs) -> Made:
        try:
            return task(*args, **more)
        except MincerError as error:
            rebuild, given = error.__reduce__()
        # Not in the handler: what is raised there refers to what was caught.
        raise rebuild(*given)

    return run


def outward_each(
    task: Callable[Given, Iterator[Made]],
) -> Callable[Given, Iterator[Made]]:
    """The same, for a task that yields what it makes."""

    @wraps(task)
    def run(*args: Given.args, **more: Given.kwargs) -> Iterator[Made]:
        try:
            yield from task(*args, **more)
            return
        except MincerError as error:
            rebuild, given = error.__reduce__()
        raise rebuild(*given)

    return run
