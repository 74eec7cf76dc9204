"""The hub believes nothing: what nobody has the right to say changes nothing."""

import pytest
from net_by_hand import Member, heard
from net_fakes import FakeSpool
from net_world import FakeJob, World, expected, step

from mincer.limits import LEASE_S
from mincer.net.hub import Hub
from mincer.net.line import greeting
from mincer.wire import frames, pulls
from mincer.wire.packets import write_packet
from mincer.wire.session import Packet

JOB, TOKEN = "0" * 32, b"t" * 16
NAME = (0, "map", 0, 0)
ACCOUNT = frames.Account()
ERROR = frames.ErrorTold("JobError", "what")


@pytest.fixture
def hub():
    return Hub("a word", ("0", "3"), open_spool=FakeSpool)


@pytest.fixture
def worker(hub):
    return Member(hub, "worker").greet()


@pytest.fixture
def driver(hub):
    return Member(hub, "driver", "driver").greet()


@pytest.fixture
def job(hub, worker, driver):
    """A job of one map that runs on the worker."""
    driver.say(frames.Submit(JOB, TOKEN, "a job", [step(0, 1)]))
    driver.say(frames.Splits(JOB, 0, [frames.SplitRow(0, 0, 1)]))
    driver.say(frames.InputEnd(JOB))
    orders = heard(hub, worker)
    assert [type(one).__name__ for one in orders[-2:]] == ["Trusted", "Start"]
    return hub.books[JOB]


def test_garbage_is_dropped_and_counted(hub, worker):
    for message in ([], [b"?"], [b"G?"], [b"P?"], [b"D?"], [b"P", b"x"], [b"G", b"x"]):
        worker.raw(message)
    worker.raw(write_packet(0, Packet(1, 1, 0, payload=b"garbage")))
    welcome = greeting(frames.Welcome("w", 1, 0, 1.0, 1.0))
    worker.raw(welcome)
    assert hub.dropped == 9


def test_who_has_not_greeted_is_a_stranger(hub):
    nobody = Member(hub, "nobody")
    nobody.say(frames.Draining())
    assert heard(hub, nobody) == [frames.Stranger(0)]
    nobody.raw(pulls.write_pull(pulls.Close(1, 1, 1)))
    assert hub.dropped == 1


def test_a_life_before_is_a_stranger(hub, worker):
    Member(hub, "worker", life=1).greet()
    hub.take_out()
    worker.say(frames.Draining())
    assert heard(hub, worker) == [frames.Stranger(0)]


def test_a_worker_cannot_speak_as_a_driver(hub, worker, job):
    before = hub.dropped
    worker.say(frames.Taken(JOB))
    worker.say(frames.InputEnd(JOB))
    assert hub.dropped == before + 2
    assert hub.books == {JOB: job}


def test_a_driver_cannot_touch_the_job_of_another(hub, job):
    other = Member(hub, "other", "driver").greet()
    before = hub.dropped
    for frame in (
        frames.CancelJob(JOB, "mine now"),
        frames.Taken(JOB),
        frames.Splits(JOB, 1, [frames.SplitRow(0, 0, 1)]),
        frames.Committed(JOB, NAME),
    ):
        other.say(frame)
    assert hub.dropped == before + 4
    assert JOB in hub.coordinator.jobs
    other.say(frames.Submit(JOB, TOKEN, "the same", [step(0, 1)]))
    assert hub.books[JOB] is job


def test_what_was_not_given_to_a_worker_is_not_believed_of_it(hub, job):
    other = Member(hub, "other", slots=0).greet()
    other.say(frames.Done(JOB, NAME, 1, 1, ACCOUNT))
    assert heard(hub, other)[-1] == frames.Discard(JOB, NAME)
    other.say(frames.Failed(JOB, NAME, "raised", ERROR))
    other.say(frames.Returned(JOB, [NAME]))
    other.say(frames.Working(JOB, [(NAME, 1, 1)]))
    assert list(job.running.values()) == [1]
    assert job.outcomes["done"] == job.outcomes["failed"] == 0
    assert job.in_work == {}


@pytest.mark.parametrize(
    "name", [(0, "map", 99, 0), (9, "map", 0, 0), (0, "reduce", 0, 0), (0, "map", 0, 7)]
)
def test_attempts_that_never_were_change_nothing(hub, worker, driver, job, name):
    for frame in (
        frames.Done(JOB, name, 1, 1, ACCOUNT),
        frames.Failed(JOB, name, "raised", ERROR),
        frames.Returned(JOB, [name]),
        frames.Working(JOB, [(name, 1, 1)]),
    ):
        worker.say(frame)
    driver.say(frames.Committed(JOB, name))
    assert list(job.running) == [frames.attempt_of(JOB, NAME)]


