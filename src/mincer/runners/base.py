"""The contract of a runner, and what passes between it and the doors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from mincer.errors import CancelledError
from mincer.ids import JobId
from mincer.job import Step
from mincer.sinks.base import Sink
from mincer.sources.base import Source
from mincer.structs import Struct, field

if TYPE_CHECKING:
    from mincer.runners.results import Results

__all__ = [
    "CLUSTER_SIZES_HINT",
    "SKIP_HINT",
    "JobControl",
    "JobOrder",
    "Progress",
    "Runner",
]

#: What is said to who gave a number of workers, or their memory, for a cluster.
CLUSTER_SIZES_HINT = (
    "They belong to the workers, where these start:  "
    "mincer worker HOST:PORT -n SLOTS --memory SIZE"
)

#: What is said to who met a bad record that was not left out.
SKIP_HINT = "To leave such records out:  skip_bad_records=N  (--skip-bad-records N)"


class JobOrder(Struct):
    """Everything a runner needs to know about one job; all of it checked already."""

    job: JobId
    name: str
    steps: tuple[Step, ...]
    source: Source
    #: None: the pairs stay in the runner's own keeping until `Results` is closed.
    sink: Sink | None = None
    #: None: the runner's default.
    workers: int | None = None
    memory_bytes: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    #: At most so many records of each split, for a first try.
    records_max: int | None = None


class Progress(Struct):
    """How far a job is, for people. Totals are None until they are known."""

    #: "starting", "mapping", "reducing", "committing", "done", "failed"
    phase: str
    elapsed_s: float
    maps_done: int = 0
    maps_total: int | None = None
    reduces_done: int = 0
    reduces_total: int | None = None
    #: Step in work, from 1, and how many there are.
    step: int = 1
    steps: int = 1
    records: int = 0
    bytes_read: int = 0
    bytes_total: int | None = None
    workers: int = 0
    attempts_failed: int = 0
    #: Something worth a line of its own ("a worker died; its attempt runs again").
    notes: tuple[str, ...] = ()


class JobControl:
    """How the asker and the runner talk while a job runs.

    The runner calls `report` a few times a second and looks at `cancelled`; the asker
    may call `cancel` from any thread, which also calls what the runner set as `wake`.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None] | None = None,
        will_leave: bool = False,
    ) -> None:
        #: The asker knows already that he will not take the result.
        self.will_leave = will_leave
        self._cancelled = threading.Event()
        self._on_progress = on_progress
        self.latest: Progress | None = None
        self._leaves = threading.Event()
        #: What keeps this process from leaving the job, as long as it wants to; and why
        #: it may not at all.
        self.owed = "its source has not come to its end"
        self.refusal = ""
        #: Set by the runner: makes its loop turn at once. Must be thread-safe.
        self.wake: Callable[[], None] = _nothing

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        self._cancelled.set()
        self.wake()

    @property
    def wants_to_leave(self) -> bool:
        """True when the job is to go on without this process, as soon as it can."""
        return self._leaves.is_set()

    def ask_to_leave(self) -> None:
        self.refusal = ""
        self._leaves.set()
        self.wake()

    def stay(self) -> None:
        """Do not leave after all."""
        self._leaves.clear()

    def refuse_to_leave(self, why: str) -> None:
        self.refusal = why
        self._leaves.clear()

    def check(self) -> None:
        """Raise `CancelledError` when the job was cancelled."""
        if self.cancelled:
            raise CancelledError("the job was cancelled")

    def report(self, progress: Progress) -> None:
        self.latest = progress
        if self._on_progress is not None:
            self._on_progress(progress)


def _nothing() -> None:
    """Wake nobody."""


class Runner(Protocol):
    """Runs one job from its first split to its result, in the calling thread."""

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """Return when the job is done and committed; raise a `JobError` when it failed.

        On any exception, `KeyboardInterrupt` included, no process and no file of this
        job is left, and the sink was told `abort_job`.
        """
        ...
