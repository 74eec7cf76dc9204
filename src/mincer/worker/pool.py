"""A pool of child processes: start them, hand them orders, hear from them, end them."""

# Strategy: plain `Popen` of this interpreter. Not fork: the driver may have threads, be a
# notebook, or run on macOS. Not multiprocessing's spawn: it imports the user's script
# again. One thread owns the pool and waits on all pipes at once; `wake` is the only
# thing that another thread may call.

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from mincer.limits import MALLOC_THRESHOLD_BYTES
from mincer.worker.machine import resident_bytes
from mincer.worker.orders import Order, Reply
from mincer.worker.page import Page, Position
from mincer.worker.pipes import FrameReader, write_frame

__all__ = ["Child", "Died", "Heard", "Pool"]

#: How long a child is given to write down its stack before it is ended.
_STACK_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Died:
    """A child is gone."""

    #: "signal SIGKILL" or "exit code 3".
    how: str
    #: Where it was.
    position: Position


class Heard(NamedTuple):
    """A child said this, or died."""

    slot: int
    message: Reply | Died


class Child:
    """One child process and its pipes."""

    def __init__(self, name: str, folder: str, kill_at: str) -> None:
        self.name = name
        self.page = Page(os.path.join(folder, f"{name}.page"), create=True)
        self.stack_path = os.path.join(folder, f"{name}.stack")
        self.ready = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _boot(name, self, kill_at)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders = self._process.stdin.fileno()
        self.replies = self._process.stdout.fileno()
        self._reader = FrameReader(self.replies)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, order: Order | None) -> None:
        """Hand over an order; None asks the child to leave. A child that is dying is
        left to die: its end is heard by itself."""
        with contextlib.suppress(BrokenPipeError):
            write_frame(self._orders, order)

    def read(self) -> Iterator[Any]:
        """What the child has said; raises `EOFError` when it is gone."""
        yield from self._reader.read()

    def stack(self) -> str:
        """Where the child's code is now, as a traceback; empty when it cannot tell."""
        if not hasattr(signal, "SIGUSR1"):
            return ""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGUSR1)
        give_up = time.monotonic() + _STACK_WAIT_S
        size = -1
        while time.monotonic() < give_up:
            before, size = size, os.path.getsize(self.stack_path)
            if size and size == before:
                break
            time.sleep(0.01)
        with open(self.stack_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def end(self) -> str:
        """Kill it if it still lives; return how it ended."""
        self._process.kill()
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.page.close()
        if code >= 0:
            return f"exit code {code}"
        try:
            return f"signal {signal.Signals(-code).name}"
        except ValueError:
            return f"signal {-code}"


class Pool:
    """`slots` children; the one in a slot is replaced when it ends.

    `folder`: a folder of this process, for pages and stacks. `kill_at`: for tests:
    the point at which each child of the first set kills itself, by slot.
    """

    def __init__(
        self, slots: int, folder: str, kill_at: dict[int, str] | None = None
    ) -> None:
        self._folder = folder
        self._born = 0
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, -1)
        kill_at = kill_at or {}
        self.children = [self._bear(slot, kill_at.get(slot, "")) for slot in range(slots)]

    def send(self, slot: int, order: Order) -> None:
        """Start an attempt in a slot, whose child is idle."""
        self.children[slot].send(order)

    def wake(self) -> None:
        """Make `wait` return now. May be called from any thread."""
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_write, b"!")

    def wait(self, timeout_s: float | None) -> list[Heard]:
        """Wait for children to say something, or for `wake`; at most `timeout_s`."""
        heard: list[Heard] = []
        for key, _ in self._selector.select(timeout_s):
            slot = key.data
            if slot < 0:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 4096)
                continue
            child = self.children[slot]
            try:
                for message in child.read():
                    if isinstance(message, int):
                        child.ready = True  # its pid: it is up
                    else:
                        heard.append(Heard(slot, message))
            except EOFError:
                heard.append(Heard(slot, self._bury(slot)))
        return heard

    def replace(self, slot: int) -> Died:
        """End the child of a slot, whatever it does, and start another."""
        return self._bury(slot)

    def resident_bytes(self, slot: int) -> int:
        return resident_bytes(self.children[slot].pid)

    def close(self) -> None:
        """End all children. No process is left when this returns."""
        for child in self.children:
            child.send(None)
        for child in self.children:
            self._selector.unregister(child.replies)
            child.end()
        self.children.clear()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _bury(self, slot: int) -> Died:
        child = self.children[slot]
        self._selector.unregister(child.replies)
        position = child.page.read()
        died = Died(child.end(), position)
        self.children[slot] = self._bear(slot, "")
        return died

    def _bear(self, slot: int, kill_at: str) -> Child:
        self._born += 1
        child = Child(f"child-{self._born}", self._folder, kill_at)
        self._selector.register(child.replies, selectors.EVENT_READ, slot)
        return child


def _boot(name: str, child: Child, kill_at: str) -> str:
    """The program of a child: find this mincer, whose place may be known only here."""
    import mincer

    assert mincer.__file__ is not None
    home = os.path.dirname(os.path.dirname(os.path.abspath(mincer.__file__)))
    call = f"main({name!r}, {child.page.path!r}, {child.stack_path!r}, {kill_at!r})"
    return (
        f"import sys; {home!r} in sys.path or sys.path.append({home!r}); "
        f"from mincer.worker.child import main; {call}"
    )


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    # A fixed hash seed: the order of the user's sets is the same in every attempt.
    environment["PYTHONHASHSEED"] = "0"
    threshold = str(MALLOC_THRESHOLD_BYTES)
    environment["MALLOC_MMAP_THRESHOLD_"] = threshold
    environment["MALLOC_TRIM_THRESHOLD_"] = threshold
    return environment