def test_a_fault_that_there_is_not_and_lost_outputs_that_never_were(hub, worker, job):
    worker.say(frames.Failed(JOB, NAME, "bad luck", ERROR))
    assert hub.dropped == 1
    worker.say(frames.Failed(JOB, NAME, "need lost", ERROR, lost=[(0, "map", 5, 5)]))
    assert job.outcomes["failed"] == 1
    assert list(job.running) == [frames.attempt_of(JOB, (0, "map", 0, 1))]


def test_of_jobs_that_are_unknown_nothing_is_heard(hub, worker):
    worker.say(frames.Done(JOB, NAME, 1, 1, ACCOUNT))
    assert heard(hub, worker)[-1] == frames.Discard(JOB, NAME)
    worker.say(frames.Failed(JOB, NAME, "raised", ERROR))
    assert hub.dropped == 0


def test_splits_after_the_end_of_the_input_are_not_taken(hub, driver, job):
    driver.say(frames.Splits(JOB, 1, [frames.SplitRow(0, 0, 1)]))
    assert len(job.intake.splits) == 1


def test_a_child_that_died_is_noted_with_its_worker(hub, worker, job):
    worker.say(frames.Failed(JOB, NAME, "died", frames.ErrorTold("JobError", "boom")))
    assert job.notes == ["boom (attempt 1, worker)"]


def test_the_record_in_work_is_told_with_a_tick(hub, worker, job):
    worker.say(frames.Working(JOB, [(NAME, 10, 3)]))
    assert list(hub._records_in_work()) == [(frames.attempt_of(JOB, NAME), 3)]


@pytest.fixture
def timed_job(hub, worker, driver):
    """A job of one map that runs on the worker and may take 2 s, once."""
    steps = [step(0, 1)]
    driver.say(
        frames.Submit(JOB, TOKEN, "a job", steps, attempts_max=1, task_timeout_s=2.0)
    )
    driver.say(frames.Splits(JOB, 0, [frames.SplitRow(0, 0, 1)]))
    driver.say(frames.InputEnd(JOB))
    hub.take_out()


def verdicts(hub, driver):
    frames_heard = heard(hub, driver, frames.ToDriver)
    return [one for one in frames_heard if isinstance(one, frames.JobFailed)]


def test_a_job_whose_time_is_up_fails_with_where_it_was(hub, worker, driver, timed_job):
    hub.turn(2.0)
    assert not verdicts(hub, driver)
    where = frames.ErrorTold("TimedOutError", "it took too long", user_traceback="here")
    worker.say(frames.Failed(JOB, NAME, "timed out", where), now=2.1)
    (verdict,) = verdicts(hub, driver)
    assert verdict.error == where
    worker.say(frames.Failed(JOB, NAME, "timed out", ERROR), now=2.2)
    hub.turn(9.0)
    assert not verdicts(hub, driver)


def test_it_is_not_waited_for_ever_where_that_was(hub, worker, driver, timed_job):
    hub.turn(2.0)
    other = Member(hub, "other").greet(2.1)
    other.say(frames.Failed(JOB, NAME, "timed out", ERROR), now=2.1)
    assert not verdicts(hub, driver)
    hub.turn(6.0)
    (verdict,) = verdicts(hub, driver)
    assert verdict.error is None
    assert "timed out" in verdict.reason


def test_who_does_not_wait_for_the_verdict_is_told_nothing(
    hub, worker, driver, timed_job
):
    hub.turn(2.0)
    driver.say(frames.Taken(JOB), now=2.1)
    hub.turn(6.0)
    assert not verdicts(hub, driver)


def test_who_falls_silent_is_given_up_and_its_work_is_lost(hub, worker, driver, job):
    for now in range(1, int(LEASE_S) + 1):
        driver.beat(float(now))
    assert len(hub.members) == 2
    driver.beat(LEASE_S + 1)
    assert len(hub.members) == 1
    assert job.outcomes["lost"] == 1
    assert "worker was lost (it was not heard of)" in job.notes[0]


def test_who_closed_its_connection_has_a_moment_to_come_back(hub, worker):
    hub.closed(worker.key, 1.0)
    worker.beat(1.5)
    hub.turn(3.0)
    assert len(hub.members) == 1
    hub.closed(worker.key, 3.0)
    hub.turn(3.5)
    assert len(hub.members) == 1
    hub.turn(3.8)
    assert len(hub.members) == 0
    hub.closed(worker.key, 4.0)


def test_a_connection_that_ends_after_a_silence_says_nothing_of_the_worker(hub, worker):
    hub.closed(worker.key, 9.0)  # as it was silent, and may only be stopped
    hub.turn(LEASE_S - 1)
    assert len(hub.members) == 1
    hub.turn(LEASE_S + 1)
    assert len(hub.members) == 0


