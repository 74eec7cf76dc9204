"""What the coordinator tells people who ask: how it is, its jobs and its workers."""

# Strategy: a picture with no power over anything. Figures come from the books and from
# `core` when somebody asks; only of jobs that are over something is kept, the last row
# of each, since book and tasks are gone then. How far a job was that failed is known
# from the last look at it, a fifth of a second old at the most.
#
# An observer may learn how jobs do, and not what is in them. So the reason of a failure
# is the coordinator's own, without the text of the error, which may quote a record: the
# job's driver has that.

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from typing import get_args

import msgspec

from mincer.core.commands import Command, FailJob, FinishJob
from mincer.core.coordinator import Coordinator
from mincer.core.snapshot import JobSnapshot, PhaseSnapshot, StepSnapshot
from mincer.ids import JobId
from mincer.limits import JOBS_LISTED
from mincer.net.book import Book
from mincer.net.members import Member, Members
from mincer.wire.frames import (
    PAGE_ROWS_MAX,
    SHORT_CHARS_MAX,
    Answer,
    CancelAsked,
    CancelTold,
    JobRow,
    JobsAsked,
    JobState,
    JobsTold,
    Question,
    StatusAsked,
    StatusTold,
    WorkerRow,
    WorkersAsked,
    WorkersTold,
)

__all__ = ["Desk"]

_STATES: tuple[JobState, ...] = get_args(JobState)


class _Listed:
    """A job that is not over."""

    def __init__(self, book: Book, number: int, by: str, since: float) -> None:
        self.book = book
        self.number = number
        self.by = by
        self.since = since
        self.is_lost = False
        #: How far it was when it was looked at last.
        self.seen: JobSnapshot | None = None


