"""`mincer worker`: this machine joins a cluster."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

from mincer.cli import failure
from mincer.errors import UsageError
from mincer.limits import MEMORY_BYTES_MIN, parse_size
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
    from mincer.net.descriptors import raise_limit
    from mincer.net.settings import address_of
    from mincer.net.worker import WorkerProcess
    from mincer.worker.machine import cores, memory_per_slot

    if options.keys is None:
        raise UsageError(
            "a worker needs the password or the key file of its cluster",
            hint="The coordinator shows the line to type; or MINCER_PASSWORD, or "
            "--key-file FILE.",
        )
    raise_limit()
    address = address_of(options.address)
    slots = options.slots or cores()
    worker = WorkerProcess(
        address.host,
        address.port,
        options.keys,
        slots,
        _memory_bytes(options.memory) or memory_per_slot(slots),
        listen=options.listen,
        advertise=options.advertise,
        once=options.once,
        tell=_nothing if options.quiet else _tell,
    )
    if threading.current_thread() is threading.main_thread():

        def drain(number: int, frame: FrameType | None) -> None:
            worker.drain(options.drain_timeout)

        signal.signal(signal.SIGTERM, drain)
    worker.run()
    return 0


def _memory_bytes(given: str | None) -> int | None:
    if given is None:
        return None
    size_bytes = parse_size(given, "--memory")
    if size_bytes < MEMORY_BYTES_MIN:
        raise UsageError(f"--memory must be at least 64MB for each slot, not {given}")
    return size_bytes


def _tell(line: str) -> None:
    sys.stderr.write(f"mincer worker: {line}\n")
    sys.stderr.flush()


def _nothing(line: str) -> None:
    """Tell nobody."""
