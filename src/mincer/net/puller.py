"""The side that pulls: which chunks are owed, and what to do when they do not come."""

# Strategy: no socket and no clock here. A pull is opened; when its size is told its
# chunks are asked for, as many at a time as credits allow, and written where they
# belong in whatever order they come. What is owed for too long is asked for again:
# asking twice does no harm. Credits are shared by all pulls of a process, which bounds
# the memory that is under way to it, and are given out in turn, so that one slow member
# does not stop what comes from others: it can hold its own share alone.

from __future__ import annotations

from collections import deque
from typing import NamedTuple, TypeAlias

from mincer.wire import pulls
from mincer.wire.packets import Buffer
from mincer.wire.packing import unpack
from mincer.wire.pulls import Head, Thing

__all__ = ["Arrived", "Failed", "News", "Puller", "Sized", "Stuck", "Whole"]

#: Chunks that are under way to a process, all together and of one pull.
_CREDITS = 16
_CREDITS_EACH = 8
#: What is owed for so long is asked for again.
_AGAIN_S = 4.0
#: A pull of which nothing was heard for so long will not get better by waiting.
STUCK_S = 12.0


class Sized(NamedTuple):
    """Its size is known: the sizes of the outputs in it, one behind another."""

    pull: int
    sizes: list[int]


class Arrived(NamedTuple):
    """These bytes belong there."""

    pull: int
    offset: int
    data: Buffer


class Whole(NamedTuple):
    """All of it has arrived."""

    pull: int


class Failed(NamedTuple):
    """It cannot be had there."""

    pull: int
    why: str
    #: Nobody is there.
    is_gone: bool
    #: The maps (index, number of the attempt) of it that are gone.
    lost: list[tuple[int, int]]


class Stuck(NamedTuple):
    """Nothing was heard of it for `STUCK_S`. It is over, as if it had failed."""

    pull: int


News: TypeAlias = Sized | Arrived | Whole | Failed | Stuck


