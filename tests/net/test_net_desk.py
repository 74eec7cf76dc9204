"""What people are told of a coordinator, its jobs and its workers, in memory."""

from typing import get_args

import msgspec
import pytest
from net_by_hand import Member, heard
from net_fakes import FakeSpool
from net_world import step

from mincer.limits import JOBS_LISTED
from mincer.net.hub import Hub
from mincer.wire import frames, pulls
from mincer.wire.frames import CancelAsked, JobsAsked, StatusAsked, WorkersAsked

TOKEN = b"t" * 16
NAME = (0, "map", 0, 0)
ERROR = frames.ErrorTold("UserCodeError", "mapfn raised ValueError: secret record")
STATES = get_args(frames.JobState)


def ids(number):
    return f"{number:032x}"


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
def observer(hub):
    return Member(hub, "observer", "observer").greet()


def ask(member, question, now=0.0):
    """What comes of a question: the answer, or None."""
    member.hub.take_out()
    member.say(question, now)
    told = heard(member.hub, member, frames.Answer)
    assert len(told) <= 1
    return told[0] if told else None


def jobs(member, now=0.0, **more):
    return ask(member, JobsAsked(7, **more), now).rows


def the_job(member, now=0.0):
    (row,) = jobs(member, now)
    return row


def submit(driver, number=1, splits=1, now=0.0, ended=True, steps=None, **more):
    job = ids(number)
    shape = steps or [step(0, 2)]
    driver.say(frames.Submit(job, TOKEN, f"job {number}", shape, **more), now)
    if splits:
        rows = [frames.SplitRow(0, nth, 1) for nth in range(splits)]
        driver.say(frames.Splits(job, 0, rows), now)
    if ended:
        driver.say(frames.InputEnd(job), now)
    return job


def done(worker, job, kind="map", index=0, now=0.0, length=10):
    name = (0, kind, index, 0)
    account = frames.Account([5, 100] if kind == "map" else [])
    worker.say(frames.Done(job, name, length, 1, account), now)


# --- who may ask what


def test_an_observer_may_ask_and_not_cancel(hub, worker, driver, observer):
    job = submit(driver)
    assert ask(observer, StatusAsked(1)).jobs["running"] == 1
    assert ask(observer, CancelAsked(2, job)) is None
    assert hub.dropped == 1
    assert job in hub.coordinator.jobs


def test_an_observer_can_do_nothing_else(hub, driver, observer):
    job = submit(driver)
    for frame in (
        frames.Submit(ids(2), TOKEN, "mine", [step(0)]),
        frames.CancelJob(job, "not mine"),
        frames.Draining(),
    ):
        assert ask(observer, frame) is None
    thing = pulls.BlobOf(job, TOKEN, b"d" * 16)
    observer.raw(pulls.write_pull(pulls.Open(1, 9, 5, thing)))
    assert hub.dropped == 4
    assert not heard(hub, driver)
    observer.raw(pulls.write_pull(pulls.Close(0, 0, 0)))  # it says that it is there
    assert hub.dropped == 4


def test_a_worker_may_not_ask(hub, worker):
    questions = StatusAsked(1), JobsAsked(1), WorkersAsked(1), CancelAsked(1, ids(1))
    for question in questions:
        assert ask(worker, question) is None
    assert hub.dropped == 4


def test_an_answer_has_the_number_of_its_question(driver, observer):
    for question in (StatusAsked(3), JobsAsked(4), WorkersAsked(5)):
        assert ask(observer, question).ask == question.ask
    assert ask(driver, CancelAsked(6, ids(0))).ask == 6


# --- the coordinator


def test_how_the_coordinator_is(hub, driver, observer):
    hub.desk.address = "here:1"
    hub.relayed_bytes, hub.dropped, hub.refused = 5, 6, 7
    Member(hub, "a", slots=3).greet()
    Member(hub, "b", slots=1).greet()
    submit(driver, splits=2)
    told = ask(observer, StatusAsked(1), 8.0)
    assert (told.coordinator, told.address, told.up_s) == ("a word", "here:1", 8.0)
    assert (told.mincer, told.python) == ("0", "3")
    assert (told.workers, told.drivers) == (2, 1)
    assert (told.slots, told.slots_used) == (4, 2)
    assert (told.relayed_bytes, told.dropped, told.refused) == (5, 6, 7)
    assert told.jobs == {state: int(state == "running") for state in STATES}


