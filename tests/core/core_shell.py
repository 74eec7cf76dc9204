"""A seeded fake shell: runs attempts, loses workers, tells things late and twice.

What an attempt makes is a number computed from what it reads, so a job's result can be
checked against the sequential one. The shell knows nothing of the coordinator's rules.
"""

import random
from dataclasses import dataclass, field

from mincer.core import commands as c
from mincer.core import events as e
from mincer.core.coordinator import Coordinator
from mincer.core.invariants import check
from mincer.ids import AttemptId, TaskId, WorkerId
from mincer.limits import LEASE_S, OUTPUT_LOSSES_MAX, WORKERS_LOST_MAX


@dataclass
class Running:
    """An attempt that runs somewhere, wanted or not."""

    command: c.StartAttempt
    reads: list[AttemptId]
    since: float
    slow: bool


@dataclass
class Member:
    """A worker process."""

    id: WorkerId
    leased: bool
    silent: bool = False
    faults: int = 0


@dataclass
class Order:
    """A job as the shell sees it."""

    plan: e.JobPlan
    splits: int
    added: int = 0
    ended: bool = False
    deterministic: bool = True
    over: c.FinishJob | c.FailJob | None = None
    lists: dict[tuple[int, str], dict[int, AttemptId]] = field(default_factory=dict)
    latest: dict[TaskId, AttemptId] = field(default_factory=dict)
    committed: dict[int, AttemptId] = field(default_factory=dict)


