"""A job elsewhere, as its driver sees it: what comes, what is kept, how it ends."""

import os

import pytest

import mincer
from mincer.arguments import job_order
from mincer.errors import CancelledError, DetachedError, JobError, SegmentError
from mincer.runners.base import JobControl
from mincer.runners.submitted import SubmittedJob
from mincer.wire import frames


def words(key, line):
    yield from ((word, 1) for word in line.split())


JOB = mincer.Job(words, sum, parts=2)


@pytest.fixture
def make():
    made = []

    def make(source, job=JOB, control=None, **more):
        options = dict.fromkeys(
            ("workers", "memory", "output", "format", "params", "limit")
        )
        order = job_order(job._steps, source, **{**options, "overwrite": False, **more})
        made.append(SubmittedJob(order, control or JobControl()))
        return made[-1]

    yield make
    for job in made:
        job.close()


def attempt(index, number=0):
    return frames.attempt_of("", (0, "reduce", index, number))


def failed(**more):
    return frames.JobFailed("0" * 32, "it failed", **more)


def test_a_part_that_has_come_waits_to_be_committed(make):
    job = make({1: "a"})
    one, account = attempt(0), frames.Account([1, 1], (2, 5, ""))
    job.write(one, 0, b"data")
    job.commit(one, account)
    assert job.commits.get_nowait() == (one, account)
    assert job.parts.commit(one, account)
    assert job.parts.places[0].length_bytes == 4


def test_what_is_dropped_leaves_nothing(make):
    job = make({1: "a"})
    before = set(os.listdir(job.folder.path))
    job.write(attempt(0), 0, b"data")
    job.drop(attempt(0))
    job.drop(attempt(0))
    assert set(os.listdir(job.folder.path)) == before


def test_a_disk_that_takes_no_more_is_told(make):
    job = make({1: "a"})
    job.folder.remove()
    with pytest.raises(SegmentError, match="the disk of"):
        job.write(attempt(0), 0, b"data")


def test_a_failure_without_an_error_says_its_reason(make):
    one, two = make({1: "a"}), make({1: "a"})
    one.told(failed(task=(0, "map", 1)))
    assert (one.error.what, one.error.task) == ("it failed", "map 1")
    two.told(failed())
    assert isinstance(two.error, CancelledError)


def test_the_first_end_counts(make):
    job = make({1: "a"})
    job.gone("the coordinator left")
    job.told(frames.JobDone("0" * 32))
    assert isinstance(job.error, JobError)
    assert "the coordinator left" in str(job.error)


def test_a_progress_function_that_raises_ends_the_job(make):
    def fail(progress):
        raise ValueError("mine")

    job = make({1: "a"}, control=JobControl(fail))
    told = frames.ProgressTold("0" * 32, "mapping", 0, 1, None, 0, 4, 5, 6, 2, 0)
    job.told(told)
    assert "the progress function raised ValueError: mine" in str(job.error)


def test_progress_is_told_as_by_any_runner(make):
    seen = []
    job = make({1: "a"}, control=JobControl(seen.append))
    told = frames.ProgressTold("0" * 32, "mapping", 0, 1, None, 0, 4, 5, 6, 2, 0)
    job.told(told)
    (progress,) = seen
    assert (progress.phase, progress.step, progress.maps_done) == ("mapping", 1, 1)
    assert (progress.records, progress.bytes_read, progress.workers) == (5, 6, 2)


def test_what_keeps_it_from_being_left_is_told(make):
    control = JobControl()
    job = make({1: "a"}, control=control)
    control.ask_to_leave()
    job.told(frames.DetachTold("", owed=3))
    assert control.owed == "3 pieces of its code and input are owed"
    assert control.wants_to_leave
    job.told(frames.DetachTold("", why="no room"))
    assert (control.refusal, control.wants_to_leave) == ("no room", False)
    assert not job.over.is_set()
    job.told(frames.DetachTold(""))
    assert job.was_left.is_set()
    assert isinstance(job.error, DetachedError)


def test_it_is_told_how_workers_came_to_what_others_made(make):
    job = make({1: "a"})
    for by_way in ((1, 2, 3), (10, 20, 30)):
        account = frames.Account([1, 1], (2, 5, ""), by_way=by_way)
        row = frames.WinnerRow((0, "reduce", by_way[0], 0), 5, account, 0, 1.5)
        job.told(frames.AccountsTold("", [row]))
    assert job.bytes_by_way == {"file": 11, "direct": 22, "relayed": 33}
    assert {made.ended for made in job.made.values()} == {job.started + 1.5}
