"""The commit log of a step: which attempts count, and where their outputs lie."""

# Strategy: a reduce reads one output of every map, and a message that listed them all
# would make M x R of them. So the parent appends each committed output to a file, once,
# and a reduce is told how many entries count and which of those do not.

from __future__ import annotations

import pickle
from typing import IO, NamedTuple

from mincer.ids import AttemptId
from mincer.store.disk import Place

__all__ = ["Commit", "CommitLog", "read_commits"]


class Commit(NamedTuple):
    number: int
    attempt: AttemptId
    place: Place


class CommitLog:
    """The writing end, in the parent."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: IO[bytes] = open(path, "wb")  # noqa: SIM115

    def append(self, commit: Commit) -> None:
        attempt = commit.attempt
        row = (commit.number, tuple(attempt.task), attempt.number, tuple(commit.place))
        pickle.dump(row, self._file, 5)
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read_commits(path: str, commits: int, without: tuple[int, ...]) -> list[Commit]:
    """The entries that count, in the order of their maps."""
    from mincer.ids import TaskId

    left_out = frozenset(without)
    found: list[Commit] = []
    with open(path, "rb") as file:
        for _ in range(commits):
            number, task, attempt, place = pickle.load(file)
            if number not in left_out:
                attempt_id = AttemptId(TaskId(*task), attempt)
                found.append(Commit(number, attempt_id, Place(*place)))
    found.sort(key=lambda commit: commit.attempt.task.index)
    return found
