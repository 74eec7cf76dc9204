"""The coordinator in the place of members that have left: what they kept, it gives."""

# Strategy: a worker that drains keeps outputs that others still need, and a driver that
# leaves its job keeps code and input. Before they go, the coordinator pulls that from
# them, as anybody pulls, and lays it aside as it came: bytes, of which it knows the
# name and the length. From then on it answers those who pull from the number of the
# member that has left, so nobody else need know.

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Protocol

from mincer.errors import MincerError
from mincer.ids import JobId
from mincer.net.offers import NotHere, Offers, Outputs
from mincer.net.puller import Arrived, Failed, News, Puller, Sized, Stuck, Whole
from mincer.wire import pulls
from mincer.wire.packets import Buffer, Message
from mincer.wire.pulls import Thing

__all__ = ["Spool", "StandIn"]


class Spool(Protocol):
    """What is laid aside of one job. Raises `MincerError` for what the disk, or its
    bound, does not take."""

    def begin(self, thing: Thing, size_bytes: int) -> None: ...

    def write(self, thing: Thing, offset: int, data: Buffer) -> None: ...

    def whole(self, thing: Thing) -> None:
        """All of it is here: from now on it can be found."""
        ...

    def has(self, thing: Thing) -> bool: ...

    def find(self, thing: Thing) -> Outputs:
        """Lay out what somebody asks for, or raise `NotHere`."""
        ...

    def close(self) -> None:
        """Remove all of it."""
        ...


class StandIn:
    """Takes over from members, by number, and answers for them. One thread owns it.

    `open_spool`: makes the place for what is laid aside of a job.
    """

    def __init__(self, open_spool: Callable[[JobId, bytes], Spool]) -> None:
        self._open_spool = open_spool
        self._spools: dict[JobId, Spool] = {}
        self._puller = Puller()
        self._offers = Offers(self._find)
        #: What is being pulled, by number of the pull: of which member, and what.
        self._coming: dict[int, tuple[int, Thing]] = {}
        #: Members of whom nothing more is wanted, since a job is over.
        self._released: list[int] = []
        #: For what there was no room.
        self._refused: set[Thing] = set()
        #: For whom it answers, and about which jobs.
        self._stands: dict[int, set[JobId]] = {}

    # --- taking over

    def take_over(self, member: int, things: Iterable[Thing], now: float) -> None:
        """Begin to pull this from the member. What is here, or on its way, is not
        pulled again."""
        coming = set(self._coming.values())
        for thing in things:
            if thing in self._refused or (member, thing) in coming:
                continue
            spool = self._spool(thing)
            if spool is None:
                self._refused.add(thing)
            elif not spool.has(thing):
                number = self._puller.begin(thing, member, now, pulls.RELAYED_BYTES)
                self._coming[number] = member, thing

    def _spool(self, thing: Thing) -> Spool | None:
        """Where this is to be laid aside; None: the disk does not even take that."""
        spool = self._spools.get(thing.job)
        if spool is None:
            with contextlib.suppress(MincerError):
                spool = self._open_spool(thing.job, thing.token)
                self._spools[thing.job] = spool
        return spool

    def owed(self, member: int, job: JobId | None = None) -> int:
        """How many things have still to come from this member."""
        return sum(
            whose == member and job in (None, thing.job)
            for whose, thing in self._coming.values()
        )

    def missing(self, things: Iterable[Thing]) -> int:
        """How many of these are not here."""
        spools = self._spools
        return sum(
            thing.job not in spools or not spools[thing.job].has(thing)
            for thing in things
        )

    def forgive(self, job: JobId) -> None:
        """For what there was no room, of this job: there may be some by now."""
        self._refused = {thing for thing in self._refused if thing.job != job}

    def replace(self, member: int, jobs: Iterable[JobId]) -> None:
        """Answer for this member from now on, about these jobs."""
        self._stands.setdefault(member, set()).update(jobs)

    def stands_for(self, member: int, job: JobId) -> bool:
        """True when it answers for this member about this job."""
        return job in self._stands.get(member, ())

    def gone(self, member: int) -> None:
        """Nothing more will come from this member."""
        for number, (whose, _) in list(self._coming.items()):
            if whose == member:
                del self._coming[number]
                self._puller.stop(number)

    def over(self, job: JobId) -> list[int]:
        """Nobody asks for anything of this job any more; return the members for whom
        it answers no more at all."""
        for number, (whose, thing) in list(self._coming.items()):
            if thing.job == job:
                del self._coming[number]
                self._puller.stop(number)
                self._released.append(whose)  # told in the next turn
        self.forgive(job)
        spool = self._spools.pop(job, None)
        if spool is not None:
            self._offers.forget()
            spool.close()
        ended = []
        for member, jobs in list(self._stands.items()):
            if job in jobs:
                jobs.discard(job)
                if not jobs:
                    del self._stands[member]
                    ended.append(member)
        return ended

    # --- messages

    def answers(self, head: pulls.Head, is_here: bool) -> bool:
        """True when this question is for the coordinator in somebody's place;
        `is_here`: who is asked has not left, but may have left one of its jobs."""
        if head.to not in self._stands:
            return False
        if isinstance(head, pulls.Open):
            return self.stands_for(head.to, head.thing.job)
        return not is_here or self._offers.serves(head)

    def asked(self, head: pulls.Head) -> list[Message]:
        """The replies to such a question, to be sent the way that it came."""
        return [pulls.write_pull(*reply) for reply in self._offers.answer(head)]

    def hear(self, head: pulls.Head, data: Buffer | None, now: float) -> list[int]:
        """Take in a reply to the coordinator itself, whose `by` is proved; return the
        members of whom something has come whole, or will not come."""
        return self._news(self._puller.hear(head, data, now))

    def turn(self, now: float) -> list[int]:
        """Ask for what is due, again where it is late; returns as `hear`."""
        released, self._released = self._released, []
        return released + self._news(self._puller.turn(now))

    def take_out(self) -> list[pulls.Head]:
        """What is to be asked."""
        return self._puller.take_out()

    @property
    def is_idle(self) -> bool:
        return self._puller.is_idle

    def close(self) -> None:
        """Remove all that was laid aside."""
        for job in list(self._spools):
            self.over(job)

    def _news(self, news: list[News]) -> list[int]:
        heard = []
        for one in news:
            coming = self._coming.get(one.pull)
            if coming is None:
                continue
            member, thing = coming
            try:
                is_over = self._new(one, thing)
            except MincerError:
                # There is no room: what this member kept is lost when it leaves.
                self._puller.stop(one.pull)
                self._refused.add(thing)
                is_over = True
            if is_over:
                del self._coming[one.pull]
                heard.append(member)
        return heard

    def _new(self, one: News, thing: Thing) -> bool:
        """Return True when nothing more will come of this."""
        spool = self._spools[thing.job]
        match one:
            case Sized(sizes=sizes):
                spool.begin(thing, sum(sizes))
            case Arrived(offset=offset, data=data):
                spool.write(thing, offset, data)
            case Whole():
                spool.whole(thing)
                return True
            case Failed() | Stuck():
                return True
        return False

    def _find(self, thing: Thing) -> Outputs:
        spool = self._spools.get(thing.job)
        if spool is None:
            raise NotHere("nothing of this job is here")
        return spool.find(thing)
