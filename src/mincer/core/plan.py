"""The tasks of one job and what each of them needs, growing with its input."""

# Strategy: a step has up to three phases (sample, map, reduce). What a task needs is at
# most two gates (task.py):
#
#   source     one a map of a later step, for the one output that it reads
#   sampled    one a sampled step: its maps wait for the cut points
#   mapped     one a step: its reduces wait for the end of its input and all its maps
#   complete   one a step: its sample, if it has one, waits for the whole input
#   finish     one a job: nobody waits there; when it opens, the job is done
#
# A lost output closes what it feeds (see lineage.py).

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from mincer.core.events import JobPlan, StepPlan
from mincer.core.median import Median
from mincer.core.task import Attempt, Gate, State, Task, Trigger
from mincer.errors import Bug
from mincer.ids import JobId, TaskId, TaskKind, WorkerId

if TYPE_CHECKING:
    from mincer.core.homes import Homes

__all__ = ["JobTasks", "Phase", "Step"]


class Phase:
    """All tasks of one kind in one step.

    `for_sink`: the sink is asked to commit their outputs.
    """

    def __init__(
        self, job: JobId, step: int, kind: TaskKind, for_sink: bool = False
    ) -> None:
        self.job = job
        self.step = step
        self.kind: TaskKind = kind
        self.is_for_sink = for_sink
        #: Other tasks read their outputs; false where those are what the job is for.
        self.is_read = True
        self.tasks: list[Task] = []
        self.counts = dict.fromkeys(State, 0)
        #: Tasks with one attempt and no backup copy yet, the longest running first.
        self.unbacked: OrderedDict[Task, Attempt] = OrderedDict()
        #: How long the winners took, in seconds.
        self.durations = Median()
        #: How long the last ones took, each before the last counted a bit less.
        self.recent_s = 0.0
        #: How many publication numbers were given.
        self.published = 0
        #: READY tasks by index: in a row those that became so in order, as nearly all
        #: do, and the others in a heap.
        self._ready: deque[int] = deque()
        self._again: list[int] = []
        #: Where the input of the tasks is, if that matters.
        self.homes: Homes | None = None
        self._without: list[int] = []
        self._without_told: tuple[int, ...] = ()

    def add(
        self, needs: tuple[Gate, ...], feeds: tuple[Gate, ...], count: int = 1
    ) -> None:
        """Add tasks that need and feed the same."""
        first = len(self.tasks)
        tasks = [
            Task(TaskId(self.job, self.step, self.kind, index), self, needs, feeds)
            for index in range(first, first + count)
        ]
        self.tasks += tasks
        self.counts[State.WAITING] += count
        for gate in needs:
            gate.waiters += tasks
            gate.demand += count
        for gate in feeds:
            gate.missing += count
        if all(gate.is_open for gate in needs):
            for task in tasks:
                task.move(Trigger.NEEDS_MET)

    def add_ready(self, task: Task) -> None:
        """`task` is READY now."""
        index = task.id.index
        if not self._ready or index > self._ready[-1]:
            self._ready.append(index)
        else:
            heappush(self._again, index)
        if self.homes is not None:
            self.homes.add_ready(index)

    def next_ready(self, worker: WorkerId | None = None) -> Task | None:
        """The READY task with the lowest index: in order, inputs stream well. Where it
        matters where their input is: what is tried again, then what suits the worker.
        """
        tasks, ready, again = self.tasks, self._ready, self._again
        # What has moved on since is dropped here.
        while ready and tasks[ready[0]].state is not State.READY:
            ready.popleft()
        while again and tasks[again[0]].state is not State.READY:
            heappop(again)
        if self.homes is not None and worker is not None:
            index = again[0] if again else self.homes.task_for(worker)
            if index is not None:
                return tasks[index]
        if again and not (ready and ready[0] < again[0]):
            return tasks[again[0]]
        return tasks[ready[0]] if ready else None

    def took(self, seconds: float) -> None:
        """Note how long a winner took."""
        self.durations.add(seconds)
        self.recent_s += (seconds - self.recent_s) / 8

    def publish(self, task: Task) -> int:
        """Give the output of `task` the next number in the list of this phase."""
        task.number = self.published
        self.published += 1
        return task.number

    def withdraw(self, task: Task) -> None:
        """The output of `task` is gone: its number leads to nothing."""
        if task.number is not None:
            self._without.append(task.number)
            task.number = None

    @property
    def without(self) -> tuple[int, ...]:
        """The numbers that lead to nothing; one tuple for all who ask meanwhile."""
        if len(self._without) != len(self._without_told):
            self._without_told = tuple(self._without)
        return self._without_told


