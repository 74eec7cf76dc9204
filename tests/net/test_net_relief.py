"""Workers that drain: what they keep is taken over, and nothing is made again."""

import pytest
from net_world import FakeJob, finish, step

from mincer.store.disk import Place

JOB = "0" * 32
STEPS = [step(0, 3), step(1, 2)]


def make(world, splits=6):
    job = FakeJob(world.driver(), JOB, STEPS, splits)
    job.hand_over()
    return job


def maps_done(world):
    book = world.hub.books.get(JOB)
    return 0 if book is None else book.outcomes["done"]


def drain(world, worker):
    """The worker drains, and is gone when it has left."""
    worker.node.drain(world.now)
    assert world.run(lambda: worker.node.has_left, 60.0)
    world.pump()
    assert worker.node.line.is_clear
    del world.members[worker.name]
    world.hub.closed(worker.name.ljust(40, "-"), world.now)


@pytest.mark.parametrize("after", range(1, 12))
def test_what_a_drained_worker_kept_is_not_made_again(world, after):
    first = world.worker("a")
    job = make(world)
    assert world.run(lambda: maps_done(world) >= after, 60.0)
    world.worker("b")
    drain(world, first)
    finish(world, job)
    assert job.over.outcomes == {"done": 6 + 3 + 3 + 2}


@pytest.mark.parametrize("after", range(1, 9))
def test_what_is_empty_is_not_made_again_either(world, after):
    made = world.made

    def nothing(attempt, read):
        told = made(attempt, read)
        if attempt.task.step == 0:
            told.place = Place("", 0, 0)
        return told

    world.made = nothing
    first = world.worker("a")
    job = FakeJob(world.driver(), JOB, [step(0), step(1, 2)], 6)
    job.hand_over()
    assert world.run(lambda: maps_done(world) >= after, 60.0)
    world.worker("b")
    drain(world, first)
    assert world.run(lambda: job.over, 60.0)
    assert job.parts == {part: "+".join([f"<1()/{part}>"] * 6) for part in range(2)}
    assert job.over.outcomes == {"done": 6 + 6 + 2}


def test_one_by_one_all_may_leave(world):
    old = world.worker("w0")
    job = make(world, splits=40)
    for n in range(1, 8):
        new = world.worker(f"w{n}")
        drain(world, old)
        old = new
    finish(world, job)
    assert "lost" not in job.over.outcomes


def test_who_has_nothing_may_leave_at_once(world):
    worker = world.worker("a")
    assert world.run(lambda: worker.node.line.welcome is not None)
    drain(world, worker)
    assert not len(world.hub.members)
    assert not world.hub.coordinator.roster.workers


def test_who_has_left_does_not_join_again(world):
    worker = world.worker("a")
    assert world.run(lambda: worker.node.line.welcome is not None)
    worker.node.drain(world.now)
    assert world.run(lambda: worker.node.has_left)
    world.run(lambda: len(world.hub.members) > 0, 30.0)
    assert not len(world.hub.members)


def test_who_does_not_wait_is_lost_with_what_it_kept(world):
    first = world.worker("a")
    job = make(world)
    assert world.run(lambda: maps_done(world) >= 3, 60.0)
    world.worker("b")
    first.node.drain(world.now)
    world.kill("a")
    finish(world, job)
    assert job.over.outcomes["done"] > 14


def test_without_room_it_leaves_all_the_same(world):
    first = world.worker("a")
    job = make(world)
    assert world.run(lambda: maps_done(world) >= 3, 60.0)
    world.room_bytes = 0
    world.worker("b")
    drain(world, first)
    finish(world, job)


def test_when_its_jobs_are_over_nobody_stands_in_for_it(world):
    first, second = world.worker("a"), world.worker("b")
    known = second.node.reach.peers
    job = make(world, splits=20)
    assert world.run(lambda: first.node.line.welcome is not None)
    left = first.node.line.welcome.member
    assert world.run(lambda: left in known)  # it reads what that one made
    drain(world, first)
    finish(world, job)
    assert left in known
    job.driver.node.leave(JOB)
    assert world.run(lambda: not world.hub.books)
    world.run(lambda: False, 1.0)
    assert left not in known
    here = world.hub.coordinator.roster.workers
    assert [worker.name for worker in here] == ["b"]
    assert world.spools
    assert all(spool.is_closed for spool in world.spools)


def test_who_owes_something_to_a_job_that_ends_may_go(world):
    first = world.worker("a")
    job = make(world)
    assert world.run(lambda: maps_done(world) >= 3, 60.0)
    world.worker("b")
    first.node.drain(world.now)
    standin = world.hub._standin
    member = first.node.line.welcome.member
    assert world.run(lambda: standin.owed(member), 60.0)
    job.driver.node.leave(JOB)
    assert world.run(lambda: not world.hub.books, 5.0)
    assert world.run(lambda: first.node.has_left, 5.0)
