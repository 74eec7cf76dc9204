"""A pool of child processes: start them, hand them orders, hear from them, end them."""

# Strategy: plain `Popen` of this interpreter. Not fork: the driver may have threads, be
# a notebook, or run on macOS. Not multiprocessing's spawn: it imports the user's script
# again. One thread owns the pool and waits on all pipes at once; `wake` is the only
# thing that another thread may call. A child leads a process group: what the user's
# code started there ends with it.

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from mincer.errors import WorkerDiedError
from mincer.limits import MALLOC_THRESHOLD_BYTES
from mincer.store.disk import kept
from mincer.worker.machine import resident_bytes
from mincer.worker.orders import Order, Reply
from mincer.worker.page import Page, Position
from mincer.worker.pipes import FrameReader, write_frame

__all__ = ["Child", "Died", "Heard", "Pool"]

#: How long a child is given to write down its stack before it is ended.
_STACK_WAIT_S = 0.5
#: So many children in a row that ended before they were up: none will ever be.
_STILLBORN_MAX = 5
#: What makes a child the leader of its own process group, where there are such.
_OWN_GROUP: dict[str, Any] = {"process_group": 0} if hasattr(os, "killpg") else {}


@dataclass(frozen=True, slots=True)
class Died:
    """A child is gone."""

    #: "signal SIGKILL" or "exit code 3".
    how: str
    #: Where it was.
    position: Position
    #: False when it ended before it could take an order.
    was_up: bool


class Heard(NamedTuple):
    """A child said this, or died."""

    slot: int
    message: Reply | Died


class Child:
    """One child process and its pipes."""

    def __init__(self, name: str, folder: str, kill_at: str) -> None:
        self.name = name
        page_path = os.path.join(folder, f"{name}.page")
        with kept(page_path):
            self.page = Page(page_path, create=True)
        self.stack_path = os.path.join(folder, f"{name}.stack")
        self.ready = False
        self.how_ended: str | None = None
        try:
            self._process = subprocess.Popen(
                [sys.executable or "", "-P", "-c", _boot(name, self, kill_at)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
                **_OWN_GROUP,
            )
        except OSError as error:
            self.page.close()
            raise WorkerDiedError(
                f"child processes cannot start here: {error}",
                hint=f"Is sys.executable a Python?  {sys.executable!r}",
            ) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders = self._process.stdin.fileno()
        self.replies = self._process.stdout.fileno()
        self._reader = FrameReader(self.replies)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, order: Order) -> None:
        """Hand over an order. A child that is dying is left to die: its end is heard by
        itself."""
        with contextlib.suppress(BrokenPipeError):
            write_frame(self._orders, order)

    def read(self) -> Iterator[Any]:
        """What the child has said; raises `EOFError` when it is gone."""
        yield from self._reader.read()

    def has_ended(self) -> bool:
        """True when the process is over, though its pipe may be held open still."""
        return self._process.poll() is not None

    def stack(self) -> str:
        """Where the child's code is now, as a traceback; empty when it cannot tell."""
        if not hasattr(signal, "SIGUSR1") or not self.ready:
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
        """Kill it if it still lives; return how it ended. Harmless when repeated."""
        if self.how_ended is not None:
            return self.how_ended
        if _OWN_GROUP:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.page.close()
        self.how_ended = _how_ended(code)
        return self.how_ended


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
        #: Children in a row that ended before they were up.
        self._stillborn = 0
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        # Not closed by `close`: a late `wake` would write to whatever has the number
        # by then.
        weakref.finalize(self, os.close, self._wake_write).atexit = False
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        kill_at = kill_at or {}
        self.children: list[Child] = []
        try:
            for slot in range(slots):
                self.children.append(self._bear(kill_at.get(slot, "")))
        except BaseException:
            self.close()
            raise

    def send(self, slot: int, order: Order) -> None:
        """Start an attempt in a slot, whose child is idle."""
        self.children[slot].send(order)

    def wake(self) -> None:
        """Make `wait` return now. May be called from any thread."""
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_write, b"!")

    def wait(self, timeout_s: float | None) -> Iterator[Heard]:
        """Wait for children to say something, or for `wake`; at most `timeout_s`.

        Each is heard when its turn comes, so what the caller does about one (it may
        `replace` the child of another slot) leaves nothing stale behind. Raises
        `WorkerDiedError` when no child can start here.
        """
        news = self._selector.select(timeout_s)
        for key, _ in news:
            child = key.data
            if child is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 4096)
            elif child.how_ended is None:
                yield from self._hear(child)
        if not news:
            yield from self._reap()

    def _hear(self, child: Child) -> Iterator[Heard]:
        slot = self.children.index(child)
        try:
            for message in child.read():
                if isinstance(message, int):
                    child.ready = True  # its pid: it is up
                    self._stillborn = 0
                else:
                    yield Heard(slot, message)
        except EOFError:
            yield self._hear_death(slot)

    def _reap(self) -> Iterator[Heard]:
        """Hear of children that have ended while something that the user's code forked
        holds their pipes open."""
        for slot, child in enumerate(self.children):
            if child.has_ended():
                yield self._hear_death(slot)

    def _hear_death(self, slot: int) -> Heard:
        died = self._bury(slot)
        self._stillborn += not died.was_up
        if self._stillborn >= _STILLBORN_MAX:
            raise WorkerDiedError(
                f"child processes cannot start here: {died.how}",
                hint="What they said is above this message.",
            )
        return Heard(slot, died)

    def replace(self, slot: int) -> Died:
        """End the child of a slot, whatever it does, and start another."""
        return self._bury(slot)

    def resident_bytes(self, slot: int) -> int:
        return resident_bytes(self.children[slot].pid)

    def close(self) -> None:
        """End all children. No process is left when this returns. Harmless when
        repeated."""
        self._selector.close()
        for child in self.children:
            child.end()
        self.children.clear()
        if self._wake_read >= 0:
            os.close(self._wake_read)
            self._wake_read = -1

    def _bury(self, slot: int) -> Died:
        child = self.children[slot]
        self._selector.unregister(child.replies)
        position = child.page.read()
        died = Died(child.end(), position, child.ready)
        self.children[slot] = self._bear("")
        return died

    def _bear(self, kill_at: str) -> Child:
        self._born += 1
        child = Child(f"child-{self._born}", self._folder, kill_at)
        self._selector.register(child.replies, selectors.EVENT_READ, child)
        return child


def _how_ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


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
