"""The coordinator's process: the hub behind a ROUTER, and a gate before it."""

# Strategy: one thread owns hub and socket. A second one is pyzmq's, which answers ZAP
# by asking the gate; when it dies nobody can connect any more, and this one says so and
# stops. Which connection belongs to whom is told by the `User-Id` that CURVE has proved
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
from mincer.net.gate import AllowList, Gate
from mincer.net.guard import Guard
from mincer.net.hub import Hub
from mincer.net.keys import KeyPair, Keys
from mincer.net.line import versions
from mincer.net.membership import ENROL
from mincer.net.owners import Keeping
from mincer.net.sockets import bind_router, make_dealer, place_of, port_of, user_of
from mincer.net.spool import Room
from mincer.wire.packets import GREETING, PULL, Message, kind_of

__all__ = ["CoordinatorProcess"]

_KEY_CHARS = 40
#: How long a stranger's handshake is given, at the start, to be refused.
_SELF_TEST_S = 3.0
_LOOK_S = 1.0
_DEFAULTS = Keeping()
#: At the end members have so long to hear of it, and are told so often.
_GOODBYE_S, _GOODBYE_EVERY_MS = 0.5, 20


class CoordinatorProcess:
    """Serves an address until it is closed.

    `allowed`: a folder of public keys that may join beside those of the secret.
    `keeping`: of results that wait for a driver.
    """

    def __init__(
        self,
        address: str,
        keys: Keys,
        allowed: str | None = None,
        keeping: Keeping = _DEFAULTS,
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
        self._guard = Guard(self._context, self._gate)
        try:
            self._router, self.endpoint = self._bind(address, keys.coordinator)
            self._refuse_strangers(keys.coordinator.public)
            self._refused = self._gate.refused
            self.hub.desk.address = place_of(self.endpoint)
        except BaseException:
            self._end()
            raise
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
            return bind_router(self._context, address, pair)
        except zmq.ZMQError as error:
            raise UsageError(
                f"cannot listen on {address}: {error.strerror}",
                hint="Does another coordinator run there? Another port:  HOST:PORT",
            ) from error

    def _refuse_strangers(self, server: bytes) -> None:
        """Dial the own port with a key that nobody knows: it must be refused."""
        address = f"tcp://127.0.0.1:{self.port}"
        if "127.0.0.1" not in self.endpoint and "0.0.0.0" not in self.endpoint:
            address = self.endpoint
        stranger = make_dealer(self._context, KeyPair.fresh(), server)
        wanted = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        monitor = stranger.get_monitor_socket(wanted)
        stranger.connect(address)
        try:
            from zmq.utils.monitor import recv_monitor_message

            event = None
            if monitor.poll(int(_SELF_TEST_S * 1000)):
                event = recv_monitor_message(monitor)["event"]
            if event != zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                raise JobError(
                    "this coordinator does not refuse strangers, and so does not start "
                    f"({'it let one in' if event else 'it gave no answer'})"
                )
        finally:
            stranger.disable_monitor()
            monitor.close(0)
            stranger.close(0)

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
        poller.register(self._router, zmq.POLLIN)
        poller.register(self._bell, zmq.POLLIN)
        try:
            while not self._closing and not until():
                now = time.monotonic()
                wait_s = max(0.0, self.hub.deadline(now) - now)
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
        refused = self._gate.refused
        self.hub.refused += refused - self._refused
        self._refused = refused
        for _ in range(200):  # what is due must not wait for a flood
            try:
                parts = self._router.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                break
            self._hear(parts)
        now = time.monotonic()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            self._look_at_allowed()
        self.hub.turn(now)
        self._send()
        for key in self.hub.take_left():
            # Or a coordinator that stands for long would be full of keys.
            self._gate.forbid(key)
            for is_bulk in (False, True):
                self._routes.pop((key, is_bulk), None)

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
            self._enrol(key, route, message)
            return
        self._routes[key, kind_of(message) == PULL] = route
        self.hub.hear(key, right.role, message, time.monotonic())

    def _enrol(self, by: str, route: bytes, message: Message) -> None:
        """A key of a role may say one thing: the key by which it is known from now."""
        data = bytes(message[0])
        if len(message) != 1 or data[:1] != ENROL or len(data) != 1 + _KEY_CHARS:
            self.hub.dropped += 1
            return
        key = data[1:].decode("ascii", "replace")
        answer = b"ok" if self._gate.enrol(key, by) else b"no"
        with contextlib.suppress(zmq.ZMQError):
            self._router.send_multipart([route, ENROL + answer], zmq.DONTWAIT)

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
            self.hub.cut_off(key, "its key was taken off the list")

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
            self._guard.stop()
            self._context.destroy(linger=0)
            self._room.close()
