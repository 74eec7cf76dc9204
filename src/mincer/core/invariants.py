"""What must be true of a coordinator between any two events, counted from scratch."""

# The coordinator never calls this: it costs O(everything). The tests and the simulator
# call it after every event.

from __future__ import annotations

from collections import Counter
from math import inf

from mincer.core.active_job import ActiveJob
from mincer.core.coordinator import Coordinator
from mincer.core.plan import Phase
from mincer.core.task import Gate, State, Task
from mincer.errors import Bug

__all__ = ["check"]


def check(coordinator: Coordinator) -> None:
    """Raise `Bug` when something is not as it must be, and say what."""
    _check_roster(coordinator)
    for job in coordinator.jobs.values():
        _must(not job.is_over, f"job {job.id} is over and not forgotten")
        for phase in job.tasks.phases:
            _check_phase(job, phase)
        for task in job.tasks:
            _check_task(job, task)
        _check_gates(job)
        _check_slots(job)


def _must(fact: bool, otherwise: str) -> None:
    if not fact:
        raise Bug(f"broken invariant: {otherwise}")


def _check_roster(coordinator: Coordinator) -> None:
    roster = coordinator.roster
    running = {
        (attempt.worker, attempt.id)
        for job in coordinator.jobs.values()
        for attempt in job.attempts.running.values()
    }
    on_workers = {(w.id, a) for w in roster.workers.values() for a in w.attempts}
    _must(running == on_workers, "jobs and workers disagree on what runs")
    kept = {
        (task.keeper, task.id)
        for job in coordinator.jobs.values()
        for task in job.tasks
        if task.keeper is not None
    }
    on_workers_kept = {(w.id, t) for w in roster.workers.values() for t in w.keeps}
    _must(kept == on_workers_kept, "jobs and workers disagree on what is kept")
    for worker in roster.workers.values():
        _must(len(worker.busy) <= worker.slots, f"{worker.id} has too much to do")
        _must((worker.id in roster.idle) == worker.is_idle, f"{worker.id}: idle?")
        _must(
            (worker.id in roster.healthy) == worker.is_healthy, f"{worker.id}: healthy?"
        )
    in_use = {
        (s.worker, s) for job in coordinator.jobs.values() for s in job.attempts.slots
    }
    busy = {(w.id, slot) for w in roster.workers.values() for slot in w.busy}
    _must(in_use == busy, "jobs and workers disagree on the slots in use")
    slots_low = {(slot.worker, slot) for slot in roster.low}
    _must(slots_low <= busy, "a slot that is not in use runs low")
    _must(roster.idle.keys() <= roster.workers.keys(), "a lost worker is idle")
    _must(roster.healthy.keys() <= roster.workers.keys(), "a lost worker is healthy")
    slots = sum(roster.workers[id].slots for id in roster.healthy)
    _must(roster.slots == slots, "slots are counted wrongly")


def _check_slots(job: ActiveJob) -> None:
    """Each attempt is in one slot; the first there runs, and these are in order."""
    slots = job.attempts.slots
    _must(all(slot.queue for slot in slots), f"job {job.id}: an empty slot in use")
    started = [slot.queue[0].started for slot in slots]
    _must(started == sorted(started), f"job {job.id}: attempts out of order")
    queued = {attempt.id: attempt for slot in slots for attempt in slot.queue}
    _must(queued == job.attempts.running, f"job {job.id}: slots and attempts disagree")
    for slot in slots:
        for attempt in slot.queue:
            waits = attempt is not slot.queue[0]
            _must((attempt.started == inf) == waits, f"{attempt.id} waits or runs?")
            _must(attempt.slot is slot, f"{attempt.id} is in another slot")
            alone = len(slot.queue) == 1
            _must(alone or not attempt.careful, f"{attempt.id} is careful, not alone")


