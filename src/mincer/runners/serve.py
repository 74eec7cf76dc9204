"""`Serve`: this process is the coordinator of its own jobs, and waits for workers."""

from __future__ import annotations

import os
import sys
import threading

from mincer.net.client import Client
from mincer.net.coordinator import CoordinatorProcess
from mincer.net.keys import join_token, keys_of_password
from mincer.net.settings import Address, address_of, keys_of
from mincer.net.sockets import endpoint, for_others
from mincer.runners.base import CLUSTER_SIZES_HINT, JobControl, JobOrder
from mincer.runners.closing import Closing
from mincer.runners.remote.run import run_remote
from mincer.runners.results import Results

__all__ = ["Serve"]

#: Addresses that mean all of a machine, and how a process of it reaches them.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Serve(Closing):
    """A coordinator in this process, for its own jobs, on all workers that join.

    `address`: where it listens, HOST:PORT; a port of 0 is a free one (see `address`).
    `password`, or `key_file`: what workers must have, too. Without either a token is
    made, and the line to type on a worker is shown. `allowed`: a folder of public keys
    that may join as well. Workers may join before and during a job, and leave.
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
        allowed: str | None = None,
    ) -> None:
        wanted = address_of(address)
        keys = keys_of(password, key_file, cluster)
        #: The password that was made since none was given.
        self.token = None if keys is not None else join_token()
        self._keys = keys or keys_of_password(self.token or "")
        where = endpoint(wanted.host, wanted.port or "*")
        self._coordinator = CoordinatorProcess(where, self._keys, allowed, tell=_tell)
        #: Where it listens.
        self.address = Address(wanted.host, self._coordinator.port)
        self._coordinator.start()
        self._client: Client | None = None
        self._lock = threading.Lock()
        if self.token is not None:
            where_to = for_others(self.address)
            line = f"MINCER_PASSWORD={self.token} mincer worker {where_to}"
            _tell(f"on each worker type:\n  {line}")

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """Run one job: see `mincer.runners.base.Runner`."""
        with self._lock:
            if self._client is None:
                host, port = self.address
                self._client = Client(_ANY.get(host, host), port, self._keys)
        return run_remote(self._client, order, control, "serve")

    def close(self) -> None:
        """Stop serving; workers wait for the next one. Harmless when repeated."""
        if self._client is not None:
            self._client.close()
            self._client = None
        self._coordinator.close()


def _tell(line: str) -> None:
    sys.stderr.write(f"mincer: {line}\n")
