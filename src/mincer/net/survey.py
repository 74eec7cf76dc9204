"""Which workers have the input of a job: they are asked, and shortly waited for."""

# Strategy: the coordinator opens no path that a job names. As soon as the driver names
# the files of a job, all workers are told, and each says which of them it seems to
# have; with that the first splits already go where their input is. So at the start of
# a job its splits wait for the answers, which takes as long as a message to the slowest
# and back; but a worker that hangs must not keep a job from beginning. What is named
# later, and who joins later, is not waited for.

from __future__ import annotations

__all__ = ["HOLD_S", "Survey"]

#: More than any answer takes, unless many files are looked for on a slow disk; less
#: than anybody notices.
HOLD_S = 0.1


class Survey:
    """Whom of the workers a job still waits for, before its first splits are given
    out."""

    def __init__(self) -> None:
        #: Files that each worker has not answered for.
        self._missing: dict[int, int] = {}
        self._until: float | None = None
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """True when nobody is waited for, now or later."""
        return self._is_over

    def ask(self, worker: int, files: int, now: float) -> None:
        """This worker was told of so many files more."""
        if not self._is_over:
            self._missing[worker] = self._missing.get(worker, 0) + files
            if self._until is None:
                self._until = now + HOLD_S

    def answered(self, worker: int, files: int) -> None:
        """It has said of so many files whether it has them."""
        if worker in self._missing:
            self._missing[worker] -= files
            if self._missing[worker] <= 0:
                del self._missing[worker]

    def forget(self, worker: int) -> None:
        """It will not answer."""
        self._missing.pop(worker, None)

    def waits(self, now: float) -> bool:
        """True while splits are to be held back. Once they are not, they never are."""
        if not self._missing or self._until is None or now >= self._until:
            self._is_over = True
            self._missing.clear()
        return not self._is_over

    @property
    def deadline(self) -> float | None:
        """When to ask `waits` again, if nothing happens before."""
        return None if self._is_over else self._until
