"""Those who have connected and not proved anything: few, watched, and not for long."""

# Strategy: libzmq accepts whoever connects, gives him three seconds for his handshake,
# and keeps for him a message of any size that is allowed. Ten thousand of them would
# have all descriptors and ten GB. It has no limits for that, but a monitor, which tells
# the descriptor of each connection when it begins and when it ends; and a message tells
# by which one it came. So it is known who has never said anything that was understood.
# Of those only so many may be here, and each may have sent only so much: who is beyond
# that is hung up on by a `shutdown` of his connection, which libzmq then ends itself.
#
# Another connection may have got the number of a descriptor meanwhile, even one of the
# user's own. So it is held by a duplicate, and looked at, before anything is done to
# it; the number of the duplicate is reserved, for when there are no descriptors left.
#
# The monitor's pipe has no bound here: a full one would stop the thread that all
# connections share. And what the C library keeps of the room for messages that nobody
# will have is given back to the system.

from __future__ import annotations

import contextlib
import errno
import os
import socket as sockets
import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import zmq
from zmq.utils.monitor import recv_monitor_message

from mincer.libc import c_function
from mincer.net.descriptors import limit
from mincer.net.sockets import port_of

__all__ = ["Rejected", "Strangers"]

#: So many at a time; a thousand workers may come at once, after a cut.
_STRANGERS_MAX = 1000
#: What is sent in a handshake and a greeting is 2 kB. More is read only by accident,
#: when the one who reads is late: so it is looked twice.
_SAID_BYTES_MAX = 65_536
_LOOK_S = 0.05
#: A greeting and CURVE's first command; if that makes no sense, libzmq hangs up itself.
_BEGUN_BYTES = 64 + 202
#: So many are looked at for one that is idle.
_OLDEST = 50
_TRIM_S = 1.0
#: Of Linux' `tcp_info`: the bytes that have come on a connection.
_TCP_INFO_AT = 128
_TCP_INFO = struct.Struct("=Q")

_WATCHED = (
    zmq.EVENT_ACCEPTED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_DISCONNECTED
)
#: As libzmq numbers what is wrong with a handshake (ZMQ_PROTOCOL_ERROR_…).
_CRYPTOGRAPHIC, _MECHANISM = 0x11000001, 0x11000002

_OTHER_SECRET = "it does not know this coordinator's key: another password or key file"
_OPEN_TEXT = "it does not encrypt"
_NOT_ZEROMQ = "what it says is not ZeroMQ, or too much at once"
_SILENT = "it did not finish its handshake in time"
_LEFT = "it left in the middle of the handshake"
_TOO_MANY = "too many have connected and said nothing"
_TOO_LOUD = "it sent more than anybody may who has not proved who he is"


class Rejected(NamedTuple):
    """Somebody who was not let in; not one whose key is not known."""

    address: str
    why: str


class _Stranger:
    def __init__(self, address: str) -> None:
        self.address = address
        self.is_loud = False
        #: Why he was hung up on.
        self.why = ""


