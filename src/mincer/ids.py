"""Names of jobs, tasks, attempts and workers; every floor speaks of them alike."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

#: 32 hexadecimal digits: 128 random bits, chosen by the driver.
JobId: TypeAlias = str

#: `sample` finds the cut points of `by_range`, `map` and `reduce` are what they say.
TaskKind: TypeAlias = Literal["sample", "map", "reduce"]


class TaskId(NamedTuple):
    """What must be done once: one map of one split, one reduce of one part."""

    job: JobId
    step: int
    kind: TaskKind
    #: Hides `tuple.index`, which nobody asks of an id.
    index: int  # type: ignore[assignment]

    def __str__(self) -> str:
        step = f"step {self.step + 1} " if self.step else ""
        return f"{step}{self.kind} {self.index}"


class AttemptId(NamedTuple):
    """One try at a task; numbers start at 0 and are never used again."""

    task: TaskId
    number: int

    def __str__(self) -> str:
        return f"{self.task} attempt {self.number + 1}"


class WorkerId(NamedTuple):
    """A member: a name, and which of its lives this is (a restart counts up)."""

    name: str
    incarnation: int

    def __str__(self) -> str:
        return f"{self.name}#{self.incarnation}"
