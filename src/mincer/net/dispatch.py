"""What the coordinator wants, as what is said to members."""

# Strategy: orders to one worker that come together are said together: there may be
# thousands of small attempts. Before an order a worker is told all that it needs to
# know for it: of the job (book.py), and of the members from whom it may have to pull.

from __future__ import annotations

from mincer.core import commands
from mincer.ids import AttemptId, JobId, WorkerId
from mincer.net.book import Book
from mincer.net.members import Member, Members
from mincer.net.telling import failure_told
from mincer.wire import frames
from mincer.wire.frames import name_of
from mincer.wire.packets import Message
from mincer.wire.session import LineFullError

__all__ = ["Dispatch", "Outgoing"]

#: Rows of one `Start`, and extents in them: a message has a bound.
_ROWS_MAX = 200
_EXTENTS_MAX = 8000
#: How long it is waited for where an attempt was when its time was up.
_STACK_S = 3.0

#: What is told of the end of a job.
_LAST_WORDS = frames.AccountsTold | frames.JobDone | frames.JobFailed

#: To which key, over which of its connections (bulk or not), which message.
Outgoing = tuple[str, bool, Message]


class Dispatch:
    """Obeys the coordinator's commands by saying things to members.

    `books`: the jobs; `out`: what is to be sent.
    """

    def __init__(
        self, members: Members, books: dict[JobId, Book], out: list[Outgoing]
    ) -> None:
        self.workers: dict[WorkerId, Member] = {}
        self._members = members
        self._books = books
        self._out = out
        #: Whom each member knows.
        self._known: dict[int, set[int]] = {}
        self._now = 0.0
        self._starts: list[tuple[Member, Book, frames.StartRow]] = []
        #: Jobs that have failed, and until when it is waited for the error.
        self._failed: dict[JobId, tuple[commands.FailJob, float]] = {}

    # --- members come and go

    def joined(self, member: Member) -> None:
        self._known[member.number] = set()
        if member.role == "worker":
            self.workers[member.id] = member

    def left(self, member: Member) -> bool:
        """Tell all who know this member; return if it was a worker."""
        self._known.pop(member.number, None)
        for number, known in self._known.items():
            other = self._members.of_number(number)
            if member.number in known and other is not None:
                known.discard(member.number)
                self.say(other, frames.MemberGone(member.number))
        return self.workers.pop(member.id, None) is not None

    def replaced(self, worker: Member) -> None:
        """This worker has left, and the coordinator answers in its place: tell all who
        know it that it has no address any more."""
        self._known.pop(worker.number, None)
        self.workers.pop(worker.id, None)
        told = frames.MemberTold(worker.number, worker.key.encode(), "")
        for number, known in self._known.items():
            other = self._members.of_number(number)
            if worker.number in known and other is not None:
                self.say(other, told)

    # --- commands

    def obey_all(self, some: list[commands.Command], now: float) -> None:
        """Obey these, in order."""
        self._now = now
        for command in some:
            if not isinstance(command, commands.StartAttempt):
                self._send_starts()
            self._obey(command)
        self._send_starts()

    def _obey(self, command: commands.Command) -> None:
        match command:
            case commands.StartAttempt():
                self._start(command)
            case commands.CancelAttempt(worker, attempt, timed_out):
                self._cancel(worker, attempt, timed_out)
            case commands.RecallAttempts(worker, attempt):
                name = name_of(attempt)
                self._say_worker(worker, frames.Recall(attempt.task.job, name))
            case commands.PublishOutput(attempt, number):
                self._books[attempt.task.job].publish(attempt, number)
            case commands.CommitOutput(attempt):
                self._commit(attempt)
            case commands.DiscardOutput(attempt):
                self._discard(attempt)
            case commands.ReleaseStep(job, step):
                book = self._books.get(job)
                for number in [] if book is None else book.workers:
                    member = self._members.of_number(number)
                    if member is not None:
                        self.say(member, frames.Release(job, step))
            case commands.FinishJob(job, winners):
                self.finish(self._books[job], winners)
            case commands.FailJob():
                self._fail(command)

    def _start(self, command: commands.StartAttempt) -> None:
        attempt = command.attempt
        member = self.workers.get(command.worker)
        book = self._books[attempt.task.job]
        if member is None:
            return  # it was lost by what this turn did; that is told next
        book.give(attempt, member.number, self._now)
        for number in book.keepers(command):
            self._introduce(member, number)
        for frame in book.news_for(member.number, command):
            if any(to is member for to, _, _ in self._starts):
                self._send_starts()  # they were ordered before this was so
            self.say(member, frame)
        self._starts.append((member, book, book.row(command)))

    def ask(self, book: Book, now: float) -> None:
        """Tell all workers of the files of a job that begins: they will answer."""
        for member in self.workers.values():
            for frame in book.files_for(member.number):
                self.say(member, frame)
                if isinstance(frame, frames.FilesTold):
                    book.intake.survey.ask(member.number, len(frame.files), now)

    def _introduce(self, member: Member, number: int) -> None:
        """Tell the two of each other, if they have not been told."""
        other = self._members.of_number(number)
        if other is None or other is member:
            return
        for one, two in ((other, member), (member, other)):
            known = self._known[one.number]
            if two.number not in known:
                known.add(two.number)
                told = frames.MemberTold(
                    two.number, two.key.encode(), two.address, two.host
                )
                self.say(one, told)

    def _send_starts(self) -> None:
        """Say the orders that were gathered: those of one worker and job together."""
        waiting, self._starts = self._starts, []
        gathered: dict[tuple[int, JobId], list[frames.StartRow]] = {}
        extents = 0
        for member, book, row in waiting:
            rows = gathered.setdefault((member.number, book.job), [])
            rows.append(row)
            extents += _extents_in(row)
            if len(rows) == _ROWS_MAX or extents > _EXTENTS_MAX:
                self._say_rows(gathered)
                gathered, extents = {}, 0
        self._say_rows(gathered)

    def _say_rows(self, some: dict[tuple[int, JobId], list[frames.StartRow]]) -> None:
        for (number, job), rows in some.items():
            member = self._members.of_number(number)
            if member is not None:
                self.say(member, frames.Start(job, rows))

    def _cancel(self, worker: WorkerId, attempt: AttemptId, timed_out: bool) -> None:
        job = attempt.task.job
        book = self._books.get(job)
        number = None if book is None else book.cancelled(attempt, self._now)
        if book is not None and number is not None:
            book.outcomes["failed" if timed_out else "cancelled"] += 1
            if timed_out:
                book.timed_out[attempt] = number
        self._say_worker(worker, frames.CancelOne(job, name_of(attempt), timed_out))

    def _commit(self, attempt: AttemptId) -> None:
        book = self._books[attempt.task.job]
        book.outcome.commits[attempt] = None
        if book.submit.will_leave and not book.outcome.is_detached:
            return  # it will be given to the driver that comes for it
        driver = self._members.of_number(book.driver)
        if driver is not None:
            self._ask_to_commit(book, driver, attempt)

    def resume(self, book: Book) -> None:
        """A driver has come for a result: give it all that there is for it."""
        driver = self._members.of_number(book.driver)
        assert driver is not None
        for attempt in book.outcome.commits:
            self._ask_to_commit(book, driver, attempt)
        for frame in book.outcome.last_words:
            self.say(driver, frame)

    def _ask_to_commit(self, book: Book, driver: Member, attempt: AttemptId) -> None:
        self._introduce(driver, book.outputs[attempt].keeper)
        account = book.outputs[attempt].account
        self.say(driver, frames.CommitAsked(book.job, book.named(attempt), account))

    def _discard(self, attempt: AttemptId) -> None:
        book = self._books.get(attempt.task.job)
        number = None if book is None else book.discard(attempt)
        keeper = None if number is None else self._members.of_number(number)
        if keeper is not None:
            self.say(keeper, frames.Discard(attempt.task.job, name_of(attempt)))

    def finish(self, book: Book, winners: tuple[AttemptId, ...]) -> None:
        """Tell the driver that the job is done, and what has made its result."""
        for told in book.accounts(winners):
            self.tell_driver(book, told)
        outcomes = {name: n for name, n in book.outcomes.items() if n}
        ways = book.input_from(winners)
        races = book.races.won, book.races.saved_s
        done = frames.JobDone(book.job, outcomes, book.notes, ways, book.given, *races)
        self.tell_driver(book, done)

    def _fail(self, command: commands.FailJob) -> None:
        book = self._books.get(command.job)
        if book is None:
            return
        book.outcome.commits.clear()  # nothing of it counts
        if command.attempt in book.timed_out:
            self._failed[command.job] = command, 0.0  # its error is on its way
        else:
            self.tell_driver(book, failure_told(command, book))

    def tell_failures(self, now: float) -> None:
        """Tell of jobs that failed once there is an error, or none came in time."""
        for job, (command, due) in list(self._failed.items()):
            book = self._books.get(job)
            if book is not None and not due:
                self._failed[job] = command, now + _STACK_S
            elif book is None or command.attempt not in book.timed_out or now >= due:
                del self._failed[job]
                if book is not None:
                    self.tell_driver(book, failure_told(command, book))

    # --- saying

    def tell_driver(self, book: Book, frame: object) -> None:
        is_last = isinstance(frame, _LAST_WORDS)
        if is_last and book.outcome.is_detached:
            book.outcome.last_words.append(frame)  # the next driver may vanish, too
        driver = self._members.of_number(book.driver)
        if driver is not None:
            self.say(driver, frame)

    def job_over(self, book: Book) -> None:
        """Tell its workers that nobody asks for anything of this job any more."""
        for number in book.workers:
            worker = self._members.of_number(number)
            if worker is not None:
                self.say(worker, frames.JobEnd(book.job))

    def acknowledge(self, member: Member) -> None:
        """Let it know at once that all was heard: it waits for that, to leave."""
        self._out.append((member.key, False, member.beat()))

    def _say_worker(self, worker: WorkerId, frame: object) -> None:
        member = self.workers.get(worker)
        if member is not None:
            self.say(member, frame)

    def say(self, member: Member, frame: object) -> None:
        try:
            self._out.append((member.key, False, member.say(frame)))
        except LineFullError:
            # It takes in nothing, and is given up with the next turn.
            member.closed_since = -1e9


def _extents_in(row: frames.StartRow) -> int:
    return 1 + sum(
        len(one.extents) for one in row.inputs if isinstance(one, frames.SplitName)
    )
