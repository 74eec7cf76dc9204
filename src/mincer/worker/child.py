"""A child process: takes orders from its parent, runs attempts, dies with it."""

# Strategy: pipes instead of sockets, one at each end, since that needs no name, no port
# and no permission. The child is forked by the fork server (fork_server.py) when that
# has imported everything; its standard input is empty, and what the user prints goes to
# standard error. The main thread blocks on orders and runs them. A second thread does
# nothing but wait for the driver to go, that is for its end of the pipe to close: also
# while the user's code is busy, also when the driver was killed. Where user code holds
# Python's lock, the system does that.

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from mincer.errors import Bug
from mincer.worker.attempt import Bench
from mincer.worker.orders import (
    AttemptsUnbegun,
    AttemptUnmade,
    Reply,
    pack_reply,
    unpack,
)
from mincer.worker.page import Page
from mincer.worker.pipes import read_frame, write_frame

__all__ = ["main"]

#: How often it is looked whether the fork server is there still: it ends with the
#: driver, whoever else holds the driver's end of the pipe.
_PARENT_S = 1


def main(
    orders: int,
    replies: int,
    name: str,
    page_path: str,
    stack_path: str,
    kill_at: str = "",
) -> None:
    """Serve the two pipes until the parent is gone.

    `kill_at`: for tests: the point at which this child kills itself ("map:start"), or
    the third time that it gets there ("map:start*3").
    """
    # Ctrl-C reaches the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _tell_stack_on_signal(stack_path)
    threading.Thread(target=_die_with_parent, args=(orders,), daemon=True).start()
    bench = Bench(name, Page(page_path), _killer(kill_at) if kill_at else None)
    write_frame(replies, os.getpid())
    while True:
        try:
            given = unpack(read_frame(orders))
        except EOFError:
            _leave(0)
        with contextlib.ExitStack() as tie:
            tie.enter_context(_tied_to(orders))
            for n, reply in enumerate(bench.run_in_turn(given), 1):
                _flush()
                if n == len(given) or isinstance(reply, AttemptsUnbegun):
                    tie.close()  # after this the parent may send more
                _send(replies, n - 1, reply)


def _send(replies: int, place_of: int, reply: Reply | AttemptsUnbegun) -> None:
    try:
        write_frame(replies, pack_reply(place_of, reply))
    except BrokenPipeError:
        _leave(0)
    except Exception as error:
        write_frame(replies, _unsendable(reply, error))


def _unsendable(reply: Reply | AttemptsUnbegun, error: Exception) -> AttemptUnmade:
    if isinstance(reply, AttemptUnmade):
        return AttemptUnmade(reply.attempt, reply.fault, Bug(str(reply.error)))
    raise error


def _die_with_parent(orders: int) -> None:
    """Wait until the other end of `orders` is closed; then end this process at once,
    with all that the user's code has started."""
    parent = os.getppid()
    poll = select.poll()
    poll.register(orders, 0)  # asked for nothing, it still tells of a hang-up
    # A process that the driver forked holds the other end open, too.
    while not poll.poll(_PARENT_S * 1000) and os.getppid() == parent:
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    _leave(1)


@contextlib.contextmanager
def _tied_to(orders: int) -> Iterator[None]:
    """Have the system itself kill this process when the parent goes, where it can.

    The thread that waits for that needs Python's lock, and user code that stays inside
    one C call (a `sum` of a long range, an evil regular expression) keeps it. Until all
    that was given is answered nothing is sent through the pipe, so any signal about it
    means its end.
    """
    import fcntl

    if not hasattr(fcntl, "F_SETSIG"):
        yield
        return
    leads = os.getpgrp() == os.getpid()
    fcntl.fcntl(orders, fcntl.F_SETOWN, -os.getpid() if leads else os.getpid())
    fcntl.fcntl(orders, fcntl.F_SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(orders, fcntl.F_GETFL)
    fcntl.fcntl(orders, fcntl.F_SETFL, flags | os.O_ASYNC)
    try:
        yield
    finally:
        fcntl.fcntl(orders, fcntl.F_SETFL, flags)


def _tell_stack_on_signal(path: str) -> None:
    """On SIGUSR1, write where the user's code is to a file, even inside a C call."""
    import faulthandler

    if hasattr(faulthandler, "register"):
        file = open(path, "wb")  # noqa: SIM115 - stays open as long as the process
        faulthandler.register(signal.SIGUSR1, file=file, all_threads=False)


def _killer(kill_at: str) -> Callable[[str], None]:
    fatal, _, times = kill_at.partition("*")
    left = int(times or 1)

    def reached(point: str) -> None:
        nonlocal left
        left -= point == fatal
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - `suppress` takes longer than to flush nothing
            stream.flush()
        except (OSError, ValueError):
            pass


def _leave(code: int) -> None:
    _flush()
    os._exit(code)
