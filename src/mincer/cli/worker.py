"""`mincer worker`: this machine joins a cluster."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

from mincer.cli import failure
from mincer.structs import Struct

if TYPE_CHECKING:
    from types import FrameType

    from mincer.net.keys import Keys

__all__ = ["WorkerOptions", "execute"]


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
    quiet: bool = False
    verbose: bool = False


def execute(options: WorkerOptions) -> int:
    """Work until told to leave; return the exit code."""
    try:
        return _work(options)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except Exception as error:
        failure.show(error, verbose=options.verbose)
        return failure.exit_code(error)


def _work(options: WorkerOptions) -> int:
    from mincer.runners.worker import worker_process

    worker = worker_process(
        options.address,
        options.keys,
        options.slots,
        options.memory,
        listen=options.listen,
        advertise=options.advertise,
        once=options.once,
        tell=None if options.quiet else _tell,
    )
    if threading.current_thread() is threading.main_thread():

        def drain(number: int, frame: FrameType | None) -> None:
            worker.drain(options.drain_timeout)

        signal.signal(signal.SIGTERM, drain)
    worker.run()
    return 0


def _tell(line: str) -> None:
    sys.stderr.write(f"mincer worker: {line}\n")
    sys.stderr.flush()
