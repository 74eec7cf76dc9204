"""The coordinator's process: the hub behind a ROUTER, and a gate before it."""

# Strategy: one thread owns hub and socket. A second one is pyzmq's, which answers ZAP
# by asking the gate; when it dies nobody can connect any more, and this one says so and
# stops. Strangers are watched (strangers.py), and who is refused is told of. Which
# connection belongs to whom is told by the `User-Id` that CURVE has proved
# for it, with each message; what a message says of its sender is believed of nobody.

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import zmq

from mincer.errors import JobError, UsageError
from mincer.net.descriptors import is_one_left, limit
from mincer.net.gate import AllowList, Gate
from mincer.net.guard import Guard, prove_guarded
from mincer.net.hub import Hub
from mincer.net.keys import KeyPair, Keys
from mincer.net.line import versions
from mincer.net.membership import ENROL
from mincer.net.owners import Keeping
from mincer.net.refusals import Refusals
from mincer.net.sockets import bind_router, place_of, port_of, user_of
from mincer.net.spool import Room
from mincer.net.strangers import Strangers
from mincer.wire.packets import GREETING, PULL, Message, kind_of

__all__ = ["CoordinatorProcess"]

_KEY_CHARS = 40
#: A connection that passes on nothing is made anew before a line over it is given up
#: (`LEASE_S`): the other end may only be stopped, or hear us badly. What comes here in
#: one message is a quarter of a chunk.
_MISSED_MS = 9000
_UNKNOWN_KEY = "its key is not known here: it was revoked, or is of another cluster"
_WEAK = (
    "the password is weak: whoever has recorded one greeting on the network can try "
    "others until one fits. Better is a key file (mincer keygen), or four random words."
)
_LOOK_S = 1.0
_DEFAULTS = Keeping()
#: At the end members have so long to hear of it, and are told so often.
_GOODBYE_S, _GOODBYE_EVERY_MS = 0.5, 20


