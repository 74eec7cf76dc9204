"""Whole jobs on a cluster in memory: exact, whatever the network and the workers do.

A failure names its seed in the test's id: `pytest -k "storm and 17"` plays it again.
"""

import random

import msgspec
import pytest
from net_world import FakeJob, World, finish, step

SHAPES = [
    [step(0, 3)],
    [step(0)],
    [step(0, 3, sampled=True)],
    [step(0, 2), step(1, 3)],
    [step(0), step(1, 2, sampled=True)],
    [step(0, 2, sampled=True), step(1, 3), step(2)],
]


def ids(seed):
    return f"{seed:032x}"


def run(world, *jobs, for_s=600.0):
    for job in jobs:
        job.hand_over()
    finish(world, *jobs, for_s=for_s)


def check_nothing_left(world, *jobs):
    for job in jobs:
        job.driver.node.leave(job.job)
    world.run(lambda: False, 3.0)
    assert not world.hub.books
    assert not world.hub.coordinator.jobs
    for member in world.members.values():
        for depot in getattr(member, "depots", ()):
            assert depot.is_closed
        if hasattr(member, "children"):
            assert not member.children.slots


@pytest.mark.parametrize("steps", SHAPES)
def test_a_job_runs_and_nothing_is_left(steps):
    world = World(1)
    for name in ("a", "b"):
        world.worker(name)
    job = FakeJob(world.driver(), ids(1), steps, splits=7)
    run(world, job)
    check_nothing_left(world, job)


def test_each_worker_reads_what_it_has():
    world = World(3)
    world.slow_s = 1.0
    workers = [world.worker(name) for name in "abc"]
    for number, worker in enumerate(workers):
        worker.here = {number}
    world.run(lambda: len(world.hub.members) == 3)
    job = FakeJob(world.driver(), ids(3), SHAPES[0], splits=6, files=3)
    job.hand_over()
    world.run(lambda: all(len(worker.children.slots) == 2 for worker in workers))
    for number, worker in enumerate(workers):
        given = [slot[0][0].task.index % 3 for slot in worker.children.slots]
        assert given == [number, number]
    finish(world, job)
    check_nothing_left(world, job)


def test_workers_may_come_after_the_job_and_jobs_share_them():
    world = World(2)
    driver = world.driver()
    jobs = [FakeJob(driver, ids(n), SHAPES[n], splits=5) for n in range(3)]
    world.later(5.0, lambda: world.worker("late"))
    run(world, *jobs)
    check_nothing_left(world, *jobs)


@pytest.mark.parametrize(("priority", "most_s"), [(0, 6.0), (1, 3.5)])
def test_a_small_job_behind_a_large_one_begins_with_the_next_slot(priority, most_s):
    world = World(2)
    world.slow_s = 1.0
    world.worker("a", slots=4)
    driver = world.driver()
    large = FakeJob(driver, ids(1), SHAPES[0], splits=200)
    small = FakeJob(driver, ids(2), SHAPES[0], splits=12)
    small.submit = msgspec.structs.replace(small.submit, priority=priority)
    large.hand_over()
    world.run(lambda: False, 5.0)
    small.hand_over()
    began = world.now
    finish(world, small)
    # Twelve maps and three reduces of half a second each, on two slots, or on all four.
    assert world.now - began < most_s
    assert not large.over
    finish(world, large)
    check_nothing_left(world, large, small)


@pytest.mark.parametrize("seed", range(20))
def test_a_worker_that_is_killed_costs_what_only_it_had(seed):
    world = World(seed)
    for name in ("a", "b", "c"):
        world.worker(name)
    job = FakeJob(world.driver(), ids(seed), SHAPES[3], splits=20)
    world.later(world.chance.uniform(0.05, 0.6), lambda: world.kill("a"))
    run(world, job)
    check_nothing_left(world, job)


@pytest.mark.parametrize("seed", range(20))
def test_a_worker_that_is_cut_off_for_long_begins_a_new_life(seed):
    world = World(seed)
    world.slow_s = 2.0
    workers = [world.worker(name) for name in ("a", "b")]
    job = FakeJob(world.driver(), ids(seed), SHAPES[3], splits=40)
    world.later(2.0, lambda: world.cut.add("a"))
    world.later(30.0, lambda: world.reconnect("a"))
    run(world, job)
    world.run(lambda: workers[0].node.line.life, 60.0)
    assert workers[0].node.line.life == 1
    check_nothing_left(world, job)


