"""The fork server's own process: it imports everything, and forks the children."""

# Strategy: the driver's side, and why there is such a process, is in fork_server.py.
# Only the server reaps, and only when told to `end` a child: until then its id cannot
# belong to another process. When the driver goes, the server ends what it has forked.

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module

from mincer.worker.pipes import read_frame, write_frame

__all__ = ["serve"]

#: How often the server looks whether its parent is there still, whoever holds the
#: other end of its socket.
_PARENT_S = 1.0
#: What every attempt or nearly every needs, beyond what `child.py` itself imports.
_IMPORTED = (
    "mincer.worker.child",
    "mincer.api",  # by name only: no code of ours uses a door, the user's modules do
    "mincer.codec.formats",
    "mincer.sinks.files",
    "mincer.sources.text_lines",
    "msgspec",
)
#: What is set for the start of the server only.
_OF_START = (
    "PYTHONHASHSEED",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_ARENA_MAX",
)


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
