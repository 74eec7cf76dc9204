"""A worker of a cluster without its sockets: what it hears, does and says."""

# Strategy: when what begins is decided by the machine (machine.py); what lies on the
# disk is known by the depots, one a job; how bytes come and go, by fetching and offers;
# what runs, by the hands. This file connects them.
#
# A life of a worker ends when the coordinator does not know it any more: all that runs
# is ended, all that is kept is removed, and the next life greets. So nothing of a life
# that was given up can be taken for work of the next.

from __future__ import annotations

from collections.abc import Callable

from mincer.core.events import Fault
from mincer.errors import MincerError, OutputError, SegmentError
from mincer.ids import AttemptId, JobId
from mincer.net import machine
from mincer.net.end import End
from mincer.net.fetching import Fetching
from mincer.net.machine import Need, WorkerMachine
from mincer.net.offers import NotHere, Outputs
from mincer.net.ports import Children, Depot
from mincer.net.telling import account_told, error_told
from mincer.wire import frames, pulls
from mincer.wire.frames import attempt_of, name_of
from mincer.wire.packets import Buffer
from mincer.wire.pulls import Thing
from mincer.worker.orders import (
    AttemptMade,
    AttemptsUnbegun,
    AttemptUnmade,
    Reply,
)

__all__ = ["Node"]

#: How often it is told how far attempts are.
_WORKING_S = 0.5