def test_who_is_refused_at_the_greeting_is_counted(hub, observer):
    stranger = Member(hub, "stranger", "worker")
    stranger.role = "driver"
    stranger.greet()
    assert ask(observer, StatusAsked(1)).refused == 1


# --- the life of a job


def test_a_job_from_its_submission_to_its_end(hub, driver, observer):
    job = submit(driver, splits=0, ended=False, now=10.0, priority=3)
    row = the_job(observer, 11.0)
    assert (row.job, row.number, row.name, row.by) == (job, 1, "job 1", "driver")
    assert (row.state, row.phase, row.elapsed_s) == ("waiting for input", "starting", 1)
    assert (row.step, row.steps, row.priority, row.ended_s) == (1, 1, 3, None)
    assert (row.maps_done, row.maps_total) == (0, None)
    assert (row.reduces_done, row.reduces_total) == (0, 2)

    worker = Member(hub, "worker", slots=2).greet(11.0)
    driver.say(frames.Splits(job, 0, [frames.SplitRow(0, n, 1) for n in (0, 1)]), 11.0)
    assert the_job(observer, 11.0).state == "running"
    worker.say(frames.Working(job, [(NAME, 40, None)]), 12.0)
    row = the_job(observer, 12.0)
    assert (row.phase, row.workers, row.slots) == ("mapping", 1, 2)
    assert (row.records, row.bytes_read) == (0, 40)

    done(worker, job, index=0, now=13.0)
    done(worker, job, index=1, now=13.0)
    row = the_job(observer, 13.0)
    assert (row.state, row.records, row.bytes_read) == ("waiting for input", 10, 200)
    assert (row.maps_done, row.maps_total, row.slots) == (2, None, 0)

    driver.say(frames.InputEnd(job), 14.0)
    assert the_job(observer, 14.0).phase == "reducing"
    for index in (0, 1):
        done(worker, job, "reduce", index, 15.0)
        assert the_job(observer, 15.0).state == "running"
        driver.say(frames.Committed(job, (0, "reduce", index, 0)), 15.0)
    row = the_job(observer, 20.0)
    assert (row.state, row.phase, row.reason) == ("done", "done", "")
    assert (row.maps_done, row.maps_total) == (2, 2)
    assert (row.reduces_done, row.reduces_total) == (2, 2)
    assert (row.elapsed_s, row.ended_s) == (5.0, 5.0)
    assert (row.workers, row.slots, row.records) == (0, 0, 10)

    driver.say(frames.Taken(job), 21.0)
    assert the_job(observer, 21.0) == msgspec.structs.replace(row, ended_s=6.0)


def test_a_job_that_fails_tells_why_and_nothing_of_its_data(worker, driver, observer):
    job = submit(driver, splits=3, attempts_max=2)
    done(worker, job)
    for number in (0, 1):
        name = (0, "map", 1, number)
        worker.say(frames.Failed(job, name, "raised", ERROR, record=3))
    row = the_job(observer)
    assert (row.state, row.attempts_failed) == ("failed", 2)
    assert row.reason == "map 1 failed 2 times (raised)"
    assert (row.phase, row.maps_done, row.maps_total) == ("mapping", 1, 3)


def test_who_cancels_a_job_is_told_to_its_driver(hub, worker, driver, observer):
    job = submit(driver, splits=2, now=1.0)
    other = Member(hub, "anna@host-7", "driver").greet()
    told = ask(other, CancelAsked(1, job), 3.0)
    assert (told.row.state, told.row.slots) == ("cancelled", 0)
    assert told.row.reason == "anna@host-7 cancelled it"
    assert (told.row.elapsed_s, told.row.ended_s, told.row.maps_total) == (2.0, 0.0, 2)
    assert job not in hub.coordinator.jobs
    assert the_job(observer, 4.0).ended_s == 1.0


