"""A worker of a cluster without its sockets: what it hears, does and says."""

# Strategy: messages in, messages out, the time as an argument, as the hub. When what
# begins is decided by the machine in `core`; what lies on the disk is known by the
# depots, one a job; how bytes come and go, by puller and offers; what runs, by the
# hands. This file connects them.
#
# A life of a worker ends when the coordinator does not know it any more: all that runs
# is ended, all that is kept is removed, and the next life greets. So nothing of a life
# that was given up can be taken for work of the next.

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from mincer.core import worker as machine
from mincer.core.events import Fault
from mincer.core.worker import Need, WorkerMachine
from mincer.errors import MincerError, SegmentError
from mincer.ids import AttemptId, JobId
from mincer.net.depot import JobDepot
from mincer.net.line import Line
from mincer.net.offers import NotHere, Offers, Outputs
from mincer.net.puller import Arrived, Failed, News, Puller, Sized, Stuck, Whole
from mincer.net.telling import account_told, error_told
from mincer.wire import frames, pulls
from mincer.wire.frames import attempt_of, name_of
from mincer.wire.packets import PULL, Buffer, Message, kind_of
from mincer.wire.pulls import Thing
from mincer.worker.orders import (
    AttemptMade,
    AttemptsUnbegun,
    AttemptUnmade,
    Order,
    Reply,
)
from mincer.worker.page import Position

__all__ = ["Node", "Outgoing"]

#: How often it is told how far attempts are.
_WORKING_S = 0.5

#: A message, and which way it goes: 0 is the line, None by way of the coordinator, and
#: anything else straight to that member.
Outgoing = tuple[int | None, Message]


class Children(Protocol):
    """What runs attempts: see `mincer.worker.hands.Hands`."""

    def add(self, order: Order, after: AttemptId | None, memory_bytes: int) -> None: ...

    def send(self) -> None: ...

    def recall(self, attempt: AttemptId) -> tuple[AttemptId, ...]: ...

    def cancel(self, attempt: AttemptId) -> bool: ...

    def time_out(self, attempt: AttemptId, limit_s: float | None) -> AttemptUnmade: ...

    def in_work(self) -> Iterator[tuple[AttemptId, Position]]: ...


