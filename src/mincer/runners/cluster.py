"""`Cluster`: jobs are handed to a coordinator that stands somewhere."""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Self

from mincer.errors import UsageError
from mincer.net.client import Client
from mincer.net.settings import address_of, keys_of
from mincer.runners.base import CLUSTER_SIZES_HINT, JobControl, JobOrder
from mincer.runners.remote import run_remote
from mincer.runners.results import Results

__all__ = ["Cluster"]


class Cluster:
    """The workers of a standing coordinator (`mincer serve`).

    `address`: HOST:PORT of it. `password`, or `key_file`: as it has. One connection
    serves all jobs, until `close()` or the end of a `with`.
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
    ) -> None:
        self.address = address_of(address)
        keys = keys_of(password, key_file, cluster)
        if keys is None:
            raise UsageError(
                "a cluster needs its password or its key file",
                hint="Cluster(address, password='…'), or key_file='…', or set "
                "MINCER_PASSWORD or MINCER_KEY_FILE.",
            )
        self._keys = keys
        self._client: Client | None = None
        self._lock = threading.Lock()

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """Run one job: see `mincer.runners.base.Runner`."""
        with self._lock:
            if self._client is None or self._client.is_over:
                self._client = Client(*self.address, self._keys)
        return run_remote(self._client, order, control, "cluster")

    def close(self) -> None:
        """End the connection. Harmless when repeated; the next job makes a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
