"""Jobs and their drivers: left when all that they gave is there, and fetched once."""

import pytest
from net_world import FakeJob, finish, step

from mincer.net.belongings import of_driver
from mincer.net.owners import Keeping
from mincer.wire import frames

JOB = "0" * 32
STEPS = [step(0, 3), step(1, 2)]


def make(world, splits=6, files=0):
    job = FakeJob(world.driver(), JOB, STEPS, splits, files=files)
    job.hand_over()
    return job


def leave(world, job):
    """The driver leaves its job, and is gone."""
    ask_to_leave(world, job)
    assert job.detached[-1] == frames.DetachTold(job.job)
    gone(world, job)


def ask_to_leave(world, job):
    """Ask until nothing is owed."""
    while not job.detached or job.detached[-1].owed:
        asked = len(job.detached)
        job.driver.node.say(frames.Detach(job.job))
        assert world.run(lambda asked=asked: len(job.detached) > asked, 60.0)


def gone(world, job):
    name = job.driver.name
    del world.members[name]
    world.hub.closed(name.ljust(40, "-"), world.now)
    world.run(lambda: False, 3.0)


def fetch(world, name="another"):
    job = FakeJob(world.driver(name), JOB, STEPS, 6)
    job.driver.node.fetch(JOB, job)
    return job


def is_ready(world):
    book = world.hub.books[JOB]
    return len(book.outcome.commits) == 2


def row(world):
    """What people are told of the job."""
    (row,) = world.hub.desk.answer(frames.JobsAsked(1), (0, 0, 0), world.now).rows
    return row


@pytest.mark.parametrize("when", ["at once", "later", "when it is done"])
def test_a_job_goes_on_without_its_driver_and_another_one_fetches_it(world, when):
    if when != "at once":
        world.worker("a")
    job = FakeJob(world.driver(), JOB, STEPS, 6)
    will_leave = when == "when it is done"
    job.submit = frames.Submit(JOB, job.token, "a job", STEPS, will_leave=will_leave)
    job.hand_over()
    if when == "later":
        assert world.run(lambda: JOB in world.hub.books, 60.0)
        assert world.run(lambda: world.hub.books[JOB].outcomes["done"] > 3, 60.0)
    elif when == "when it is done":
        assert world.run(lambda: JOB in world.hub.books and is_ready(world), 60.0)
        assert not job.parts
    else:
        assert world.run(lambda: JOB in world.hub.books, 60.0)
    leave(world, job)
    world.worker("b")
    assert world.run(lambda: is_ready(world), 60.0)
    assert world.run(lambda: row(world).state == "ready to fetch", 60.0)
    again = fetch(world)
    finish(world, again)
    assert not job.parts
    again.driver.node.leave(JOB)
    assert world.run(lambda: not world.hub.books, 60.0)
    assert all(spool.is_closed for spool in world.spools)


def test_it_is_fetched_while_it_runs(world):
    world.worker("a")
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    leave(world, job)
    again = fetch(world)
    finish(world, again)


def test_a_driver_may_not_leave_before_its_source_has_ended(world):
    job = FakeJob(world.driver(), JOB, STEPS, 6)
    job.driver.node.submit(job.submit, job)
    job.driver.node.say(frames.Detach(JOB))
    assert world.run(lambda: job.detached, 60.0)
    assert job.detached[-1].why == "the source has not come to its end"


def test_a_driver_that_has_parts_of_the_result_may_not_leave(world):
    world.worker("a", slots=1)
    world.slow_s = 5.0
    job = make(world)
    assert world.run(lambda: job.parts, 600.0)
    assert len(job.parts) == 1
    job.driver.node.say(frames.Detach(JOB))
    assert world.run(lambda: job.detached, 60.0)
    assert "with this driver already" in job.detached[-1].why
    finish(world, job)


def test_who_gives_up_before_it_hears_that_it_has_left_ends_the_job(world):
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    other = world.driver("other")
    leave_word = frames.Detach(JOB), frames.Taken(JOB)
    while JOB in world.hub.books:
        for frame in leave_word:
            other.node.say(frame)  # it is not its own, and means nothing
        job.driver.node.say(frames.Detach(JOB))
        if world.hub._standin.missing(of_driver(world.hub.books[JOB])) == 0:
            job.driver.node.leave(JOB)
        world.run(lambda: False, 1.0)
    assert not job.detached or job.detached[-1].owed
    assert not world.hub.coordinator.jobs
    assert row(world).state == "cancelled"


def test_without_room_for_its_input_it_may_not_leave(world):
    world.room_bytes = 3
    job = make(world)
    ask_to_leave(world, job)
    assert job.detached[-1].why.startswith("the coordinator has no room")
    world.worker("a")
    finish(world, job)


def test_when_there_is_room_again_it_may_leave(world):
    world.room_bytes = 3
    job = make(world)
    ask_to_leave(world, job)
    assert job.detached.pop().why
    world.spools[0].room_bytes = 10**9
    leave(world, job)
    world.worker("a")
    finish(world, fetch(world))


