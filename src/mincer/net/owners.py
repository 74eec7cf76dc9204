"""Jobs and the drivers to whom they belong: submitted, left, fetched, over."""

# Strategy: the driver is the sink of its job (see book.py), so a job whose driver has
# left goes on until all parts of its result wait to be committed, and stays so until a
# driver comes for them: what a lost worker had of it is made again meanwhile. The next
# driver is told that it has all when that is so, but to `core` these parts count only
# when it says that it has taken them: it may vanish before, too, and another one must
# find everything. What the first driver alone could give, code and input, is taken over
# before it may leave (standin.py).

from __future__ import annotations

from collections.abc import Callable

from mincer.core import events
from mincer.core.coordinator import Coordinator
from mincer.core.events import Event
from mincer.ids import AttemptId, JobId
from mincer.net.belongings import of_driver
from mincer.net.book import Book
from mincer.net.desk import Desk
from mincer.net.dispatch import Dispatch
from mincer.net.members import Member, Members
from mincer.net.standin import StandIn
from mincer.structs import Struct
from mincer.wire import frames
from mincer.wire.frames import attempt_of

__all__ = ["Keeping", "Owners"]


#: Of a job: each is half a kB here, from its submission on.
_REDUCES_MAX = 200_000


class Keeping(Struct):
    """How long the result of a job that its driver has left is kept, once it is there;
    and how large all of these may be together, before the oldest are given up."""

    for_s: float = 24 * 3600.0
    bytes_max: int = 10_000_000_000