class Shell:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.coordinator = Coordinator()
        self.has_homes = seed % 2 == 1
        self.now = 0.0
        self.members: dict[str, Member] = {}
        self.orders: dict[str, Order] = {}
        self.running: dict[AttemptId, Running] = {}
        #: What was made: its content, and where it lies (None: nowhere any more).
        self.content: dict[AttemptId, int] = {}
        self.place: dict[AttemptId, WorkerId | None] = {}
        self.read: dict[AttemptId, list[AttemptId]] = {}
        self.discarded: set[AttemptId] = set()
        self.mail: list[e.Event] = []
        self.past: list[e.Event] = []
        self.backups = 0

    # --- telling and obeying

    def tell(self, *happened: e.Event) -> None:
        self.past += happened
        out = self.coordinator.handle_all(happened, self.now)
        check(self.coordinator)
        for command in out:
            self.obey(command)

    def obey(self, command: c.Command) -> None:
        match command:
            case c.StartAttempt():
                self.start(command)
            case c.CancelAttempt(attempt=attempt):
                if self.random.random() < 0.7:  # the others end late, unwanted
                    self.running.pop(attempt, None)
            case c.RecallAttempts(worker=worker, attempt=attempt):
                self.recall(worker, attempt)
            case c.PublishOutput(attempt=attempt, number=number):
                order = self.orders[attempt.task.job]
                key = (attempt.task.step, attempt.task.kind)
                listed = order.lists.setdefault(key, {})
                assert number == len(listed), "numbers have no gap"
                listed[number] = attempt
                order.latest[attempt.task] = attempt
            case c.CommitOutput(attempt=attempt):
                self.commit(attempt)
            case c.DiscardOutput(attempt=attempt):
                self.discarded.add(attempt)
                self.place[attempt] = None
            case c.FinishJob(job=job) | c.FailJob(job=job):
                assert self.orders[job].over is None, "a job ends once"
                self.orders[job].over = command
            case c.ReleaseStep():
                pass

    def waits(self, attempt: AttemptId) -> bool:
        """It is behind another in its slot, and that one runs or waits."""
        return self.running[attempt].command.after in self.running

    def recall(self, worker: WorkerId, first: AttemptId) -> None:
        """What waits behind `first` is given back; some of it may have begun."""
        back, before = [], first
        for attempt, running in list(self.running.items()):
            if running.command.after == before:
                before = attempt
                if self.waits(attempt):
                    back.append(attempt)
        back = back[self.random.randint(0, 1) :]
        for attempt in back:
            del self.running[attempt]
        self.mail.append(e.AttemptsReturned(worker, tuple(back)))

    def start(self, command: c.StartAttempt) -> None:
        task = command.attempt.task
        order = self.orders[task.job]
        assert order.over is None
        assert command.worker.name in self.members
        reads = self.inputs(order, command)
        assert not self.discarded.intersection(reads), "told to read what was discarded"
        slow = self.random.random() < 0.1
        self.running[command.attempt] = Running(command, reads, self.now, slow)
        self.backups += sum(a.task == task for a in self.running) > 1

    def inputs(self, order: Order, command: c.StartAttempt) -> list[AttemptId]:
        """What this attempt reads: exactly one attempt of each task that it needs."""
        step, kind = command.attempt.task.step, command.attempt.task.kind
        if kind == "reduce":
            listed = order.lists.get((step, "map"), {})
            numbers = set(range(command.commits)) - set(command.without)
            reads = [listed[number] for number in sorted(numbers)]
            indices = sorted(a.task.index for a in reads)
            assert indices == list(range(self.map_count(order, step)))
            return reads
        reads = []
        job = command.attempt.task.job
        if kind == "map" and order.plan.steps[step].sampled:
            reads.append(order.latest[TaskId(job, step, "sample", 0)])
        if step:
            before = "reduce" if order.plan.steps[step - 1].parts else "map"
            indices = range(self.map_count(order, step))
            if kind == "map":
                indices = [command.attempt.task.index]
            reads += [order.latest[TaskId(job, step - 1, before, i)] for i in indices]
        return reads

    def map_count(self, order: Order, step: int) -> int:
        for before in reversed(order.plan.steps[:step]):
            if before.parts:
                return before.parts
        return order.splits

    def commit(self, attempt: AttemptId) -> None:
        order = self.orders[attempt.task.job]
        done = order.committed.get(attempt.task.index)
        assert done in (None, attempt), "a part is committed once"
        if done or (self.place[attempt] is not None and self.random.random() < 0.95):
            order.committed[attempt.task.index] = attempt
            self.mail.append(e.OutputCommitted(attempt))
        else:
            self.place[attempt] = None
            self.mail.append(e.OutputRefused(attempt))

    # --- what may happen

    def join(self, name: str) -> None:
        before = self.members.get(name)
        if before is not None:
            self.vanish(before)
        life = WorkerId(name, before.id.incarnation + 1 if before else 0)
        self.members[name] = Member(life, leased=self.random.random() < 0.7)
        self.tell(e.WorkerJoined(life, self.random.randint(1, 3)))
        if self.members[name].leased:
            self.tell(e.WorkerSeen(life))

    def vanish(self, member: Member) -> None:
        """Its process is gone; the coordinator may not know yet."""
        for attempt, running in list(self.running.items()):
            if running.command.worker == member.id:
                del self.running[attempt]
        for attempt, place in self.place.items():
            if place == member.id:
                self.place[attempt] = None

    def harmless(self, member: Member) -> bool:
        """True when losing this worker cannot make a task look like poison."""
        return all(
            self.coordinator.jobs[a.task.job].tasks.task(a.task).workers_lost
            < WORKERS_LOST_MAX - 1
            for w in self.coordinator.roster.workers.values()
            if w.id == member.id
            for a in w.attempts
        )

    def kill(self) -> None:
        name = self.random.choice(list(self.members))
        member = self.members[name]
        if self.harmless(member):
            self.vanish(member)
            self.tell(e.WorkerLost(member.id, "killed"))
            self.join(name)

    def cut(self) -> None:
        """A worker falls silent: it works on, and the coordinator gives it up."""
        member = self.random.choice(list(self.members.values()))
        # What runs elsewhere may be copied to it while it is silent.
        if member.leased and all(map(self.harmless, self.members.values())):
            member.silent = True
            self.pass_time(LEASE_S + 1)
            for attempt, place in self.place.items():
                if place == member.id:
                    self.place[attempt] = None
            self.late_from(member)
            self.join(member.id.name)

    def late_from(self, member: Member) -> None:
        """It comes back with what it has made, under its old name."""
        for attempt, running in list(self.running.items()):
            if running.command.worker == member.id:
                del self.running[attempt]
                self.mail.append(e.AttemptDone(attempt, member.id, 1, 0))
        self.mail.append(e.WorkerSeen(member.id))

    def drop_output(self) -> None:
        """A disk loses something."""
        kept = [a for a, place in self.place.items() if place is not None]
        kept = [a for a in kept if self.may_lose(a)]
        if kept:
            attempt = self.random.choice(kept)
            self.place[attempt] = None
            if self.random.random() < 0.5:
                self.mail.append(e.SegmentLost(attempt))

    def may_lose(self, attempt: AttemptId) -> bool:
        job = self.coordinator.jobs.get(attempt.task.job)
        if job is None:
            return False
        return job.tasks.task(attempt.task).output_losses < OUTPUT_LOSSES_MAX - 2

    def add_input(self) -> None:
        for job, order in self.orders.items():
            if order.added < order.splits:
                count = self.random.randint(1, order.splits - order.added)
                homes = self.some_homes(job, count)
                self.tell(e.SplitsAdded(job, order.added, (1,) * count, homes))
                order.added += count
            elif not order.ended:
                order.ended = True
                self.tell(e.InputEnded(job))

    def some_homes(self, job: str, count: int) -> tuple[int, ...]:
        """In half of all storms it matters where the input is."""
        if not self.has_homes:
            return ()
        for member in self.members.values():
            found = (self.random.randint(0, 5), self.random.randint(0, 5))
            self.mail.append(e.InputFound(job, member.id, found))
        return tuple(self.random.randint(-1, 5) for _ in range(count))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for member in self.members.values():
            if member.leased and not member.silent:
                self.tell(e.WorkerSeen(member.id))
        deadline = self.coordinator.deadline()
        if deadline is not None and deadline <= self.now:
            self.tell(e.Tick())

    def finish_one(self, chaos: bool) -> None:
        ready = [
            attempt
            for attempt, running in self.running.items()
            if not (chaos and running.slow) and not self.waits(attempt)
        ]
        if not ready:
            return
        attempt = self.random.choice(ready)
        running = self.running.pop(attempt)
        worker = running.command.worker
        order = self.orders[attempt.task.job]
        unread = tuple(a for a in running.reads if self.place[a] is None)
        if unread:
            fault = e.Fault.NEED_LOST
            self.mail.append(e.AttemptFailed(attempt, worker, fault, lost=unread))
        elif chaos and self.random.random() < 0.15 and self.may_fail(attempt, worker):
            self.fail_one(attempt, worker)
        else:
            content = self.make(order, attempt, running.reads)
            self.content[attempt] = content
            self.place[attempt] = worker
            self.read[attempt] = running.reads
            self.mail.append(e.AttemptDone(attempt, worker, 1, content))

    def may_fail(self, attempt: AttemptId, worker: WorkerId) -> bool:
        job = self.coordinator.jobs.get(attempt.task.job)
        if job is None:
            return False
        # Two attempts may fail before the coordinator hears of the first.
        return job.tasks.task(attempt.task).failures < job.plan.attempts_max - 3

    def fail_one(self, attempt: AttemptId, worker: WorkerId) -> None:
        member = self.members[worker.name]
        faults = [e.Fault.RAISED, e.Fault.DIED, e.Fault.OVER_MEMORY]
        if member.id == worker and member.faults < 2:
            faults.append(e.Fault.WORKER_FAULT)
        fault = self.random.choice(faults)
        member.faults += fault is e.Fault.WORKER_FAULT
        record = self.random.choice([None, 0, 1])
        self.mail.append(e.AttemptFailed(attempt, worker, fault, record))

    def make(self, order: Order, attempt: AttemptId, reads: list[AttemptId]) -> int:
        task = attempt.task
        luck = 0
        if not order.deterministic and task.kind == "map" and task.step == 0:
            luck = self.random.randint(0, 2)
        kind = ("sample", "map", "reduce").index(task.kind)
        read = sorted(self.content[a] for a in reads)
        return hash((task.step, kind, task.index, luck, *read))

    # --- a life

    def deliver(self) -> None:
        """One letter or a few at once, not always the first."""
        letters = []
        while self.mail and (not letters or self.random.random() < 0.2):
            index = 0
            if self.random.random() < 0.3:
                index = self.random.randrange(len(self.mail))
            letters.append(self.mail.pop(index))
        if letters:
            self.tell(*letters)

    def repeat(self) -> None:
        self.tell(self.random.choice(self.past))

    def live(self, turns: int) -> None:
        """Anything may happen."""
        for _ in range(turns):
            roll = self.random.random()
            if roll < 0.40:
                self.finish_one(chaos=True)
            elif roll < 0.75:
                self.deliver()
            elif roll < 0.82:
                self.add_input()
            elif roll < 0.88:
                self.repeat()
            elif roll < 0.96:
                self.pass_time(self.random.random() * 2)
            elif roll < 0.975:
                self.drop_output()
            elif roll < 0.99:
                self.kill()
            else:
                self.cut()

    def heal(self, turns: int) -> bool:
        """Nothing goes wrong any more: all jobs must end."""
        for _ in range(turns):
            if all(order.over for order in self.orders.values()):
                return True
            self.add_input()
            self.finish_one(chaos=False)
            self.deliver()
            self.pass_time(0.1)
        return False
