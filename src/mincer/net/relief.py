"""Members that leave in good order: the coordinator takes their place."""

# Strategy: a worker that drains says when it has nothing left to do. What of its
# outputs may still be asked for is taken over (standin.py), then it is told that it may
# go. To `core` it goes on as a worker that gets nothing new, until no job needs what it
# kept: so nothing is made again. A worker that does not wait for that is lost as any
# other.

from __future__ import annotations

from collections.abc import Callable, Iterable

from mincer.core import events
from mincer.core.events import Event
from mincer.ids import JobId
from mincer.net.belongings import of_worker
from mincer.net.book import Book
from mincer.net.dispatch import Dispatch
from mincer.net.members import Member, Members
from mincer.net.standin import StandIn
from mincer.wire import frames

__all__ = ["Relief"]


class Relief:
    """Relieves workers of what they keep. `happened`: takes what `core` is to know."""

    def __init__(
        self,
        members: Members,
        books: dict[JobId, Book],
        dispatch: Dispatch,
        standin: StandIn,
        happened: Callable[[Event], None],
    ) -> None:
        self._members = members
        self._books = books
        self._dispatch = dispatch
        self._standin = standin
        self._happened = happened
        #: Workers that have nothing left to do, by number, and those that have gone.
        self._leaving: dict[int, Member] = {}
        self._gone: dict[int, Member] = {}

    def has_finished(self, worker: Member, now: float) -> None:
        """This worker has nothing left to do and wants to go. (If it was given
        something meanwhile, it will say so again.)"""
        if any(worker.number in book.running.values() for book in self._books.values()):
            return
        self._leaving[worker.number] = worker
        for book in self._books.values():
            self._standin.take_over(worker.number, of_worker(book, worker.number), now)
        self.come([worker.number])

    def come(self, numbers: Iterable[int]) -> None:
        """Something of these members has come, or will not: let go who may go."""
        for number in set(numbers):
            worker = self._leaving.get(number)
            if worker is not None and not self._standin.owed(number):
                self._relieve(worker)

    def _relieve(self, worker: Member) -> None:
        number = worker.number
        del self._leaving[number]
        self._dispatch.say(worker, frames.Relieved())
        jobs = [book.job for book in self._books.values() if book.kept_by(number)]
        for book in self._books.values():
            book.forget_worker(number)
        self._members.remove(worker)
        if jobs:
            self._dispatch.replaced(worker)
            self._standin.replace(number, jobs)
            self._gone[number] = worker
        else:
            self._end(worker)

    def lost(self, member: Member) -> None:
        """It has gone without waiting to be relieved."""
        self._leaving.pop(member.number, None)
        self._standin.gone(member.number)

    def beat(self) -> None:
        """Those that have gone are still there, to `core`."""
        for worker in self._gone.values():
            self._happened(events.WorkerSeen(worker.id))

    def over(self, job: JobId) -> None:
        """Nobody asks for anything of this job any more."""
        for number in self._standin.over(job):
            worker = self._gone.pop(number, None)
            if worker is not None:
                self._end(worker)

    def _end(self, worker: Member) -> None:
        """Nobody asks for anything of this worker any more."""
        self._dispatch.left(worker)
        self._happened(events.WorkerLost(worker.id, "it has left"))
