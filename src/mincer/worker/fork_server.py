"""The fork server: one process that has imported everything, and forks the children."""

# Strategy: an interpreter with our imports costs 0.1 s of processor, a fork of one that
# stands ready 2 ms. The driver itself must not be forked (it may have threads, or be a
# notebook, and its state is none of the children's business), so it starts one fresh
# interpreter, by `posix_spawn`, that never runs code of the user and has one thread.
# That works while the driver is still busy with imports of its own, and `begin` lets a
# door start it before anything else.
#
# The two talk over a socket pair, since pipes for a child must be handed over. A fork
# is asked for and not waited for; a child has a name, as its process id is known late.
# Only the server reaps, and only when told to `end` a child: until then its id cannot
# belong to another process. When the driver goes, the server ends what it has forked.
# When the server goes, its children notice (child.py), and the pool takes a new server.

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from importlib import import_module

from mincer.limits import MALLOC_THRESHOLD_BYTES
from mincer.worker.pipes import read_frame, write_frame

__all__ = ["ForkServer", "begin", "end_spare", "serve", "take"]

#: How often the server looks whether its parent is there still, whoever holds the
#: other end of its socket.
_PARENT_S = 1.0
#: What every attempt or nearly every needs, beyond what `child.py` itself imports.
_IMPORTED = (
    "mincer.worker.child",
    "mincer.worker.modules",
    "mincer.api",  # by name only: no code of ours uses a door, the user's modules do
    "mincer.codec.formats",
    "mincer.sinks.files",
    "mincer.sources.text_lines",
    "hashlib",
    "msgspec",
    "tempfile",
    "zipfile",
)


