"""The coordinator of a cluster without its sockets: who says what to whom, and when."""

# Strategy: messages in, messages out, and the time is an argument, as in `core`: so the
# same object runs over ZeroMQ, and in a test that loses and repeats messages. It is the
# coordinator's shell: what members say becomes events, and its commands become frames.
# It believes nothing: what a member says of an attempt that it was not given, or of a
# job that is not its own, is late at best, and changes nothing.
#
# Pulls pass through, unread but for their heads, when two members cannot reach each
# other (and always to a driver, whom nobody can).

from __future__ import annotations

import msgspec

from mincer.core import commands, events
from mincer.core.coordinator import Coordinator
from mincer.core.events import Event, Fault
from mincer.ids import AttemptId, JobId, WorkerId
from mincer.net.book import Book
from mincer.net.line import greeting
from mincer.net.members import BEAT_S, Member, Members
from mincer.net.telling import failure_told, progress_told
from mincer.wire import frames, pulls
from mincer.wire.frames import attempt_of, name_of
from mincer.wire.packets import (
    GREETING,
    PACKET,
    PULL,
    kind_of,
    read_packet,
    write_packet,
)
from mincer.wire.session import LineFullError

__all__ = ["Hub", "Outgoing"]

#: How often drivers are told how far their jobs are.
_REPORT_S = 0.2
#: Rows of one `Start`, and extents in them: a message has a bound.
_ROWS_MAX = 200
_EXTENTS_MAX = 8000
_FAULTS = {fault.value: fault for fault in Fault}

_Buffer = bytes | memoryview

#: To which key, over which of its connections (bulk or not), which message.
Outgoing = tuple[str, bool, list[_Buffer]]


