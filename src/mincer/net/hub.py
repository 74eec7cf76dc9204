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

from collections.abc import Callable, Iterator

import msgspec

from mincer.core import events
from mincer.core.coordinator import Coordinator
from mincer.core.events import Event, Fault
from mincer.ids import AttemptId, JobId
from mincer.net.book import Book
from mincer.net.desk import Desk
from mincer.net.dispatch import Dispatch, Outgoing
from mincer.net.line import greeting
from mincer.net.members import BEAT_S, Member, Members
from mincer.net.owners import Keeping, Owners
from mincer.net.relief import Relief
from mincer.net.standin import Spool, StandIn
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
#: Who is there says something each second; whoever did not for so long is stopped, or
#: cut off.
_SILENT_S = 6.0
_DEFAULTS = Keeping()
_FAULTS = {fault.value: fault for fault in Fault}


class Hub:
    """Hears members and answers them. One thread owns it.

    `word`: a new one for each life of a coordinator. `versions`: see `Members`. `now`:
    when it begins. `open_spool`: makes the place for what it lays aside of a job for
    members that leave; `keeping`: for how long results are.
    """

    def __init__(
        self,
        word: str,
        versions: tuple[str, str],
        members_max: int = 10_000,
        now: float = 0.0,
        *,
        open_spool: Callable[[JobId, bytes], Spool],
        keeping: Keeping = _DEFAULTS,
    ) -> None:
        self.members = Members(word, versions, members_max)
        self._word = word
        self.coordinator = Coordinator()
        self.books: dict[JobId, Book] = {}
        self.desk = Desk(
            word, versions, self.members, self.coordinator, self.books, now
        )
        #: Messages that made no sense, and what was said without any right.
        self.dropped = 0
        #: Connections and greetings of those who were not let in.
        self.refused = 0
        #: Bytes that were passed on from one member to another.
        self.relayed_bytes = 0
        self._events: list[Event] = []
        self._refused: list[tuple[str, str]] = []
        self._out: list[Outgoing] = []
        self._dispatch = Dispatch(self.members, self.books, self._out)
        self._standin = StandIn(open_spool)
        shared = self.members, self.books, self._dispatch, self._standin
        happened = self._events.append
        self._relief = Relief(*shared, happened)
        core = self.coordinator, happened, self._digest
        self._owners = Owners(*shared, self.desk, *core, self._relief.over, keeping)
        self._now = self._beaten = self._reported = 0.0
        self._left_for_good: list[str] = []
        self._greetings = frames.Decoder(frames.Greeting)
        self._said = {
            "worker": frames.Decoder(frames.FromWorker),
            "driver": frames.Decoder(frames.FromDriver),
            "observer": frames.Decoder(frames.FromObserver),
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
        """There is no connection to this key just now.

        Of one that was silent before, nothing is known by that: `sockets.py` ends
        connections over which nothing comes. It has its lease.
        """
        member = self.members.of_key(key)
        if member is None or now - member.heard > _SILENT_S:
            return
        if member.closed_since is None:
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
        self.refused += isinstance(greeted.reply, frames.Refused)
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
        elif isinstance(frame, frames.QUESTIONS):
            self._asked(member, frame)
        elif member.role == "worker":
            self._worker_said(member, frame)
        else:
            self._driver_said(member, frame)

    def _pull(self, key: str, message: Message) -> None:
        """Pass on what one member asks of another, and the reply."""
        read = pulls.read_pull(message)
        member = self.members.of_key(key)
        if read is None or member is None or member.role == "observer":
            # To the coordinator itself anybody may say that he is there.
            self.dropped += read is None or read[0].to != 0
            return
        head, data = msgspec.structs.replace(read[0], by=member.number), read[1]
        is_question = isinstance(head, pulls.QUESTIONS)
        if not head.to:
            if not is_question:
                self._relief.come(self._standin.hear(head, data, self._now))
            return
        to = self.members.of_number(head.to)
        if is_question and self._standin.answers(head, to is not None):
            for reply in self._standin.asked(head):
                self._out.append((key, True, reply))
                self.relayed_bytes += sum(map(len, reply[1:]))
        elif to is None:
            if isinstance(head, pulls.Open | pulls.Ask):
                gone = pulls.Denied(member.number, head.to, head.pull, "it left", True)
                self._out.append((key, True, pulls.write_pull(gone)))
        else:
            self._out.append((to.key, True, pulls.write_pull(head, data)))
            self.relayed_bytes += 0 if data is None else len(data)

    # --- workers

    def _worker_said(self, member: Member, frame: frames.FromWorker) -> None:
        if isinstance(frame, frames.Draining):
            self._events.append(events.WorkerLeaving(member.id))
            if frame.is_done:
                self._relief.has_finished(member, self._now)
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
            case frames.Working(rows=rows):
                for name, done, record in rows:
                    attempt = attempt_of(book.job, name)
                    if book.running.get(attempt) == member.number:
                        book.in_work[attempt] = done, record

            case frames.FilesFound():
                homes: tuple[int, ...] = ()
                if book.knows(member.number, frame.first + frame.files):
                    homes = book.intake.found(member.number, frame)
                if homes:
                    found = events.InputFound(book.job, member.id, homes)
                    self._events.append(found)

    def _done(self, member: Member, book: Book | None, frame: frames.Done) -> None:
        attempt = attempt_of(frame.job, frame.attempt)
        if book is None or book.running.get(attempt) != member.number:
            self._dispatch.say(member, frames.Discard(frame.job, frame.attempt))
            return
        book.ended(attempt)
        book.done(frame, attempt, member.number, self._now)
        member.attempts_done += 1
        self._events.append(
            events.AttemptDone(attempt, member.id, frame.length_bytes, frame.digest)
        )

    def _failed(self, member: Member, book: Book, frame: frames.Failed) -> None:
        attempt = attempt_of(book.job, frame.attempt)
        fault = _FAULTS.get(frame.fault)
        if book.timed_out.get(attempt) == member.number:
            book.keep_error(attempt, frame.error)
            return
        if fault is None or book.running.get(attempt) != member.number:
            self.dropped += fault is None
            return
        book.ended(attempt)
        book.failed(attempt, frame.error)
        self.desk.look(book.job)  # it may be the last that is seen of it
        if fault is Fault.DIED:
            number = attempt.number + 1
            book.notes.append(f"{frame.error.what} (attempt {number}, {member.name})")
        lost = [attempt_of(book.job, name) for name in frame.lost]
        known = tuple(one for one in lost if one in book.outputs)
        self._events.append(
            events.AttemptFailed(attempt, member.id, fault, frame.record, known)
        )

    # --- drivers

    def _driver_said(self, member: Member, frame: frames.JobSaid) -> None:
        if not self._owners.said(member, frame, self._now):
            self.dropped += 1

    # --- questions, of drivers and observers

    def _asked(self, member: Member, question: frames.Question) -> None:
        if isinstance(question, frames.CancelAsked):
            self.desk.look(question.job)
            reason = f"{member.name} cancelled it"
            self._events.append(events.JobCancelled(question.job, reason))
            self._digest()
        traffic = self.relayed_bytes, self.dropped, self.refused
        self._dispatch.say(member, self.desk.answer(question, traffic, self._now))

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
        self._relief.lost(member)
        self._owners.left(member, why, self._now)

    def close(self) -> None:
        """Tell all members that this coordinator ends, so that none waits for it, and
        remove what was laid aside."""
        self._standin.close()
        word = greeting(frames.Closed(self._word))
        self._out += [(member.key, False, word) for member in self.members]

    # --- time

    def turn(self, now: float) -> None:
        """Do what is due, after all that has come was heard."""
        self._now = now
        if now - self._beaten >= BEAT_S:
            self._beaten = now
            self._relief.beat()
            self._owners.turn(now)
            for member in self.members:
                if member.role == "worker" and now - member.heard < 2 * BEAT_S:
                    self._events.append(events.WorkerSeen(member.id))
                self._out.append((member.key, False, member.beat()))
        for member in self.members:
            if member.is_gone(now):
                self._give_up(member, "its connection was closed")
                if member.role != "worker":
                    self.members.forget(member.key)
                    self._left_for_good.append(member.key)
            elif member.is_silent(now):
                self._give_up(member, "it was not heard of")
        deadline = self.coordinator.deadline()
        if deadline is not None and deadline <= now:
            self._events.append(events.Tick(tuple(self._records_in_work())))
        for book in self.books.values():
            self._events += book.intake.events(now)
        self._relief.come(self._standin.turn(now))
        self._digest()
        self._dispatch.tell_failures(now)
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
        dues = [self.coordinator.deadline()]
        dues += [book.intake.deadline for book in self.books.values()]
        times += [due for due in dues if due is not None]
        return max(now, min(times))

    def take_refused(self) -> list[tuple[str, str]]:
        """Who was not let in since the last call, and why."""
        refused, self._refused = self._refused, []
        return refused

    def take_out(self) -> list[Outgoing]:
        """What is to be sent, in this order."""
        for head in self._standin.take_out():
            member = self.members.of_number(head.to)
            if member is not None:
                self._out.append((member.key, True, pulls.write_pull(head)))
        out = self._out.copy()
        self._out.clear()  # the same list stays in the hands of the dispatch
        return out

    def take_left(self) -> list[str]:
        """Keys that will not be seen again, or will have to be enrolled again."""
        left, self._left_for_good = self._left_for_good, []
        return left

    def _digest(self) -> None:
        """Tell the coordinator what has happened, and obey."""
        while self._events:
            happened = self._events.copy()
            self._events.clear()  # the same list stays in the hands of others
            commands = self.coordinator.handle_all(happened, self._now)
            self._dispatch.obey_all(commands, self._now)
            self.desk.heed(commands, self._now)

    def _report(self, book: Book) -> None:
        snapshot = self.desk.look(book.job)
        if snapshot is not None:
            told = progress_told(book, snapshot, book.bytes_in_work)
            self._dispatch.tell_driver(book, told)