class Node:
    """One worker. One thread owns it.

    `hello`: what it says of itself. `open_depot`: makes the place for a job's files,
    given what was told of the job and the number of this member.
    """

    def __init__(
        self,
        hello: frames.Hello,
        children: Children,
        open_depot: Callable[[frames.JobTold, int], JobDepot],
    ) -> None:
        self.line = Line(hello, frames.ToWorker)
        #: It has told the coordinator that it leaves, and has nothing left to do.
        self.has_left = False
        #: Members that cannot be reached but through the coordinator.
        self.relayed: set[int] = set()
        #: The addresses and keys of others, by number.
        self.peers: dict[int, frames.MemberTold] = {}
        self._children = children
        self._open_depot = open_depot
        self._depots: dict[JobId, JobDepot] = {}
        self._machine = WorkerMachine()
        self._puller = Puller()
        self._offers = Offers(self._find)
        #: What each pull is for, and back.
        self._needs: dict[int, Need] = {}
        self._pulls: dict[Need, int] = {}
        #: Why a need could not be met, while that is told.
        self._whys: dict[Need, str] = {}
        self._worked = -1e9
        self._out: list[Outgoing] = []

    # --- what comes in

    def hear(self, message: Message, now: float) -> None:
        """Take in a message of the coordinator, or one that it passed on."""
        if kind_of(message) == PULL:
            read = pulls.read_pull(message)
            if read is None:
                return
            if isinstance(read[0], pulls.QUESTIONS):
                self._out += [(None, reply) for reply in self.asked(read[0])]
            else:
                self.pulled(*read, now)
            return
        frame = self.line.hear(message, now)
        if isinstance(frame, frames.Stranger):
            self._begin_anew()
        elif frame is not None:
            self._heard(frame, now)

    def _heard(self, frame: frames.ToWorker, now: float) -> None:
        assert self.line.welcome is not None
        self._puller.me = self.line.welcome.member
        if isinstance(frame, frames.MemberTold):
            self.peers[frame.member] = frame
            return
        if isinstance(frame, frames.MemberGone):
            self._left(frame.member, now)
            return
        if isinstance(frame, frames.JobTold):
            if frame.job not in self._depots:
                self._depots[frame.job] = self._open_depot(frame, self._puller.me)
            return
        depot = self._depots.get(frame.job)
        if depot is None:
            return
        match frame:
            case frames.FilesTold(first=first, files=files):
                depot.add_files(first, files)
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
                    self._tell(machine.AttemptOrdered(attempt, needs, after), now)
                self._children.send()
            case frames.CancelOne(attempt=name, timed_out=timed_out):
                attempt = attempt_of(frame.job, name)
                self._tell(machine.CancelOrdered(attempt, timed_out), now)
                depot.ended(attempt)
            case frames.Recall(attempt=name):
                self._tell(machine.RecallOrdered(attempt_of(frame.job, name)), now)
            case frames.Discard(attempt=name):
                depot.discard(attempt_of(frame.job, name))
                self._offers.forget()
            case frames.JobEnd():
                self._tell(machine.JobOver(frame.job), now)
                self._offers.forget()
                del self._depots[frame.job]
                depot.close()

    # --- what the machine wants

    def _tell(self, event: machine.WorkerEvent, now: float) -> None:
        for command in self._machine.handle(event):
            self._obey(command, now)

    def _obey(self, command: machine.WorkerCommand, now: float) -> None:
        match command:
            case machine.Fetch(need):
                self._fetch(need, now)
            case machine.Drop(need):
                self._stop(need)
                self._depots[need.job].drop(need)
            case machine.Begin(attempt, after):
                self._begin(attempt, after, now)
            case machine.Stop(attempt, timed_out):
                self._stop_attempt(attempt, timed_out)
            case machine.TakeBack(attempt):
                back = self._children.recall(attempt)
                self._tell(machine.AttemptsUnbegun(back), now)
            case machine.Return(attempts):
                if attempts:
                    job = attempts[0].task.job
                    self._say(frames.Returned(job, list(map(name_of, attempts))))
            case machine.TellUnmade(attempt, fault, lost, need):
                why = self._whys.get(need, "it is lost")
                error = SegmentError(f"what it reads could not be fetched: {why}")
                self._unmade(AttemptUnmade(attempt, fault, error, None, lost))
            case machine.Leave():
                self._say(frames.Draining(is_done=True))
                self.has_left = True

    def _begin(self, attempt: AttemptId, after: AttemptId | None, now: float) -> None:
        depot = self._depots[attempt.task.job]
        try:
            order = depot.order(attempt)
        except SegmentError as error:
            lost = error.segment
            known = (lost,) if isinstance(lost, AttemptId) else ()
            fault = Fault.NEED_LOST if known else Fault.WORKER_FAULT
            self.told(AttemptUnmade(attempt, fault, error, None, known), now)
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
        if isinstance(told, AttemptsUnbegun):
            self._tell(machine.AttemptsUnbegun(told.attempts), now)
            return
        attempt = told.attempt
        depot = self._depots.get(attempt.task.job)
        if depot is None:
            return
        if isinstance(told, AttemptMade):
            depot.made(attempt, told.place)
            place = told.place
            self._say(
                frames.Done(
                    attempt.task.job,
                    name_of(attempt),
                    0 if place is None else place.length_bytes,
                    _signed(told.digest),
                    account_told(told),
                )
            )
        else:
            depot.ended(attempt)
            self._unmade(told)
        self._tell(machine.AttemptEnded(attempt), now)

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

    # --- pulls

    def pulled(self, head: pulls.Head, data: Buffer | None, now: float) -> None:
        """Take in a reply to a pull of this process, whose `by` is proved."""
        self._news(self._puller.hear(head, data, now), now)

    def asked(self, head: pulls.Head) -> list[Message]:
        """The replies to a question of somebody who pulls, to be sent the way that it
        came. `by` is proved."""
        return [pulls.write_pull(*reply) for reply in self._offers.answer(head)]

    def is_direct(self, member: int) -> bool:
        """True when this member is to be asked without the coordinator."""
        told = self.peers.get(member)
        return told is not None and bool(told.address) and member not in self.relayed

    def unreachable(self, member: int, now: float) -> None:
        """There is no way to this member but through the coordinator."""
        if member not in self.relayed:
            self.relayed.add(member)
            for need, number in list(self._pulls.items()):
                if self._depots[need.job].thing(need)[1] == member:
                    self._puller.stop(number)
                    self._fetch(need, now)

    def _fetch(self, need: Need, now: float) -> None:
        old = self._pulls.pop(need, None)
        self._needs.pop(old or 0, None)
        thing, to = self._depots[need.job].thing(need)
        size = pulls.CHUNK_BYTES if self.is_direct(to) else pulls.RELAYED_BYTES
        number = self._puller.begin(thing, to, now, size)
        self._needs[number] = need
        self._pulls[need] = number

    def _stop(self, need: Need) -> None:
        number = self._pulls.pop(need, None)
        if number is not None:
            del self._needs[number]
            self._puller.stop(number)

    def _news(self, news: list[News], now: float) -> None:
        for one in news:
            need = self._needs.get(one.pull)
            if need is None:
                continue
            try:
                self._new(one, need, now)
            except MincerError as error:
                # The disk is full: the attempts that wanted it cannot be run here.
                self._unmet(need, error.what, (), now)

    def _unmet(
        self, need: Need, why: str, lost: tuple[AttemptId, ...], now: float
    ) -> None:
        """This need cannot be met."""
        self._stop(need)
        self._whys[need] = why
        self._tell(machine.NeedUnmet(need, lost), now)
        del self._whys[need]

    def _new(self, one: News, need: Need, now: float) -> None:
        depot = self._depots[need.job]
        match one:
            case Sized(_, sizes):
                depot.sized(need, sizes)
            case Arrived(_, offset, data, _):
                depot.write(need, offset, data)
            case Whole(number):
                del self._needs[number], self._pulls[need]
                self._tell(machine.NeedMet(need), now)
            case Failed(_, why, is_gone, lost):
                self._failed(need, why, is_gone, lost, now)
            case Stuck():
                _, to = depot.thing(need)
                if self.is_direct(to):
                    self.relayed.add(to)
                    self._fetch(need, now)
                else:
                    self._failed(need, "no answer comes", True, [], now)
        self._children.send()

    def _failed(
        self,
        need: Need,
        why: str,
        is_gone: bool,
        lost: list[tuple[int, int]],
        now: float,
    ) -> None:
        """This pull has failed, and another one is tried only if it may help."""
        depot = self._depots[need.job]
        depot.drop(need)
        if is_gone and depot.thing(need)[1] == depot.told.driver:
            # Without its driver the job is over soon, or he comes back.
            self._fetch(need, now)
            return
        gone = depot.lost_with(need)
        if lost:
            named = set(lost)
            gone = tuple(one for one in gone if (one.task.index, one.number) in named)
        self._unmet(need, why, gone, now)

    def _left(self, member: int, now: float) -> None:
        self.peers.pop(member, None)
        self.relayed.discard(member)
        for need in list(self._pulls):
            depot = self._depots[need.job]
            if depot.thing(need)[1] == member:
                depot.drop(need)
                why = "the worker that has it is gone"
                self._unmet(need, why, depot.lost_with(need), now)
        self._children.send()

    def _find(self, thing: Thing) -> Outputs:
        depot = self._depots.get(thing.job)
        if depot is None:
            raise NotHere("nothing of this job is here")
        return depot.find(thing)

    # --- time

    def turn(self, now: float) -> None:
        """Do what is due."""
        self.line.turn(now)
        if now - self._worked >= _WORKING_S:
            self._worked = now
            self._tell_working()
        self._news(self._puller.turn(now), now)

    def deadline(self) -> float:
        """When `turn` is due, if nothing comes before."""
        return min(self.line.deadline(), self._worked + _WORKING_S)

    def take_out(self) -> list[Outgoing]:
        """What is to be sent, in this order."""
        self._out += [(0, message) for message in self.line.take_out()]
        for head in self._puller.take_out():
            way = head.to if self.is_direct(head.to) else None
            self._out.append((way, pulls.write_pull(head)))
        out, self._out = self._out, []
        return out

    def drain(self, now: float) -> None:
        """Take nothing new, and leave when all is done."""
        self._say(frames.Draining())
        self._tell(machine.DrainAsked(), now)

    def close(self) -> None:
        """Remove what is kept here."""
        for depot in self._depots.values():
            depot.close()
        self._depots.clear()

    def _tell_working(self) -> None:
        rows: dict[JobId, list[tuple[frames.AttemptName, int, int | None]]] = {}
        for attempt, position in self._children.in_work():
            row = name_of(attempt), position.done, position.record
            rows.setdefault(attempt.task.job, []).append(row)
        for job, some in rows.items():
            self._say(frames.Working(job, some))

    def _begin_anew(self) -> None:
        """This life is over: nobody wants anything of it."""
        for command in self._machine.handle(machine.GivenUp()):
            if isinstance(command, machine.Stop):
                self._children.cancel(command.attempt)
        for number in self._needs:
            self._puller.stop(number)
        self._puller.take_out()
        self._needs.clear()
        self._pulls.clear()
        self._offers.forget()
        self.close()
        self.peers.clear()
        self.relayed.clear()
        self._out.clear()
        self.line.begin_anew()

    def _say(self, frame: frames.FromWorker) -> None:
        self.line.say(frame)


def _signed(digest: int) -> int:
    """A digest as it fits into 64 bits."""
    return digest & (2**63 - 1)
