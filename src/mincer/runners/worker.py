"""`Worker`: this process joins a cluster and runs attempts for it."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from mincer.errors import UsageError, preview
from mincer.limits import MEMORY_BYTES_MIN, parse_size
from mincer.net.settings import address_of, keys_of
from mincer.net.worker import WorkerProcess
from mincer.runners.closing import Closing
from mincer.worker.machine import cores, memory_per_slot

if TYPE_CHECKING:
    from mincer.net.keys import Keys

__all__ = ["Worker", "worker_process"]


class Worker(Closing):
    """One worker of a cluster, in this process; the same as `mincer worker`.

    `address`: HOST:PORT of the coordinator, which need not be there yet. `password`, or
    `key_file`: as it has. `slots`: attempts at a time (default: the cores that this
    process may use), each in a child process that may take `memory`. `listen`,
    `advertise`: where others pull from it, and what they are told instead. `once`:
    leave when the coordinator is gone; else wait for the next one. `local_reads`: read
    what other workers of this machine made from their files. `tell`: gets one line
    whenever what the worker does has changed.

    What is wrong with these is told now; nobody is called before `run`.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        password: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        cluster: str | None = None,
        slots: int | None = None,
        memory: str | int | None = None,
        listen: str | None = None,
        advertise: str | None = None,
        once: bool = False,
        local_reads: bool = True,
        drain_timeout: float = 60.0,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        timeout_s = _seconds(drain_timeout)
        process = worker_process(
            address,
            keys_of(password, key_file, cluster),
            slots,
            memory,
            listen=listen,
            advertise=advertise,
            once=once,
            local_reads=local_reads,
            tell=tell,
        )
        self._take(process, timeout_s)

    @classmethod
    def around(cls, process: WorkerProcess, drain_timeout_s: float) -> Self:
        """The worker that this process is."""
        made = cls.__new__(cls)
        made._take(process, drain_timeout_s)
        return made

    def _take(self, process: WorkerProcess, drain_timeout_s: float) -> None:
        self._process = process
        self._drain_timeout_s = drain_timeout_s
        self._running = threading.Lock()
        #: The thread in which it has run.
        self._thread: int | None = None
        self._is_over = False

    def run(self) -> None:
        """Work until drained, stopped or, with `once`, until the coordinator is gone.

        Raises:
            RefusedError: the coordinator does not let this worker in.
            UsageError: this worker has worked already.
        """
        with self._running:
            if self._is_over:
                raise UsageError("this Worker has left", hint="Make another one.")
            self._is_over = True
            self._thread = threading.get_ident()
            try:
                self._process.run()
            finally:
                self._thread = None

    def drain(self) -> None:
        """Finish what has begun, for at most `drain_timeout` seconds, and leave; when
        asked for a second time, at once. From any thread, or a handler of signals."""
        self._process.drain(self._drain_timeout_s)

    def stop(self) -> None:
        """Leave at once; what has begun is run again elsewhere. From any thread."""
        self._process.stop()

    def close(self) -> None:
        """Stop, and wait until nothing is left. Harmless when repeated."""
        self._process.stop()
        if self._thread == threading.get_ident():
            return  # from within `run` (a handler of signals, `tell`), which does it
        with self._running:
            self._is_over = True
            self._process.close()


def worker_process(
    address: str | None,
    keys: Keys | None,
    slots: int | None = None,
    memory: str | int | None = None,
    *,
    listen: str | None = None,
    advertise: str | None = None,
    once: bool = False,
    local_reads: bool = True,
    tell: Callable[[str], None] | None = None,
) -> WorkerProcess:
    """Check what a worker is to be, and make it: see `Worker`."""
    if keys is None:
        raise UsageError(
            "a worker needs the password or the key file of its cluster",
            hint="The coordinator shows the line to type; or set MINCER_PASSWORD or "
            "MINCER_KEY_FILE.",
        )
    if slots is not None and (type(slots) is not int or slots < 1):
        raise UsageError(f"slots must be an int, at least 1, not {preview(slots)}")
    where = address_of(address)
    slots = slots or cores()
    memory_bytes = _memory_bytes(memory) or memory_per_slot(slots)
    return WorkerProcess(
        *where,
        keys,
        slots,
        memory_bytes,
        listen=listen,
        advertise=advertise,
        once=once,
        local_reads=local_reads,
        tell=tell or _nothing,
    )


def _memory_bytes(given: str | int | None) -> int | None:
    if given is None:
        return None
    size_bytes = parse_size(given, "memory")
    if size_bytes < MEMORY_BYTES_MIN:
        raise UsageError(
            f"memory must be at least 64MB for each slot, not {preview(given)}"
        )
    return size_bytes


def _seconds(given: float) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or given < 0:
        raise UsageError(
            f"drain_timeout must be a number of seconds, not {preview(given)}"
        )
    if math.isnan(given):
        raise UsageError("drain_timeout must be a number of seconds, not nan")
    return given


def _nothing(line: str) -> None:
    """Tell nobody."""