def test_a_driver_that_vanishes_before_all_is_taken_over_ends_its_job(world):
    world.worker("a")
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    job.driver.node.say(frames.Detach(JOB))
    gone(world, job)
    assert not world.hub.books
    again = fetch(world)
    assert world.run(lambda: again.over, 60.0)
    assert again.over == "there is no such job here"


def test_who_fetches_may_vanish_and_the_next_one_gets_all(world):
    world.worker("a")
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    leave(world, job)
    assert world.run(lambda: is_ready(world), 60.0)
    first = fetch(world, "first")
    assert world.run(lambda: first.parts, 60.0)
    gone(world, first)
    finish(world, fetch(world, "second"))


@pytest.mark.parametrize("is_worker_lost", [False, True])
@pytest.mark.parametrize("how", ["vanishes", "gives it back"])
def test_who_has_all_may_fail_before_it_says_so_and_the_next_one_gets_all(
    world, how, is_worker_lost
):
    world.worker("a")
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    leave(world, job)
    first = fetch(world, "first")
    finish(world, first)
    if is_worker_lost:
        world.kill("a")
        world.run(lambda: False, 3.0)
        world.worker("b")
    if how == "vanishes":
        gone(world, first)
    else:
        ask_to_leave(world, first)
    second = fetch(world, "second")
    finish(world, second)
    second.driver.node.leave(JOB)
    assert world.run(lambda: not world.hub.books, 60.0)
    assert not world.hub.coordinator.jobs
    assert row(world).state == "done"


def test_what_was_not_taken_is_given_up_in_the_end(world):
    world.hub._owners._keeping = Keeping(for_s=100.0)
    world.worker("a")
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    leave(world, job)
    first = fetch(world, "first")
    finish(world, first)
    assert not world.run(lambda: not world.hub.books, 150.0)  # it is being fetched
    gone(world, first)
    assert world.run(lambda: not world.hub.books, 150.0)
    assert row(world).state == "cancelled"


def test_who_fetches_may_give_up_and_the_next_one_gets_all(world):
    world.worker("a")
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    leave(world, job)
    assert world.run(lambda: is_ready(world), 60.0)
    first = fetch(world, "first")
    assert world.run(lambda: first.parts, 60.0)
    ask_to_leave(world, first)
    finish(world, fetch(world, "second"))


def test_what_a_lost_worker_had_of_the_result_is_made_again(world):
    world.worker("a")
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    leave(world, job)
    assert world.run(lambda: is_ready(world), 60.0)
    assert world.run(lambda: row(world).state == "ready to fetch", 60.0)
    world.kill("a")
    world.run(lambda: False, 3.0)
    assert not is_ready(world)
    assert row(world).state == "running"
    world.worker("b")
    assert world.run(lambda: is_ready(world), 60.0)
    finish(world, fetch(world))


def test_of_a_drained_worker_the_coordinator_has_the_result(world):
    worker = world.worker("a")
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    leave(world, job)
    assert world.run(lambda: is_ready(world), 60.0)
    worker.node.drain(world.now)
    assert world.run(lambda: worker.node.has_left, 60.0)
    del world.members["a"]
    finish(world, fetch(world))


def test_a_job_that_failed_says_so_to_who_fetches_it(world):
    world.worker("a")
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    leave(world, job)
    watcher = world.driver("watcher")
    watcher.node.say(frames.CancelAsked(1, JOB))
    world.run(lambda: False, 1.0)
    for name in ("first", "second"):
        again = fetch(world, name)
        assert world.run(lambda again=again: again.over, 60.0)
        assert again.over.reason == "watcher cancelled it"
        gone(world, again)


@pytest.mark.parametrize("why", ["its driver has not left it", "another driver"])
def test_a_job_has_one_driver_at_a_time(world, why):
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    if why == "another driver":
        leave(world, job)
        fetch(world, "first")
        assert world.run(lambda: world.hub.books[JOB].driver, 60.0)
    again = fetch(world, "second")
    assert world.run(lambda: again.over, 60.0)
    assert again.over.startswith(why)


def test_what_nobody_fetches_is_given_up(world):
    world.hub._owners._keeping = Keeping(for_s=100.0)
    world.worker("a")
    job = make(world)
    assert world.run(lambda: JOB in world.hub.books, 60.0)
    leave(world, job)
    assert not world.run(lambda: not world.hub.books, 90.0)
    assert world.run(lambda: not world.hub.books, 20.0)
    assert row(world).reason.startswith("nobody fetched its result for")


def test_of_too_many_results_the_oldest_are_given_up(world):
    world.worker("a")
    jobs = []
    for n in range(3):
        job = FakeJob(world.driver(f"d{n}"), f"{n:032x}", STEPS, 6)
        job.hand_over()
        assert world.run(lambda job=job: job.job in world.hub.books, 60.0)
        ask_to_leave(world, job)
        jobs.append(job.job)
    ready = lambda: all(  # noqa: E731
        len(book.outcome.commits) == 2 for book in world.hub.books.values()
    )
    assert world.run(ready, 60.0)
    world.run(lambda: False, 3.0)
    sizes = [book.result_bytes for book in world.hub.books.values()]
    world.hub._owners._keeping = Keeping(bytes_max=sum(sizes) - 1)
    world.run(lambda: False, 3.0)
    assert list(world.hub.books) == jobs[1:]