def _check_phase(job: ActiveJob, phase: Phase) -> None:
    name = f"{phase.kind}s of step {phase.step} of job {job.id}"
    counts = Counter(task.state for task in phase.tasks)
    told = {state: n for state, n in phase.counts.items() if n}
    _must(dict(counts) == told, f"{name}: states are counted wrongly")
    first = next((task for task in phase.tasks if task.state is State.READY), None)
    _must(phase.next_ready() is first, f"{name}: the READY task is not found")
    for task in phase.tasks:
        if phase.homes is not None and task.state is State.READY:
            findable = phase.homes.is_findable(task.id.index)
            _must(findable, f"{task.id}: not found by who has its input")
    for task, attempt in phase.unbacked.items():
        _must(task.running == [attempt], f"{task.id}: unbacked, but not one attempt")
        _must(attempt.slot.queue[0] is attempt, f"{task.id}: unbacked, but it waits")
    numbers = [task.number for task in phase.tasks if task.number is not None]
    _must(len(numbers) == len(set(numbers)), f"{name}: a number was given twice")
    every = {*numbers, *phase.without}
    _must(len(every) == len(numbers) + len(phase.without), f"{name}: number withdrawn")
    _must(every == set(range(phase.published)), f"{name}: a number was lost")


def _check_task(job: ActiveJob, task: Task) -> None:
    """A task's state, attempts, needs and output agree with one another."""
    name = f"{task.id} ({task.state.value})"
    runs = task.state is State.RUNNING
    _must(runs == bool(task.running), f"{name} has {len(task.running)} attempts")
    _must(len(task.running) <= 2, f"{name} has {len(task.running)} attempts")
    for attempt in task.running:
        _must(
            job.attempts.running.get(attempt.id) is attempt, f"{attempt.id} runs unseen"
        )
    needs_met = all(gate.is_open for gate in task.needs)
    if task.state in (State.READY, State.RUNNING):
        _must(needs_met, f"{name} lacks something that it needs")
    if task.state is State.WAITING:
        _must(not needs_met, f"{name} waits for nothing")
    made = task.state in (State.DONE, State.COMMITTING)
    _must(not made or 0 <= task.winner < task.attempts_started, f"{name}: no winner")
    _must(made or task.keeper is None, f"{name} is kept by {task.keeper}")
    is_published = task.keeper is not None and task.phase.is_read
    _must((task.number is not None) == is_published, f"{name}: number {task.number}")
    _must(task.state is not State.FAILED, f"{name}, and the job goes on")
    _must(task.state is not State.CANCELLED, f"{name}, and the job goes on")


def _check_gates(job: ActiveJob) -> None:
    """Counts of what is missing and wanted agree with a recount."""
    missing: Counter[Gate] = Counter()
    demand: Counter[Gate] = Counter({job.tasks.finish: 1})
    doubted = 0
    for task in job.tasks:
        doubted += task.doubted
        demand.update(gate for gate in task.needs if task.state is not State.DONE)
        is_there = task.keeper is not None or task.phase.is_for_sink
        if task.state is not State.DONE or not is_there:
            missing.update(task.feeds)
        is_gone = task.state is State.DONE and not is_there
        for gate in task.feeds:
            _must((task in gate.gone) == is_gone, f"{task.id}: gone?")
    for task in job.tasks:
        for gate in (*task.needs, *task.feeds):
            _must(gate.missing == missing[gate], f"{task.id}: {gate.missing} missing")
            _must(gate.demand == demand[gate], f"{task.id}: demand {gate.demand}")
    finish = job.tasks.finish
    ended = job.tasks.steps[-1].ended or job.tasks.steps[-1].reduce is not None
    _must(finish.holds == doubted + (not ended), f"job {job.id}: {finish.holds} holds")
    _must(not finish.is_open, f"job {job.id} is done and not finished")
    for task in job.tasks:
        for gate in task.feeds:
            _must(
                not gate.gone or not gate.demand, f"{task.id}: lost, wanted, not made"
            )
