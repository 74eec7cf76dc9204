"""What user code may ask while it runs: `context()` and `count()`."""

# Strategy: the package imports this when it is imported, or `mincer.context` would be
# this module and not the function. So it is kept cheap: no dataclasses, no typing.

from __future__ import annotations

from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

__all__ = ["Context", "context", "count"]


class Context:
    """The attempt that runs in this process, while it is entered by `with`."""

    __slots__ = (
        "_before",
        "_task",
        "attempt",
        "combining",
        "counters",
        "job",
        "params",
        "part",
        "split",
        "tag",
    )

    def __init__(
        self,
        job: str,
        task: object,
        attempt: int,
        split: str | None = None,
        part: int | None = None,
        tag: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.job = job
        self._task = task
        #: From 1.
        self.attempt = attempt
        #: What is read (a map), in words; None in a reduce.
        self.split = split
        #: Which part is made (a reduce); None in a map.
        self.part = part
        #: The tag of the source that the record came from.
        self.tag = tag
        #: Read only.
        self.params: Mapping[str, Any] = MappingProxyType(dict(params or {}))
        #: Counters of this attempt; they count if the attempt does.
        self.counters: dict[str, int] = {}
        #: True while a combinefn runs: it may run any number of times, so it cannot
        #: count.
        self.combining = False
        self._before: Context | None = None

    def __enter__(self) -> Self:
        global _current
        self._before, _current = _current, self
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        """An error of ours gets the name of the attempt that it ended."""
        global _current
        _current = self._before
        if error is not None:
            from mincer.errors import MincerError

            if isinstance(error, MincerError) and error.task is None:
                error.task = self.title

    @property
    def task(self) -> str:
        """ "map 3", "reduce 0", as errors name it."""
        return str(self._task)  # here, since few ask

    @property
    def title(self) -> str:
        """What errors call this attempt."""
        return f"{self.task} attempt {self.attempt}"

    def __repr__(self) -> str:
        return f"<Context: {self.job}, {self.task}, attempt {self.attempt}>"


_current: Context | None = None


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