class Hub:
    """Hears members and answers them. One thread owns it.

    `word`: a new one for each life of a coordinator. `versions`: see `Members`.
    """

    def __init__(
        self, word: str, versions: tuple[str, str], members_max: int = 10_000
    ) -> None:
        self.members = Members(word, versions, members_max)
        self.coordinator = Coordinator()
        self.books: dict[JobId, Book] = {}
        #: Messages that made no sense, and what was said without any right.
        self.dropped = 0
        #: Bytes that were passed on from one member to another.
        self.relayed_bytes = 0
        self._workers: dict[WorkerId, Member] = {}
        #: Whom each member knows.
        self._known: dict[int, set[int]] = {}
        self._in_work: dict[AttemptId, tuple[int, int | None]] = {}
        self._events: list[Event] = []
        self._out: list[Outgoing] = []
        self._starts: list[tuple[Member, Book, frames.StartRow]] = []
        self._now = self._beaten = self._reported = 0.0
        self._greetings = frames.Decoder(frames.Greeting)
        self._said = {
            "worker": frames.Decoder(frames.FromWorker),
            "driver": frames.Decoder(frames.FromDriver),
        }

    # --- what comes in

    def hear(self, key: str, role: str, message: list[_Buffer], now: float) -> None:
        """Take in a message from this key, which may be a `role`."""
        self._now = now
        kind = kind_of(message)
        if kind == GREETING and len(message) == 1:
            self._greeted(key, role, message[0][1:], now)
        elif kind == PACKET:
            self._packet(key, message, now)
        elif kind == PULL:
            self._pull(key, message)
        else:
            self.dropped += 1

    def closed(self, key: str, now: float) -> None:
        """There is no connection to this key just now."""
        member = self.members.of_key(key)
        if member is not None and member.closed_since is None:
            member.closed_since = now

    def cut_off(self, key: str, why: str) -> None:
        """This key may not be here any more."""
        member = self.members.of_key(key)
        if member is not None:
            self._out.append((key, False, greeting(frames.Refused(why, "revoked"))))
            self._give_up(member, why)

    def _greeted(self, key: str, role: str, data: _Buffer, now: float) -> None:
        hello = self._greetings.decode(data)
        if not isinstance(hello, frames.Hello):
            self.dropped += 1
            return
        greeted = self.members.greet(key, role, hello, now)
        if greeted.replaced is not None:
            self._left(greeted.replaced, "it began a new life")
        self._out.append((key, False, greeting(greeted.reply)))
        member = greeted.joined
        if member is None:
            return
        self._known[member.number] = set()
        if member.role == "worker":
            self._workers[member.id] = member
            self._events.append(events.WorkerJoined(member.id, member.slots))
            self._events.append(events.WorkerSeen(member.id))

    def _packet(self, key: str, message: list[_Buffer], now: float) -> None:
        read = read_packet(message)
        if read is None:
            self.dropped += 1
            return
        life, packet = read
        member = self.members.of_key(key)
        if member is None or member.life != life:
            self._out.append((key, False, greeting(frames.Stranger(life))))
            return
        member.heard = now
        member.closed_since = None
        came = member.session.take(packet)
        for answer in came.answers:
            self._out.append((key, False, write_packet(life, answer)))
        if came.payload is None:
            return
        decoder = self._said.get(member.role)
        frame = None if decoder is None else decoder.decode(came.payload)
        if frame is None:
            self.dropped += 1
        elif member.role == "worker":
            self._worker_said(member, frame)
        else:
            self._driver_said(member, frame)

    def _pull(self, key: str, message: list[_Buffer]) -> None:
        """Pass on what one member asks of another, and the reply."""
        read = pulls.read_pull(message)
        member = self.members.of_key(key)
        if read is None or member is None:
            self.dropped += 1
            return
        head, data = read
        if not head.to:
            return  # says only that it is there
        to = self.members.of_number(head.to)
        if to is None:
            if isinstance(head, pulls.Open | pulls.Ask):
                gone = pulls.Denied(member.number, head.to, head.pull, "it has left")
                self._out.append((key, True, pulls.write_pull(gone)))
            return
        passed = msgspec.structs.replace(head, by=member.number)
        self._out.append((to.key, True, pulls.write_pull(passed, data)))
        if data is not None:
            self.relayed_bytes += len(data)

    # --- workers

    def _worker_said(self, member: Member, frame: frames.FromWorker) -> None:
        if isinstance(frame, frames.Draining):
            self._events.append(events.WorkerLeaving(member.id))
            if frame.is_done:
                self._give_up(member, "it has left")
            return
        book = self.books.get(frame.job)
        match frame:
            case frames.Done():
                self._done(member, book, frame)
            case _ if book is None:
                pass  # of a job that is over
            case frames.Failed():
                self._failed(member, book, frame)
            case frames.Returned(attempts=names):
                back = [attempt_of(book.job, name) for name in names]
                mine = [one for one in back if book.running.get(one) == member.number]
                for attempt in mine:
                    del book.running[attempt]
                self._events.append(events.AttemptsReturned(member.id, tuple(mine)))
            case frames.SegmentGone(attempt=name):
                attempt = attempt_of(book.job, name)
                output = book.outputs.get(attempt)
                if output is not None and output.keeper == member.number:
                    self._events.append(events.SegmentLost(attempt))
            case frames.Working(rows=rows):
                for name, done, record in rows:
                    attempt = attempt_of(book.job, name)
                    if book.running.get(attempt) == member.number:
                        self._in_work[attempt] = done, record

    def _done(self, member: Member, book: Book | None, frame: frames.Done) -> None:
        attempt = attempt_of(frame.job, frame.attempt)
        if book is None or book.running.get(attempt) != member.number:
            self._say(member, frames.Discard(frame.job, frame.attempt))
            return
        self._ended(book, attempt)
        book.done(frame, attempt, member.number)
        self._events.append(
            events.AttemptDone(attempt, member.id, frame.length_bytes, frame.digest)
        )

    def _failed(self, member: Member, book: Book, frame: frames.Failed) -> None:
        attempt = attempt_of(book.job, frame.attempt)
        fault = _FAULTS.get(frame.fault)
        if fault is None or book.running.get(attempt) != member.number:
            self.dropped += fault is None
            return
        self._ended(book, attempt)
        book.failed(attempt, frame.error)
        if fault is Fault.DIED:
            number = attempt.number + 1
            book.notes.append(f"{frame.error.what} (attempt {number}, {member.name})")
        lost = [attempt_of(book.job, name) for name in frame.lost]
        known = tuple(one for one in lost if one in book.outputs)
        self._events.append(
            events.AttemptFailed(attempt, member.id, fault, frame.record, known)
        )

    def _ended(self, book: Book, attempt: AttemptId) -> None:
        del book.running[attempt]
        self._in_work.pop(attempt, None)

    # --- drivers

    def _driver_said(self, member: Member, frame: frames.FromDriver) -> None:
        book = self.books.get(frame.job)
        if isinstance(frame, frames.Submit):
            if book is None:
                book = self.books[frame.job] = Book(frame, member.number)
                self._events.append(events.JobSubmitted(frame.job, book.plan))
            return
        if book is None or book.driver != member.number:
            self.dropped += 1
            return
        match frame:
            case frames.Files(first=first, files=files):
                book.add_files(first, files)
            case frames.Splits(first=first, splits=splits):
                if not book.input_ended and book.add_splits(first, splits):
                    sizes = tuple(split.size_bytes for split in splits)
                    self._events.append(events.SplitsAdded(book.job, first, sizes))
            case frames.InputEnd():
                book.input_ended = True
                self._events.append(events.InputEnded(book.job))
            case frames.CancelJob(reason=reason):
                self._events.append(events.JobCancelled(book.job, reason))
            case frames.Committed(attempt=name, is_refused=is_refused):
                attempt = attempt_of(book.job, name)
                if attempt in book.outputs:
                    kind = (
                        events.OutputRefused if is_refused else events.OutputCommitted
                    )
                    self._events.append(kind(attempt))
            case frames.Taken():
                self._events.append(events.JobCancelled(book.job, "its driver left it"))
                self._close(book)

    # --- members leave

    def _give_up(self, member: Member, why: str) -> None:
        self.members.remove(member)
        self._left(member, why)

    def _left(self, member: Member, why: str) -> None:
        """This life of a member is over."""
        self._known.pop(member.number, None)
        for number, known in self._known.items():
            other = self.members.of_number(number)
            if member.number in known and other is not None:
                known.discard(member.number)
                self._say(other, frames.MemberGone(member.number))
        if self._workers.pop(member.id, None) is not None:
            for book in self.books.values():
                lost = book.forget_worker(member.number)
                book.outcomes["lost"] += len(lost)
                if lost:
                    book.notes.append(
                        f"worker {member.name} was lost ({why}); what it did runs again"
                    )
            self._events.append(events.WorkerLost(member.id, why))
        for book in list(self.books.values()):
            if book.driver == member.number:
                reason = f"its driver was lost ({why})"
                self._events.append(events.JobCancelled(book.job, reason))
                self._close(book)

    def _close(self, book: Book) -> None:
        """Nobody asks for anything of this job any more."""
        self._digest()  # what it still has in work is cancelled first
        if self.books.pop(book.job, None) is None:
            return
        for attempt in book.running:
            self._in_work.pop(attempt, None)
        for number in book.workers:
            worker = self.members.of_number(number)
            if worker is not None:
                self._say(worker, frames.JobEnd(book.job))

    # --- time

    def turn(self, now: float) -> None:
        """Do what is due, after all that has come was heard."""
        self._now = now
        if now - self._beaten >= BEAT_S:
            self._beaten = now
            for member in self.members:
                if member.role == "worker" and now - member.heard < 2 * BEAT_S:
                    self._events.append(events.WorkerSeen(member.id))
                self._out.append((member.key, False, member.beat()))
        for member in self.members:
            if member.is_gone(now):
                self._give_up(member, "its connection was closed")
            elif member.is_silent(now):
                self._give_up(member, "it was not heard of")
        deadline = self.coordinator.deadline()
        if deadline is not None and deadline <= now:
            in_work = [(a, r) for a, (_, r) in self._in_work.items() if r is not None]
            self._events.append(events.Tick(tuple(in_work)))
        self._digest()
        if now - self._reported >= _REPORT_S:
            self._reported = now
            for book in self.books.values():
                self._report(book)

    def deadline(self, now: float) -> float:
        """When `turn` is due, if nothing comes before."""
        times = [self._beaten + BEAT_S]
        if self.books:
            times.append(self._reported + _REPORT_S)
        due = self.coordinator.deadline()
        if due is not None:
            times.append(due)
        return max(now, min(times))

    def take_out(self) -> list[Outgoing]:
        """What is to be sent, in this order."""
        out, self._out = self._out, []
        return out

    def _digest(self) -> None:
        """Tell the coordinator what has happened, and obey."""
        while self._events:
            happened, self._events = self._events, []
            for command in self.coordinator.handle_all(happened, self._now):
                if not isinstance(command, commands.StartAttempt):
                    self._send_starts()
                self._obey(command)
            self._send_starts()

    # --- what the coordinator wants

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
                self.books[attempt.task.job].publish(attempt, number)
            case commands.CommitOutput(attempt):
                self._commit(attempt)
            case commands.DiscardOutput(attempt):
                self._discard(attempt)
            case commands.ReleaseStep(job, step):
                book = self.books.get(job)
                for number in [] if book is None else book.workers:
                    worker = self.members.of_number(number)
                    if worker is not None:
                        self._say(worker, frames.Release(job, step))
            case commands.FinishJob(job, winners):
                self._finish(self.books[job], winners)
            case commands.FailJob():
                book = self.books.get(command.job)
                if book is not None:
                    self._tell_driver(book, failure_told(command, book))

    def _start(self, command: commands.StartAttempt) -> None:
        attempt = command.attempt
        member = self._workers.get(command.worker)
        book = self.books[attempt.task.job]
        if member is None:
            return  # it was lost by what this turn did; that is told next
        book.running[attempt] = member.number
        for number in book.keepers(command):
            self._introduce(member, number)
        for frame in book.news_for(member.number, command):
            self._send_starts()
            self._say(member, frame)
        self._starts.append((member, book, book.row(command)))

    def _introduce(self, member: Member, number: int) -> None:
        """Tell the two of each other, if they have not been told."""
        other = self.members.of_number(number)
        if other is None or other is member:
            return
        for one, two in ((other, member), (member, other)):
            known = self._known[one.number]
            if two.number not in known:
                known.add(two.number)
                told = frames.MemberTold(
                    two.number, two.key.encode(), two.address, two.host
                )
                self._say(one, told)

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
            member = self.members.of_number(number)
            if member is not None:
                self._say(member, frames.Start(job, rows))

    def _cancel(self, worker: WorkerId, attempt: AttemptId, timed_out: bool) -> None:
        job = attempt.task.job
        book = self.books.get(job)
        if book is not None and book.running.pop(attempt, None) is not None:
            self._in_work.pop(attempt, None)
            book.outcomes["failed" if timed_out else "cancelled"] += 1
        self._say_worker(worker, frames.CancelOne(job, name_of(attempt), timed_out))

    def _commit(self, attempt: AttemptId) -> None:
        book = self.books[attempt.task.job]
        driver = self.members.of_number(book.driver)
        if driver is None:
            return  # its job is cancelled, as soon as that is told
        self._introduce(driver, book.outputs[attempt].keeper)
        account = book.outputs[attempt].account
        self._say(driver, frames.CommitAsked(book.job, book.named(attempt), account))

    def _discard(self, attempt: AttemptId) -> None:
        book = self.books.get(attempt.task.job)
        output = None if book is None else book.outputs.get(attempt)
        keeper = None if output is None else self.members.of_number(output.keeper)
        if keeper is not None:
            self._say(keeper, frames.Discard(attempt.task.job, name_of(attempt)))

    def _finish(self, book: Book, winners: tuple[AttemptId, ...]) -> None:
        for told in book.accounts(winners):
            self._tell_driver(book, told)
        outcomes = {name: n for name, n in book.outcomes.items() if n}
        self._tell_driver(
            book, frames.JobDone(book.job, outcomes, book.notes, {}, len(book.workers))
        )

    def _report(self, book: Book) -> None:
        snapshot = self.coordinator.snapshot(book.job)
        if snapshot is not None:
            doing = sum(
                done
                for attempt, (done, _) in self._in_work.items()
                if attempt.task[:3] == (book.job, 0, "map")
            )
            self._tell_driver(book, progress_told(book, snapshot, doing))

    # --- saying

    def _tell_driver(self, book: Book, frame: object) -> None:
        driver = self.members.of_number(book.driver)
        if driver is not None:
            self._say(driver, frame)

    def _say_worker(self, worker: WorkerId, frame: object) -> None:
        member = self._workers.get(worker)
        if member is not None:
            self._say(member, frame)

    def _say(self, member: Member, frame: object) -> None:
        try:
            self._out.append((member.key, False, member.say(frame)))
        except LineFullError:
            # It takes in nothing, and is given up with the next turn.
            member.closed_since = -1e9


def _extents_in(row: frames.StartRow) -> int:
    return 1 + sum(
        len(one.extents) for one in row.inputs if isinstance(one, frames.SplitName)
    )
