"""`mincer serve`: a standing coordinator, for many jobs and many workers."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from mincer.cli import failure
from mincer.limits import parse_size
from mincer.structs import Struct

if TYPE_CHECKING:
    from types import FrameType

    from mincer.net.keys import Keys
    from mincer.net.settings import Address

__all__ = ["ServeOptions", "execute"]


class ServeOptions(Struct, kw_only=True):
    """What was typed after `mincer serve`."""

    address: str | None
    keys: Keys | None
    allowed: str | None = None
    keep: float = 24.0
    keep_size: str = "10GB"
    quiet: bool = False
    verbose: bool = False


def execute(options: ServeOptions) -> int:
    """Serve until told to stop; return the exit code."""
    try:
        return _serve(options)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except Exception as error:
        failure.show(error, verbose=options.verbose)
        return failure.exit_code(error)


def _serve(options: ServeOptions) -> int:
    from mincer.net.coordinator import CoordinatorProcess
    from mincer.net.descriptors import raise_limit
    from mincer.net.keys import join_token, keys_of_password
    from mincer.net.owners import Keeping
    from mincer.net.settings import Address, address_of
    from mincer.net.sockets import endpoint

    keeping = Keeping(
        for_s=options.keep * 3600,
        bytes_max=parse_size(options.keep_size, "--keep-size"),
    )
    address = address_of(options.address)
    token = None
    keys = options.keys
    if keys is None:
        token = join_token()
        keys = keys_of_password(token)
    raise_limit()
    process = CoordinatorProcess(
        endpoint(address.host, address.port),
        keys,
        options.allowed,
        keeping,
        (lambda line: None) if options.quiet else _tell,
    )
    if not options.quiet:
        here = Address(address.host, process.port)
        _tell(f"coordinator at {here}")
        if token is not None:
            sys.stderr.write(join_line(here, token) + "\n")
        sys.stderr.flush()
    stopped = threading.Event()
    if threading.current_thread() is threading.main_thread():

        def stop(number: int, frame: FrameType | None) -> None:
            stopped.set()

        signal.signal(signal.SIGTERM, stop)
    process.serve(until=stopped.is_set)
    return 0


def _tell(line: str) -> None:
    sys.stderr.write(f"mincer serve: {line}\n")
    sys.stderr.flush()


def join_line(listens: Address, token: str) -> str:
    """What is to be typed on a worker, and by a driver."""
    from mincer.net.sockets import for_others

    address = for_others(listens)
    password = f"MINCER_PASSWORD={token}"
    if os.name == "nt":
        password = f"set {password} &"
    return (
        "  no password was given, so one was made. On each worker type:\n"
        f"    {password} mincer worker {address}\n"
        "  and to run a job:\n"
        f"    {password} mincer run JOBFILE INPUT --runner cluster --address {address}"
    )
