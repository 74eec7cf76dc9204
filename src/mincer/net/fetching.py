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
from mincer.net.reach import Reach
from mincer.wire import pulls
from mincer.wire.packets import Buffer

__all__ = ["Fetching"]


class Fetching:
    """Fetches needs into the depots of their jobs by `puller`, which is its alone, then
    calls `met` or `unmet` (with why, and which outputs are lost). `turn` must be called
    now and then."""

    def __init__(
        self,
        puller: Puller,
        reach: Reach,
        depots: dict[JobId, Depot],
        met: Callable[[Need], None],
        unmet: Callable[[Need, str, tuple[AttemptId, ...]], None],
    ) -> None:
        self._puller = puller
        self._reach = reach
        self._depots = depots
        self._met = met
        self._unmet = unmet
        self._now = 0.0
        #: What each pull is for, and back.
        self._needs: dict[int, Need] = {}
        self._pulls: dict[Need, int] = {}

    def fetch(self, need: Need, now: float) -> None:
        """Begin to fetch this, or begin anew."""
        self._now = now
        self._begin(need)

    def _begin(self, need: Need) -> None:
        self.stop(need)
        thing, to = self._depots[need.job].thing(need)
        size, is_far = self._reach.chunk_bytes(to), not self._reach.is_near(to)
        number = self._puller.begin(thing, to, self._now, size, is_far)
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
        if member not in self._reach.relayed:
            self._reach.relayed.add(member)
            for need in list(self._pulls):
                if self._keeper(need) == member:
                    self._begin(need)

    def left(self, member: int) -> None:
        """This member is gone, and what it kept with it."""
        self._reach.forget(member)
        for need in list(self._pulls):
            if need in self._pulls and self._keeper(need) == member:
                self._failed(need, "who has it is gone", True, [])

    def _keeper(self, need: Need) -> int:
        """The member that has it."""
        return self._depots[need.job].thing(need)[1]

    def turn(self, now: float) -> None:
        """Ask again for what is late."""
        self._now = now
        self._news(self._puller.turn(now))

    def stop_all(self) -> None:
        """Nothing is wanted any more."""
        for need in list(self._pulls):
            self.stop(need)

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
                thing, _ = depot.thing(need)
                wanted = len(thing.maps) if isinstance(thing, pulls.SegmentsOf) else 1
                if len(sizes) == wanted:
                    depot.sized(need, sizes)
                else:
                    why = "what is offered is not what was asked for"
                    self._failed(need, why, False, [])
            case Arrived(_, offset, data):
                depot.write(need, offset, data)
            case Whole():
                self.stop(need)
                depot.whole(need, self._reach.is_direct(self._keeper(need)))
                self._met(need)
            case Failed(_, why, is_gone, lost):
                self._failed(need, why, is_gone, lost)
            case Stuck():
                to = self._keeper(need)
                if self._reach.is_direct(to):
                    self._reach.relayed.add(to)
                    self._begin(need)
                else:
                    self._failed(need, "no answer comes", True, [])

    def _failed(
        self, need: Need, why: str, is_gone: bool, lost: list[tuple[int, int]]
    ) -> None:
        """This pull has failed, and another one is tried only if it may help."""
        depot = self._depots[need.job]
        if is_gone and self._keeper(need) == depot.told.driver:
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
