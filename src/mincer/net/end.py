"""What a worker and a driver have alike: a line, ways to others, pulls and offers."""

# Strategy: messages in, messages out, the time as an argument, as the hub. A message of
# the coordinator is a frame of the line, or a pull that it passed on; the same pulls
# come straight from others, and their answers go back the way that they came.

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from mincer.net.line import Line
from mincer.net.offers import Offers, Outputs
from mincer.net.puller import Puller
from mincer.net.reach import Outgoing, Reach
from mincer.wire import frames, pulls
from mincer.wire.packets import PULL, Buffer, Message, kind_of
from mincer.wire.pulls import Thing

__all__ = ["End"]


class End(ABC):
    """One process without its sockets. One thread owns it.

    `hello`: what it says of itself; `said`: the union of frames that the coordinator
    may say; `find`: lays out what others want of it, or raises `NotHere`.
    """

    def __init__(
        self, hello: frames.Hello, said: Any, find: Callable[[Thing], Outputs]
    ) -> None:
        self.line = Line(hello, said)
        #: How many coordinators have said that they end.
        self.closed = 0
        self.reach = Reach(hello.host)
        self._puller = Puller()
        self._offers = Offers(find)
        self._out: list[Outgoing] = []

    def hear(self, message: Message, now: float) -> None:
        """Take in a message of the coordinator, or one that it passed on."""
        if kind_of(message) == PULL:
            read = pulls.read_pull(message)
            if read is None:
                return
            if isinstance(read[0], pulls.QUESTIONS):
                self._out += [(None, reply) for reply in self.asked(read[0])]
            else:
                self.pulled(*read, now)
            return
        frame = self.line.hear(message, now)
        if isinstance(frame, frames.Stranger):
            self._begin_anew("the coordinator does not know it any more")
        elif isinstance(frame, frames.Closed):
            self.closed += 1
            self._begin_anew("the coordinator was closed")
        elif frame is not None:
            assert self.line.welcome is not None
            self._puller.me = self.line.welcome.member
            self._heard(frame, now)

    def asked(self, head: pulls.Head) -> list[Message]:
        """The replies to a question of somebody who pulls, to be sent the way that it
        came. `by` is proved."""
        return [pulls.write_pull(*reply) for reply in self._offers.answer(head)]

    def take_out(self) -> list[Outgoing]:
        """What is to be sent, in this order."""
        self._out += [(0, message) for message in self.line.take_out()]
        self._out += map(self.reach.question, self._puller.take_out())
        out, self._out = self._out, []
        return out

    def _told_of(self, told: frames.MemberTold, now: float) -> None:
        """The coordinator has told of this member."""
        self.reach.peers[told.member] = told
        if not told.address:
            self.unreachable(told.member, now)

    @abstractmethod
    def pulled(self, head: pulls.Head, data: Buffer | None, now: float) -> None:
        """Take in a reply to a pull of this process, whose `by` is proved."""

    @abstractmethod
    def unreachable(self, member: int, now: float) -> None:
        """There is no way to this member but through the coordinator."""

    def ways_changed(
        self, lost: Iterable[int], found: Iterable[int], now: float
    ) -> None:
        """These members cannot be reached straight any more, and those can again."""
        for member in lost:
            self.unreachable(member, now)
        self.reach.relayed.difference_update(found)

    @abstractmethod
    def turn(self, now: float) -> None:
        """Do what is due."""

    @abstractmethod
    def deadline(self) -> float:
        """When `turn` is due, if nothing comes before."""

    @abstractmethod
    def _heard(self, frame: Any, now: float) -> None:
        """The coordinator said this."""

    def _turn_line(self, now: float) -> None:
        if self.line.is_lost(now):
            # What runs here would run for nobody, maybe for ever.
            self._begin_anew("the coordinator was not heard of any more")
        self.line.turn(now)

    def _begin_anew(self, why: str) -> None:
        """This life is over: nothing of it, its pulls included, is said any more."""
        self.line.begin_anew()
        self.reach.clear()
        self._puller.take_out()
        self._offers.forget()
        self._out.clear()