class _Pull:
    """One thing on its way here."""

    def __init__(
        self,
        number: int,
        to: int,
        thing: Thing,
        chunk_bytes: int,
        may_pack: bool,
        now: float,
    ) -> None:
        self.number = number
        self.to = to
        self.thing = thing
        self.chunk_bytes = chunk_bytes
        self.may_pack = may_pack
        self.heard = self.opened = now
        self.size_bytes = -1
        #: The chunk to be asked for next, and how many there are.
        self.next = self.chunks = 0
        #: Chunks that were asked for, and when.
        self.owed: dict[int, float] = {}

    @property
    def is_awaited(self) -> bool:
        """True when something was asked of it; else it waits for its turn to ask."""
        return self.size_bytes < 0 or bool(self.owed)

    def length(self, chunk: int) -> int:
        return min(self.chunk_bytes, self.size_bytes - chunk * self.chunk_bytes)

    def resize(self, sizes: list[int]) -> None:
        self.size_bytes = sum(sizes)
        self.chunks = -(-self.size_bytes // self.chunk_bytes)


class Puller:
    """All pulls of one process, whose number is `me`."""

    def __init__(self, credits: int = _CREDITS) -> None:
        self.me = 0
        self._credits = credits
        self._pulls: dict[int, _Pull] = {}
        #: Whose turn it is to ask.
        self._turns: deque[int] = deque()
        self._numbers = 0
        self._out: list[Head] = []

    def begin(
        self,
        thing: Thing,
        to: int,
        now: float,
        chunk_bytes: int = pulls.CHUNK_BYTES,
        may_pack: bool = False,
    ) -> int:
        """Pull this from that member; return the number of the pull."""
        self._numbers += 1
        pull = _Pull(self._numbers, to, thing, chunk_bytes, may_pack, now)
        self._pulls[pull.number] = pull
        self._open(pull, now)
        return pull.number

    def stop(self, number: int) -> None:
        """This is not wanted any more."""
        pull = self._pulls.get(number)
        if pull is not None:
            self._out.append(pulls.Close(pull.to, self.me, number))
            self._end(pull)

    def hear(self, head: Head, data: Buffer | None, now: float) -> list[News]:
        """Take in a reply; return what is new. What is late is nothing."""
        pull = self._pulls.get(head.pull)
        if pull is None or head.by != pull.to:
            return []
        pull.heard = now
        match head:
            case pulls.Opened(sizes=sizes):
                return self._opened(pull, sizes)
            case pulls.Chunk(chunk=chunk, is_packed=is_packed) if data is not None:
                return self._chunk(pull, chunk, data, is_packed)
            case pulls.Denied(why=why, is_gone=is_gone, lost=lost):
                self._end(pull)
                return [Failed(pull.number, why, is_gone, lost)]
            case pulls.Unopened():
                self._open(pull, now)
        return []

    def turn(self, now: float) -> list[News]:
        """Ask for what may be asked for, again where nothing came; return what has
        become hopeless. What is to be sent is in `take_out`."""
        news: list[News] = []
        for pull in list(self._pulls.values()):
            if pull.is_awaited and now - pull.heard > STUCK_S:
                self.stop(pull.number)
                news.append(Stuck(pull.number))
                continue
            if pull.size_bytes < 0 and now - pull.opened > _AGAIN_S:
                self._open(pull, now)
            late = [n for n, asked in pull.owed.items() if now - asked > _AGAIN_S]
            if late:
                pull.owed.update(dict.fromkeys(late, now))
                self._out.append(pulls.Ask(pull.to, self.me, pull.number, late))
        self._ask(now)
        return news

    def take_out(self) -> list[Head]:
        """What is to be sent."""
        out, self._out = self._out, []
        return out

    @property
    def is_idle(self) -> bool:
        return not self._pulls

    # --- steps of a pull

    def _open(self, pull: _Pull, now: float) -> None:
        pull.opened = now
        what = pull.thing, pull.chunk_bytes, pull.may_pack
        self._out.append(pulls.Open(pull.to, self.me, pull.number, *what))

    def _opened(self, pull: _Pull, sizes: list[int]) -> list[News]:
        if pull.size_bytes >= 0:
            # Opened again, by who had forgotten it, and what was asked of it.
            pull.owed = dict.fromkeys(pull.owed, -_AGAIN_S)
            return []
        pull.resize(sizes)
        news: list[News] = [Sized(pull.number, sizes)]
        if not pull.chunks:
            self.stop(pull.number)
            news.append(Whole(pull.number))
        else:
            self._turns.append(pull.number)
        return news

    def _chunk(
        self, pull: _Pull, chunk: int, data: Buffer, is_packed: bool
    ) -> list[News]:
        if chunk not in pull.owed:
            return []
        unpacked = unpack(data, pull.length(chunk)) if is_packed else data
        if unpacked is None or len(unpacked) != pull.length(chunk):
            return []  # not what was promised: it will be asked for again
        del pull.owed[chunk]
        self._credits += 1
        at = chunk * pull.chunk_bytes
        news: list[News] = [Arrived(pull.number, at, unpacked)]
        if pull.next == pull.chunks and not pull.owed:
            self.stop(pull.number)
            news.append(Whole(pull.number))
        return news

    def _ask(self, now: float) -> None:
        """Give out the credits there are, in turn."""
        wanted: dict[int, list[int]] = {}
        waiting = 0
        while self._turns and self._credits and waiting < len(self._turns):
            number = self._turns.popleft()
            pull = self._pulls.get(number)
            if pull is None or pull.next == pull.chunks:
                continue  # it is over, or all is asked for
            self._turns.append(number)
            if len(pull.owed) == _CREDITS_EACH:
                waiting += 1
                continue
            waiting = 0
            self._credits -= 1
            if not pull.owed:
                pull.heard = now  # it is listened to from now on
            pull.owed[pull.next] = now
            wanted.setdefault(number, []).append(pull.next)
            pull.next += 1
        for number, chunks in wanted.items():
            to = self._pulls[number].to
            self._out.append(pulls.Ask(to, self.me, number, chunks))

    def _end(self, pull: _Pull) -> None:
        del self._pulls[pull.number]
        self._credits += len(pull.owed)