def test_the_driver_hears_of_it(hub, worker, driver):
    job = submit(driver)
    other = Member(hub, "anna@host-7", "driver").greet()
    hub.take_out()
    other.say(CancelAsked(1, job))
    told = hub.take_out()
    hub._out += told
    failed = heard(hub, driver, frames.ToDriver)[-1]
    hub._out += told
    assert (failed.reason, failed.task) == ("anna@host-7 cancelled it", None)
    assert isinstance(heard(hub, worker)[-1], frames.Release)


def test_to_cancel_what_is_over_changes_nothing(worker, driver):
    job = submit(driver, steps=[step(0)])
    done(worker, job)
    driver.say(frames.Committed(job, NAME))
    row = ask(driver, CancelAsked(1, job)).row
    assert (row.state, row.reason) == ("done", "")


def test_to_cancel_what_is_not_there_is_answered(driver):
    assert ask(driver, CancelAsked(1, ids(9))).row is None


def test_a_job_whose_driver_left_it_is_cancelled(worker, driver, observer):
    job = submit(driver)
    driver.say(frames.Taken(job))
    row = the_job(observer)
    assert (row.state, row.reason) == ("cancelled", "its driver left it")
    assert row.maps_total == 1


def test_a_job_whose_driver_was_lost_is_lost(hub, worker, driver, observer):
    submit(driver)
    hub.closed(driver.key, 1.0)
    worker.beat(2.0)
    row = the_job(observer, 2.0)
    assert row.state == "lost"
    assert row.reason == "its driver was lost (its connection was closed)"
    assert ask(observer, StatusAsked(1), 2.0).jobs["lost"] == 1


def test_a_job_fails_when_no_worker_is_healthy(worker, driver, observer):
    job = submit(driver)
    for number in range(3):
        name = (0, "map", 0, number)
        worker.say(frames.Failed(job, name, "worker fault", ERROR))
    row = the_job(observer)
    assert row.state == "failed"
    assert row.reason.startswith("no healthy worker is left")


def test_a_job_with_more_steps_tells_which_is_in_work(worker, driver, observer):
    job = submit(driver, steps=[step(0, 1), step(1)])
    assert (the_job(observer).step, the_job(observer).steps) == (1, 2)
    done(worker, job)
    done(worker, job, "reduce")
    row = the_job(observer)
    assert (row.step, row.phase, row.maps_total) == (2, "mapping", 1)
    worker.say(frames.Done(job, (1, "map", 0, 0), 1, 1, frames.Account()))
    driver.say(frames.Committed(job, (1, "map", 0, 0)))
    row = the_job(observer)
    assert (row.state, row.step, row.maps_done, row.reduces_total) == ("done", 2, 1, 0)


def test_an_id_that_was_used_before_is_a_job_that_never_begins(driver, observer):
    job = submit(driver, splits=0)
    driver.say(frames.Taken(job))
    submit(driver)
    row = the_job(observer)
    assert (row.number, row.phase, row.maps_total) == (2, "starting", None)
    driver.say(frames.Taken(job))
    row = the_job(observer)
    assert (row.state, row.reason) == ("cancelled", "its id was used before")


# --- lists


def test_jobs_are_listed_from_the_last_in_pages(driver, observer):
    for number in range(frames.PAGE_ROWS_MAX + 30):
        submit(driver, number)
    first = ask(observer, JobsAsked(1))
    assert first.has_more
    assert [row.number for row in first.rows[:2]] == [130, 129]
    last = ask(observer, JobsAsked(2, before=first.rows[-1].number))
    assert not last.has_more
    assert [row.number for row in first.rows + last.rows] == list(range(130, 0, -1))


def test_jobs_are_found_by_how_their_ids_begin(driver, observer):
    for number in (0x10, 0x11, 0x20):
        submit(driver, number << 112)
    assert len(jobs(observer)) == 3
    found = jobs(observer, prefix="00" * 1 + "1")
    assert [row.job[:4] for row in found] == ["0011", "0010"]
    assert jobs(observer, prefix=ids(0x20 << 112))[0].number == 3
    assert jobs(observer, prefix="ff") == []