class Node(End):
    """One worker. One thread owns it.

    `hello`: what it says of itself. `open_depot`: makes the place for a job's files,
    given what was told of the job and the number of this member.
    """

    def __init__(
        self,
        hello: frames.Hello,
        children: Children,
        open_depot: Callable[[frames.JobTold, int], Depot],
    ) -> None:
        super().__init__(hello, frames.ToWorker, self._find)
        #: It drains, and nothing holds it back any more.
        self.has_left = False
        self._drains = False
        self._children = children
        self._open_depot = open_depot
        self._depots: dict[JobId, Depot] = {}
        #: Jobs for which there is no place here, and why.
        self._unopened: dict[JobId, str] = {}
        self._machine = WorkerMachine()
        self._fetching = Fetching(
            self._puller, self.reach, self._depots, self._met, self._unmet
        )
        #: Why the last need was not met.
        self._why = ""
        self._now = 0.0
        self._worked = -1e9

    # --- what comes in

    def _heard(self, frame: frames.ToWorker, now: float) -> None:
        self._now = now
        if isinstance(frame, frames.MemberTold):
            self._told_of(frame, now)
            return
        if isinstance(frame, frames.Relieved):
            self.has_left = True
            return
        if isinstance(frame, frames.MemberGone):
            self._fetching.left(frame.member)
            self._children.send()
            return
        if isinstance(frame, frames.JobTold):
            self._open(frame)
            return
        depot = self._depots.get(frame.job)
        if depot is None:
            self._refuse(frame)
            return
        match frame:
            case frames.Trusted(token=token):
                depot.trust(token)
            case frames.FilesTold(first=first, files=files):
                depot.inputs.add(first, files)
            case frames.Commits(step=step, first=first, rows=rows):
                depot.add_commits(step, first, rows)
            case frames.Withdrawals(step=step, first=first, numbers=numbers):
                depot.add_withdrawals(step, first, numbers)
            case frames.CutsTold(step=step, output=output):
                depot.set_cuts(step, output)
            case frames.Start(rows=rows):
                for row in rows:
                    attempt, needs = depot.add_row(row)
                    after = row.after and attempt_of(frame.job, row.after)
                    self._tell(machine.AttemptOrdered(attempt, needs, after))
                self._children.send()
            case frames.CancelOne(attempt=name, timed_out=timed_out):
                attempt = attempt_of(frame.job, name)
                self._tell(machine.CancelOrdered(attempt, timed_out))
                depot.ended(attempt)
            case frames.Recall(attempt=name):
                self._tell(machine.RecallOrdered(attempt_of(frame.job, name)))
            case frames.Discard(attempt=name):
                depot.discard(attempt_of(frame.job, name))
                self._offers.forget()
            case frames.Release(step=step):
                depot.release(step)
                self._offers.forget()
            case frames.JobEnd():
                self._tell(machine.JobOver(frame.job))
                self._offers.forget()
                del self._depots[frame.job]
                depot.close()

    def _open(self, told: frames.JobTold) -> None:
        if told.job in self._depots:
            return
        try:
            self._depots[told.job] = self._open_depot(told, self._puller.me)
        except (MincerError, OSError) as error:
            self._unopened[told.job] = str(error)

    def _refuse(self, frame: frames.ToWorker) -> None:
        """Of this job nothing can be run here: there is no place for its files."""
        if isinstance(frame, frames.JobEnd):
            self._unopened.pop(frame.job, None)
        elif isinstance(frame, frames.Start) and frame.job in self._unopened:
            why = f"no folder can be made for the job: {self._unopened[frame.job]}"
            for row in frame.rows:
                fault, error = Fault.WORKER_FAULT.value, error_told(SegmentError(why))
                self._say(frames.Failed(frame.job, row.attempt, fault, error))

    # --- what the machine wants

    def _tell(self, event: machine.WorkerEvent) -> None:
        for command in self._machine.handle(event):
            self._obey(command)

    def _obey(self, command: machine.WorkerCommand) -> None:
        match command:
            case machine.Fetch(need):
                self._fetching.fetch(need, self._now)
            case machine.Drop(need):
                self._fetching.stop(need)
                self._depots[need.job].drop(need)
            case machine.Begin(attempt, after):
                self._begin(attempt, after)
            case machine.Stop(attempt, timed_out):
                self._stop_attempt(attempt, timed_out)
            case machine.TakeBack(attempt):
                back = self._children.recall(attempt)
                self._tell(machine.AttemptsUnbegun(back))
            case machine.Return(attempts):
                if attempts:
                    job = attempts[0].task.job
                    self._say(frames.Returned(job, list(map(name_of, attempts))))
                    for attempt in attempts if job in self._depots else ():
                        self._depots[job].ended(attempt)
            case machine.TellUnmade(attempt, fault, lost):
                what = f"what it reads could not be fetched: {self._why}"
                error = SegmentError(what)
                self._depots[attempt.task.job].ended(attempt)
                self._unmade(AttemptUnmade(attempt, fault, error, None, lost))
            case machine.Leave():
                self._say(frames.Draining(is_done=True))

    def _begin(self, attempt: AttemptId, after: AttemptId | None) -> None:
        depot = self._depots[attempt.task.job]
        try:
            order = depot.order(attempt)
        except SegmentError as error:
            lost = error.segment
            known = (lost,) if isinstance(lost, AttemptId) else ()
            fault = Fault.NEED_LOST if known else Fault.WORKER_FAULT
            self.told(AttemptUnmade(attempt, fault, error, None, known), self._now)
            return
        self._children.add(order, after, depot.memory_bytes)

    def _stop_attempt(self, attempt: AttemptId, timed_out: bool) -> None:
        if not timed_out:
            self._children.cancel(attempt)
            return
        limit_s = self._depots[attempt.task.job].told.task_timeout_s
        self._unmade(self._children.time_out(attempt, limit_s))

    # --- what becomes of attempts

    def told(self, told: Reply | AttemptsUnbegun, now: float) -> None:
        """Take in what became of attempts in the children."""
        self._now = now
        if isinstance(told, AttemptsUnbegun):
            self._tell(machine.AttemptsUnbegun(told.attempts))
            return
        attempt = told.attempt
        depot = self._depots.get(attempt.task.job)
        if depot is None:
            return
        if isinstance(told, AttemptMade):
            kept = depot.made(attempt, told.place)
            place = told.place
            self._say(
                frames.Done(
                    attempt.task.job,
                    name_of(attempt),
                    0 if place is None else place.length_bytes,
                    _signed(told.digest),
                    account_told(told, kept.by_way, kept.was_sent),
                    kept.index_digest,
                    kept.place,
                )
            )
        else:
            depot.ended(attempt)
            if isinstance(told.error, OutputError) and depot.shared.is_lost():
                # Nobody's fault: it may be done again, and its part be sent.
                self._say(frames.Returned(attempt.task.job, [name_of(attempt)]))
            else:
                self._unmade(told)
        self._tell(machine.AttemptEnded(attempt))

    def _unmade(self, told: AttemptUnmade) -> None:
        attempt = told.attempt
        self._say(
            frames.Failed(
                attempt.task.job,
                name_of(attempt),
                told.fault.value,
                error_told(told.error),
                told.record,
                [name_of(one) for one in told.lost],
            )
        )

    # --- what is fetched, and given

    def pulled(self, head: pulls.Head, data: Buffer | None, now: float) -> None:
        self._now = now
        self._fetching.hear(head, data, now)
        self._children.send()

    def unreachable(self, member: int, now: float) -> None:
        self._fetching.unreachable(member, now)

    def _met(self, need: Need) -> None:
        self._tell(machine.NeedMet(need))

    def _unmet(self, need: Need, why: str, lost: tuple[AttemptId, ...]) -> None:
        self._why = why
        self._tell(machine.NeedUnmet(need, lost))

    def _find(self, thing: Thing) -> Outputs:
        depot = self._depots.get(thing.job)
        if depot is None:
            raise NotHere("nothing of this job is here")
        return depot.find(thing)

    # --- time

    def turn(self, now: float) -> None:
        if not self.has_left:
            self._turn_line(now)
        if now - self._worked >= _WORKING_S:
            self._worked = now
            self._tell_working()
        for job, depot in self._depots.items():
            if depot.inputs.is_looking:
                self._say(frames.FilesFound(job, *depot.inputs.look()))
        self._now = now
        self._fetching.turn(now)
        self._children.send()

    def deadline(self) -> float:
        if any(depot.inputs.is_looking for depot in self._depots.values()):
            return self._now
        return min(self.line.deadline(), self._worked + _WORKING_S)

    def drain(self, now: float) -> None:
        """Take nothing new, and leave when all is done."""
        self._now = now
        self._drains = True
        self._say(frames.Draining())
        self._tell(machine.DrainAsked())

    def close(self) -> None:
        """Remove what is kept here."""
        for depot in self._depots.values():
            depot.close()
        self._depots.clear()
        self._unopened.clear()

    def _tell_working(self) -> None:
        rows: dict[JobId, list[tuple[frames.AttemptName, int, int | None]]] = {}
        for attempt, position in self._children.in_work():
            row = name_of(attempt), position.done, position.record
            rows.setdefault(attempt.task.job, []).append(row)
        for job, some in rows.items():
            self._say(frames.Working(job, some))

    def _begin_anew(self, why: str) -> None:
        """This life is over: nobody wants anything of it."""
        for command in self._machine.handle(machine.GivenUp()):
            if isinstance(command, machine.Stop):
                self._children.cancel(command.attempt)
        self._fetching.stop_all()
        self.close()
        super()._begin_anew(why)
        # Nothing is left to be finished, and to be begun again it is too late.
        self.has_left = self._drains

    def _say(self, frame: frames.FromWorker) -> None:
        self.line.say(frame)


def _signed(digest: int) -> int:
    """A digest as it fits into 64 bits."""
    return digest & (2**63 - 1)
