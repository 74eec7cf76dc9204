"""The driver's end without its sockets: jobs handed over, input given, output taken."""

# Strategy: nobody connects to a driver, which may sit behind a firewall. What others
# pull from it (code, packets of splits, input files) comes by way of the coordinator;
# what it wants itself, the parts of a result, it pulls from who keeps them. A part is
# committed when all of it is here: until then the worker that made it may be lost, and
# the part is made again.

from __future__ import annotations

from hmac import compare_digest
from typing import Protocol

from mincer.errors import MincerError
from mincer.ids import AttemptId, JobId
from mincer.net.end import End
from mincer.net.offers import NotHere, Outputs
from mincer.net.puller import Arrived, Failed, News, Sized, Stuck, Whole
from mincer.wire import frames, pulls
from mincer.wire.frames import attempt_of
from mincer.wire.packets import Buffer
from mincer.wire.pulls import Thing

__all__ = ["Asker", "Driver"]


class Asker(Protocol):
    """One job as its driver keeps it."""

    token: bytes

    def find(self, thing: Thing) -> Outputs:
        """Lay out what others need, or raise `NotHere`."""
        ...

    def write(self, attempt: AttemptId, offset: int, data: Buffer) -> None:
        """Keep these bytes of what the attempt made; may raise `MincerError`."""
        ...

    def commit(self, attempt: AttemptId, account: frames.Account) -> None:
        """All that it made is here, or was written by the worker itself, or it is
        nothing: make it count, and have `Committed` said. May take its time,
        elsewhere."""
        ...

    def drop(self, attempt: AttemptId) -> None:
        """No more will come of what the attempt made."""
        ...

    def told(
        self,
        frame: frames.AccountsTold
        | frames.DetachTold
        | frames.FetchTold
        | frames.JobDone
        | frames.JobFailed
        | frames.ProgressTold,
    ) -> None: ...

    def gone(self, why: str) -> None:
        """The coordinator does not know the job any more."""
        ...


