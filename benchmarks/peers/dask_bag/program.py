"""dask.bag with the scheduler of processes: a bag of files, mapped in two processes."""

from collections.abc import Callable
from typing import Any

import dask
import dask.bag

from benchmarks.peers.command import main
from benchmarks.peers.tasks import programs
from benchmarks.peers.work import WORKERS


def each(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """Run one round of tasks; `chunksize=1`, for six tasks at a time share badly."""
    bag = dask.bag.from_sequence(items, npartitions=len(items)).map(function)
    with dask.config.set(scheduler="processes", num_workers=WORKERS, chunksize=1):
        return list(bag.compute())


if __name__ == "__main__":
    main(programs(each))
