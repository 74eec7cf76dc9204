"""Whole jobs under a seeded storm: they end, and with the right result.

A failure names its seed in the test's id: `pytest -k "storm and 17"` plays it again.
"""

import random

import pytest
from core_shell import Order, Shell

from mincer.core import commands as c
from mincer.core import events as e
from mincer.core import policy
from mincer.ids import AttemptId, TaskId

STEP = e.StepPlan
SHAPES = [
    (STEP(3),),
    (STEP(0),),
    (STEP(2, to_sink=True),),
    (STEP(0, to_sink=True),),
    (STEP(3, sampled=True),),
    (STEP(3), STEP(2)),
    (STEP(0), STEP(2, sampled=True)),
    (STEP(3), STEP(0), STEP(0, to_sink=True)),
    (STEP(2, sampled=True), STEP(3, sampled=True), STEP(2, to_sink=True)),
    (STEP(4), STEP(4), STEP(4), STEP(1)),
]


def storm(seed: int, deterministic: bool, splits_max: int = 8) -> Shell:
    chance = random.Random(seed)
    shell = Shell(seed)
    for name in ("a", "b", "c")[: chance.randint(1, 3)]:
        shell.join(name)
    for number in range(chance.choice([1, 1, 2])):
        timeout_s = chance.choice([None, None, 40.0])
        plan = e.JobPlan(
            chance.choice(SHAPES),
            attempts_max=8 if timeout_s is None else 40,
            skips_max=chance.choice([0, 1000]),
            task_timeout_s=timeout_s,
            priority=chance.choice([0, 0, 1]),
        )
        job = f"job{number}"
        splits = chance.randint(0, splits_max)
        shell.orders[job] = Order(plan, splits, deterministic=deterministic)
        shell.tell(e.JobSubmitted(job, plan))
    shell.live(chance.randint(20, 500))
    assert shell.heal(3000), "the jobs do not end"
    return shell


def check_winners(job: str, order: Order, shell: Shell) -> None:
    """Each winner has read what the winners made: no old output, none twice."""
    assert isinstance(order.over, c.FinishJob), order.over
    winners = {attempt.task: attempt for attempt in order.over.winners}
    for step, plan in enumerate(order.plan.steps):
        maps = shell.map_count(order, step)
        kinds = {"map": maps, "reduce": plan.parts, "sample": 0}
        for kind, count in kinds.items():
            for index in range(count):
                winner = winners[TaskId(job, step, kind, index)]
                for read in shell.read[winner]:
                    assert shell.content[read] == shell.content[winners[read.task]]
    last = order.plan.steps[-1]
    if last.to_sink:
        kind = "reduce" if last.parts else "map"
        step = len(order.plan.steps) - 1
        for index, attempt in order.committed.items():
            assert winners[TaskId(job, step, kind, index)] == attempt
    else:
        assert not shell.discarded & {
            a for a in winners.values() if is_result(a, order)
        }


def is_result(attempt: AttemptId, order: Order) -> bool:
    kind = "reduce" if order.plan.steps[-1].parts else "map"
    task = attempt.task
    return task.step == len(order.plan.steps) - 1 and task.kind == kind


def check_nothing_left(shell: Shell) -> None:
    for event in list(shell.past):
        if not isinstance(event, e.WorkerJoined):
            out = shell.coordinator.handle(event, shell.now)
            assert all(isinstance(command, c.DiscardOutput) for command in out)
            for command in out:
                shell.obey(command)
    assert not shell.coordinator.jobs
    for worker in shell.coordinator.roster.workers.values():
        assert not worker.attempts
        assert not worker.keeps


@pytest.mark.parametrize("seed", range(200))
def test_storm_ends_with_the_right_winners(seed):
    shell = storm(seed, deterministic=True)
    check_nothing_left(shell)
    for job, order in shell.orders.items():
        check_winners(job, order, shell)


@pytest.fixture
def queues(monkeypatch):
    """Slots are given as much as they may be given, however long it takes."""
    monkeypatch.setattr(policy, "QUEUE_FINISHED_MIN", 0)
    monkeypatch.setattr(policy, "QUEUE_S", 1e9)


@pytest.mark.parametrize("seed", range(200))
def test_storm_over_queues_ends_with_the_right_winners(seed, queues):
    shell = storm(seed, deterministic=True, splits_max=40)
    check_nothing_left(shell)
    for job, order in shell.orders.items():
        check_winners(job, order, shell)


@pytest.mark.parametrize("seed", range(200))
def test_storm_over_nondeterministic_maps_never_mixes_results(seed):
    shell = storm(seed, deterministic=False)
    check_nothing_left(shell)
    for job, order in shell.orders.items():
        if isinstance(order.over, c.FailJob):
            assert "ran again and gave another result" in order.over.reason
            assert order.plan.steps[-1].to_sink
        else:
            check_winners(job, order, shell)