class Strangers:
    """The strangers at one bound socket. One thread owns both."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        socket: zmq.Socket[bytes],
        most: int | None = None,
    ) -> None:
        self._bound = socket
        endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._port = port_of(endpoint)
        is_local = endpoint.startswith(("tcp://127.", "tcp://[::1]"))
        #: Who has left before he could be looked at.
        self._somebody = "this machine" if is_local else "somebody"
        self._most = most or min(_STRANGERS_MAX, limit() // 3)
        #: By descriptor, who came first stands first.
        self._waiting: dict[int, _Stranger] = {}
        self._leaving: dict[int, _Stranger] = {}
        #: Descriptors by which something has come.
        self._known: set[int] = set()
        self._rejected: list[Rejected] = []
        self._why = ""
        self._denied = 0
        self._looked = self._trimmed = 0.0
        self._was_loud = False
        self._null = os.open(os.devnull, os.O_RDONLY)
        self._spare = os.dup(self._null)
        address = f"inproc://strangers-{id(self)}"
        socket.monitor(address, _WATCHED)
        #: What has to be polled.
        self.monitor: zmq.Socket[bytes] = context.socket(zmq.PAIR)
        self.monitor.setsockopt(zmq.RCVHWM, 0)
        self.monitor.connect(address)

    def __len__(self) -> int:
        return len(self._waiting)

    def heard(self, frame: zmq.Frame) -> None:
        """This has come, so who sent it is known."""
        number = int(frame.get(zmq.SRCFD))
        if number not in self._known:
            self._listen()  # or he would be taken for a stranger afterwards
            self._waiting.pop(number, None)
            self._known.add(number)

    def turn(self, now: float, is_all_read: bool = True) -> list[Rejected]:
        """Do what is due; return who was refused. `is_all_read`: `heard` was told of
        all that has come."""
        self._listen()
        while len(self._waiting) > self._most:
            self._hang_up(self._idler(), _TOO_MANY)
        if self._waiting and is_all_read and now - self._looked >= _LOOK_S:
            self._looked = now
            for number, stranger in list(self._waiting.items()):
                if self._said_bytes(number) <= _SAID_BYTES_MAX:
                    stranger.is_loud = False
                elif stranger.is_loud:
                    self._hang_up(number, _TOO_LOUD)
                    self._was_loud = True
                else:
                    stranger.is_loud = True
        if self._was_loud and now - self._trimmed >= _TRIM_S:
            self._was_loud = bool(self._leaving)
            self._trimmed = now
            trim = c_function("malloc_trim", "N")
            if trim is not None:
                trim(0)
        rejected, self._rejected = self._rejected, []
        return rejected

    def deadline(self) -> float:
        """When `turn` is due, if nothing comes before."""
        look = self._looked + _LOOK_S if self._waiting else float("inf")
        return min(look, self._trimmed + _TRIM_S) if self._was_loud else look

    def close(self) -> None:
        """Before the socket is closed."""
        if not self.monitor.closed:
            with contextlib.suppress(zmq.ZMQError):
                self._bound.disable_monitor()
            self.monitor.close(0)
            os.close(self._spare)
            os.close(self._null)

    # --- what the monitor tells

    def _listen(self) -> None:
        while self.monitor.poll(0):
            told = recv_monitor_message(self.monitor)
            self._happened(told["event"], told["value"])

    def _happened(self, event: int, value: int) -> None:
        if event == zmq.EVENT_ACCEPTED:
            self._known.discard(value)
            self._waiting[value] = _Stranger(self._address(value))
        elif event == zmq.EVENT_DISCONNECTED:
            self._known.discard(value)
            gone = self._gone(value)
            if gone is not None:
                self._rejected.append(gone)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self._denied += 1  # he is told so, and then he goes
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            hung_up = value in (errno.EPIPE, errno.ECONNRESET)
            self._why = _LEFT if hung_up else _SILENT
        else:
            known = {_CRYPTOGRAPHIC: _OTHER_SECRET, _MECHANISM: _OPEN_TEXT}
            self._why = known.get(value, _NOT_ZEROMQ)

    def _gone(self, number: int) -> Rejected | None:
        """A connection has ended; if a handshake has failed, that was told just now."""
        why, self._why = self._why, ""
        hung_up = self._leaving.pop(number, None)
        if hung_up is not None:
            return Rejected(hung_up.address, hung_up.why)
        stranger = self._waiting.pop(number, None)
        if stranger is None:
            return None
        if not why and self._denied:
            self._denied -= 1
            return None  # the guard knows of him
        return Rejected(stranger.address, why or _NOT_ZEROMQ)

    # --- what the system tells of a connection

    @contextlib.contextmanager
    def _held(self, number: int) -> Iterator[sockets.socket | None]:
        """The connection with this descriptor, if it still is one to this port."""
        found = None
        try:
            with contextlib.suppress(OSError):  # it is closed, or no socket
                os.dup2(number, self._spare, inheritable=False)
                found = sockets.socket(fileno=self._spare)
            yield found if found is not None and self._is_ours(found) else None
        finally:
            if found is not None:
                found.detach()
            os.dup2(self._null, self._spare, inheritable=False)

    def _is_ours(self, line: sockets.socket) -> bool:
        name = line.getsockname()
        return isinstance(name, tuple) and name[1] == self._port

    def _address(self, number: int) -> str:
        with self._held(number) as line, contextlib.suppress(OSError):
            if line is not None:
                name: Any = line.getpeername()
                return str(name[0]).removeprefix("::ffff:")
        return self._somebody

    def _said_bytes(self, number: int) -> int:
        """How much has come on this connection; 0 where the system does not tell."""
        with self._held(number) as line, contextlib.suppress(OSError, AttributeError):
            if line is not None:
                wanted = _TCP_INFO_AT + _TCP_INFO.size
                data = line.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, wanted)
                if len(data) == wanted:
                    return int(_TCP_INFO.unpack_from(data, _TCP_INFO_AT)[0])
        return 0

    def _idler(self) -> int:
        """Of the oldest, one who has not even begun a handshake: it may be that one who
        will be no stranger is among them, and his has gone that far at once."""
        oldest = list(islice(self._waiting, _OLDEST))
        idle = (one for one in oldest if self._said_bytes(one) < _BEGUN_BYTES)
        return next(idle, oldest[0])

    def _hang_up(self, number: int, why: str) -> None:
        stranger = self._waiting.pop(number)
        with self._held(number) as line, contextlib.suppress(OSError):
            if line is not None:
                stranger.why = why
                self._leaving[number] = stranger
                line.shutdown(sockets.SHUT_RDWR)
