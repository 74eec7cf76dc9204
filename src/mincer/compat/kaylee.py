"""Kaylee on mincer: `from mincer.compat.kaylee import Server, Client`.

    python -m mincer.compat.kaylee

starts a worker. What is better here, and what differs: docs/moving.md.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mincer.api import Job
from mincer.arguments import ProgressChoice
from mincer.cli.worker import work
from mincer.compat.calling import with_data, with_iterator
from mincer.compat.joining import Secret, join, secret_for
from mincer.errors import TimedOutError, UsageError, preview
from mincer.net.settings import Address, address_of
from mincer.runners.report import Report
from mincer.runners.results import Results
from mincer.runners.serve import Serve
from mincer.runners.worker import Worker
from mincer.sources import items
from mincer.sources.base import Source

__all__ = ["Client", "Server"]

#: The first of the three that Kaylee had.
_ADDRESS = "tcp://127.0.0.1:5555"
_HINT = (
    "MINCER_PASSWORD=PASSWORD python SCRIPT   and the same word for each worker:\n"
    "MINCER_PASSWORD=PASSWORD python -m mincer.compat.kaylee"
)

_log = logging.getLogger("kaylee")


class Server:
    """A job, and the coordinator of the clients that join to work on it.

    `datafn()` yields pairs (key, item); `mapfn(k1, v)` yields pairs; `reducefn(k2, vs)`
    returns one value for an iterator over them.

    New here: `progress`, as of `mincer.Job.run`, and `report`, of the last run.
    """

    def __init__(self) -> None:
        self.datafn: Callable[[], Iterable[tuple[Any, Any]]] | None = None
        self.mapfn: Callable[[Any, Any], Any] | None = None
        self.reducefn: Callable[[Any, Iterator[Any]], Any] | None = None
        self.progress: ProgressChoice = None
        self.report: Report | None = None
        self._address = _ADDRESS
        self._serve: Serve | None = None
        self._results: dict[Any, Any] | None = None

    def connect(
        self,
        push_addr: str | None = None,
        pull_addr: str | None = None,
        control_addr: str | None = None,
    ) -> None:
        """Listen at `push_addr`, tcp://HOST:PORT. The other two are not needed any
        more: one port does all."""
        _warn_of(pull_addr, control_addr)
        if self._serve is not None:
            self._serve.close()
        self._address = push_addr or _ADDRESS
        address, secret = _end(self._address)
        self._serve = Serve(
            str(address), password=secret.password, key_file=secret.key_file
        )

    def start(self, timeout: float | None = None) -> None:
        """Run the job on the clients that join, and return when it is done.

        Raises:
            TimedOutError: it was not, after `timeout` seconds.
        """
        self._results = None
        job, datafn = self._job(), self.datafn
        assert datafn is not None
        if self._serve is None:
            self.connect(self._address)
        serve, self._serve = self._serve, None
        assert serve is not None
        with serve, self._run(job, items(_plain(datafn())), serve, timeout) as results:
            self.report = results.report
            self._results = results.to_dict()

    def _run(
        self, job: Job, source: Source, serve: Serve, timeout: float | None
    ) -> Results:
        if timeout is None:
            return job.run(source, runner=serve, progress=self.progress)
        handle = job.submit(source, runner=serve, progress=self.progress)
        try:
            return handle.result(timeout)
        except TimeoutError:
            handle.cancel()
            handle.wait()
            raise TimedOutError(
                f"the job was not done after {timeout:g} seconds",
                hint="More workers make it faster:  python -m mincer.compat.kaylee",
            ) from None

    def results(self) -> dict[Any, Any] | None:
        """What the last `start` has found, `{key: value}`; None before."""
        return self._results

    def _job(self) -> Job:
        mapfn, reducefn = self.mapfn, self.reducefn
        # As it was given, so that what is wrong is told by its name.
        told = Job(mapfn, reducefn)  # type: ignore[arg-type]
        assert mapfn is not None
        if reducefn is None:
            raise UsageError("this Server has no reducefn")
        if not callable(self.datafn):
            raise UsageError(
                f"datafn must be a function, called as datafn(), not "
                f"{preview(self.datafn)}",
                hint="It yields pairs (key, item).",
            )
        return Job(with_data(mapfn), with_iterator(reducefn), name=told.title)


class Client:
    """A worker for a `Server`."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._address = _ADDRESS
        self._is_killed = False

    def connect(
        self,
        push_addr: str | None = None,
        pull_addr: str | None = None,
        control_addr: str | None = None,
        *,
        ctrl_addr: str | None = None,
    ) -> None:
        """Go to the server at `push_addr`, the same as it was given first. It need not
        be there yet; the others are not needed any more."""
        _warn_of(pull_addr, control_addr, ctrl_addr)
        self.kill()
        self._address = push_addr or _ADDRESS
        self._worker = join(*_end(self._address), _log.info)
        self._is_killed = False

    def start(self) -> None:
        """Work until the server is done, or `kill`."""
        if self._is_killed:
            return
        if self._worker is None:
            self.connect(self._address)
        assert self._worker is not None
        try:
            self._worker.run()
        finally:
            self._worker = None

    def kill(self) -> None:
        """Leave at once, until the next `connect`. From any thread."""
        self._is_killed = True
        worker = self._worker
        if worker is not None:
            worker.close()


def _end(address: str) -> tuple[Address, Secret]:
    """Where one end is, from tcp://HOST:PORT, and the secret that it has there."""
    scheme, colon, rest = address.partition("://")
    if colon and scheme != "tcp":
        raise UsageError(
            f"{address} is no address of TCP, over which all goes here",
            hint=f"Give one as {_ADDRESS}, or none for that one.",
        )
    where = address_of((rest if colon else address).replace("*", "0.0.0.0"))
    return where, secret_for(where, "", _HINT)


def _warn_of(*addresses: str | None) -> None:
    if any(addresses):
        warnings.warn(
            "only the first address is used: it is the coordinator's, and over that "
            "one port goes all that the other two were for",
            stacklevel=3,
        )


def _plain(data: Iterable[Any]) -> Iterator[Any]:
    """The same pairs, with views of memory as bytes, which can travel."""
    for pair in data:
        plain = pair
        if isinstance(pair, tuple | list) and len(pair) == 2:
            key, item = pair
            plain = key, bytes(item) if isinstance(item, memoryview) else item
            del item
        # A view that is still held would keep `datafn` from closing its file.
        del pair
        yield plain


def main() -> int:
    """What `python -m mincer.compat.kaylee` does; returns its exit code."""
    from argparse import ArgumentParser

    parser = ArgumentParser(
        prog="kaylee", description="Work for a server until it is done."
    )
    parser.add_argument("address", nargs="?", help=f"default: {_ADDRESS}")
    typed = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    return work(
        lambda: join(*_end(typed.address or _ADDRESS), _log.info),
        verbose=False,
        tell=_log.info,
    )


if __name__ == "__main__":
    sys.exit(main())
