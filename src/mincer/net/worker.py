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

__all__ = ["WorkerProcess", "host_word"]

_LOOK_S = 0.05
#: While nothing runs it is looked at the clock so often.
_IDLE_S = 0.5
#: How long what was said last is waited to be heard, before leaving.
_GOODBYE_S = 2.0


class WorkerProcess:
    """One worker, until it is told to leave.

    `listen`: where others pull from it, HOST:PORT; by default a free port of the
    address by which it reaches the coordinator. `advertise`: what others are told
    instead. `once`: leave when the coordinator is gone. `tell`: is called with one line
    whenever what the worker does has changed.
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
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._memory_bytes = memory_bytes
        self._once = once
        self._tell = tell
        self._said = ""
        self._where = f"{host}:{port}"
        self._draining_until: float | None = None
        self._stop = False
        self._looked = 0.0
        self._refusals = Refusals()
        own = KeyPair.fresh()
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
        pair = keys.of_role("worker")
        address = endpoint(host, port)
        self._membership = Membership(
            self._context, address, pair, own, keys.server, self.node.line
        )
        self._watched: dict[int, zmq.Socket[bytes]] = {}

    def _open_depot(self, told: frames.JobTold, me: int) -> JobDepot:
        code = os.path.join(self._folder.path, "code")
        return JobDepot(told, me, self._folder.path, code, self._memory_bytes)

    # --- the loop

    def run(self) -> None:
        """Work until drained, stopped or refused (`RefusedError`)."""
        try:
            while not self._stop:
                self._turn()
                if self._has_left():
                    return
        finally:
            self.close()

    def _turn(self) -> None:
        self._communicate()
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
            for number in self._peers.turn(now):
                self.node.unreachable(number, now)
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
        sockets = [
            *self._door.sockets,
            *self._membership.sockets,
            *self._peers.sockets,
        ]
        now = {int(socket.FD): socket for socket in sockets}
        # Numbers of descriptors return, so it is looked whose they are.
        for descriptor, socket in self._watched.items():
            if now.get(descriptor) is not socket:
                self._hands.unwatch(descriptor)
        for descriptor, socket in now.items():
            if self._watched.get(descriptor) is not socket:
                self._hands.watch(descriptor)
        self._watched = now

    def _patience(self) -> float:
        if any(map(_has_news, self._watched.values())):
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
        line = {
            Standing.WAITING: f"waiting for a coordinator at {self._where}",
            Standing.JOINING: f"joining {self._where}",
            Standing.JOINED: f"joined {self._where} as {self.node.line.hello.name}",
        }[standing]
        if self._draining_until is not None:
            line = "draining: what has begun is finished, and nothing new is taken"
        if line != self._said:
            self._said = line
            self._tell(line)

    # --- ends

    def drain(self, timeout_s: float) -> None:
        """Finish what has begun, for so long, and leave. May be called by a handler of
        signals; a second call stops at once."""
        if self._draining_until is not None:
            self.stop()
            return
        self._draining_until = time.monotonic() + timeout_s
        self.node.drain(time.monotonic())
        self._hands.wake()

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
            until = min(until, now if self.node.line.is_clear else until)
        return now >= until

    def close(self) -> None:
        """End children and connections; nothing is left."""
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
