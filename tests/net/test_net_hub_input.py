"""Where the input is, is asked of all workers, and tells who is given what first."""

import pytest
from net_by_hand import Member, heard
from net_fakes import FakeSpool
from net_world import step

from mincer.net.hub import Hub
from mincer.net.same_file import ONLY_DRIVER
from mincer.net.survey import HOLD_S
from mincer.wire import frames

JOB, TOKEN = "0" * 32, b"t" * 16
REAL = frames.FileTold(b"f", b"/f", 10, 1, b"d" * 16)
SPOOL = frames.FileTold(b"/spool", b"/spool", 0, -1, ONLY_DRIVER)


def hand_over(driver, *files):
    driver.say(frames.Submit(JOB, TOKEN, "a job", [step(0, 1)]))
    driver.say(frames.Files(JOB, 0, list(files)))
    rows = [
        frames.SplitRow(0, n, 1, [frames.Extent(n, 0, 10)]) for n in range(len(files))
    ]
    driver.say(frames.Splits(JOB, 0, rows))
    driver.say(frames.InputEnd(JOB))


def given(hub, *members):
    """The maps that each was given."""
    return [
        [
            row.attempt[2]
            for frame in heard(hub, member)
            if isinstance(frame, frames.Start)
            for row in frame.rows
        ]
        for member in members
    ]


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
def other(hub, worker):
    return Member(hub, "other").greet()


def test_all_workers_are_asked_for_the_files_of_a_job(hub, worker, other, driver):
    hub.take_out()
    hand_over(driver, REAL, SPOOL)
    out = hub.take_out()
    for member in (worker, other):
        hub._out += out
        job, files = heard(hub, member)
        assert (job.job, files.files) == (JOB, [REAL, SPOOL])


def test_splits_go_to_who_has_their_input(hub, worker, other, driver):
    hand_over(driver, REAL, REAL)
    other.say(frames.FilesFound(JOB, 0, 2, b"\x01"))
    assert hub.books[JOB].running == {}
    worker.say(frames.FilesFound(JOB, 0, 2, b"\x02"))
    running = {id.task.index: who for id, who in hub.books[JOB].running.items()}
    assert running == {0: 2, 1: 1}
    assert hub.books[JOB].given == 2


def test_who_does_not_answer_is_not_waited_for_long(hub, worker, other, driver):
    hand_over(driver, REAL, REAL)
    worker.say(frames.FilesFound(JOB, 0, 2, b"\x02"))
    assert hub.deadline(0.0) == HOLD_S
    hub.turn(HOLD_S)
    assert len(hub.books[JOB].running) == 2
    other.say(frames.FilesFound(JOB, 0, 2, b"\x01"))  # too late, and no harm


def test_who_left_is_not_waited_for(hub, worker, other, driver):
    hand_over(driver, REAL)
    worker.say(frames.FilesFound(JOB, 0, 1, b"\x00"))
    other.say(frames.Draining(is_done=True))
    assert list(hub.books[JOB].running.values()) == [1]


def test_for_what_only_the_driver_has_nobody_is_asked(hub, worker, driver):
    hub.take_out()
    hand_over(driver, SPOOL)
    assert given(hub, worker) == [[0]]


def test_files_that_come_later_are_not_waited_for(hub, worker, driver):
    driver.say(frames.Submit(JOB, TOKEN, "a job", [step(0, 1)]))
    driver.say(frames.Splits(JOB, 0, [frames.SplitRow(0, 0, 1)]))
    driver.say(frames.Files(JOB, 0, [REAL]))
    assert hub.books[JOB].intake.survey.is_over
    row = frames.SplitRow(0, 1, 1, [frames.Extent(0, 0, 10)])
    driver.say(frames.Splits(JOB, 1, [row]))
    assert len(hub.coordinator.jobs[JOB].tasks.steps[0].map.tasks) == 2


def test_what_is_found_of_unknown_jobs_and_files_is_nothing(hub, worker, driver):
    worker.say(frames.FilesFound(JOB, 0, 1, b"\x01"))
    hand_over(driver, REAL)
    worker.say(frames.FilesFound(JOB, 5, 7, b"\x01"))
    assert hub.books[JOB].running == {}
    assert hub.dropped == 0


@pytest.mark.parametrize("slots", [0, 1])
def test_who_is_only_asked_has_no_right_to_the_data_of_the_job(hub, driver, slots):
    worker = Member(hub, "worker", slots=slots).greet()
    hand_over(driver, REAL)
    worker.say(frames.FilesFound(JOB, 0, 1, b"\x00"))
    told = heard(hub, worker)
    assert any(isinstance(frame, frames.FilesTold) for frame in told)
    trusted = [frame for frame in told if TOKEN in frames.encode(frame)]
    assert trusted == ([frames.Trusted(JOB, TOKEN)] if slots else [])
