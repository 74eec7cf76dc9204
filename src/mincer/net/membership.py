"""How a worker or driver is there: enrolled, connected, and again when that ends."""

# Strategy: the key of a role opens the door and does nothing else: over it the process
# enrols a key pair that it has made for this life, and connects with that, twice. One
# connection is for the line, the other for what is pulled, so that no beat waits behind
# a chunk. A coordinator that does not know the key is a new one: enrol again.

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import zmq

from mincer.net.connection import Connection, State
from mincer.net.keys import KeyPair
from mincer.net.line import Line
from mincer.wire import pulls
from mincer.wire.packets import Message

__all__ = ["ENROL", "Membership", "Standing"]

#: The first byte of what a role's key says, and of the answer.
ENROL = b"E"
#: After so many refusals in a row it is not by chance.
_REFUSALS_MAX = 4
_ASK_S = 1.0
#: What helps against each refusal, by its code.
_HINTS = {
    "version": "Install the same mincer and Python here as the coordinator has.",
    "role": "Give the key file that was made for this role.",
    "revoked": "Ask who runs the coordinator for a new key file (mincer keygen).",
    "address": "Say where they can:  mincer worker --advertise HOST:PORT",
    "full": "Wait until others have left.",
}


class Standing(Enum):
    """Where a process stands with its coordinator."""

    WAITING = "waiting for a coordinator"
    JOINING = "joining"
    JOINED = "joined"
    #: It will not be let in; see `Membership.why`.
    REFUSED = "refused"


class Membership:
    """The connections of one process to its coordinator. Not thread-safe.

    `role`: the pair that opens the door; `own`: the one of this life; `server`: the
    coordinator's public key.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        address: str,
        role: KeyPair,
        own: KeyPair,
        server: bytes,
        line: Line,
    ) -> None:
        self.line = line
        self._own = own
        self._door = Connection(context, address, role, server)
        self._control = Connection(context, address, own, server)
        self._bulk = Connection(context, address, own, server)
        self._is_enrolled = False
        self._asked = -1e9
        self._ups = (0, 0)
        #: How often the connection had come up when this key was enrolled, and when the
        #: coordinator said that it ends.
        self._ups_before, self._ups_at_end = 0, -1
        self._why = ""

    @property
    def sockets(self) -> list[zmq.Socket[bytes]]:
        """What has to be polled."""
        return [
            socket
            for one in (self._door, self._control, self._bulk)
            for socket in one.sockets
        ]

    @property
    def standing(self) -> Standing:
        if self.why:
            return Standing.REFUSED
        is_greeted = self.line.welcome is not None and self.line.is_greeted
        if is_greeted and self._control.is_up:
            return Standing.JOINED
        if self._is_enrolled and self._control.ups == self._ups_before:
            return Standing.JOINING
        is_up = self._control.is_up and self._control.ups != self._ups_at_end
        return Standing.JOINING if self._door.is_up or is_up else Standing.WAITING

    @property
    def why(self) -> str:
        """Why this process is not let in; empty: it may be."""
        if self.line.refused is not None:
            return self.line.refused.why
        if self._why or self._door.failures < _REFUSALS_MAX:
            return self._why
        if self._door.state is State.REFUSED:
            return (
                "the coordinator does not know this key: it was revoked, or is that of "
                "another cluster"
            )
        return (
            "what listens there has not the key of this cluster: another password or "
            "key file, or no mincer coordinator"
        )

    @property
    def hint(self) -> str:
        """What to do when this process is not let in."""
        refused = self.line.refused
        if refused is not None:
            return _HINTS.get(refused.code, "")
        if self._why:
            return _HINTS["full"]
        return "Give the same password or key file as the coordinator has."

    def coordinator_ends(self) -> None:
        """It has said so: of this connection nothing more will come."""
        self._ups_at_end = self._control.ups

    def turn(self, now: float) -> None:
        """Do what is due about the connections."""
        if not self._is_enrolled:
            self._door.turn(now)
            if self._door.is_up and now - self._asked >= _ASK_S:
                self._asked = now
                self._door.send([ENROL + self._own.public])
            return
        for one in (self._control, self._bulk):
            one.turn(now)
        if self._control.state in (State.REFUSED, State.WRONG_KEY):
            self._is_enrolled = False
            self._asked = -1e9
            self._door.use(self._door.keys)
            self._control.use(self._own)
            self._bulk.use(self._own)
            return
        ups = self._control.ups, self._bulk.ups
        if ups[1] > self._ups[1]:
            self._bulk.send(pulls.write_pull(pulls.Close(0, 0, 0)))
        if ups[0] > self._ups[0] or (ups > self._ups and self.line.welcome is None):
            self.line.connected()
        self._ups = ups

    def receive(self) -> Iterator[Message]:
        """What has come."""
        while (answer := self._door.receive()) is not None:
            data = bytes(answer[0])
            if data == ENROL + b"ok":
                self._is_enrolled = True
                self._ups_before = self._control.ups
                self._door.close()
            elif data == ENROL + b"no":
                self._why = "the coordinator does not enrol any more processes"
        for one in (self._control, self._bulk):
            while (message := one.receive()) is not None:
                yield message

    def deadline(self) -> float:
        """When `turn` is due, if nothing comes before."""
        if not self._is_enrolled:
            return self._asked + _ASK_S if self._door.is_up else self._door.deadline()
        return min(self._control.deadline(), self._bulk.deadline())

    def send(self, message: Message) -> bool:
        """Send what belongs to the line."""
        if self.line.welcome is None and not self._bulk.is_up:
            # Who is welcomed is given work at once, and must be able to pull for it.
            return False
        return self._control.send(message)

    def send_bulk(self, message: Message) -> bool:
        """Send what is to be passed on."""
        return self._bulk.send(message)

    def close(self) -> None:
        for one in (self._door, self._control, self._bulk):
            one.close()
