"""The fork server, seen from the driver: started early, told to fork children."""

# Strategy: an interpreter with our imports costs 0.1 s of processor, a fork of one that
# stands ready 2 ms. The driver itself must not be forked (it may have threads, or be a
# notebook, and its state is none of the children's business), so it starts one fresh
# interpreter, by `posix_spawn`, that never runs code of the user and has one thread.
# That works while the driver is still busy with imports of its own, and `begin` lets a
# door start it before anything else.
#
# Its own side is nursery.py. The two talk over a socket pair, since pipes for a child
# must be handed over. A fork is asked for and not waited for; a child has a name, as
# its process id is known late. When the server goes, its children notice (child.py),
# and the pool takes a new server.
#
# A command of a moment waits for the server, so the server comes first: what this file
# needs for more than its start is imported after it (15 ms).

from __future__ import annotations

import _socket  # not `socket`: see above
import os
import sys

from mincer.limits import MALLOC_THRESHOLD_BYTES

__all__ = ["ForkServer", "begin", "end_spare", "take"]


class ForkServer:
    """The driver's end. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._how_ended: int | None = None
        self._has_forked = False
        ours, theirs = _socket.socketpair()
        self._socket = ours
        try:
            self._pid = os.posix_spawn(
                sys.executable or "",
                [sys.executable or "python", "-P", "-c", _program()],
                _environment(),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),
                    # The driver's standard output is data.
                    (os.POSIX_SPAWN_DUP2, 2, 1),
                ],
                setpgroup=0,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        import threading

        #: Held from a question to its answer.
        self._lock = threading.Lock()

    @property
    def is_own(self) -> bool:
        """False in a process that was forked from the one that started it."""
        return self._owner == os.getpid()

    def fork(self, name: str, orders: int, replies: int, *arguments: str) -> None:
        """Ask for a child that serves these pipes; not waited for.

        Raises `ConnectionError` when the server is gone. When it goes before it has
        read this, the pipes close.
        """
        from array import array

        from mincer.worker.pipes import write_frame

        pipes = array("i", [orders, replies])
        with self._lock:
            if self._how_ended is not None:
                raise BrokenPipeError
            write_frame(self._socket.fileno(), ("fork", name, arguments))
            rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, pipes)
            self._socket.sendmsg([b"!"], [rights])
            self._has_forked = True

    def pid(self, name: str) -> int:
        """The process id of a child, or 0 when it could not be forked."""
        return self._ask("pid", name) or 0

    def has_ended(self, name: str) -> bool:
        """True when a child is over, or is about to be since the server is gone."""
        return self._ask("has_ended", name) != 0

    def end(self, name: str) -> int:
        """Kill a child and its process group; return its exit code, or that of the
        server when it is gone: its children end by themselves."""
        code = self._ask("end", name)
        return self.close() if code is None else code

    def _ask(self, word: str, name: str) -> int | None:
        """An answer of the server; None when it is gone."""
        from mincer.worker.pipes import read_frame, write_frame

        with self._lock:
            try:
                write_frame(self._socket.fileno(), (word, name))
                answer: int = read_frame(self._socket.fileno())
            except (OSError, EOFError):
                return None
            return answer

    def close(self) -> int:
        """End the server and all its children; return how it ended. May be repeated."""
        import signal

        with self._lock:
            self._socket.close()
        if self._how_ended is None:
            self._how_ended = 1
            try:
                if not self._has_forked:
                    os.kill(self._pid, signal.SIGKILL)  # it may still be importing
                status = os.waitpid(self._pid, 0)[1]
                self._how_ended = os.waitstatus_to_exitcode(status)
            except ChildProcessError:
                pass  # somebody else has waited for every process there is
        return self._how_ended


#: A server that nobody has taken yet.
_spare: list[ForkServer] = []


def begin() -> None:
    """Start a server for the pool that will want one soon, unless there is one. When
    it cannot be started, the pool will tell."""
    if _spare and _spare[-1].is_own:
        return
    try:  # noqa: SIM105 - `contextlib` comes later
        _spare.append(ForkServer())
    except OSError:
        pass


def take() -> ForkServer:
    """The server that was begun, or a new one. Raises `OSError` when none can start."""
    spare = _spare_of_own()
    return ForkServer() if spare is None else spare


def end_spare() -> None:
    """Close what was begun and not taken."""
    spare = _spare_of_own()
    if spare is not None:
        spare.close()


def _spare_of_own() -> ForkServer | None:
    try:
        spare = _spare.pop()
    except IndexError:  # nothing was begun, or another thread was faster
        return None
    return spare if spare.is_own else None


def _program() -> str:
    """Find this mincer, whose place may be known only here."""
    import mincer

    assert mincer.__file__ is not None
    home = os.path.dirname(os.path.dirname(os.path.abspath(mincer.__file__)))
    return (
        f"import sys; {home!r} in sys.path or sys.path.append({home!r}); "
        "from mincer.worker.nursery import serve; serve()"
    )


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    # A fixed hash seed: the order of the user's sets is the same in every attempt.
    environment["PYTHONHASHSEED"] = "0"
    threshold = str(MALLOC_THRESHOLD_BYTES)
    environment["MALLOC_MMAP_THRESHOLD_"] = threshold
    environment["MALLOC_TRIM_THRESHOLD_"] = threshold
    return environment
