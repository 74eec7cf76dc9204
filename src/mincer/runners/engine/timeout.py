"""A limit to the time of an attempt, in a process that cannot be ended for it."""

# Strategy: a worker of an engine has other things in it, so it is not killed as a child
# of ours would be. Python can be told to raise in another thread, between two of its
# instructions. What is in a C library for long is not stopped before it returns;
# the engine's own limits are for such.

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mincer.codec.tracebacks import user_frames
from mincer.errors import TimedOutError
from mincer.ids import TaskId

__all__ = ["limited"]


class _TimeIsUp(KeyboardInterrupt):
    """Not an `Exception`, which user code catches, and nothing that mapfn raised."""


@contextmanager
def limited(task: TaskId, limit_s: float | None) -> Iterator[None]:
    """Raise `TimedOutError` in the body when it takes longer."""
    if limit_s is None:
        yield
        return
    is_over = False
    lock = threading.Lock()
    thread = threading.get_ident()

    def ring() -> None:
        from ctypes import c_ulong, py_object, pythonapi

        with lock:
            if not is_over:
                pythonapi.PyThreadState_SetAsyncExc(
                    c_ulong(thread), py_object(_TimeIsUp)
                )

    timer = threading.Timer(limit_s, ring)
    timer.daemon = True
    timer.start()
    try:
        try:
            yield
        finally:
            with lock:
                is_over = True
            timer.cancel()
            timer.join()
    except _TimeIsUp as error:
        raise TimedOutError(
            f"{task} ran longer than task_timeout={limit_s:g}",
            user_traceback=user_frames(error),
            hint="Give it more time, or find out what it waits for.",
        ) from None
