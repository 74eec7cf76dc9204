"""One end of a line: what is sent arrives once and in order, or the line is over."""

# Strategy: go-back-n, as in a textbook. ZeroMQ delivers in order and without loss as
# long as a connection lasts, and loses without a word what is under way when it breaks.
# So nothing is put back in order here: a packet behind a gap is dropped, and the other
# end is asked, once a gap, to send again all that was not acknowledged. A lost end of
# what was sent is found by the next beat, which tells how much that is; a lost question
# by the beat after it.
#
# Rejected: a timer for each packet (beats come anyway, and a line has no clock), and to
# keep what comes behind a gap (connections break once a day, not once a second).

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from mincer.errors import MincerError

__all__ = ["LineFullError", "Packet", "Received", "Session"]

#: What one end has not acknowledged: more than it can be slow, it is stuck.
_KEPT_BYTES_MAX = 64_000_000


class Packet(NamedTuple):
    """What travels: something that was sent, or a beat, which has no number."""

    #: Counts up with everything that is sent, from 1; 0: a beat.
    number: int
    #: The number of the last thing that was sent by this end.
    sent: int
    #: … and of the last that it has from the other end: all before are there.
    received: int
    #: Something is missing: send again what comes after `received`.
    again: bool = False
    payload: bytes = b""


class Received(NamedTuple):
    """What came of a packet."""

    #: News; None when it was none, or came too early.
    payload: bytes | None
    #: To be given to the connection, in this order.
    answers: list[Packet]


class LineFullError(MincerError):
    """The other end has acknowledged nothing for so long that the line is given up."""


class Session:
    """One end of a line between two processes, over any number of connections.

    `kept_bytes_max`: what is sent and not acknowledged may have so many bytes.
    """

    def __init__(self, kept_bytes_max: int = _KEPT_BYTES_MAX) -> None:
        self._kept_bytes_max = kept_bytes_max
        self._kept_bytes = 0
        #: What was not acknowledged yet, the oldest first.
        self._kept: deque[tuple[int, bytes]] = deque()
        self._sent = self._received = 0
        #: The other end was asked to send again, and what is missing has not come.
        self._asked = False

    def send(self, payload: bytes) -> Packet:
        """Return the packet to be given to the connection, if there is one just now.

        Raises `LineFullError` when too much is not acknowledged.
        """
        self._kept_bytes += len(payload)
        if self._kept_bytes > self._kept_bytes_max:
            raise LineFullError(
                f"{self._kept_bytes:,} bytes are not acknowledged by the other end"
            )
        self._sent += 1
        self._kept.append((self._sent, payload))
        return Packet(self._sent, self._sent, self._received, payload=payload)

    @property
    def is_clear(self) -> bool:
        """True when the other end has all that was sent."""
        return not self._kept

    def beat(self) -> Packet:
        """Return what is to be sent now and then, and on every new connection."""
        return Packet(0, self._sent, self._received)

    def take(self, packet: Packet) -> Received:
        """Take in what came from the connection, late, twice or after a gap."""
        self._acknowledged(packet.received)
        answers = self.again() if packet.again else []
        if packet.number == self._received + 1:
            self._received += 1
            self._asked = False
            return Received(packet.payload, answers)
        before = packet.number - 1 if packet.number else packet.sent
        if self._received < before and not (self._asked and packet.number):
            self._asked = True
            answers.append(Packet(0, self._sent, self._received, again=True))
        return Received(None, answers)

    def _acknowledged(self, number: int) -> None:
        kept = self._kept
        while kept and kept[0][0] <= number:
            self._kept_bytes -= len(kept.popleft()[1])

    def again(self) -> list[Packet]:
        """All that the other end may not have, as it was sent."""
        return [
            Packet(number, self._sent, self._received, payload=payload)
            for number, payload in self._kept
        ]
