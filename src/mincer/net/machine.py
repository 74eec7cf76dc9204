"""A worker's own life: which of its attempts wait for input, which have begun."""

# Strategy: the second machine of the same kind as the coordinator. The shell says what
# was ordered, what has arrived and what has ended, and obeys what comes back, in order.
# A slot is a queue, as the coordinator sees it (attempts.py): its attempts begin in the
# order in which they were given, each when all that it needs is here. To fetch is not
# to run: an attempt whose input is late holds back those behind it and nobody else.
#
# What is needed is a name to this machine. Some things belong to one attempt (the
# segments of a part), and go with it; others to the job (its code), and stay until it
# ends.

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import NamedTuple, TypeAlias

from mincer.core.events import Fault
from mincer.errors import Bug
from mincer.ids import AttemptId, JobId
from mincer.structs import Struct

__all__ = [
    "AttemptEnded",
    "AttemptOrdered",
    "AttemptsUnbegun",
    "Begin",
    "CancelOrdered",
    "DrainAsked",
    "Drop",
    "Fetch",
    "GivenUp",
    "JobOver",
    "Leave",
    "Need",
    "NeedMet",
    "NeedUnmet",
    "RecallOrdered",
    "Return",
    "Stop",
    "TakeBack",
    "TellUnmade",
    "WorkerCommand",
    "WorkerEvent",
    "WorkerMachine",
]


class Need(NamedTuple):
    """Something that has to be on this machine before an attempt can begin."""

    job: JobId
    what: Hashable
    #: Whose alone it is; None: the job's.
    attempt: AttemptId | None = None


# --- what happens


class AttemptOrdered(Struct):
    """The coordinator wants this attempt to be run: in a slot of its own, or in that
    of `after`."""

    attempt: AttemptId
    needs: tuple[Need, ...]
    after: AttemptId | None = None


class NeedMet(Struct):
    need: Need


class NeedUnmet(Struct):
    """It cannot be had: because these outputs are lost, or by this worker's fault."""

    need: Need
    lost: tuple[AttemptId, ...] = ()


class CancelOrdered(Struct):
    attempt: AttemptId
    timed_out: bool = False


class RecallOrdered(Struct):
    """What waits in the slot of this attempt is wanted back."""

    attempt: AttemptId


class AttemptEnded(Struct):
    """The hands have told what became of it."""

    attempt: AttemptId


class AttemptsUnbegun(Struct):
    """The hands give these back, which had waited for their turn there."""

    attempts: tuple[AttemptId, ...]


class JobOver(Struct):
    job: JobId


class DrainAsked(Struct):
    """Leave as soon as all that was begun is done."""


class GivenUp(Struct):
    """The coordinator does not know this life of the worker any more."""


WorkerEvent: TypeAlias = (
    AttemptOrdered
    | NeedMet
    | NeedUnmet
    | CancelOrdered
    | RecallOrdered
    | AttemptEnded
    | AttemptsUnbegun
    | JobOver
    | DrainAsked
    | GivenUp
)


# --- what is to be done


class Fetch(Struct):
    """Bring this here, then say `NeedMet` or `NeedUnmet`."""

    need: Need


class Drop(Struct):
    """Nobody wants this any more: stop fetching it, remove it."""

    need: Need


class Begin(Struct):
    """Give this to the hands: for a slot of its own, or for that of `after`."""

    attempt: AttemptId
    after: AttemptId | None


class Stop(Struct):
    """Cancel this at the hands; of what it makes nothing is to be told."""

    attempt: AttemptId
    timed_out: bool = False


class TakeBack(Struct):
    """Recall what waits at the hands behind this attempt; say `AttemptsUnbegun`."""

    attempt: AttemptId


class Return(Struct):
    """Tell the coordinator that these were not begun."""

    attempts: tuple[AttemptId, ...]


class TellUnmade(Struct):
    """Tell the coordinator that this attempt failed before it began."""

    attempt: AttemptId
    fault: Fault
    lost: tuple[AttemptId, ...]


class Leave(Struct):
    """Nothing is in work any more, and nothing will come."""


WorkerCommand: TypeAlias = (
    Fetch | Drop | Begin | Stop | TakeBack | Return | TellUnmade | Leave
)


class _Attempt:
    """One attempt, from its order to its end."""

    __slots__ = ("has_begun", "id", "missing", "needs", "queue")

    def __init__(self, id: AttemptId, queue: deque[_Attempt]) -> None:
        self.id = id
        self.queue = queue
        self.needs: tuple[Need, ...] = ()
        self.missing: set[Need] = set()
        self.has_begun = False