class Driver(End):
    """One driver, with any number of jobs. One thread owns it."""

    def __init__(self, hello: frames.Hello) -> None:
        super().__init__(hello, frames.ToDriver, self._find)
        self._jobs: dict[JobId, Asker] = {}
        #: Those of them that another driver has left.
        self._came_for: set[JobId] = set()
        #: What is pulled, by number of the pull.
        self._parts: dict[int, frames.CommitAsked] = {}

    # --- what its owner wants

    def submit(self, frame: frames.Submit, asker: Asker) -> None:
        self._jobs[frame.job] = asker
        self.line.say(frame)

    def say(self, frame: frames.FromDriver) -> None:
        self.line.say(frame)

    def fetch(self, job: JobId, asker: Asker) -> None:
        """Come for the result of a job that its driver has left."""
        if job in self._jobs:
            asker.told(frames.FetchTold(job, why="this process has it in work"))
            return
        self._jobs[job] = asker
        self._came_for.add(job)
        self.line.say(frames.Fetch(job))

    def leave(self, job: JobId) -> None:
        """Nothing more is wanted of this job."""
        if job in self._jobs:
            self._forget(job)
            self.line.say(frames.Taken(job))

    def _forget(self, job: JobId) -> None:
        del self._jobs[job]
        self._came_for.discard(job)
        self._stop_parts(job)
        self._offers.forget()

    def _give_up(self, job: JobId) -> None:
        """Its result cannot be kept here: nobody has it then, or the next one."""
        if job in self._came_for:
            self._stop_parts(job)
            self.line.say(frames.Detach(job))
        else:
            self.leave(job)

    def _stop_parts(self, job: JobId) -> None:
        for number, part in list(self._parts.items()):
            if part.job == job:
                self._stop(number)

    # --- what comes in

    def _heard(self, frame: frames.ToDriver, now: float) -> None:
        if isinstance(frame, frames.MemberTold):
            self._told_of(frame, now)
            return
        if isinstance(frame, frames.MemberGone):
            self._left(frame.member)
            return
        asker = self._jobs.get(frame.job)
        if asker is None:
            return
        if not isinstance(frame, frames.CommitAsked):
            if _is_no_more(frame):
                self._forget(frame.job)
            asker.told(frame)
        elif frame.account.is_written or not frame.output.length_bytes:
            asker.commit(attempt_of(frame.job, frame.output.attempt), frame.account)
        else:
            self._pull(asker, frame, now)

    def _begin_anew(self, why: str) -> None:
        for number in list(self._parts):
            self._stop(number)
        super()._begin_anew(why)
        self.gone(why)

    def gone(self, why: str) -> None:
        """Nothing more will be heard of any job."""
        jobs, self._jobs = self._jobs, {}
        self._came_for.clear()
        for asker in jobs.values():
            asker.gone(why)

    # --- parts of the result

    def _pull(self, asker: Asker, frame: frames.CommitAsked, now: float) -> None:
        output = frame.output
        thing = pulls.OutputOf(frame.job, asker.token, output.attempt)
        keeper = output.keeper
        size, is_far = self.reach.chunk_bytes(keeper), not self.reach.is_near(keeper)
        number = self._puller.begin(thing, keeper, now, size, is_far)
        self._parts[number] = frame

    def _refuse(self, frame: frames.CommitAsked) -> None:
        """What was to be committed cannot be had."""
        name = frame.output.attempt
        self._jobs[frame.job].drop(attempt_of(frame.job, name))
        self.line.say(frames.Committed(frame.job, name, is_refused=True))

    def pulled(self, head: pulls.Head, data: Buffer | None, now: float) -> None:
        self._news(self._puller.hear(head, data, now), now)

    def unreachable(self, member: int, now: float) -> None:
        if member in self.reach.relayed:
            return
        self.reach.relayed.add(member)
        for number, frame in list(self._parts.items()):
            if frame.output.keeper == member:
                self._stop(number)
                self._pull(self._jobs[frame.job], frame, now)

    def _news(self, news: list[News], now: float) -> None:
        for one in news:
            frame = self._parts.get(one.pull)
            if frame is None:
                continue
            asker = self._jobs[frame.job]
            attempt = attempt_of(frame.job, frame.output.attempt)
            match one:
                case Arrived(number, offset, data):
                    try:
                        asker.write(attempt, offset, data)
                    except MincerError as error:  # no room on the driver's disk
                        self._give_up(frame.job)
                        asker.gone(str(error))
                case Whole(number):
                    del self._parts[number]
                    asker.commit(attempt, frame.account)
                case Failed(number):
                    del self._parts[number]
                    self._refuse(frame)
                case Stuck(number):
                    del self._parts[number]
                    keeper = frame.output.keeper
                    if self.reach.is_direct(keeper):
                        self.reach.relayed.add(keeper)
                        self._pull(asker, frame, now)
                    else:
                        self._refuse(frame)
                case Sized():
                    pass

    def _left(self, member: int) -> None:
        self.reach.forget(member)
        for number, frame in list(self._parts.items()):
            if frame.output.keeper == member:
                self._stop(number)
                self._refuse(frame)

    def _stop(self, number: int) -> None:
        del self._parts[number]
        self._puller.stop(number)

    def _find(self, thing: Thing) -> Outputs:
        asker = self._jobs.get(thing.job)
        if asker is None or not compare_digest(asker.token, thing.token):
            raise NotHere("this driver has no such job")
        return asker.find(thing)

    # --- time

    def turn(self, now: float) -> None:
        self._turn_line(now)
        self._news(self._puller.turn(now), now)

    def deadline(self) -> float:
        return self.line.deadline()


def _is_no_more(frame: frames.ToDriver) -> bool:
    """True when with this a job is not this driver's any more, or never was."""
    match frame:
        case frames.DetachTold(owed=owed, why=why):
            return not (owed or why)
        case frames.FetchTold(why=why):
            return bool(why)
    return False