class Step:
    """One step: its phases and the gates inside it."""

    def __init__(self, job: JobId, number: int, plan: StepPlan) -> None:
        self.number = number
        self.plan = plan
        reduces = plan.parts > 0
        self.sample = Phase(job, number, "sample") if plan.sampled else None
        self.map = Phase(job, number, "map", plan.to_sink and not reduces)
        self.reduce = Phase(job, number, "reduce", plan.to_sink) if reduces else None
        self.complete = Gate(holds=1)
        self.sampled = Gate()
        self.mapped = Gate(holds=1)
        #: False while more maps may come.
        self.ended = False

        phases = (self.sample, self.map, self.reduce)
        self.phases = {phase.kind: phase for phase in phases if phase is not None}

    @property
    def last(self) -> Phase:
        """The phase that makes the output of the step."""
        return self.reduce or self.map


class JobTasks:
    """The tasks of one job."""

    def __init__(self, job: JobId, plan: JobPlan) -> None:
        if not plan.steps or any(step.to_sink for step in plan.steps[:-1]):
            raise Bug(f"job {job}: only the last of one or more steps has a sink")
        self.job = job
        self.steps = [Step(job, k, step) for k, step in enumerate(plan.steps)]
        #: In the order in which work is given out.
        self.phases = [phase for step in self.steps for phase in step.phases.values()]
        #: The job itself wants what its last step makes.
        self.finish = Gate(holds=1, demand=1)
        self.steps[-1].last.is_read = False
        for step in self.steps:
            if step.sample is not None:
                step.sample.add((step.complete,), (step.sampled,))
        for step in self.steps:
            if step.reduce is not None:
                self._add_last(step, (step.mapped,), step.plan.parts)
                self._end_outputs(step)

    def task(self, id: TaskId) -> Task:
        """The task of that name; raise `Bug` when there is none."""
        if id.job == self.job and 0 <= id.step < len(self.steps):
            phase = self.steps[id.step].phases.get(id.kind)
            if phase is not None and 0 <= id.index < len(phase.tasks):
                return phase.tasks[id.index]
        raise Bug(f"{id} was never planned", task=str(id))

    def __iter__(self) -> Iterator[Task]:
        for phase in self.phases:
            yield from phase.tasks

    def add_maps(self, count: int, homes: Sequence[int] = ()) -> None:
        """The input of the first step grew."""
        if homes:
            self.homes.add(len(self.steps[0].map.tasks), homes)
        self._add_maps(self.steps[0], None, count)

    @property
    def homes(self) -> Homes:
        """Where the input of the first step is."""
        phase = self.steps[0].map
        if phase.homes is None:
            from mincer.core.homes import Homes  # one machine has no use for it

            phase.homes = Homes(phase.tasks)
        return phase.homes

    def end_input(self) -> None:
        """No more maps will be added to the first step."""
        self.release(self.steps[0].complete)
        self._end_maps(self.steps[0])

    def release(self, gate: Gate) -> None:
        """Take one hold from `gate`."""
        gate.holds -= 1
        self._opened(gate)

    def supply(self, gate: Gate) -> None:
        """One of the outputs that were missing at `gate` is there."""
        gate.missing -= 1
        if not gate.missing:
            self._opened(gate)

    def _opened(self, gate: Gate) -> None:
        if not gate.is_open:
            return
        for task in gate.waiters:
            if task.state is State.WAITING and all(g.is_open for g in task.needs):
                task.move(Trigger.NEEDS_MET)

    def _next(self, step: Step) -> Step | None:
        following = step.number + 1
        return self.steps[following] if following < len(self.steps) else None

    def _add_maps(self, step: Step, source: Gate | None, count: int = 1) -> None:
        needs: tuple[Gate, ...] = () if source is None else (source,)
        if step.sample is not None:
            needs += (step.sampled,)
        if step.reduce is None:
            self._add_last(step, needs, count)
        else:
            step.map.add(needs, (step.mapped,), count)

    def _add_last(self, step: Step, needs: tuple[Gate, ...], count: int) -> None:
        """Add tasks that make output of `step`, and the maps that read it."""
        following = self._next(step)
        if following is None:
            step.last.add(needs, (self.finish,), count)
            return
        for _ in range(count):
            source = Gate()
            feeds = (source, following.complete) if following.sample else (source,)
            step.last.add(needs, feeds)
            self._add_maps(following, source)

    def _end_maps(self, step: Step) -> None:
        step.ended = True
        self.release(step.mapped)
        if step.reduce is None:
            self._end_outputs(step)

    def _end_outputs(self, step: Step) -> None:
        """All tasks that make output of `step` are planned."""
        following = self._next(step)
        if following is None:
            self.release(self.finish)
        else:
            self.release(following.complete)
            self._end_maps(following)
