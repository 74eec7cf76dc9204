"""What a worker fetches for its attempts: each need a pull, by the way that works."""

# Strategy: a worker is asked straight for what it keeps, and the driver by way of the
# coordinator. Who does not answer is asked that way, too, from then on. What cannot be
# had is told with what is lost by that. Only for a driver it is waited: without him the
# job will be over soon, or he comes back.

from __future__ import annotations

from collections.abc import Callable

from mincer.errors import MincerError
from mincer.ids import AttemptId, JobId
from mincer.net.machine import Need
from mincer.net.ports import Depot
from mincer.net.puller import Arrived, Failed, News, Puller, Sized, Stuck, Whole
from mincer.wire import frames, pulls
from mincer.wire.packets import Buffer, Message

__all__ = ["Fetching", "Outgoing"]

#: A message, and which way it goes: 0 is the line, None by way of the coordinator, and
#: anything else straight to that member.
Outgoing = tuple[int | None, Message]


class Fetching:
    """Fetches needs into the depots of their jobs, then calls `met` or `unmet` (with
    why, and which outputs are lost). `turn` must be called now and then."""

    def __init__(
        self,
        depots: dict[JobId, Depot],
        met: Callable[[Need], None],
        unmet: Callable[[Need, str, tuple[AttemptId, ...]], None],
    ) -> None:
        #: The addresses and keys of others, by number.
        self.peers: dict[int, frames.MemberTold] = {}
        #: Members that cannot be reached but through the coordinator.
        self.relayed: set[int] = set()
        self._depots = depots
        self._met = met
        self._unmet = unmet
        self._puller = Puller()
        self._now = 0.0
        #: What each pull is for, and back.
        self._needs: dict[int, Need] = {}
        self._pulls: dict[Need, int] = {}

    def is_direct(self, member: int) -> bool:
        """True when this member is to be asked without the coordinator."""
        told = self.peers.get(member)
        return told is not None and bool(told.address) and member not in self.relayed

    def fetch(self, need: Need, me: int, now: float) -> None:
        """Begin to fetch this for member `me`, or begin anew."""
        self._puller.me = me
        self._now = now
        self._begin(need)

    def _begin(self, need: Need) -> None:
        self.stop(need)
        thing, to = self._depots[need.job].thing(need)
        size = pulls.CHUNK_BYTES if self.is_direct(to) else pulls.RELAYED_BYTES
        number = self._puller.begin(thing, to, self._now, size)
        self._needs[number] = need
        self._pulls[need] = number

    def stop(self, need: Need) -> None:
        """It is not wanted any more."""
        number = self._pulls.pop(need, None)
        if number is not None:
            del self._needs[number]
            self._puller.stop(number)

    def hear(self, head: pulls.Head, data: Buffer | None, now: float) -> None:
        """Take in a reply, whose `by` is proved."""
        self._now = now
        self._news(self._puller.hear(head, data, now))

    def unreachable(self, member: int, now: float) -> None:
        """There is no way to this member but through the coordinator."""
        self._now = now
        if member not in self.relayed:
            self.relayed.add(member)
            for need in list(self._pulls):
                if self._depots[need.job].thing(need)[1] == member:
                    self._begin(need)

    def left(self, member: int) -> None:
        """This member is gone, and what it kept with it."""
        self.peers.pop(member, None)
        self.relayed.discard(member)
        for need in list(self._pulls):
            depot = self._depots[need.job]
            if need in self._pulls and depot.thing(need)[1] == member:
                lost = depot.lost_with(need)
                self._give_up(need, "the worker that has it is gone", lost)

    def turn(self, now: float) -> None:
        """Ask again for what is late."""
        self._now = now
        self._news(self._puller.turn(now))

    def take_out(self) -> list[Outgoing]:
        """What is to be sent."""
        return [
            (head.to if self.is_direct(head.to) else None, pulls.write_pull(head))
            for head in self._puller.take_out()
        ]

    def clear(self) -> None:
        """Stop all, and know nobody."""
        for need in list(self._pulls):
            self.stop(need)
        self._puller.take_out()
        self.peers.clear()
        self.relayed.clear()

    # --- what comes of pulls

    def _news(self, news: list[News]) -> None:
        for one in news:
            need = self._needs.get(one.pull)
            if need is None:
                continue
            try:
                self._new(one, need)
            except MincerError as error:
                # The disk is full: the attempts that wanted it cannot be run here.
                self._give_up(need, error.what, ())

    def _new(self, one: News, need: Need) -> None:
        depot = self._depots[need.job]
        match one:
            case Sized(_, sizes):
                depot.sized(need, sizes)
            case Arrived(_, offset, data, _):
                depot.write(need, offset, data)
            case Whole():
                self.stop(need)
                self._met(need)
            case Failed(_, why, is_gone, lost):
                self._failed(need, why, is_gone, lost)
            case Stuck():
                _, to = depot.thing(need)
                if self.is_direct(to):
                    self.relayed.add(to)
                    self._begin(need)
                else:
                    self._failed(need, "no answer comes", True, [])

    def _failed(
        self, need: Need, why: str, is_gone: bool, lost: list[tuple[int, int]]
    ) -> None:
        """This pull has failed, and another one is tried only if it may help."""
        depot = self._depots[need.job]
        if is_gone and depot.thing(need)[1] == depot.told.driver:
            depot.drop(need)
            self._begin(need)
            return
        gone = depot.lost_with(need)
        if lost:
            named = set(lost)
            gone = tuple(one for one in gone if (one.task.index, one.number) in named)
        self._give_up(need, why, gone)

    def _give_up(self, need: Need, why: str, lost: tuple[AttemptId, ...]) -> None:
        self.stop(need)
        self._depots[need.job].drop(need)
        self._unmet(need, why, lost)