def test_who_is_cut_off_is_told_and_gone(hub, worker):
    hub.take_out()
    hub.cut_off(worker.key, "its key was taken off the list")
    assert heard(hub, worker)[0].code == "revoked"
    assert len(hub.members) == 0
    hub.cut_off(worker.key, "again")


def test_pulls_are_passed_on_with_who_asks(hub, worker, driver):
    hub.take_out()
    thing = pulls.PacketOf(JOB, TOKEN, 0)
    worker.raw(pulls.write_pull(pulls.Open(2, 99, 5, thing)))
    (head,) = heard(hub, driver)
    assert (head.by, head.to, head.pull) == (1, 2, 5)
    driver.raw(pulls.write_pull(pulls.Chunk(1, 2, 5, 0), b"data"))
    assert heard(hub, worker) == [pulls.Chunk(1, 2, 5, 0)]
    assert hub.relayed_bytes == 4


def test_who_asks_somebody_who_is_gone_is_told(hub, worker):
    hub.take_out()
    thing = pulls.PacketOf(JOB, TOKEN, 0)
    worker.raw(pulls.write_pull(pulls.Open(77, 1, 5, thing)))
    (denied,) = heard(hub, worker)
    assert (denied.by, denied.pull, denied.is_gone) == (77, 5, True)
    worker.raw(pulls.write_pull(pulls.Close(77, 1, 5)))
    worker.raw(pulls.write_pull(pulls.Close(0, 0, 0)))
    assert heard(hub, worker) == []


def test_a_worker_that_drains_gets_nothing_new_and_leaves(hub, worker, driver, job):
    worker.say(frames.Draining())
    other = Member(hub, "other").greet()
    worker.say(frames.Returned(JOB, [NAME]))
    assert list(job.running.values()) == [3]
    worker.say(frames.Draining(is_done=True))
    assert hub.members.of_key(worker.key) is None
    assert hub.members.of_key(other.key) is not None


def test_a_member_that_takes_in_nothing_is_given_up(hub, worker, driver, monkeypatch):
    hub.members.of_key(worker.key).session._kept_bytes_max = 10
    driver.say(frames.Submit(JOB, TOKEN, "a job", [step(0, 1)]))
    driver.say(frames.Splits(JOB, 0, [frames.SplitRow(0, 0, 1)]))
    hub.turn(0.1)
    assert hub.members.of_key(worker.key) is None


def test_when_a_turn_is_due(hub, worker):
    assert hub.deadline(0.5) == 1.0
    hub.turn(1.0)
    assert hub.deadline(1.2) == 2.0
    assert hub.deadline(5.0) == 5.0


def test_what_a_driver_hears_of_its_job():
    world = World(1)
    world.worker("a")
    told = []

    class Listening(FakeJob):
        def told(self, frame):
            told.append(frame)
            super().told(frame)

    world.slow_s = 1.0
    job = Listening(world.driver(), JOB, [step(0, 2)], splits=4)
    job.hand_over()
    assert world.run(lambda: job.over)
    assert job.parts == expected(job.steps, 4)
    progress = [one for one in told if isinstance(one, frames.ProgressTold)]
    assert {"mapping", "reducing"} <= {one.phase for one in progress}
    assert [one.maps_done for one in progress] == sorted(
        one.maps_done for one in progress
    )
    assert sorted(job.accounts) == [
        *((0, "map", n, 0) for n in range(4)),
        *((0, "reduce", n, 0) for n in range(2)),
    ]
    assert job.over.outcomes == {"done": 6}
    assert job.over.workers == 1


@pytest.fixture
def map_only(hub, worker, driver):
    """A job of one map, which makes a part and runs on the worker."""
    driver.say(frames.Submit(JOB, TOKEN, "a job", [step(0)]))
    driver.say(frames.Splits(JOB, 0, [frames.SplitRow(0, 0, 1)]))
    driver.say(frames.InputEnd(JOB))
    assert heard(hub, worker)[-1].rows[0].sends is False
    return hub.books[JOB]


@pytest.mark.parametrize("is_written", [False, True])
def test_when_the_driver_does_not_find_a_part_all_are_sent(
    hub, worker, driver, map_only, is_written
):
    account = frames.Account(part=(1, 1, ""), is_written=is_written)
    worker.say(frames.Done(JOB, NAME, 1, 1, account))
    assert heard(hub, driver, frames.ToDriver)[-1].account == account
    driver.say(frames.Committed(JOB, NAME, is_refused=True))
    (row,) = heard(hub, worker)[-1].rows
    assert (row.attempt, row.sends) == ((0, "map", 0, 1), is_written)


def test_when_it_ends_it_tells_all_members(hub, worker, driver):
    heard(hub, worker)
    hub.close()
    out = hub.take_out()
    assert {key for key, _, _ in out} == {worker.key, driver.key}
    assert [message for _, _, message in out] == 2 * [greeting(frames.Closed("a word"))]