@pytest.mark.parametrize("seed", range(20))
def test_a_short_cut_is_healed_and_nothing_runs_twice(seed):
    world = World(seed)
    world.slow_s = 2.0
    workers = [world.worker(name) for name in ("a", "b")]
    job = FakeJob(world.driver(), ids(seed), SHAPES[3], splits=20)
    world.later(2.0, lambda: world.cut.add("a"))
    world.later(7.0, lambda: world.reconnect("a"))
    run(world, job)
    assert [worker.node.line.life for worker in workers] == [0, 0]
    assert job.over.outcomes["done"] == 20 + 2 + 2 + 3
    assert "lost" not in job.over.outcomes


@pytest.mark.parametrize("seed", range(20))
def test_members_that_cannot_reach_each_other_go_by_the_coordinator(seed):
    world = World(seed)
    workers = [world.worker(name) for name in ("a", "b")]
    for worker in workers:
        worker.node.reach.relayed.update({1, 2, 3})
    job = FakeJob(world.driver(), ids(seed), SHAPES[3], splits=8)
    run(world, job)
    check_nothing_left(world, job)


def test_a_driver_that_vanishes_has_its_job_cancelled():
    world = World(3)
    world.slow_s = 50.0
    worker = world.worker("a")
    job = FakeJob(world.driver(), ids(3), SHAPES[0], splits=5)
    job.hand_over()
    world.run(lambda: worker.children.slots, 10.0)
    world.kill("driver")
    assert world.run(lambda: not worker.children.slots, 30.0)
    world.run(lambda: False, 1.0)
    assert not world.hub.books
    assert all(depot.is_closed for depot in worker.depots)


def test_a_coordinator_that_is_new_knows_no_job_and_gets_all_workers():
    world = World(4)
    world.slow_s = 5.0
    workers = [world.worker(name) for name in ("a", "b")]
    driver = world.driver()
    job = FakeJob(driver, ids(4), SHAPES[0], splits=9)
    job.hand_over()
    world.run(lambda: workers[0].children.slots, 10.0)
    world.new_hub()
    assert world.run(lambda: job.over, 30.0)
    assert "does not know" in job.over
    lines = [worker.node.line for worker in workers]
    assert world.run(lambda: all(line.life and line.welcome for line in lines), 30.0)
    assert not any(worker.children.slots for worker in workers)
    again = FakeJob(driver, ids(5), SHAPES[0], splits=9)
    run(world, again)
    check_nothing_left(world, again)


def test_a_coordinator_that_says_that_it_ends_ends_all_work():
    world = World(4)
    world.slow_s = 5.0
    workers = [world.worker(name) for name in ("a", "b")]
    job = FakeJob(world.driver(), ids(4), SHAPES[0], splits=9)
    job.hand_over()
    world.run(lambda: workers[0].children.slots, 10.0)
    world.hub.close()
    assert world.run(lambda: all(one.node.closed for one in workers) and job.over, 1.0)
    assert job.over == "the coordinator was closed"
    assert not any(worker.children.slots for worker in workers)
    assert all(depot.is_closed for worker in workers for depot in worker.depots)


@pytest.mark.parametrize("seed", range(40))
def test_storm_of_losses_kills_and_cuts_ends_with_the_right_result(seed):
    chance = random.Random(seed)
    world = World(seed)
    world.loss, world.repeat = chance.choice([0, 0.02, 0.1]), chance.choice([0, 0.1])
    world.reorders = chance.random() < 0.5
    world.slow_s = chance.choice([0.05, 1.0])
    names = iter("abcdefghijklmnopqrstuvwxyz")
    for _ in range(chance.randint(1, 4)):
        world.worker(next(names), chance.randint(1, 3))
    driver = world.driver()
    jobs = [
        FakeJob(
            *(driver, ids(n), chance.choice(SHAPES), chance.randint(0, 15)),
            files=seed % 3,
        )
        for n in range(chance.randint(1, 2))
    ]

    def something():
        workers = [name for name in world.members if name != "driver"]
        what = chance.random()
        if what < 0.3 and world.kills < 3 and workers:
            world.kill(chance.choice(workers))
        elif what < 0.6 and workers:
            name = chance.choice(workers)
            world.cut.add(name)
            world.later(chance.uniform(0.5, 25.0), lambda: world.reconnect(name))
        else:
            world.worker(next(names))

    for _ in range(chance.randint(0, 8)):
        world.later(chance.uniform(0.0, 20.0), something)

    def heal():
        world.loss = world.repeat = 0.0
        for name in list(world.cut):
            world.reconnect(name)
        world.worker("last")

    world.later(50.0, heal)
    run(world, *jobs, for_s=3000.0)
    world.run(lambda: False, max(0.0, 200.0 - world.now))
    check_nothing_left(world, *jobs)
