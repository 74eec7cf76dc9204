"""`Cluster`: jobs are handed to a coordinator that stands somewhere."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Self

from mincer.errors import UsageError, preview
from mincer.limits import PRIORITY_MAX
from mincer.net.client import Client
from mincer.net.keys import Keys
from mincer.net.settings import Address, address_of, keys_of
from mincer.runners.base import CLUSTER_SIZES_HINT, JobControl, JobOrder, Progress
from mincer.runners.closing import Closing
from mincer.runners.remote.fetched import fetch_remote
from mincer.runners.remote.keepsake import Keepsake
from mincer.runners.remote.run import run_remote
from mincer.runners.results import Results
from mincer.sinks.asked import sink_of
from mincer.sinks.base import Sink

__all__ = ["Cluster"]


class Cluster(Closing):
    """The workers of a standing coordinator (`mincer serve`).

    `address`: HOST:PORT of it. `password`, or `key_file`: as it has. `priority`, -100
    to 100: of the jobs that are there, those with a higher one are given slots first,
    and those of the same one share them. One connection serves all jobs, until
    `close()` or the end of a `with`.
    """

    #: See `mincer.arguments.run_by`.
    sizes_hint = CLUSTER_SIZES_HINT

    def __init__(
        self,
        address: str | None = None,
        *,
        password: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        cluster: str | None = None,
        priority: int = 0,
    ) -> None:
        self.priority = _checked(priority)
        self.address = address_of(address)
        keys = keys_of(password, key_file, cluster)
        if keys is None:
            raise UsageError(
                "a cluster needs its password or its key file",
                hint="Cluster(address, password='…'), or key_file='…', or set "
                "MINCER_PASSWORD or MINCER_KEY_FILE.",
            )
        self._take(keys)

    @classmethod
    def at(cls, address: Address, keys: Keys) -> Self:
        """The cluster there, with keys that were read already."""
        made = cls.__new__(cls)
        made.priority = 0
        made.address = address
        made._take(keys)
        return made

    def _take(self, keys: Keys) -> None:
        self._keys = keys
        self._client: Client | None = None
        self._lock = threading.Lock()

    #: Its jobs may go on without this process.
    may_be_left = True

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """Run one job: see `mincer.runners.base.Runner`."""
        return run_remote(self._connected(), order, control, "cluster", self.priority)

    def fetch(
        self,
        job: str,
        *,
        output: str | os.PathLike[str] | Sink | None = None,
        format: str | None = None,
        overwrite: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> Results:
        """The result of a job that its driver has left, when it is done; after that it
        is forgotten there.

        `job`: its whole id. `output`, `format` and `overwrite`: as in `Job.run`;
        without an output, what that driver had asked for.
        """
        given = sink_of(output, format, overwrite)

        def sink(kept: Keepsake | None) -> Sink | None:
            if given is not None or kept is None:
                return given
            return sink_of(kept.folder, kept.format, kept.overwrite)

        return fetch_remote(self._connected(), job, JobControl(progress), sink)

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None or self._client.is_over:
                self._client = Client(*self.address, self._keys)
            return self._client

    def close(self) -> None:
        """End the connection. Harmless when repeated; the next job makes a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _checked(priority: int) -> int:
    if (
        not isinstance(priority, int)
        or isinstance(priority, bool)
        or abs(priority) > PRIORITY_MAX
    ):
        raise UsageError(
            f"priority must be a whole number from -{PRIORITY_MAX} to {PRIORITY_MAX}, "
            f"not {preview(priority)}"
        )
    return priority
