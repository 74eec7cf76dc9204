"""`Serve`: this process is the coordinator of its own jobs, and waits for workers."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from mincer.net.client import Client
from mincer.net.coordinator import CoordinatorProcess
from mincer.net.keys import Keys, join_token, keys_of_password, read_key_file
from mincer.net.sockets import endpoint
from mincer.runners.base import JobControl, JobOrder
from mincer.runners.remote import run_remote
from mincer.runners.results import Results

__all__ = ["Serve"]


class Serve:
    """Jobs on all workers that join this address; see `mincer.Serve`.

    `password`, or `key_file`: what workers must have, too; without either, a token is
    made, and `join_line` says what to type on a worker.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:11235",
        *,
        password: str | None = None,
        key_file: str | None = None,
        allowed: str | None = None,
    ) -> None:
        self._host, _, port = address.rpartition(":")
        if key_file is not None:
            self._keys: Keys = read_key_file(key_file)
        else:
            self.token = password or join_token()
            self._keys = keys_of_password(self.token)
        where = endpoint(self._host or "127.0.0.1", port)
        self._coordinator = CoordinatorProcess(where, self._keys, allowed)
        self._coordinator.start()
        self._client: Client | None = None

    @property
    def port(self) -> int:
        return self._coordinator.port

    def run(self, order: JobOrder, control: JobControl) -> Results:
        """Run one job: see `mincer.runners.base.Runner`."""
        if self._client is None:
            host = self._host if self._host not in ("", "0.0.0.0") else "127.0.0.1"
            self._client = Client(host, self.port, self._keys)
        return run_remote(self._client, order, control, "serve")

    def close(self) -> None:
        """Stop serving. Harmless when repeated."""
        if self._client is not None:
            self._client.close()
            self._client = None
        self._coordinator.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
