"""Somebody asks and cancels while messages are lost and workers die: told is the truth.

A failure names its seed in the test's id: `pytest -k "storm and 17"` plays it again.
"""

import random

import msgspec
import pytest
from net_world import FakeJob, World, expected, step

from mincer.wire import frames
from mincer.wire.frames import CancelAsked, JobsAsked, StatusAsked, WorkersAsked


def ids(number):
    return f"{number:032x}"


@pytest.mark.parametrize("seed", range(25))
def test_storm_in_which_somebody_asks_and_cancels(seed):
    chance = random.Random(seed)
    world = World(seed)
    world.loss, world.repeat = chance.choice([0, 0.05]), chance.choice([0, 0.1])
    world.reorders = chance.random() < 0.5
    world.slow_s = 1.0
    for name in "abc":
        world.worker(name, chance.randint(1, 2))
    driver = world.driver()
    running = [
        FakeJob(driver, ids(number), [step(0, 2)], chance.randint(1, 12))
        for number in range(3)
    ]
    for job in running:
        job.hand_over()
    visitor = world.visitor()
    boss = world.visitor("boss", "driver")
    world.later(chance.uniform(0, 3), lambda: world.kill("a"))
    world.later(chance.uniform(0, 3), lambda: world.cut.add("b"))
    world.later(25.0, lambda: world.reconnect("b"))
    world.run(lambda: False, chance.uniform(0, 4))

    victim = chance.choice(running)
    ended = boss.ask(world, CancelAsked(0, victim.job)).row
    assert ended is None or ended.state in ("cancelled", "done")
    seen = {}
    while not all(job.over for job in running):
        for row in visitor.ask(world, JobsAsked(0)).rows:
            check_follows(seen.get(row.job), row)
            seen[row.job] = row
        status = visitor.ask(world, StatusAsked(0))
        assert 0 <= status.slots_used <= status.slots
        for row in visitor.ask(world, WorkersAsked(0)).rows:
            assert 0 <= row.slots_used <= row.slots
            assert row.kept_bytes >= 0
        world.run(lambda: False, 1.0)
    rows = {row.job: row for row in visitor.ask(world, JobsAsked(0)).rows}
    for job in running:
        if isinstance(job.over, frames.JobDone):
            assert rows[job.job].state == "done"
            assert job.parts == expected(job.steps, job.splits)
        else:
            assert (job, ended.state) == (victim, "cancelled")
            assert job.over.reason == "boss cancelled it" == rows[job.job].reason
    for job in running:
        driver.node.leave(job.job)
    world.run(lambda: not world.hub.books, 30.0)
    workers = visitor.ask(world, WorkersAsked(0)).rows
    assert [row.kept_bytes for row in workers] == [0] * len(workers)
    assert not world.hub.books
    assert not world.hub.coordinator.jobs


def check_follows(before, row):
    """What is told now agrees with what was told before."""
    assert row.maps_total is None or row.maps_done <= row.maps_total
    if before is None:
        return
    assert row.number == before.number
    assert row.elapsed_s >= before.elapsed_s
    if before.ended_s is not None:
        same = msgspec.structs.replace(row, ended_s=before.ended_s)
        assert same == before
