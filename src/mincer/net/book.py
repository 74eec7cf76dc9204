"""What the coordinator keeps of one job: what its ids stand for, and who was told."""

# Strategy: the coordinator (core) speaks of attempts; a worker must also know the job,
# its input files, which commits count. All of that only grows. So it is kept here as
# lists, and each worker is told what was added since it was told last, just before the
# order that needs it: a line delivers in order. Nothing here is a pair, nor is anything
# unpickled: splits are a number of a packet that the driver has.

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from mincer.core import commands
from mincer.core.events import JobPlan, StepPlan
from mincer.flow.sampler import spread
from mincer.ids import AttemptId, TaskId
from mincer.net.intake import Intake
from mincer.net.outcome import Outcome
from mincer.net.races import Races
from mincer.structs import Struct, field
from mincer.wire import frames
from mincer.wire.frames import (
    Account,
    CommitRow,
    Done,
    ErrorTold,
    OutputName,
    SplitName,
    StartRow,
    Submit,
    name_of,
)

__all__ = ["Book", "Output"]

#: Rows that are told in one frame.
_ROWS_MAX = 5000
#: Errors that are kept, to be told if the job fails of one.
_FAILURES_MAX = 64


class Output(Struct):
    """What an attempt made, and the member that keeps it."""

    keeper: int
    length_bytes: int
    account: Account
    index_digest: bytes = b""
    place: frames.PlaceTold | None = None
    #: When it was done, counted from the submission.
    ended_s: float = 0.0


class _Told(Struct, frozen=False):
    """How much of a job one worker was told."""

    is_trusted: bool = False
    files: int = 0
    commits: dict[int, int] = field(default_factory=dict)
    withdrawals: dict[int, int] = field(default_factory=dict)
    cuts: dict[int, AttemptId] = field(default_factory=dict)


class _Step(Struct, frozen=False):
    #: The published outputs of the maps, by number; those withdrawn too.
    commits: list[CommitRow] = field(default_factory=list)
    #: The members that made them.
    keepers: set[int] = field(default_factory=set)
    #: The sample attempt that found the cut points.
    cuts: AttemptId | None = None
    #: What the next step reads, by index.
    outputs: dict[int, AttemptId] = field(default_factory=dict)