class Desk:
    """Answers questions. `word`, `versions`: the coordinator's own; `books`: the jobs
    that somebody may still ask for; `began`: when the coordinator did."""

    def __init__(
        self,
        word: str,
        versions: tuple[str, str],
        members: Members,
        coordinator: Coordinator,
        books: Mapping[JobId, Book],
        began: float,
    ) -> None:
        #: Where the coordinator listens, HOST:PORT; empty where it does not.
        self.address = ""
        self._word = word
        self._versions = versions
        self._members = members
        self._coordinator = coordinator
        self._books = books
        self._began = began
        self._jobs: dict[JobId, _Listed] = {}
        #: The last rows of those that are over, and when that was; the oldest first.
        self._over: OrderedDict[JobId, tuple[JobRow, float]] = OrderedDict()
        self._ends: Counter[JobState] = Counter()
        self._numbers = 0

    # --- the lives of jobs

    def submitted(self, book: Book, by: str, now: float) -> None:
        """There is a new job, submitted by the member of that name."""
        self._numbers += 1
        self._over.pop(book.job, None)
        self._jobs[book.job] = _Listed(book, self._numbers, by, now)

    def look(self, job: JobId) -> JobSnapshot | None:
        """How far this job is; None when it is over or was never here."""
        snapshot = self._coordinator.snapshot(job)
        if snapshot is not None and job in self._jobs:
            self._jobs[job].seen = snapshot
        return snapshot

    def lost(self, job: JobId) -> None:
        """Its driver was lost; what cancels the job comes after this."""
        if job in self._jobs:
            self._jobs[job].is_lost = True

    def heed(self, commands: Iterable[Command], now: float) -> None:
        """Note which jobs have ended."""
        for command in commands:
            if isinstance(command, FinishJob):
                self._finished(command, now)
            elif isinstance(command, FailJob):
                self._failed(command, now)

    def closed(self, job: JobId, now: float) -> None:
        """Nobody asks for this job any more. It is over, unless the coordinator never
        took it, since its id had been used before."""
        if job in self._jobs:
            self._end(job, now, state="cancelled", reason="its id was used before")

    def _finished(self, command: FinishJob, now: float) -> None:
        listed = self._jobs.get(command.job)
        if listed is None:
            return
        last = len(listed.book.submit.steps) - 1
        made = Counter(one.task.kind for one in command.winners if one.task[1] == last)
        self._end(
            command.job,
            now,
            state="done",
            phase="done",
            step=last + 1,
            maps_done=made["map"],
            maps_total=made["map"],
            reduces_done=made["reduce"],
            reduces_total=made["reduce"],
        )

    def _failed(self, command: FailJob, now: float) -> None:
        listed = self._jobs.get(command.job)
        if listed is None:
            return
        state: JobState = "failed"
        if command.task is None and command.fault is None:
            state = "lost" if listed.is_lost else "cancelled"
        self._end(command.job, now, state=state, reason=_short(command.reason))

    def _end(self, job: JobId, now: float, *, state: JobState, **more: object) -> None:
        listed = self._jobs.pop(job)
        row = self._row(listed, listed.seen, now)
        nothing = {"ended_s": 0.0, "workers": 0, "slots": 0}
        row = msgspec.structs.replace(row, state=state, **nothing, **more)
        self._over[job] = row, now
        self._ends[state] += 1
        if len(self._over) > JOBS_LISTED:
            self._over.popitem(last=False)

    # --- answers

    def answer(
        self, question: Question, traffic: tuple[int, int, int], now: float
    ) -> Answer:
        """The answer to a question; one to cancel was obeyed already. `traffic`: bytes
        relayed, messages dropped, strangers refused."""
        match question:
            case StatusAsked(ask):
                return self._status(ask, traffic, now)
            case JobsAsked():
                return self._list(question, now)
            case WorkersAsked():
                return self._workers(question, now)
            case CancelAsked(ask, job):
                return CancelTold(ask, self._row_of(job, now))

    def _status(self, ask: int, traffic: tuple[int, int, int], now: float) -> Answer:
        roles = Counter(member.role for member in self._members)
        slots = sum(one.slots for one in self._members if one.role == "worker")
        workers = self._coordinator.roster.workers.values()
        states = self._ends.copy()
        for job in self._jobs:
            states[_state_of(self._jobs[job].book, self.look(job))] += 1
        return StatusTold(
            ask,
            self._word,
            self.address[:SHORT_CHARS_MAX],
            *self._versions,
            max(0.0, now - self._began),
            roles["worker"],
            roles["driver"],
            slots,
            sum(len(worker.busy) for worker in workers),
            {state: states[state] for state in _STATES},
            *traffic,
        )

    def _list(self, question: JobsAsked, now: float) -> JobsTold:
        numbers = {job: listed.number for job, listed in self._jobs.items()}
        numbers |= {job: row.number for job, (row, _) in self._over.items()}
        before = question.before
        found = [
            (number, job)
            for job, number in numbers.items()
            if job.startswith(question.prefix) and (before is None or number < before)
        ]
        found.sort(reverse=True)
        rows = [self._row_of(job, now) for _, job in found[:PAGE_ROWS_MAX]]
        told = [row for row in rows if row is not None]
        return JobsTold(question.ask, told, len(found) > PAGE_ROWS_MAX)

    def _workers(self, question: WorkersAsked, now: float) -> WorkersTold:
        found = [
            member
            for member in self._members
            if member.role == "worker" and member.number > question.after
        ]
        found.sort(key=lambda member: member.number)
        rows = [self._worker_row(member, now) for member in found[:PAGE_ROWS_MAX]]
        return WorkersTold(question.ask, rows, len(found) > PAGE_ROWS_MAX)

    # --- rows

    def _row_of(self, job: JobId, now: float) -> JobRow | None:
        """The job as it is now, or was when it ended."""
        listed = self._jobs.get(job)
        if listed is not None:
            return self._row(listed, self.look(job), now)
        if job not in self._over:
            return None
        row, ended = self._over[job]
        return msgspec.structs.replace(row, ended_s=max(0.0, now - ended))

    def _row(self, listed: _Listed, seen: JobSnapshot | None, now: float) -> JobRow:
        book = listed.book
        submit = book.submit
        step = _unseen(book) if seen is None else seen.steps[seen.step]
        return JobRow(
            job=book.job,
            number=listed.number,
            name=_short(submit.name),
            by=listed.by,
            state=_state_of(book, seen),
            phase="starting" if seen is None else seen.state,
            step=1 if seen is None else seen.step + 1,
            steps=len(submit.steps),
            maps_done=step.maps.done,
            maps_total=step.maps.total,
            reduces_done=step.reduces.done,
            reduces_total=step.reduces.total,
            records=book.records,
            bytes_read=book.bytes_read + book.bytes_in_work,
            elapsed_s=max(0.0, now - listed.since),
            ended_s=None,
            workers=0 if seen is None else seen.workers_in_use,
            slots=0 if seen is None else seen.slots_in_use,
            priority=submit.priority,
            attempts_failed=book.outcomes["failed"],
        )

    def _worker_row(self, member: Member, now: float) -> WorkerRow:
        worker = self._coordinator.roster.workers.get(member.id)
        books = self._books.values()
        return WorkerRow(
            number=member.number,
            name=member.name,
            address=_short(member.address.removeprefix("tcp://")),
            slots=member.slots,
            slots_used=0 if worker is None else len(worker.busy),
            mincer=member.mincer,
            python=member.python,
            here_s=max(0.0, now - member.since),
            heard_s=max(0.0, now - member.heard),
            draining=worker is not None and worker.is_leaving,
            shunned=worker is not None and worker.is_shunned,
            attempts_done=member.attempts_done,
            kept_bytes=sum(book.kept_bytes.get(member.number, 0) for book in books),
        )


def _state_of(book: Book, seen: JobSnapshot | None) -> JobState:
    """What to say of a job that is not over."""
    if book.outcome.ready_at is not None:
        return "ready to fetch"
    if book.intake.has_ended:
        return "running"
    phases = [
        phase
        for step in (() if seen is None else seen.steps)
        for phase in (step.samples, step.maps, step.reduces)
    ]
    is_at_work = any(one.ready or one.running or one.committing for one in phases)
    return "running" if is_at_work else "waiting for input"


def _unseen(book: Book) -> StepSnapshot:
    """The first step of a job that the coordinator has not begun with."""
    first = book.submit.steps[0]
    reduces = PhaseSnapshot(total=first.parts if first.shuffles else 0)
    return StepSnapshot(PhaseSnapshot(), PhaseSnapshot(total=None), reduces)


def _short(text: str) -> str:
    return text[:SHORT_CHARS_MAX]
