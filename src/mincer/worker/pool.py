"""A pool of child processes: start them, hand them orders, hear from them, end them."""

# Strategy: children are forked by a process that does nothing else (fork_server.py).
# Not by the driver: it may have threads, or be a notebook. Not multiprocessing: it
# imports the user's script again. One thread owns the pool and waits on all pipes at
# once; `wake` is the only thing that another thread may call. A child leads a process
# group: what the user's code started there ends with it.

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import sys
import time
import weakref
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mincer.errors import WorkerDiedError
from mincer.ids import AttemptId
from mincer.store.disk import kept
from mincer.worker.fork_server import ForkServer, take
from mincer.worker.machine import resident_bytes
from mincer.worker.orders import (
    AttemptsUnbegun,
    Order,
    Reply,
    pack,
    unpack_reply,
)
from mincer.worker.page import Page, Position
from mincer.worker.pipes import FrameReader, write_frame

__all__ = ["Child", "Died", "Heard", "Pool"]

#: How long a child is given to write down its stack before it is ended.
_STACK_WAIT_S = 0.5
#: So many children in a row that ended before they were up: none will ever be.
_STILLBORN_MAX = 5


class Died(NamedTuple):
    """A child is gone."""

    #: "signal SIGKILL" or "exit code 3".
    how: str
    #: Where it was, and at which attempt.
    position: Position
    attempt: AttemptId | None
    #: False when it ended before it could take an order.
    was_up: bool


#: Stands for a descriptor that somebody else reads from.
_WATCHED = object()


class Heard(NamedTuple):
    """A child said this, or died."""

    slot: int
    message: Reply | AttemptsUnbegun | Died


class Child:
    """One child process and its pipes."""

    def __init__(
        self, name: str, folder: str, kill_at: str, server: ForkServer
    ) -> None:
        self.name = name
        self._server = server
        self._pid = 0
        page_path = os.path.join(folder, f"{name}.page")
        with kept(page_path):
            self.page = Page(page_path, create=True)
        self.stack_path = os.path.join(folder, f"{name}.stack")
        self.ready = False
        self.how_ended: str | None = None
        orders, self._orders = os.pipe()
        self.replies, replies = os.pipe()
        try:
            server.fork(name, orders, replies, page_path, self.stack_path, kill_at)
        except OSError:
            self._forget()
            raise
        finally:
            os.close(orders)
            os.close(replies)
        self._reader = FrameReader(self.replies)
        #: False as long as it owes answers.
        self.is_idle = True
        #: How often it was given something, and the attempts that it was given last.
        self._given = 0
        self._attempts: list[AttemptId] = []

    @property
    def pid(self) -> int:
        """Its process id, or 0 when it could not be started."""
        self._pid = self._pid or self._server.pid(self.name)
        return self._pid

    def send(self, orders: Sequence[Order]) -> None:
        """Hand over orders. A child that is dying is left to die: its end is heard by
        itself."""
        self.is_idle = False
        self._given += 1
        self._attempts = [order.attempt for order in orders]
        with contextlib.suppress(BrokenPipeError):
            write_frame(self._orders, pack(orders))

    def read(self) -> list[Reply | AttemptsUnbegun]:
        """What the child has said; raises `EOFError` when it is gone."""
        replies = []
        for message in self._reader.read():
            if isinstance(message, int):
                self.ready = True  # its pid: it is up
            else:
                replies.append(unpack_reply(message, self._attempts))
        if replies:
            last = replies[-1]
            self.is_idle = (
                isinstance(last, AttemptsUnbegun) or last.attempt == self._attempts[-1]
            )
        return replies

    def attempt_in_work(self) -> AttemptId | None:
        """What it works on, or was the last to do; None: it has not begun yet."""
        position = self.page.read()
        if position.given < self._given or not position.attempt:
            return None
        return self._attempts[position.attempt - 1]

    def recall(self) -> list[AttemptId]:
        """Tell the child to give back what it was given and has not begun; return what
        that is by now. (If it begins the next one just now, that runs for nothing.)"""
        self.page.recall(self._given)
        position = self.page.read()
        begun = position.attempt if position.given == self._given else 0
        return self._attempts[max(1, begun) :]

    def has_ended(self) -> bool:
        """True when the process is over, though its pipe may be held open still."""
        return self._server.has_ended(self.name)

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
        self.how_ended = _how_ended(self._server.end(self.name))
        self._forget()
        return self.how_ended

    def _forget(self) -> None:
        os.close(self._orders)
        os.close(self.replies)
        self.page.close()
        for path in (self.page.path, self.stack_path):
            with contextlib.suppress(OSError):  # gone with its folder, or never made
                os.remove(path)


class Pool:
    """`slots` children; the one in a slot is replaced when it ends.

    `folder`: a folder of this process, for pages and stacks. `kill_at`: for tests:
    the point at which each child of the first set kills itself, by slot.
    """

    def __init__(
        self, slots: int, folder: str, kill_at: dict[int, str] | None = None
    ) -> None:
        self._server = _server()
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

    def send(self, slot: int, *orders: Order) -> None:
        """Start attempts, one after the other, in a slot whose child is idle."""
        self.children[slot].send(orders)

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
            if child is _WATCHED:
                continue
            if child is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 4096)
            elif child.how_ended is None:
                yield from self._hear(child)
        if not news:
            yield from self._reap()

    def watch(self, descriptor: int) -> None:
        """Make `wait` return also when there is something to be read from this."""
        self._selector.register(descriptor, selectors.EVENT_READ, _WATCHED)

    def unwatch(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def _hear(self, child: Child) -> Iterator[Heard]:
        slot = self.children.index(child)
        was_up = child.ready
        try:
            replies = child.read()
        except EOFError:
            yield self._hear_death(slot)
            return
        if child.ready and not was_up:
            self._stillborn = 0
        for reply in replies:
            yield Heard(slot, reply)
            if child.how_ended is not None:
                return  # it was replaced, and what it said is told no more

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
            raise _cannot_start(died.how)
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
        self._server.close()  # ends them all at once
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
        attempt = child.attempt_in_work()
        died = Died(child.end(), position, attempt, child.ready)
        self.children[slot] = self._bear("")
        return died

    def _bear(self, kill_at: str) -> Child:
        self._born += 1
        for _ in range(_STILLBORN_MAX):
            try:
                child = Child(
                    f"child-{self._born}", self._folder, kill_at, self._server
                )
            except ConnectionError:  # the server was killed; its children end, too
                how = _how_ended(self._server.close())
                self._server = _server()
            except OSError as error:  # no file descriptors are left
                raise _cannot_start(str(error)) from error
            else:
                self._selector.register(child.replies, selectors.EVENT_READ, child)
                return child
        raise _cannot_start(how)


def _cannot_start(how: str) -> WorkerDiedError:
    return WorkerDiedError(
        f"child processes cannot start here: {how}",
        hint="What they said is above this message.",
    )


def _server() -> ForkServer:
    try:
        return take()
    except OSError as error:
        raise WorkerDiedError(
            f"child processes cannot start here: {error}",
            hint=f"Is sys.executable a Python?  {sys.executable!r}",
        ) from error


def _how_ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
