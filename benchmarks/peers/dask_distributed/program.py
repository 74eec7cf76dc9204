"""dask distributed: futures of a local cluster of two workers with one thread each.

The tasks answer with pickled bytes. Tried: the dicts as they are, which dask walks
item by item when it sends them (SLOWER x the time on 12 MB of words).
"""

import logging
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

from distributed import Client, LocalCluster

from benchmarks.peers.command import main
from benchmarks.peers.tasks import programs
from benchmarks.peers.work import WORKERS


def pickled(function: Callable[[Any], Any], item: Any) -> bytes:
    """What the function answers, as one value that dask does not look into."""
    return pickle.dumps(function(item), pickle.HIGHEST_PROTOCOL)


def run() -> None:
    """Run the command line in a cluster of its own."""
    cluster = LocalCluster(
        n_workers=WORKERS,
        threads_per_worker=1,
        dashboard_address=None,
        silence_logs=logging.ERROR,
    )
    with cluster, Client(cluster) as client:

        def each(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
            futures = client.map(partial(pickled, function), items, pure=False)
            return [pickle.loads(answer) for answer in client.gather(futures)]

        main(programs(each))


if __name__ == "__main__":
    run()
