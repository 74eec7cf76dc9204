"""A worker process: node, children and sockets in one thread."""

# Strategy: the children's pipes and the sockets are waited for together, so one thread
# does all and nothing needs a lock. ZeroMQ tells by a descriptor that something may
# have changed, once: so all sockets are emptied before each wait.

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
import time
from collections.abc import Callable
from typing import Any

import zmq

from mincer.errors import RefusedError
from mincer.limits import LEASE_S
from mincer.net.depot import JobDepot
from mincer.net.keys import KeyPair, Keys
from mincer.net.line import versions
from mincer.net.membership import Membership, Standing
from mincer.net.node import Node
from mincer.net.peers import Door, Peers
from mincer.net.refusals import Refusals
from mincer.net.sockets import endpoint, local_address
from mincer.store.disk import kept
from mincer.store.folder import OwnedFolder
from mincer.wire import frames
from mincer.worker.hands import Hands
from mincer.worker.machine import keep_free_memory

__all__ = ["WorkerProcess", "host_word"]

_KEPT_BYTES = 16 << 20
_LOOK_S = 0.05
#: While nothing runs it is looked at the clock so often.
_IDLE_S = 0.5
#: How long what was said last is waited to be heard, before leaving.
_GOODBYE_S = 2.0


class WorkerProcess:
    """One worker, until it is told to leave.

    `listen`: where others pull from it, HOST:PORT; by default a free port of the
    address by which it reaches the coordinator. `advertise`: what others are told
    instead. `once`: leave when the coordinator says that it ends, or when there was one
    and nothing has been heard of it for as long as it would wait itself. `local_reads`:
    files of other workers on this machine may be read, and they may read those of this
    one. `tell`: is
    called with one line whenever what the worker does has changed.
    """

    def __init__(
        self,
        host: str,
        port: int,
        keys: Keys,
        slots: int,
        memory_bytes: int,
        *,
        name: str | None = None,
        listen: str | None = None,
        advertise: str | None = None,
        once: bool = False,
        local_reads: bool = True,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._memory_bytes = memory_bytes
        self._once = once
        self._local_reads = local_reads
        self._tell = tell
        self._said = ""
        self._where = f"{host}:{port}"
        self._draining_until: float | None = None
        self._drains = False
        self._goodbye_until: float | None = None
        self._stop = False
        self._is_closed = False
        self._looked = 0.0
        #: When there was a coordinator last; how many have said that they end.
        self._heard: float | None = None
        self._coordinators_closed = 0
        self._refusals = Refusals()
        pair, own = keys.of_role("worker"), KeyPair.fresh()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            here = local_address(host, port)
            self._door = Door(self._context, _listening(listen, here), own)
            try:
                with kept(os.path.join(tempfile.gettempdir(), "mincer")):
                    self._folder = OwnedFolder()
                self._hands = Hands(slots, self._folder.path)
            except BaseException:
                self._door.close()
                raise
        except BaseException:
            self._context.destroy(linger=0)
            raise
        hello = frames.Hello(
            frames.PROTOCOL,
            *versions(),
            "worker",
            name or f"{platform.node()[:100]}-{os.getpid()}",
            slots=slots,
            address=_advertised(advertise, here, self._door.port),
            host=host_word(),
        )
        self.node = Node(hello, self._hands, self._open_depot)
        self._peers = Peers(self._context, own)
        address = endpoint(host, port)
        self._membership = Membership(
            self._context, address, pair, own, keys.server, self.node.line
        )
        #: The sockets that wake this process, and by which descriptor.
        self._watched: dict[zmq.Socket[bytes], int] = {}

    def _open_depot(self, told: frames.JobTold, me: int) -> JobDepot:
        code = os.path.join(self._folder.path, "code")
        is_near = self.node.reach.is_near if self._local_reads else None
        where = self._folder.path, code
        return JobDepot(told, me, *where, self._memory_bytes, is_near)

    # --- the loop

    def run(self) -> None:
        """Work until drained, stopped, refused (`RefusedError`) or, with `once`, until
        the coordinator is gone."""
        # Chunks are 1 MiB: given back and asked for again each time, the pages for them
        # cost as much as their encryption.
        keep_free_memory(_KEPT_BYTES)
        try:
            while not self._stop:
                self._turn()
                if self._has_left():
                    return
        finally:
            self.close()

    def _turn(self) -> None:
        self._drain_if_asked()
        self._communicate()
        self._look_for_coordinator(time.monotonic())
        if self._stop:
            return
        self._watch()
        for told in self._hands.wait(self._patience()):
            self.node.told(told, time.monotonic())
        now = time.monotonic()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            for _, _, ended in self._hands.sizes():
                if ended is not None:
                    self.node.told(ended, now)
        self._hands.send()
        for one in self._door.turn(now):
            self._refusals.add(one.address, one.why, now)
        for line in self._refusals.lines(now):
            self._tell(line)
        self._say_standing()

    def _communicate(self) -> None:
        """Hear all that has come and send all that is to be sent."""
        is_news = True
        while is_news:
            now = time.monotonic()
            is_news = False
            self._membership.turn(now)
            for message in self._membership.receive():
                is_news = True
                self.node.hear(message, now)
            self._door.admit(self.node.reach.peers)
            for question in self._door.questions():
                is_news = True
                for reply in self.node.asked(question.head):
                    self._door.reply(question, reply)
            for head, data in self._peers.replies():
                is_news = True
                self.node.pulled(head, data, now)
            self._peers.keep_only(set(self.node.reach.peers))
            self.node.ways_changed(*self._peers.turn(now), now)
            self.node.turn(now)
            for way, out in self.node.take_out():
                if way == 0:
                    self._membership.send(out)
                elif way is None:
                    self._membership.send_bulk(out)
                else:
                    self._peers.send(self.node.reach.peers[way], out, now)

    def _watch(self) -> None:
        """Be woken by the sockets that there are now."""
        now = {*self._door.sockets, *self._membership.sockets, *self._peers.sockets}
        for socket in self._watched.keys() - now:
            self._unwatch(socket)
        for socket in now - self._watched.keys():
            # One of our own: the number of a socket's may stand for the pipe of a new
            # child as soon as the socket is closed, which is before we are here.
            descriptor = self._watched[socket] = os.dup(int(socket.FD))
            self._hands.watch(descriptor)

    def _unwatch(self, socket: zmq.Socket[bytes]) -> None:
        descriptor = self._watched.pop(socket)
        self._hands.unwatch(descriptor)
        os.close(descriptor)

    def _patience(self) -> float:
        if any(map(_has_news, self._watched)):
            return 0.0
        now = time.monotonic()
        due = min(
            self._membership.deadline(),
            self._peers.deadline(),
            self._door.deadline(),
            self._refusals.deadline(),
            self.node.deadline(),
        )
        longest = _LOOK_S if self._hands.in_use else _IDLE_S
        return max(0.0, min(longest, due - now))

    def _say_standing(self) -> None:
        standing = self._membership.standing
        if standing is Standing.REFUSED:
            raise RefusedError(
                f"refused by {self._where}: {self._membership.why}",
                hint=self._membership.hint,
            )
        hello = self.node.line.hello
        times = f", life {hello.incarnation + 1}" if hello.incarnation else ""
        line = {
            Standing.WAITING: f"waiting for a coordinator at {self._where}",
            Standing.JOINING: f"joining {self._where}",
            Standing.JOINED: f"joined {self._where} as {hello.name}{times}",
        }[standing]
        if self._draining_until is not None:
            line = "draining: what has begun is finished, and nothing new is taken"
        if line != self._said:
            self._said = line
            self._tell(line)

    def _look_for_coordinator(self, now: float) -> None:
        """Tell when it has said that it ends; with `once`, leave when it is gone.

        Only after all that has come was heard: who was stopped for a while (SIGSTOP)
        has its beats still to read.
        """
        if self.node.closed > self._coordinators_closed:
            self._coordinators_closed = self.node.closed
            self._membership.coordinator_ends()
            self._said = f"the coordinator at {self._where} has ended"
            self._tell(self._said)
            if self._once:
                self._stop = True
        standing = self._membership.standing
        if standing is Standing.JOINING:
            self._heard = now
        elif standing is Standing.JOINED:
            self._heard = self.node.line.heard
        if self._once and self._heard is not None and now - self._heard > LEASE_S:
            self._stop = True

    # --- ends

    def drain(self, timeout_s: float) -> None:
        """Finish what has begun, for so long, and leave. May be called from any thread,
        and by a handler of signals; a second call stops at once."""
        if self._draining_until is not None:
            self.stop()
            return
        self._draining_until = time.monotonic() + timeout_s
        self._hands.wake()

    def _drain_if_asked(self) -> None:
        """Here and not by who asks for it, who may come in the middle of anything."""
        if self._draining_until is not None and not self._drains:
            self._drains = True
            self.node.drain(time.monotonic())

    def stop(self) -> None:
        """Leave at once. May be called from any thread."""
        self._stop = True
        self._hands.wake()

    def _has_left(self) -> bool:
        until = self._draining_until
        if until is None:
            return False
        now = time.monotonic()
        if self.node.has_left or self.node.line.welcome is None:
            if self.node.line.is_clear:
                return True
            if self._goodbye_until is None:
                self._goodbye_until = now + _GOODBYE_S
            until = min(until, self._goodbye_until)
        return now >= until

    def close(self) -> None:
        """End children and connections; nothing is left. Harmless when repeated."""
        if self._is_closed:
            return
        self._is_closed = True
        for socket in list(self._watched):
            self._unwatch(socket)
        self._hands.close()
        self._membership.close()
        self._peers.close()
        self._door.close()
        self.node.close()
        self._folder.remove()
        self._context.destroy(linger=0)


def _has_news(socket: zmq.Socket[bytes]) -> bool:
    return bool(int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)


def host_word() -> str:
    """A word that processes have in common if they see the same disks: those of one
    start of one machine (or container)."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        root: Any = os.stat("/")
        return f"{file.read().strip()}-{root.st_dev}-{root.st_ino}"
    return platform.node()


def _listening(listen: str | None, here: str) -> str:
    if listen is None:
        return endpoint(here, "*")
    host, colon, port = listen.rpartition(":")
    return endpoint(host or here, port) if colon else endpoint(port, "*")


def _advertised(advertise: str | None, here: str, port: int) -> str:
    if advertise is None:
        return endpoint(here, port)
    host, colon, given = advertise.rpartition(":")
    return endpoint(host or here, given) if colon else endpoint(given, port)
