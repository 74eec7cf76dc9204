"""What has become of a job's result: who is to have it, and how much of it has."""

from __future__ import annotations

from mincer.ids import AttemptId

__all__ = ["Outcome"]


class Outcome:
    """The result of one job, until a driver has all of it: see owners.py."""

    def __init__(self) -> None:
        #: Its driver has left it; has parts of the result already.
        self.is_detached = self.has_given = False
        #: Attempts whose output the driver is to commit, and has not.
        self.commits: dict[AttemptId, None] = {}
        #: Those of them that a driver has that came for the result; and whether it was
        #: told that these are all.
        self.fetched: set[AttemptId] = set()
        self.is_told = False
        #: How it ended without a part of a result, for a driver that will come.
        self.last_words: list[object] = []
        #: Since when it waits for that driver.
        self.ready_at: float | None = None
