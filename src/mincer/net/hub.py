"""The coordinator of a cluster without its sockets: who says what to whom, and when."""

# Strategy: messages in, messages out, and the time is an argument, as in `core`: so the
# same object runs over ZeroMQ, and in a test that loses and repeats messages. It is the
# coordinator's shell: what members say becomes events, and its commands become frames
# (dispatch.py). It believes nothing: what a member says of an attempt that it was not
# given, or of a job that is not its own, is late at best, and changes nothing.
#
# Pulls pass through, unread but for their heads, when two members cannot reach each
# other (and always to a driver, whom nobody can).

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mincer.core import events
from mincer.core.coordinator import Coordinator
from mincer.core.events import Event, Fault
from mincer.ids import AttemptId, JobId
from mincer.net.book import Book
from mincer.net.dispatch import Dispatch, Outgoing
from mincer.net.line import greeting
from mincer.net.members import BEAT_S, Member, Members
from mincer.net.telling import progress_told
from mincer.wire import frames, pulls
from mincer.wire.frames import attempt_of
from mincer.wire.packets import (
    GREETING,
    PACKET,
    PULL,
    Buffer,
    Message,
    kind_of,
    read_packet,
    write_packet,
)

__all__ = ["Hub", "Outgoing"]

#: How often drivers are told how far their jobs are.
_REPORT_S = 0.2
#: Of a job: each is half a kB here, from its submission on.
_REDUCES_MAX = 200_000
_FAULTS = {fault.value: fault for fault in Fault}


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
        self._events: list[Event] = []
        self._refused: list[tuple[str, str]] = []
        self._out: list[Outgoing] = []
        self._dispatch = Dispatch(self.members, self.books, self._out)
        self._now = self._beaten = self._reported = 0.0
        self._greetings = frames.Decoder(frames.Greeting)
        self._said = {
            "worker": frames.Decoder(frames.FromWorker),
            "driver": frames.Decoder(frames.FromDriver),
        }

    # --- what comes in

    def hear(self, key: str, role: str, message: Message, now: float) -> None:
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

    def cut_off(self, key: str, why: str) -> str:
        """This key may not be here any more; return the name of who had it here."""
        member = self.members.of_key(key)
        if member is None:
            return ""
        self._out.append((key, False, greeting(frames.Refused(why, "revoked"))))
        self._give_up(member, why)
        return member.name

    def _greeted(self, key: str, role: str, data: Buffer, now: float) -> None:
        hello = self._greetings.decode(data)
        if not isinstance(hello, frames.Hello):
            self.dropped += 1
            return
        greeted = self.members.greet(key, role, hello, now)
        if greeted.replaced is not None:
            self._left(greeted.replaced, "it began a new life")
        self._out.append((key, False, greeting(greeted.reply)))
        if isinstance(greeted.reply, frames.Refused):
            self._refused.append((hello.name, greeted.reply.why))
        member = greeted.joined
        if member is None:
            return
        self._dispatch.joined(member)
        if member.role == "worker":
            self._events.append(events.WorkerJoined(member.id, member.slots))
            self._events.append(events.WorkerSeen(member.id))

    def _packet(self, key: str, message: Message, now: float) -> None:
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

    def _pull(self, key: str, message: Message) -> None:
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
                gone = pulls.Denied(member.number, head.to, head.pull, "it left", True)
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
                    book.ended(attempt)
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
                        book.in_work[attempt] = done, record

    def _done(self, member: Member, book: Book | None, frame: frames.Done) -> None:
        attempt = attempt_of(frame.job, frame.attempt)
        if book is None or book.running.get(attempt) != member.number:
            self._dispatch.say(member, frames.Discard(frame.job, frame.attempt))
            return
        book.ended(attempt)
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
        book.ended(attempt)
        book.failed(attempt, frame.error)
        if fault is Fault.DIED:
            number = attempt.number + 1
            book.notes.append(f"{frame.error.what} (attempt {number}, {member.name})")
        lost = [attempt_of(book.job, name) for name in frame.lost]
        known = tuple(one for one in lost if one in book.outputs)
        self._events.append(
            events.AttemptFailed(attempt, member.id, fault, frame.record, known)
        )

    # --- drivers

    def _driver_said(self, member: Member, frame: frames.FromDriver) -> None:
        book = self.books.get(frame.job)
        if isinstance(frame, frames.Submit):
            if sum(step.parts for step in frame.steps) > _REDUCES_MAX:
                why = f"a job of more than {_REDUCES_MAX:,} reduces"
                self._dispatch.say(member, frames.JobFailed(frame.job, why))
            elif book is None:
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
        if self._dispatch.left(member):
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
        for number in book.workers:
            worker = self.members.of_number(number)
            if worker is not None:
                self._dispatch.say(worker, frames.JobEnd(book.job))

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
            self._events.append(events.Tick(tuple(self._records_in_work())))
        self._digest()
        if now - self._reported >= _REPORT_S:
            self._reported = now
            for book in self.books.values():
                self._report(book)

    def _records_in_work(self) -> Iterator[tuple[AttemptId, int]]:
        for book in self.books.values():
            for attempt, (_, record) in book.in_work.items():
                if record is not None:
                    yield attempt, record

    def deadline(self, now: float) -> float:
        """When `turn` is due, if nothing comes before."""
        times = [self._beaten + BEAT_S]
        if self.books:
            times.append(self._reported + _REPORT_S)
        due = self.coordinator.deadline()
        if due is not None:
            times.append(due)
        return max(now, min(times))

    def take_refused(self) -> list[tuple[str, str]]:
        """Who was not let in since the last call, and why."""
        refused, self._refused = self._refused, []
        return refused

    def take_out(self) -> list[Outgoing]:
        """What is to be sent, in this order."""
        out = self._out.copy()
        self._out.clear()  # the same list stays in the hands of the dispatch
        return out

    def _digest(self) -> None:
        """Tell the coordinator what has happened, and obey."""
        while self._events:
            happened, self._events = self._events, []
            self._dispatch.obey_all(self.coordinator.handle_all(happened, self._now))

    def _report(self, book: Book) -> None:
        snapshot = self.coordinator.snapshot(book.job)
        if snapshot is not None:
            doing = sum(
                done
                for attempt, (done, _) in book.in_work.items()
                if attempt.task[1:3] == (0, "map")
            )
            self._dispatch.tell_driver(book, progress_told(book, snapshot, doing))