class Owners:
    """What drivers say of their jobs. `happened`: takes what `core` is to know.
    `digest`: makes `core` take in all of it. `over`: is told of jobs that are closed.

    """

    def __init__(
        self,
        members: Members,
        books: dict[JobId, Book],
        dispatch: Dispatch,
        standin: StandIn,
        desk: Desk,
        coordinator: Coordinator,
        happened: Callable[[Event], None],
        digest: Callable[[], None],
        over: Callable[[JobId], None],
        keeping: Keeping,
    ) -> None:
        self._members = members
        self._books = books
        self._desk = desk
        self._coordinator = coordinator
        self._dispatch = dispatch
        self._standin = standin
        self._happened = happened
        self._digest = digest
        self._over = over
        self._keeping = keeping

    def said(self, member: Member, frame: frames.JobSaid, now: float) -> bool:
        """Take in what a driver said; False: it had no right to say that."""
        book = self._books.get(frame.job)
        if isinstance(frame, frames.Submit):
            if sum(step.parts for step in frame.steps) > _REDUCES_MAX:
                why = f"a job of more than {_REDUCES_MAX:,} reduces"
                self._dispatch.say(member, frames.JobFailed(frame.job, why))
            elif book is None:
                book = self._books[frame.job] = Book(frame, member.number, now)
                self._desk.submitted(book, member.name, now)
                self._happened(events.JobSubmitted(frame.job, book.plan))
            return True
        if isinstance(frame, frames.Fetch):
            self._fetch(member, frame.job, book)
            return True
        if book is None or not _may_say(member, frame, book):
            return False
        match frame:
            case frames.Files(first=first, files=files):
                intake = book.intake
                if intake.add_files(first, files) and not intake.survey.is_over:
                    self._dispatch.ask(book, now)
            case frames.Splits(first=first, splits=splits):
                book.intake.add_splits(first, splits)
            case frames.InputEnd():
                book.intake.has_ended = True
            case frames.CancelJob(reason=reason):
                self._happened(events.JobCancelled(book.job, reason))
            case frames.Committed(attempt=name, is_refused=is_refused):
                self._committed(book, name, is_refused)
            case frames.Detach():
                self._detach(member, book, now)
            case frames.Taken():
                self._taken(book, now)
                self._dispatch.acknowledge(member)
        return True

    def _committed(
        self, book: Book, name: frames.AttemptName, is_refused: bool
    ) -> None:
        attempt = attempt_of(book.job, name)
        if attempt not in book.outputs:
            return
        if is_refused:
            is_written = book.outputs[attempt].account.is_written
            book.sends = book.sends or is_written
            self._part_lost(book, attempt)
        elif not book.outcome.is_detached:
            book.outcome.commits.pop(attempt, None)
            book.outcome.has_given = True
            self._happened(events.OutputCommitted(attempt))
        elif attempt in book.outcome.commits:
            book.outcome.fetched.add(attempt)
            self._tell_if_all(book)

    def _tell_if_all(self, book: Book) -> None:
        """Tell a driver that came for the result when it has all of it."""
        outcome = book.outcome
        if outcome.is_told or not outcome.fetched or not self._is_ready(book):
            return
        if outcome.fetched == outcome.commits.keys():
            outcome.is_told = True
            tasks = self._coordinator.jobs[book.job].tasks
            won = [AttemptId(task.id, task.winner) for task in tasks]
            self._dispatch.finish(book, tuple(id for id in won if id.number >= 0))

    def _is_ready(self, book: Book) -> bool:
        """True when nothing but to commit all parts of the result is to be done."""
        job = self._coordinator.jobs.get(book.job)
        if job is None:
            return False
        gate = job.tasks.finish
        return not gate.holds and gate.missing == len(book.outcome.commits)

    # --- a driver leaves its job, and another one comes for it

    def _detach(self, driver: Member, book: Book, now: float) -> None:
        why = ""
        if book.outcome.is_detached:  # it came for the result, and does not take it
            self._wait_again(book)
            self._dispatch.say(driver, frames.DetachTold(book.job))
            return
        if not book.intake.has_ended:
            why = "the source has not come to its end"
        elif book.outcome.has_given:
            why = "parts of the result are with this driver already"
        if why:
            self._dispatch.say(driver, frames.DetachTold(book.job, why=why))
            return
        things = list(of_driver(book))
        self._standin.take_over(driver.number, things, now)
        owed = self._standin.owed(driver.number, book.job)
        missing = 0 if owed else self._standin.missing(things)
        if missing:
            why = f"the coordinator has no room for all of its input ({missing} pieces)"
            self._standin.forgive(book.job)  # it may ask again
        elif not owed:
            self._standin.replace(driver.number, [book.job])
            book.outcome.is_detached = True
            book.driver = 0
        self._dispatch.say(driver, frames.DetachTold(book.job, owed, why))

    def _fetch(self, driver: Member, job: JobId, book: Book | None) -> None:
        why = ""
        if book is None:
            why = "there is no such job here"
        elif not book.outcome.is_detached:
            why = "its driver has not left it"
        elif book.driver:
            why = "another driver is fetching it"
        if book is None or why:
            self._dispatch.say(driver, frames.FetchTold(job, why=why))
            return
        book.driver = driver.number
        submit = book.submit
        told = frames.FetchTold(
            job, submit.token, submit.name, submit.steps, submit.keepsake
        )
        self._dispatch.say(driver, told)
        self._dispatch.resume(book)

    def _wait_again(self, book: Book) -> None:
        """Its driver did not take the result: it waits for another one."""
        book.driver = 0
        book.outcome.fetched.clear()
        if book.outcome.is_told:
            book.outcome.is_told = False
            book.outcome.last_words.clear()
        for attempt in list(book.outcome.commits):
            keeper = book.outputs[attempt].keeper
            is_there = self._members.of_number(keeper) is not None
            if not is_there and not self._standin.stands_for(keeper, book.job):
                self._part_lost(book, attempt)

    def _part_lost(self, book: Book, attempt: AttemptId) -> None:
        """This part of the result cannot be had: it is made again."""
        book.outcome.commits.pop(attempt, None)
        book.outcome.fetched.discard(attempt)
        self._happened(events.OutputRefused(attempt))

    # --- the end

    def _taken(self, book: Book, now: float) -> None:
        """Its driver wants nothing of it any more, since it has all, or gave up."""
        book.driver = 0
        if book.outcome.is_told:
            for attempt in book.outcome.commits:
                self._happened(events.OutputCommitted(attempt))
            self._digest()
        self._happened(events.JobCancelled(book.job, "its driver left it"))
        self.close(book, now)

    def left(self, member: Member, why: str, now: float) -> None:
        """This member is gone: the jobs that it did not leave are over, and what a
        worker had of a result that nobody fetches just now is made again."""
        for book in list(self._books.values()):
            if book.driver == member.number and book.outcome.is_detached:
                self._wait_again(book)
            elif book.driver == member.number:
                self._desk.lost(book.job)
                reason = f"its driver was lost ({why})"
                self._happened(events.JobCancelled(book.job, reason))
                self.close(book, now)
            elif not book.driver:
                for attempt in list(book.outcome.commits):
                    if book.outputs[attempt].keeper == member.number:
                        self._part_lost(book, attempt)

    def close(self, book: Book, now: float) -> None:
        """Nobody asks for anything of this job any more."""
        self._desk.look(book.job)
        self._digest()  # what it still has in work is cancelled first
        if self._books.pop(book.job, None) is None:
            return
        self._desk.closed(book.job, now)
        self._dispatch.job_over(book)
        self._over(book.job)

    def turn(self, now: float) -> None:
        """Give up results that nobody has fetched."""
        for book in self._books.values():
            self._tell_if_all(book)  # the last task of all need not be one with a part
        waiting = [
            book
            for book in self._books.values()
            if book.outcome.is_detached and not book.driver and self._waits(book, now)
        ]
        waiting.sort(key=lambda book: book.outcome.ready_at or now)
        size_bytes = sum(book.result_bytes for book in waiting)
        for book in waiting:
            since = now if book.outcome.ready_at is None else book.outcome.ready_at
            if size_bytes > self._keeping.bytes_max:
                why = "results that nobody fetched took too much room"
            elif now - since > self._keeping.for_s:
                why = f"nobody fetched its result for {self._keeping.for_s / 3600:g} h"
            else:
                continue
            size_bytes -= book.result_bytes
            self._happened(events.JobCancelled(book.job, why))
            self.close(book, now)

    def _waits(self, book: Book, now: float) -> bool:
        """True when the result is there, or will never be."""
        if book.outcome.last_words or self._is_ready(book):
            if book.outcome.ready_at is None:
                book.outcome.ready_at = now
            return True
        book.outcome.ready_at = None
        return False


def _may_say(member: Member, frame: frames.JobSaid, book: Book) -> bool:
    """True for its driver. Of one that has left it is heard that it gave it up: it said
    so before it heard that it had left."""
    gave_up = isinstance(frame, frames.Taken) and not book.driver
    return member.number == (book.source if gave_up else book.driver)
