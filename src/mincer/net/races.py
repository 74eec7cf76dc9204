"""Backup copies that won, and how much time that saved."""

# Strategy: nobody knows when the slower of two attempts would have ended. How far a map
# of the first step has read tells it best: it would have gone on at its own pace. Of
# other attempts nothing is known, and nothing is said to be saved.

from __future__ import annotations

from mincer.ids import AttemptId

__all__ = ["Races"]


class Races:
    """Of one job: attempts at the same task, of which one was done first."""

    def __init__(self) -> None:
        #: How often the later one won, and about how much later the other would have
        #: been done.
        self.won = 0
        self.saved_s = 0.0
        self._begun: dict[AttemptId, float] = {}
        self._done: AttemptId | None = None

    def begun(self, attempt: AttemptId, now: float) -> None:
        """A worker was given this attempt."""
        self._begun[attempt] = now

    def ended(self, attempt: AttemptId) -> None:
        """It has ended, however."""
        self._begun.pop(attempt, None)

    def done(self, attempt: AttemptId) -> None:
        """It was done, and those at the same task are cancelled next."""
        self._done = attempt

    def cancelled(self, attempt: AttemptId, share: float | None, now: float) -> None:
        """It was cancelled, with this share of its input read, if that is known."""
        winner, begun = self._done, self._begun.get(attempt)
        if winner is None or begun is None or winner.task != attempt.task:
            return
        if attempt.number > winner.number:
            return
        self.won += 1
        if share:
            self.saved_s += (now - begun) * max(0.0, 1 / share - 1)
