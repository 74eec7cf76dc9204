"""The way from member to member: a door of one's own, and the doors of others."""

# Strategy: a worker serves what it keeps at a port of its own, and lets in those of
# whom the coordinator has told it, by their keys. It goes to others when it pulls from
# them. Who cannot be reached is found out by trying: a connection that does not come
# up, or is refused again and again, is reported, and the pulls go by way of the
# coordinator. It is tried on, and when it comes up after all, that is reported, too:
# a cable that was out for a minute is no reason to relay for a day.

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import zmq

from mincer.errors import JobError, UsageError
from mincer.net.connection import Connection, State
from mincer.net.gate import Gate, Right
from mincer.net.guard import Guard, prove_guarded
from mincer.net.keys import KeyPair
from mincer.net.sockets import bind_router, port_of, user_of
from mincer.net.strangers import Rejected, Strangers
from mincer.wire import frames, pulls
from mincer.wire.packets import Buffer, Message

__all__ = ["Door", "Peers", "Question"]

#: A connection to a peer has so long to come up.
_CONNECT_S_MAX = 4.0
#: A peer may not have heard of us yet when we knock: it is tried again for a while.
_REFUSALS_MAX = 6


class Question(NamedTuple):
    """What somebody asks who pulls from here."""

    head: pulls.Head
    #: The way back.
    route: bytes


class Door:
    """Serves those who pull from this process. Not thread-safe.

    `listen`: an endpoint; its port may be `*`, or a range ("9000-9010").
    """

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], listen: str, own: KeyPair
    ) -> None:
        self._gate = Gate()
        self._numbers: dict[str, int] = {}
        self._guard = Guard(context, self._gate)
        try:
            self._socket, self.endpoint = _bind(context, listen, own)
            try:
                prove_guarded(context, self.endpoint, own.public)
                self._strangers = Strangers(context, self._socket)
            except BaseException:
                self._socket.close(0)
                raise
        except BaseException:
            self._guard.stop()
            raise

    @property
    def port(self) -> int:
        return port_of(self.endpoint)

    @property
    def sockets(self) -> list[zmq.Socket[bytes]]:
        """What has to be polled."""
        return [self._socket, self._strangers.monitor]

    def turn(self, now: float) -> list[Rejected]:
        """Do what is due, after all questions; return who was not let in.

        Raises:
            JobError: nobody answers for it any more, so that nobody can come in.
        """
        if not self._guard.is_alive:
            raise JobError(
                "the thread that checks keys has died: no other worker can pull from "
                "here any more, so this one stops"
            )
        return self._strangers.turn(now)

    def deadline(self) -> float:
        """When `turn` is due, if nothing comes before."""
        return self._strangers.deadline()

    def admit(self, told: dict[int, frames.MemberTold]) -> None:
        """Let in these members, and no others."""
        known = {one.key.decode(): number for number, one in told.items()}
        for key in self._numbers.keys() - known.keys():
            self._gate.forbid(key)
        for key in known.keys() - self._numbers.keys():
            self._gate.allow(key, Right("peer"))
        self._numbers = known

    def questions(self) -> Iterator[Question]:
        """What has been asked."""
        while True:
            try:
                parts = self._socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.ZMQError:
                return
            self._strangers.heard(parts[-1])
            by = self._numbers.get(user_of(parts[-1]))
            if by is None or len(parts) != 2:
                continue
            read = pulls.read_pull([parts[1].buffer])
            if read is not None and isinstance(read[0], pulls.QUESTIONS):
                head = msgspec.structs.replace(read[0], by=by)
                yield Question(head, parts[0].bytes)

    def reply(self, question: Question, message: Message) -> None:
        """Send this back; who does not take it asks again."""
        with contextlib.suppress(zmq.ZMQError):
            copy = len(message) == 1
            self._socket.send_multipart([question.route, *message], zmq.DONTWAIT, copy)

    def close(self) -> None:
        self._strangers.close()
        self._guard.stop()
        self._socket.close(0)


def _bind(
    context: zmq.Context[zmq.Socket[bytes]], listen: str, own: KeyPair
) -> tuple[zmq.Socket[bytes], str]:
    """Bind to the first port of a range that is free."""
    host, _, ports = listen.rpartition(":")
    first, _, last = ports.partition("-")
    choices = [ports] if not last else range(int(first), int(last) + 1)
    for port in choices:
        try:
            return bind_router(context, f"{host}:{port}", own)
        except zmq.ZMQError as error:
            why = error.strerror
    raise UsageError(
        f"cannot listen on {listen}: {why}",
        hint="Another port, or a range:  --listen HOST:9000-9100",
    )


class _Peer:
    """The way to one other member."""

    def __init__(self, connection: Connection, now: float) -> None:
        self.connection = connection
        self.since = now
        #: It was reported that nothing comes of it.
        self.is_lost = False
        #: What waits for the connection.
        self.waiting: list[Message] = []

    def is_hopeless(self, now: float) -> bool:
        return (
            now - self.since > _CONNECT_S_MAX
            or self.connection.state is State.WRONG_KEY
            or self.connection.failures >= _REFUSALS_MAX
        )


class Peers:
    """The connections of this process to others. Not thread-safe."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], own: KeyPair) -> None:
        self._context = context
        self._own = own
        self._peers: dict[int, _Peer] = {}

    @property
    def sockets(self) -> list[zmq.Socket[bytes]]:
        """What has to be polled."""
        return [s for peer in self._peers.values() for s in peer.connection.sockets]

    def send(self, told: frames.MemberTold, message: Message, now: float) -> None:
        """Send this to that member, as soon as there is a connection."""
        peer = self._peers.get(told.member)
        if peer is None:
            connection = Connection(self._context, told.address, self._own, told.key)
            peer = self._peers[told.member] = _Peer(connection, now)
            connection.turn(now)
        if peer.waiting or not peer.connection.send(message):
            peer.waiting.append(message)

    def turn(self, now: float) -> tuple[list[int], list[int]]:
        """Do what is due; return the members that cannot be reached, and those that
        can again."""
        lost, found = [], []
        for number, peer in self._peers.items():
            connection = peer.connection
            connection.turn(now)
            if connection.is_up:
                peer.since = now
                if peer.is_lost:
                    peer.is_lost = False
                    found.append(number)
                while peer.waiting and connection.send(peer.waiting[0]):
                    del peer.waiting[0]
            elif not peer.is_lost and peer.is_hopeless(now):
                peer.is_lost = True
                peer.waiting.clear()  # all of that is asked another way
                lost.append(number)
        return lost, found

    def replies(self) -> Iterator[tuple[pulls.Head, Buffer | None]]:
        """What has come back; `by` is who has proved the key."""
        for number, peer in list(self._peers.items()):
            while (message := peer.connection.receive()) is not None:
                read = pulls.read_pull(message)
                if read is not None and not isinstance(read[0], pulls.QUESTIONS):
                    head, data = read
                    yield msgspec.structs.replace(head, by=number), data

    def deadline(self) -> float:
        """When `turn` is due, if nothing comes before."""
        due = float("inf")
        for peer in self._peers.values():
            if not peer.connection.is_up:
                due = min(due, peer.connection.deadline())
                if not peer.is_lost:
                    due = min(due, peer.since + _CONNECT_S_MAX)
        return due

    def keep_only(self, numbers: set[int]) -> None:
        """Forget those that are gone."""
        for number in self._peers.keys() - numbers:
            self._peers.pop(number).connection.close()

    def close(self) -> None:
        self.keep_only(set())
