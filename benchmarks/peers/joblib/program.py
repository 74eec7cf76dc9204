"""joblib: one delayed call for each file, by loky in two processes.

Tried and not kept: the answers of all files merged in the parent where there are many
keys (see tasks.py). See there for the rounds.
"""

from collections.abc import Callable
from typing import Any

from joblib import Parallel, delayed

from benchmarks.peers.command import main
from benchmarks.peers.tasks import programs
from benchmarks.peers.work import WORKERS


def each(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """Run one round of tasks."""
    return list(Parallel(n_jobs=WORKERS)(delayed(function)(item) for item in items))


if __name__ == "__main__":
    main(programs(each))
