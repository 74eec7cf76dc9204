"""ray: a remote task for each file, on two CPUs of a ray of its own."""

import os
from collections.abc import Callable
from typing import Any

import ray

from benchmarks.peers.command import main
from benchmarks.peers.tasks import programs
from benchmarks.peers.work import WORKERS


def each(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """Run one round of tasks."""

    @ray.remote
    def task(item: Any) -> Any:
        return function(item)

    return list(ray.get([task.remote(item) for item in items]))


def run() -> None:
    """Run the command line between the start and the end of a ray."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        num_cpus=WORKERS,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
    )
    try:
        main(programs(each))
    finally:
        ray.shutdown()


if __name__ == "__main__":
    run()
