"""What all tasks of a job have in common, brought to each of Dask's workers."""

# Strategy: as a task that the others depend on, it would draw all of them to the worker
# that ran it, since Dask goes where the data is. As an argument it would travel with
# each task. A plugin is sent to each worker once, also to one that joins later.

from __future__ import annotations

from typing import Any

from distributed import WorkerPlugin

from mincer.ids import JobId
from mincer.runners.engine.parcel import Parcel

__all__ = ["ParcelPlugin", "parcel_of"]

_parcels: dict[JobId, Parcel] = {}


class ParcelPlugin(WorkerPlugin):  # type: ignore[misc]
    """Keeps the parcel of a job in a worker."""

    def __init__(self, parcel: Parcel) -> None:
        self.name = f"mincer-{parcel.job}"
        self._parcel = parcel

    def setup(self, worker: Any) -> None:
        _parcels[self._parcel.job] = self._parcel

    def teardown(self, worker: Any) -> None:
        _parcels.pop(self._parcel.job, None)


def parcel_of(job: JobId) -> Parcel:
    """The parcel of a job that runs."""
    return _parcels[job]