class Book:
    """One job, from its submission until nobody asks for it any more."""

    def __init__(self, submit: Submit, driver: int, now: float = 0.0) -> None:
        self.submit = submit
        self.submitted = now
        self.job = submit.job
        #: The number of the member that submitted it.
        self.driver = driver
        self.intake = Intake(submit.job)
        self.outcome = Outcome()
        self.races = Races()
        #: Attempts in work, and the number of the worker that has each.
        self.running: dict[AttemptId, int] = {}
        #: Bytes that they have read, and the record in work where that is sure.
        self.in_work: dict[AttemptId, tuple[int, int | None]] = {}
        #: What was made, and stays known when it is lost: it may count all the same.
        self.outputs: dict[AttemptId, Output] = {}
        #: How many records each attempt leaves out, if it does.
        self.skips: dict[AttemptId, int] = {}
        self.failures: OrderedDict[AttemptId, ErrorTold] = OrderedDict()
        #: Attempts whose time was up, and who will tell where they were.
        self.timed_out: dict[AttemptId, int] = {}
        self.notes: list[str] = []
        self.outcomes = {"done": 0, "failed": 0, "lost": 0, "cancelled": 0}
        self.records = self.bytes_read = 0
        #: What was made and not discarded, by the number of the worker that has it.
        self.kept_bytes: dict[int, int] = {}
        self._discarded: set[AttemptId] = set()
        #: Who has the code and the input: the one that submitted it.
        self.source = driver
        #: The driver did not find a part that a worker wrote into the output's folder.
        self.sends = False
        #: The workers that were given something to do.
        self._given: set[int] = set()
        self._steps = [_Step() for _ in submit.steps]
        self._told: dict[int, _Told] = {}

    @property
    def plan(self) -> JobPlan:
        """Its shape for the coordinator. The driver is a sink in any case: what only a
        worker keeps may be lost with that."""
        last = len(self.submit.steps) - 1
        return JobPlan(
            tuple(
                StepPlan(
                    parts=step.parts if step.shuffles else 0,
                    sampled=step.sampled,
                    to_sink=number == last,
                )
                for number, step in enumerate(self.submit.steps)
            ),
            attempts_max=self.submit.attempts_max,
            skips_max=self.submit.skips_max,
            task_timeout_s=self.submit.task_timeout_s,
            priority=self.submit.priority,
        )

    # --- what a worker is told

    @property
    def workers(self) -> list[int]:
        """Those who know of this job."""
        return list(self._told)

    def knows(self, worker: int, files: int) -> bool:
        """True when this worker was told of so many input files."""
        told = self._told.get(worker)
        return told is not None and files <= told.files

    @property
    def given(self) -> int:
        """How many of them were given something to do."""
        return len(self._given)

    def give(self, attempt: AttemptId, worker: int, now: float) -> None:
        """This worker has this attempt in work."""
        self.running[attempt] = worker
        self.races.begun(attempt, now)
        self._given.add(worker)

    def forget_worker(self, number: int) -> list[AttemptId]:
        """This member is gone; return what it had in work."""
        self._told.pop(number, None)
        self.kept_bytes.pop(number, None)
        self._given.discard(number)
        self.intake.forget(number)
        lost = [one for one, worker in self.running.items() if worker == number]
        for attempt in lost:
            self.ended(attempt)
        return lost

    def row(self, command: commands.StartAttempt) -> StartRow:
        """The order to run this attempt."""
        attempt = command.attempt
        after = command.after
        if command.skip:
            self.skips[attempt] = len(command.skip)
        return StartRow(
            name_of(attempt),
            list(self._inputs(attempt.task)),
            list(command.skip),
            command.careful,
            command.commits,
            len(command.without),
            None if after is None else name_of(after),
            self.sends,
        )

    def _inputs(self, task: TaskId) -> Iterator[SplitName | OutputName]:
        if task.kind == "reduce":
            return
        indexes = [task.index]
        if task.kind == "sample":
            splits = self.intake.splits
            before = self._steps[task.step - 1].outputs if task.step else splits
            indexes = list(spread(len(before)))
        for index in indexes:
            if task.step == 0:
                row = self.intake.splits[index]
                yield SplitName(row.packet, row.nth, row.extents)
            else:
                yield self.named(self._steps[task.step - 1].outputs[index])

    def named(self, attempt: AttemptId) -> OutputName:
        output = self.outputs[attempt]
        return OutputName(name_of(attempt), output.keeper, output.length_bytes)

    def news_for(self, worker: int, command: commands.StartAttempt) -> Iterator[object]:
        """The frames that this worker must have heard before it is given this."""
        yield from self.files_for(worker)
        told = self._told[worker]
        if not told.is_trusted:
            told.is_trusted = True
            yield frames.Trusted(self.job, self.submit.token)
        number = command.attempt.task.step
        step = self._steps[number]
        if command.attempt.task.kind == "reduce":
            yield from self._commits_for(told, number, command)
        if step.cuts is not None and told.cuts.get(number) != step.cuts:
            told.cuts[number] = step.cuts
            yield frames.CutsTold(self.job, number, self.named(step.cuts))

    def files_for(self, worker: int) -> Iterator[frames.JobTold | frames.FilesTold]:
        """The frames by which this worker hears of the job and all its files."""
        told = self._told.get(worker)
        if told is None:
            told = self._told[worker] = _Told()
            yield self._job_told()
        while told.files < len(self.intake.files):
            some = self.intake.files[told.files : told.files + _ROWS_MAX]
            yield frames.FilesTold(self.job, told.files, some)
            told.files += len(some)

    def _job_told(self) -> frames.JobTold:
        submit = self.submit
        return frames.JobTold(
            self.job,
            submit.name,
            self.source,
            submit.steps,
            submit.modules,
            submit.task_timeout_s,
            submit.output,
        )

    def _commits_for(
        self, told: _Told, number: int, command: commands.StartAttempt
    ) -> Iterator[object]:
        step = self._steps[number]
        at = told.commits.get(number, 0)
        while at < command.commits:
            rows = step.commits[at : min(at + _ROWS_MAX, command.commits)]
            yield frames.Commits(self.job, number, at, rows)
            at += len(rows)
        told.commits[number] = at
        at = told.withdrawals.get(number, 0)
        while at < len(command.without):
            some = list(command.without[at : at + _ROWS_MAX])
            yield frames.Withdrawals(self.job, number, at, some)
            at += len(some)
        told.withdrawals[number] = at

    def keepers(self, command: commands.StartAttempt) -> set[int]:
        """The members from whom this attempt may have to pull; some may be gone."""
        task = command.attempt.task
        step = self._steps[task.step]
        found = {
            one.keeper for one in self._inputs(task) if isinstance(one, OutputName)
        }
        if task.kind == "reduce":
            found |= step.keepers
        if step.cuts is not None:
            found.add(self.outputs[step.cuts].keeper)
        return found

    # --- what becomes of attempts

    def ended(self, attempt: AttemptId) -> bool:
        """It is not in work any more; False: it was not."""
        self.in_work.pop(attempt, None)
        self.races.ended(attempt)
        return self.running.pop(attempt, None) is not None

    def done(self, frame: Done, attempt: AttemptId, worker: int, now: float) -> None:
        """Keep what is known of the output of an attempt that is done."""
        self.outputs[attempt] = Output(
            worker,
            frame.length_bytes,
            frame.account,
            frame.index_digest,
            frame.place,
            now - self.submitted,
        )
        self.kept_bytes[worker] = self.kept_bytes.get(worker, 0) + frame.length_bytes
        self.outcomes["done"] += 1
        self.races.done(attempt)
        task = attempt.task
        if task.kind == "map" and task.step == 0:
            self.records += _figure(frame.account, 0)
            self.bytes_read += _figure(frame.account, 1)

    def discard(self, attempt: AttemptId) -> int | None:
        """Nobody wants this output any more; return who keeps it, if it is known."""
        output = self.outputs.get(attempt)
        if output is None:
            return None
        if attempt not in self._discarded and output.keeper in self.kept_bytes:
            self._discarded.add(attempt)
            self.kept_bytes[output.keeper] -= output.length_bytes
        return output.keeper

    def cancelled(self, attempt: AttemptId, now: float) -> int | None:
        """It is not in work any more; return who had it, if anybody."""
        share = None
        if attempt in self.in_work and attempt.task[1:3] == (0, "map"):
            size_bytes = self.intake.splits[attempt.task.index].size_bytes
            share = self.in_work[attempt][0] / size_bytes if size_bytes else None
        self.races.cancelled(attempt, share, now)
        number = self.running.get(attempt)
        self.ended(attempt)
        return number

    @property
    def result_bytes(self) -> int:
        """The length of the parts that wait for a driver."""
        return sum(self.outputs[one].length_bytes for one in self.outcome.commits)

    def kept_by(self, worker: int) -> list[tuple[AttemptId, Output]]:
        """What this worker keeps that may still be asked for."""
        return [
            (attempt, output)
            for attempt, output in self.outputs.items()
            if output.keeper == worker
            and not output.account.is_written
            and attempt not in self._discarded
        ]

    @property
    def bytes_in_work(self) -> int:
        """What running maps of the first step have read of their splits."""
        return sum(
            done
            for attempt, (done, _) in self.in_work.items()
            if attempt.task[1:3] == (0, "map")
        )

    def failed(self, attempt: AttemptId, error: ErrorTold) -> None:
        self.keep_error(attempt, error)
        self.outcomes["failed"] += 1

    def keep_error(self, attempt: AttemptId, error: ErrorTold) -> None:
        """Keep this, which may be what the job fails of."""
        self.timed_out.pop(attempt, None)
        self.failures[attempt] = error
        if len(self.failures) > _FAILURES_MAX:
            self.failures.popitem(last=False)

    def publish(self, attempt: AttemptId, number: int) -> None:
        """Others read the output of this attempt from now on."""
        task = attempt.task
        step = self._steps[task.step]
        if task.kind == "sample":
            step.cuts = attempt
        elif task.kind == "map" and self.submit.steps[task.step].shuffles:
            output = self.outputs[attempt]
            assert number == len(step.commits)
            step.keepers.add(output.keeper)
            step.commits.append(
                CommitRow(
                    task.index,
                    attempt.number,
                    output.keeper,
                    output.length_bytes,
                    output.index_digest,
                    output.place,
                )
            )
        else:
            step.outputs[task.index] = attempt

    def input_from(self, winners: tuple[AttemptId, ...]) -> dict[str, int]:
        """How the splits came that count, and how many each way."""
        read = [
            self.outputs[one].account for one in winners if one.task[1:3] == (0, "map")
        ]
        sent = sum(account.was_sent for account in read)
        ways = {"read by workers": len(read) - sent, "sent by the driver": sent}
        return {way: count for way, count in ways.items() if count}

    def accounts(self, winners: tuple[AttemptId, ...]) -> Iterator[frames.AccountsTold]:
        """What the winners made, for the driver."""
        rows = []
        for attempt in winners:
            output = self.outputs[attempt]
            made = output.length_bytes, output.account
            times = self.skips.get(attempt, 0), output.ended_s
            rows.append(frames.WinnerRow(name_of(attempt), *made, *times))
            if len(rows) == _ROWS_MAX // 5:
                yield frames.AccountsTold(self.job, rows)
                rows = []
        if rows:
            yield frames.AccountsTold(self.job, rows)


def _figure(account: Account, nth: int) -> int:
    return max(0, account.figures[nth]) if nth < len(account.figures) else 0
