"""What user code may ask while it runs: `context()` and `count()`."""

# Strategy: the package imports this when it is imported, or `mincer.context` would be
# this module and not the function. So it is kept cheap: no dataclasses, no typing.

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["Context", "context", "count", "enter", "leave"]


class Context:
    """The attempt that runs in this process."""

    __slots__ = (
        "attempt",
        "combining",
        "counters",
        "job",
        "params",
        "part",
        "split",
        "tag",
        "task",
    )

    def __init__(
        self,
        job: str,
        task: str,
        attempt: int,
        split: str | None = None,
        part: int | None = None,
        tag: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.job = job
        #: "map 3", "reduce 0", as errors name it.
        self.task = task
        #: From 1.
        self.attempt = attempt
        #: What is read (a map), in words; None in a reduce.
        self.split = split
        #: Which part is made (a reduce); None in a map.
        self.part = part
        #: The tag of the source that the record came from.
        self.tag = tag
        self.params: Mapping[str, Any] = {} if params is None else params
        #: Counters of this attempt; they count if the attempt does.
        self.counters: dict[str, int] = {}
        #: True while a combinefn runs: it may run any number of times, so it cannot
        #: count.
        self.combining = False

    def __repr__(self) -> str:
        return f"<Context: {self.job}, {self.task}, attempt {self.attempt}>"


_current: Context | None = None


def enter(new: Context) -> Context | None:
    """Make `new` the context of this process; return the one before, for `leave`."""
    global _current
    before, _current = _current, new
    return before


def leave(before: Context | None) -> None:
    global _current
    _current = before


def context() -> Context:
    """Return the context of the attempt that runs: job, task, attempt, split, part,
    `tag` of the source, `params`."""
    if _current is None:
        from mincer.errors import UsageError

        raise UsageError(
            "context() was called where no job runs",
            hint="It works inside mapfn, combinefn, partitionfn and reducefn.",
        )
    return _current


def count(name: str, n: int = 1) -> None:
    """Add `n` to the counter `name`, once per record that counts in the result.

    However many attempts ran, only the one whose output is used counts. Not in a
    combinefn, which may run any number of times.
    """
    now = context()
    if now.combining:
        from mincer.errors import UsageError

        raise UsageError(
            f"count({name!r}) was called in combinefn, which may run any number of "
            "times",
            hint="Count in mapfn or reducefn.",
        )
    now.counters[name] = now.counters.get(name, 0) + n
