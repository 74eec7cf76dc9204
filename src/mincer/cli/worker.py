"""`mincer worker`: this machine joins a cluster."""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from mincer.cli import failure
from mincer.errors import NoConnectionError
from mincer.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from mincer.net.keys import Keys
    from mincer.runners.worker import Worker

__all__ = ["WorkerOptions", "execute", "work"]

#: A network that is not there yet is looked for so often.
_WAIT_S_MIN, _WAIT_S_MAX = 0.25, 10.0


class WorkerOptions(Struct, kw_only=True):
    """What was typed after `mincer worker`."""

    address: str | None
    keys: Keys | None
    slots: int | None = None
    memory: str | None = None
    listen: str | None = None
    advertise: str | None = None
    drain_timeout: float = 60.0
    once: bool = False
    local_reads: bool = True
    quiet: bool = False
    verbose: bool = False


def execute(options: WorkerOptions) -> int:
    """Work until told to leave; return the exit code."""

    tell = None if options.quiet else _tell

    def make() -> Worker:
        from mincer.net.descriptors import raise_limit
        from mincer.runners.worker import Worker, worker_process

        raise_limit()
        process = worker_process(
            options.address,
            options.keys,
            options.slots,
            options.memory,
            listen=options.listen,
            advertise=options.advertise,
            once=options.once,
            local_reads=options.local_reads,
            tell=tell,
        )
        return Worker.around(process, options.drain_timeout)

    return work(make, verbose=options.verbose, tell=tell)


def work(
    make: Callable[[], Worker], *, verbose: bool, tell: Callable[[str], None] | None
) -> int:
    """Make a worker and let it work, as a program that is nothing else; return the
    exit code. SIGTERM drains it. `tell`: told why there is none yet."""
    try:
        worker = _made(make, tell)
        if threading.current_thread() is threading.main_thread():

            def drain(number: int, frame: FrameType | None) -> None:
                worker.drain()

            signal.signal(signal.SIGTERM, drain)
        worker.run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except Exception as error:
        failure.show(error, verbose=verbose)
        return failure.exit_code(error)
    return 0


def _made(make: Callable[[], Worker], tell: Callable[[str], None] | None) -> Worker:
    """The worker, as soon as there is a network: a service may be started before."""
    said, wait_s = "", _WAIT_S_MIN
    while True:
        try:
            return make()
        except NoConnectionError as error:
            if error.what != said:
                said = error.what
                if tell is not None:
                    tell(f"waiting: {said}")
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, _WAIT_S_MAX)


def _tell(line: str) -> None:
    sys.stderr.write(f"mincer worker: {line}\n")
    sys.stderr.flush()