class ForkServer:
    """The driver's end. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._how_ended: int | None = None
        self._has_forked = False
        #: Held from a question to its answer.
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        self._socket = ours
        with theirs:
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

    @property
    def is_own(self) -> bool:
        """False in a process that was forked from the one that started it."""
        return self._owner == os.getpid()

    def fork(self, name: str, orders: int, replies: int, *arguments: str) -> None:
        """Ask for a child that serves these pipes; not waited for.

        Raises `ConnectionError` when the server is gone. When it goes before it has
        read this, the pipes close.
        """
        with self._lock:
            if self._how_ended is not None:
                raise BrokenPipeError
            write_frame(self._socket.fileno(), ("fork", name, arguments))
            socket.send_fds(self._socket, [b"!"], [orders, replies])
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
        with self._lock:
            try:
                write_frame(self._socket.fileno(), (word, name))
                answer: int = read_frame(self._socket.fileno())
            except (OSError, EOFError):
                return None
            return answer

    def close(self) -> int:
        """End the server and all its children; return how it ended. May be repeated."""
        with self._lock:
            self._socket.close()
        if self._how_ended is None:
            self._how_ended = 1
            # Somebody else may have waited for every process there is.
            with suppress(ChildProcessError):
                if not self._has_forked:
                    os.kill(self._pid, signal.SIGKILL)  # it may still be importing
                status = os.waitpid(self._pid, 0)[1]
                self._how_ended = os.waitstatus_to_exitcode(status)
        return self._how_ended


#: A server that nobody has taken yet.
_spare: list[ForkServer] = []


def begin() -> None:
    """Start a server for the pool that will want one soon, unless there is one. When
    it cannot be started, the pool will tell."""
    with suppress(IndexError):
        if _spare[-1].is_own:
            return
    with suppress(OSError):
        _spare.append(ForkServer())


def take() -> ForkServer:
    """The server that was begun, or a new one. Raises `OSError` when none can start."""
    with suppress(IndexError):
        spare = _spare.pop()
        if spare.is_own:
            return spare
    return ForkServer()


def end_spare() -> None:
    """Close what was begun and not taken."""
    with suppress(IndexError):
        spare = _spare.pop()
        if spare.is_own:
            spare.close()


def _program() -> str:
    """Find this mincer, whose place may be known only here."""
    import mincer

    assert mincer.__file__ is not None
    home = os.path.dirname(os.path.dirname(os.path.abspath(mincer.__file__)))
    return (
        f"import sys; {home!r} in sys.path or sys.path.append({home!r}); "
        "from mincer.worker.fork_server import serve; serve()"
    )


#: What is set for the start of the server only.
_OF_START = (
    "PYTHONHASHSEED",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_ARENA_MAX",
)


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    # A fixed hash seed: the order of the user's sets is the same in every attempt.
    environment["PYTHONHASHSEED"] = "0"
    threshold = str(MALLOC_THRESHOLD_BYTES)
    environment["MALLOC_MMAP_THRESHOLD_"] = threshold
    environment["MALLOC_TRIM_THRESHOLD_"] = threshold
    return environment


# The server's own process.


def serve() -> None:
    """Fork children until the driver is gone; then end them, and this process."""
    for variable in _OF_START:
        os.environ.pop(variable, None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, nobody could be waited for
    control = _take_socket()
    gc.disable()
    for name in _IMPORTED:
        import_module(name)
    gc.enable()
    gc.freeze()  # what is here for good is no work for the collectors of children
    _Nursery(control).run()
    os._exit(0)


def _take_socket() -> socket.socket:
    """Take the socket from standard input, and give the children an empty one."""
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    # What the driver left open for its own programs would stay open in ours.
    first = control.fileno()
    os.closerange(3, first)
    os.closerange(first + 1, os.sysconf("SC_OPEN_MAX"))
    return control


class _Nursery:
    """The children of the server, by name."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._parent = os.getppid()
        self._pids: dict[str, int] = {}

    def run(self) -> None:
        import select

        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        try:
            while os.getppid() == self._parent:
                if poll.poll(_PARENT_S * 1000):
                    self._serve_one()
        except (EOFError, ConnectionError):
            pass  # the driver is gone, or done
        finally:
            for name in list(self._pids):
                self._kill(name)
            for name in list(self._pids):
                self._end(name)

    def _serve_one(self) -> None:
        word, name, *more = read_frame(self._control.fileno())
        if word == "fork":
            self._fork(name, *more)
        elif word == "pid":
            self._answer(self._pids.get(name, 0))
        elif word == "has_ended":
            self._answer(self._has_ended(name))
        else:
            self._answer(self._end(name))

    def _answer(self, answer: int) -> None:
        write_frame(self._control.fileno(), answer)

    def _fork(self, name: str, arguments: tuple[str, ...]) -> None:
        pipes = socket.recv_fds(self._control, 1, 2)[1]
        try:
            pid = os.fork()
        except OSError as error:  # no process or no memory left: the pipes will tell
            sys.stderr.write(f"mincer: no child can be forked: {error}\n")
            pid = -1
        if pid == 0:
            self._be_child(name, pipes, arguments)
        if pid > 0:
            self._pids[name] = pid
            with suppress(OSError):  # it has done so itself
                os.setpgid(pid, pid)
        for pipe in pipes:
            os.close(pipe)

    def _be_child(
        self, name: str, pipes: list[int], arguments: tuple[str, ...]
    ) -> None:
        from mincer.worker.child import main

        try:
            self._control.close()
            os.setpgid(0, 0)
            orders, replies = pipes
            main(orders, replies, name, *arguments)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(1)  # never up into the loop of the server

    def _has_ended(self, name: str) -> bool:
        if name not in self._pids:
            return True
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._pids[name], flags) is not None

    def _kill(self, name: str) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pids[name], signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(self._pids[name], signal.SIGKILL)

    def _end(self, name: str) -> int:
        if name not in self._pids:
            return 1  # it could not be forked
        self._kill(name)
        status = os.waitpid(self._pids.pop(name), 0)[1]
        return os.waitstatus_to_exitcode(status)
