"""One connection to one address: what became of it is said, and it is made again."""

# Strategy: a DEALER of libzmq reconnects by itself, and says nothing: not when it was
# refused (the socket is dead then, and takes messages all the same), nor when the other
# end has another key (it tries again four times a second, for ever), nor when one byte
# on the way was not as it should be (dead again). So its monitor is heard, and a socket
# that has lost its connection, for whatever reason, is thrown away; only the search for
# somebody who listens is left to libzmq. It looks a name up each time, and knows one
# kind of address only: so those of a name are tried in turn, IPv6 and IPv4.

from __future__ import annotations

import contextlib
import errno
import ipaddress
from enum import Enum

import zmq
from zmq.utils.monitor import recv_monitor_message

from mincer.net.keys import KeyPair
from mincer.net.sockets import make_dealer, place_of
from mincer.wire.packets import Message

__all__ = ["Connection", "State"]

_WATCHED = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_CONNECT_RETRIED
)
_WAIT_S_MIN, _WAIT_S_MAX = 0.25, 10.0
_LOOK_S = 0.001
#: The other end has hung up in the middle of the handshake: it could make nothing of
#: what it was told. Any other reason is that nothing came in time: it is busy.
_HUNG_UP = {errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED}


class State(Enum):
    """What is known of a connection."""

    #: Nobody is there, or not yet.
    NOWHERE = "nowhere"
    UP = "up"
    #: The other end knows our key, and does not want it.
    REFUSED = "refused"
    #: The other end has not the key that it should have, or does not speak ZeroMQ.
    WRONG_KEY = "wrong key"


class Connection:
    """A DEALER that is made anew when it has to be. Not thread-safe."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        address: str,
        keys: KeyPair,
        server: bytes,
    ) -> None:
        self.address = address
        self.keys = keys
        self.state = State.NOWHERE
        #: Counts up with every handshake that went well.
        self.ups = 0
        #: Handshakes in a row that did not, since this one's key or theirs is wrong.
        self.failures = 0
        self._context = context
        self._server = server
        self._ipv6, self._is_name = True, _is_name(address)
        self._wait_s = _WAIT_S_MIN
        self._open_at = 0.0
        #: When it is looked again if what was shaken can be written to; None: it can.
        self._look_at: float | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None

    @property
    def sockets(self) -> list[zmq.Socket[bytes]]:
        """What has to be polled."""
        return [one for one in (self._socket, self._monitor) if one is not None]

    @property
    def is_up(self) -> bool:
        return self.state is State.UP

    def use(self, keys: KeyPair) -> None:
        """Connect with these keys from now on."""
        self.keys = keys
        self.failures = 0
        self._close()
        self._open_at = 0.0
        self.state = State.NOWHERE

    def turn(self, now: float) -> None:
        """Hear what became of the connection; make one when that is due."""
        if self._socket is None and now >= self._open_at:
            self._open(now)
        while self._monitor is not None and self._monitor.poll(0):
            told = recv_monitor_message(self._monitor)
            self._heard(told["event"], told["value"], now)
        if self._look_at is not None and self._socket is not None:
            self._look(now, self._socket)

    def _look(self, now: float, socket: zmq.Socket[bytes]) -> None:
        """The handshake is told a moment before the socket takes messages: what was
        sent in between was lost, and a second with it, until somebody asked again."""
        if int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLOUT:
            self._look_at = None
            self.state = State.UP
            self.ups += 1
        else:
            self._look_at = now + _LOOK_S

    def deadline(self) -> float:
        """When `turn` is due, if nothing comes before."""
        if self._look_at is not None:
            return self._look_at
        return self._open_at if self._socket is None else float("inf")

    def send(self, message: Message) -> bool:
        """False: there is no connection, or it is full; the message is lost."""
        if self._socket is None or not self.is_up:
            return False
        try:
            self._socket.send_multipart(message, zmq.DONTWAIT, copy=len(message) == 1)
        except zmq.ZMQError:
            return False
        return True

    def receive(self) -> Message | None:
        """A message, if there is one."""
        if self._socket is None:
            return None
        try:
            return [
                one.buffer
                for one in self._socket.recv_multipart(zmq.DONTWAIT, copy=False)
            ]
        except zmq.ZMQError:
            return None

    def close(self) -> None:
        self._close()
        self._open_at = float("inf")
        self.state = State.NOWHERE

    def _open(self, now: float) -> None:
        self._socket = make_dealer(
            self._context, self.keys, self._server, ipv6=self._ipv6
        )
        self._monitor = self._socket.get_monitor_socket(_WATCHED)
        try:
            self._socket.connect(self.address)
        except zmq.ZMQError:  # it is no address, or not one that is known now
            self._again(State.NOWHERE, now)

    def _heard(self, event: int, value: int, now: float) -> None:
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._look_at = now
            self.failures = 0
            self._wait_s = _WAIT_S_MIN
        elif event == zmq.EVENT_CONNECT_RETRIED:
            if self._is_name:
                self._ipv6 = not self._ipv6
                self._again(State.NOWHERE, now)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self._fail(State.REFUSED, now)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
            self._fail(State.WRONG_KEY, now)
        elif (
            (event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL and value not in _HUNG_UP)
            or self.state is State.UP
            or self._look_at is not None
        ):
            self._again(State.NOWHERE, now)
        else:  # it hung up, or what it says is not ZeroMQ
            self._fail(State.WRONG_KEY, now)

    def _fail(self, state: State, now: float) -> None:
        self.failures += 1
        self._again(state, now)

    def _again(self, state: State, now: float) -> None:
        """Throw the socket away, and make another one in a while."""
        self.state = state
        self._close()
        self._open_at = now + self._wait_s
        self._wait_s = min(2 * self._wait_s, _WAIT_S_MAX)

    def _close(self) -> None:
        self._look_at = None
        if self._socket is None:
            return
        with contextlib.suppress(zmq.ZMQError):
            self._socket.disable_monitor()
        if self._monitor is not None:
            self._monitor.close(0)
        self._socket.close(0)
        self._socket = self._monitor = None


def _is_name(address: str) -> bool:
    """True when the host of this endpoint is to be looked up."""
    host = place_of(address).rpartition(":")[0]
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return True
    return False