def test_of_jobs_that_are_over_only_the_last_are_listed(driver, observer):
    stays = submit(driver, 0, splits=0, ended=False)
    for number in range(1, JOBS_LISTED + 6):
        driver.say(frames.Taken(submit(driver, number)))
    listed = jobs(observer)
    more = jobs(observer, before=listed[-1].number)
    assert len(listed + more) == JOBS_LISTED + 1
    assert more[-1].job == stays
    told = ask(observer, StatusAsked(1)).jobs
    assert (told["cancelled"], told["waiting for input"]) == (JOBS_LISTED + 5, 1)
    assert ask(driver, CancelAsked(1, ids(1))).row is None


def test_workers_are_listed_in_pages(hub, observer):
    for number in range(frames.PAGE_ROWS_MAX + 5):
        Member(hub, f"w{number}", slots=number % 3).greet()
    first = ask(observer, WorkersAsked(1))
    assert first.has_more
    last = ask(observer, WorkersAsked(2, after=first.rows[-1].number))
    names = [row.name for row in first.rows + last.rows]
    assert names == [f"w{number}" for number in range(frames.PAGE_ROWS_MAX + 5)]
    assert not last.has_more


def test_the_longest_page_fits_into_a_message(driver, observer):
    shape = [step(0, 2)]
    for number in range(frames.PAGE_ROWS_MAX):
        driver.say(frames.Submit(ids(number), TOKEN, "\U0001f600" * 4000, shape))
        driver.say(frames.CancelJob(ids(number), "\U0001f600" * 4000))
    told = ask(observer, JobsAsked(1))
    assert len(told.rows) == frames.PAGE_ROWS_MAX
    assert len(told.rows[0].name) == len(told.rows[0].reason) == frames.SHORT_CHARS_MAX
    assert len(frames.encode(told)) < pulls.MESSAGE_BYTES_MAX // 2


# --- workers


def test_what_is_told_of_a_worker(hub, driver, observer):
    worker = Member(hub, "worker", slots=2)
    worker.hello = msgspec.structs.replace(worker.hello, address="tcp://10.0.0.1:5")
    worker.greet(1.0)
    job = submit(driver, splits=3, now=2.0)
    done(worker, job, now=2.0, length=70)
    (row,) = ask(observer, WorkersAsked(1), 5.0).rows
    assert (row.name, row.address, row.number) == ("worker", "10.0.0.1:5", 3)
    assert (row.slots, row.slots_used, row.attempts_done) == (2, 2, 1)
    assert (row.mincer, row.python) == ("0", "3")
    assert (row.here_s, row.heard_s) == (4.0, 3.0)
    assert (row.draining, row.shunned, row.kept_bytes) == (False, False, 70)
    worker.say(frames.Draining(), 5.0)
    driver.say(frames.Taken(job), 5.0)
    (row,) = ask(observer, WorkersAsked(1), 5.0).rows
    assert (row.draining, row.kept_bytes, row.slots_used) == (True, 0, 0)


def test_a_worker_that_is_given_nothing_more_is_told_as_such(worker, driver, observer):
    job = submit(driver, splits=4)
    Member(worker.hub, "another").greet()
    for _ in range(3):
        running = worker.hub.books[job].running
        mine = next(attempt for attempt, number in running.items() if number == 1)
        name = frames.name_of(mine)
        worker.say(frames.Failed(job, name, "worker fault", ERROR))
    told = ask(observer, WorkersAsked(1)).rows
    assert [row.shunned for row in told] == [True, False]


def test_what_is_discarded_is_not_kept(worker, driver, observer):
    job = submit(driver, splits=2)
    done(worker, job)
    worker.hub.books[job].discard(frames.attempt_of(job, NAME))
    (row,) = ask(observer, WorkersAsked(1)).rows
    assert row.kept_bytes == 0


# --- who only looks


def test_of_an_observer_that_left_nothing_stays(hub, worker, observer):
    again = Member(hub, "observer", "observer")
    again.key = "k" * 40
    hub.closed(observer.key, 1.0)
    worker.beat(2.0)
    assert hub.take_left() == [observer.key]
    assert hub.take_left() == []
    again.greet(2.0)
    assert hub.members.of_key(again.key).name == "observer"


def test_a_worker_that_was_cut_off_is_remembered(hub, worker, driver):
    hub.closed(worker.key, 1.0)
    driver.beat(2.0)
    assert hub.members.of_key(worker.key) is None
    assert hub.take_left() == []