class WorkerMachine:
    """Decides when attempts begin, and what is fetched for them."""

    def __init__(self) -> None:
        self._attempts: dict[AttemptId, _Attempt] = {}
        #: Who waits for what is being fetched.
        self._waiters: dict[Need, list[_Attempt]] = {}
        #: What is here.
        self._here: set[Need] = set()
        self._leaving = self._is_leave_said = False
        self._out: list[WorkerCommand] = []

    @property
    def attempts(self) -> int:
        """How many are in work here, or wait."""
        return len(self._attempts)

    def handle(self, event: WorkerEvent) -> list[WorkerCommand]:
        """Take in one event; return what is to be done about it.

        Late and repeated events are answered with nothing.
        """
        match event:
            case AttemptOrdered():
                self._ordered(event)
            case NeedMet(need):
                self._met(need)
            case NeedUnmet(need, lost):
                self._unmet(need, lost)
            case CancelOrdered(attempt, timed_out):
                self._cancel(attempt, timed_out)
            case RecallOrdered(attempt):
                self._recall(attempt)
            case AttemptEnded(attempt):
                self._ended((attempt,))
            case AttemptsUnbegun(attempts):
                self._ended(attempts)
                self._out.append(Return(attempts))
            case JobOver(job):
                self._over(job)
            case DrainAsked():
                self._leaving, self._is_leave_said = True, False
            case _:  # GivenUp
                self._forget_all()
        if self._leaving and not self._attempts and not self._is_leave_said:
            self._is_leave_said = True
            self._out.append(Leave())
        commands, self._out = self._out, []
        return commands

    # --- attempts

    def _ordered(self, event: AttemptOrdered) -> None:
        if event.attempt in self._attempts:
            raise Bug(f"{event.attempt} was ordered twice")
        self._is_leave_said = False  # it was ordered before that was heard
        before = self._attempts.get(event.after) if event.after else None
        queue = deque[_Attempt]() if before is None else before.queue
        attempt = _Attempt(event.attempt, queue)
        self._attempts[event.attempt] = attempt
        queue.append(attempt)
        # A split may name a file twice.
        attempt.needs = tuple(dict.fromkeys(event.needs))
        for need in attempt.needs:
            if need not in self._here:
                attempt.missing.add(need)
                self._want(need, attempt)
        self._advance(queue)

    def _want(self, need: Need, attempt: _Attempt) -> None:
        waiters = self._waiters.setdefault(need, [])
        waiters.append(attempt)
        if len(waiters) == 1:
            self._out.append(Fetch(need))

    def _advance(self, queue: deque[_Attempt]) -> None:
        """Begin what can begin, in order."""
        after: AttemptId | None = None
        for attempt in queue:
            if not attempt.has_begun:
                if attempt.missing:
                    return
                attempt.has_begun = True
                self._out.append(Begin(attempt.id, after))
            after = attempt.id

    def _cancel(self, id: AttemptId, timed_out: bool) -> None:
        attempt = self._attempts.get(id)
        if attempt is None:
            return
        if attempt.has_begun:
            self._out.append(Stop(id, timed_out))
        self._ended((id,))

    def _recall(self, id: AttemptId) -> None:
        """Those that wait for input are given back at once; the hands are asked for
        the others, and theirs come later."""
        attempt = self._attempts.get(id)
        waiting = []
        if attempt is not None:
            waiting = [one.id for one in attempt.queue if not one.has_begun]
            self._ended(waiting)
        if waiting:
            self._out.append(Return(tuple(waiting)))
        if attempt is not None and attempt.has_begun:
            self._out.append(TakeBack(id))

    def _ended(self, ids: tuple[AttemptId, ...] | list[AttemptId]) -> None:
        queues = []
        for id in ids:
            attempt = self._attempts.pop(id, None)
            if attempt is None:
                continue
            attempt.queue.remove(attempt)
            queues.append(attempt.queue)
            for need in attempt.missing:
                self._unwant(need, attempt)
            for need in attempt.needs:
                if need.attempt == id and need in self._here:
                    self._here.discard(need)
                    self._out.append(Drop(need))
        for queue in queues:
            self._advance(queue)

    def _unwant(self, need: Need, attempt: _Attempt) -> None:
        waiters = self._waiters[need]
        waiters.remove(attempt)
        if not waiters:
            del self._waiters[need]
            self._out.append(Drop(need))

    # --- what they need

    def _met(self, need: Need) -> None:
        waiters = self._waiters.pop(need, None)
        if waiters is None:
            return  # it was dropped meanwhile
        self._here.add(need)
        for attempt in waiters:
            attempt.missing.discard(need)
        for attempt in waiters:
            self._advance(attempt.queue)

    def _unmet(self, need: Need, lost: tuple[AttemptId, ...]) -> None:
        waiters = self._waiters.pop(need, None)
        if waiters is None:
            return
        fault = Fault.NEED_LOST if lost else Fault.WORKER_FAULT
        for attempt in waiters:
            attempt.missing.discard(need)
            self._out.append(TellUnmade(attempt.id, fault, lost))
        self._ended([attempt.id for attempt in waiters])

    # --- ends

    def _over(self, job: JobId) -> None:
        mine = [id for id in self._attempts if id.task.job == job]
        # From behind, lest one begins since the one before it has ended.
        for id in reversed(mine):
            self._cancel(id, False)
        for need in [need for need in self._here if need.job == job]:
            self._here.discard(need)
            self._out.append(Drop(need))

    def _forget_all(self) -> None:
        for attempt in reversed(self._attempts.values()):
            if attempt.has_begun:
                self._out.append(Stop(attempt.id))
        self._attempts.clear()
        self._waiters.clear()
        self._here.clear()