class CoordinatorProcess:
    """Serves an address until it is closed.

    `allowed`: a folder of public keys that may join beside those of the secret.
    `keeping`: of results that wait for a driver. `tell`: is called with a line for
    people, as of who was refused and why; by the thread that serves.
    """

    def __init__(
        self,
        address: str,
        keys: Keys,
        allowed: str | None = None,
        keeping: Keeping = _DEFAULTS,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        if keys.coordinator is None:
            raise UsageError(
                "this key file is for one role, and a coordinator needs that of the "
                "cluster",
                hint="Make one:  mincer keygen FILE",
            )
        self._room = Room(keeping.bytes_max)
        self.hub = Hub(
            secrets.token_hex(8),
            versions(),
            now=time.monotonic(),
            open_spool=self._room.spool,
            keeping=keeping,
        )
        #: Why it has stopped, if it was not asked to.
        self.crash: BaseException | None = None
        self._gate = Gate()
        self._gate.allow_roles(keys)
        self._allowed = None if allowed is None else AllowList(allowed, self._gate)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._routes: dict[tuple[str, bool], bytes] = {}
        self._closing = False
        self._looked = 0.0
        self._tell = tell
        self._refusals = Refusals()
        self._wrong: dict[str, str] = {}
        self._is_full = False
        self._guard = Guard(self._context, self._gate)
        try:
            self._router, self.endpoint = self._bind(address, keys.coordinator)
            prove_guarded(self._context, self.endpoint, keys.coordinator.public)
            self._guard.take_refused()  # that was this process itself
            self._strangers = Strangers(self._context, self._router)
            self.hub.desk.address = place_of(self.endpoint)
        except BaseException:
            self._guard.stop()
            self._context.destroy(linger=0)
            raise
        if keys.are_weak:
            tell(_WEAK)
        self._bell = self._context.socket(zmq.PAIR)
        self._bell.bind(f"inproc://bell-{id(self)}")
        self._ringer = self._context.socket(zmq.PAIR)
        self._ringer.connect(f"inproc://bell-{id(self)}")
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return port_of(self.endpoint)

    def _bind(self, address: str, pair: KeyPair) -> tuple[Any, str]:
        try:
            return bind_router(self._context, address, pair, _MISSED_MS)
        except zmq.ZMQError as error:
            raise UsageError(
                f"cannot listen on {address}: {error.strerror}",
                hint="Does another coordinator run there? Another port:  HOST:PORT",
            ) from error

    # --- the loop

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="mincer-coordinator")
        self._thread.daemon = True
        self._thread.start()

    def _run(self) -> None:
        try:
            self.serve()
        except BaseException as error:
            self.crash = error

    def serve(self, until: Callable[[], bool] = lambda: False) -> None:
        """Serve in this thread, until closed or `until` says so."""
        poller = zmq.Poller()
        # Named: without it, POLLOUT is waited for too, and is always there.
        for socket in (self._router, self._bell, self._strangers.monitor):
            poller.register(socket, zmq.POLLIN)
        try:
            while not self._closing and not until():
                now = time.monotonic()
                due = (
                    self.hub.deadline(now),
                    self._strangers.deadline(),
                    self._refusals.deadline(),
                )
                wait_s = max(0.0, min(due) - now)
                poller.poll(int(wait_s * 1000) + (wait_s > 0))
                while self._bell.poll(0):
                    self._bell.recv()
                self._turn()
        finally:
            try:
                self._say_goodbye()
            finally:
                self._end()

    def _turn(self) -> None:
        if not self._guard.is_alive:
            raise JobError(
                "the thread that checks keys has died: nobody can connect any more, so "
                "this coordinator stops"
            )
        is_all_read = False
        for _ in range(200):  # what is due must not wait for a flood
            try:
                parts = self._router.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                is_all_read = True
                break
            self._strangers.heard(parts[-1])
            self._hear(parts)
        now = time.monotonic()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            self._look_at_allowed()
            self._look_at_descriptors()
        self.hub.turn(now)
        self._send()
        for key in self.hub.take_left():
            # Or a coordinator that stands for long would be full of keys.
            self._gate.forbid(key)
            for is_bulk in (False, True):
                self._routes.pop((key, is_bulk), None)
        self._tell_refusals(is_all_read, now)

    def _tell_refusals(self, is_all_read: bool, now: float) -> None:
        """Say who was not let in, and why."""
        for one in self._strangers.turn(now, is_all_read):
            self.hub.refused += 1
            self._refusals.add(one.address, one.why, now)
        for address in self._guard.take_refused():
            self.hub.refused += 1
            self._refusals.add(address, _UNKNOWN_KEY, now)
        for name, why in self.hub.take_refused():
            self._refusals.add(name, why, now)
        for line in self._refusals.lines(now):
            self._tell(line)

    def _hear(self, parts: list[zmq.Frame]) -> None:
        if len(parts) < 2:
            return
        key = user_of(parts[-1])
        route = parts[0].bytes
        message: Message = [part.buffer for part in parts[1:]]
        right = self._gate.right(key)
        if right is None:
            return  # it was cut off, and its connection is there still
        if right.may_enrol:
            self._enrol(key, parts)
            return
        self._routes[key, kind_of(message) == PULL] = route
        self.hub.hear(key, right.role, message, time.monotonic())

    def _enrol(self, by: str, parts: list[zmq.Frame]) -> None:
        """A key of a role may say one thing: the key by which it is known from now."""
        route, data = parts[0].bytes, parts[1].bytes
        if len(parts) != 2 or data[:1] != ENROL or len(data) != 1 + _KEY_CHARS:
            self.hub.dropped += 1
            return
        key = data[1:].decode("ascii", "replace")
        is_enrolled = self._gate.enrol(key, by, self._forget)
        answer = b"ok" if is_enrolled else b"no"
        if not is_enrolled:
            who = str(parts[1].get("Peer-Address")).removeprefix("::ffff:")
            why = "too many are here by its key, or it is somebody else already"
            self._refusals.add(who, why, time.monotonic())
        with contextlib.suppress(zmq.ZMQError):
            self._router.send_multipart([route, ENROL + answer], zmq.DONTWAIT)

    def _forget(self, key: str) -> bool:
        """Forget the way to this key; False: its process is here."""
        if self.hub.members.of_key(key) is not None:
            return False
        for is_bulk in (False, True):
            self._routes.pop((key, is_bulk), None)
        return True

    def _send(self) -> None:
        while out := self.hub.take_out():
            for key, is_bulk, message in out:
                route = self._routes.get((key, is_bulk))
                if route is None:
                    continue
                try:
                    self._router.send_multipart([route, *message], zmq.DONTWAIT)
                except zmq.Again:
                    pass  # it is full: it will ask again
                except zmq.ZMQError:  # there is no such connection
                    del self._routes[key, is_bulk]
                    if not is_bulk:
                        self.hub.closed(key, time.monotonic())

    def _look_at_allowed(self) -> None:
        if self._allowed is None:
            return
        for key in self._allowed.look():
            name = self.hub.cut_off(key, "its key was taken off the list")
            if name:
                self._tell(f"cut off {name}: its key was taken off the list")
        for path, why in self._allowed.wrong.items():
            if self._wrong.get(path) != why:
                self._tell(f"lets nobody in for {path}: {why}")
        self._wrong = dict(self._allowed.wrong)

    def _look_at_descriptors(self) -> None:
        is_full = not is_one_left()
        if is_full and not self._is_full:
            self._tell(
                f"has all {limit()} descriptors in use that it may have, and lets in "
                "nobody until some are free (ulimit -n gives more)"
            )
        self._is_full = is_full

    # --- ends

    def wake(self) -> None:
        """Make the loop turn. May be called from any thread."""
        with self._lock, contextlib.suppress(zmq.ZMQError):
            self._ringer.send(b"", zmq.DONTWAIT)

    def close(self) -> None:
        """Stop serving; nothing is left when this returns."""
        self._closing = True
        if self._thread is None:
            self._end()
        elif self._thread is not threading.current_thread():
            self.wake()
            self._thread.join()

    def _say_goodbye(self) -> None:
        """Tell all that this coordinator ends, until they have heard it or are gone.

        A connection that is closed takes with it what was not read of it yet, so to
        send it is not enough. Who has heard it greets: for him a new life begins.
        """
        members = self.hub.members
        end = time.monotonic() + _GOODBYE_S
        while len(members) and time.monotonic() < end:
            self.hub.close()
            self._send()
            wait_ms = _GOODBYE_EVERY_MS
            while self._router.poll(wait_ms) and time.monotonic() < end:
                _, *message = self._router.recv_multipart(copy=False)
                member = members.of_key(user_of(message[-1])) if message else None
                if member is not None and kind_of([message[0].buffer]) == GREETING:
                    members.remove(member)
                wait_ms = 0
            for member in members:
                if member.closed_since is not None:
                    members.remove(member)

    def _end(self) -> None:
        if not self._context.closed:
            self._strangers.close()
            self._guard.stop()
            with self._lock:  # who rings meanwhile would have his socket taken away
                self._context.destroy(linger=0)
            self._room.close()
