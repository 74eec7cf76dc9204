"""A job on other machines: what comes of it is kept and told, and how it ends."""

import os
from types import SimpleNamespace

import pytest

from mincer.errors import (
    CancelledError,
    DetachedError,
    JobError,
    SegmentError,
    UserCodeError,
)
from mincer.runners.base import JobControl
from mincer.runners.remote.job import RemoteJob
from mincer.runners.remote.received import ReceivedParts
from mincer.wire import frames

JOB = "0" * 32


class AnyJob(RemoteJob):
    """A job of two steps of which nothing else is known."""

    def find(self, thing):
        raise AssertionError

    def fetched(self, told):
        raise AssertionError

    def close_files(self):
        self.parts.close_files()

    @property
    def _shuffles_last(self):
        return True


@pytest.fixture
def make():
    made = []

    def make(control=None):
        order = SimpleNamespace(job=JOB, name="words", steps=[1, 2])
        job = AnyJob(order, control or JobControl(), lambda at: ReceivedParts(at, None))
        made.append(job)
        return job

    yield make
    for job in made:
        job.close()


@pytest.fixture
def job(make):
    return make()


def attempt(index, number=0, kind="reduce", step=1):
    return frames.attempt_of(JOB, (step, kind, index, number))


ACCOUNT = frames.Account([1, 1], (2, 5, ""))


# --- parts


def test_a_part_that_has_come_waits_to_be_committed(job):
    one = attempt(0)
    job.write(one, 0, b"data")
    job.commit(one, ACCOUNT)
    assert job.commits.get_nowait() == (one, ACCOUNT)
    assert job.parts.commit(one, ACCOUNT)
    assert job.parts.places[0].length_bytes == 4


def test_what_is_dropped_leaves_nothing(job):
    before = set(os.listdir(job.folder.path))
    job.write(attempt(0), 0, b"data")
    job.drop(attempt(0))
    job.drop(attempt(0))
    assert set(os.listdir(job.folder.path)) == before


def test_a_disk_that_takes_no_more_is_told(job):
    job.folder.remove()
    with pytest.raises(SegmentError, match="the disk of"):
        job.write(attempt(0), 0, b"data")


def test_a_job_that_is_closed_leaves_no_folder(make):
    job = make()
    job.write(attempt(0), 0, b"data")
    job.close()
    job.close()
    assert not os.path.exists(job.folder.path)


def test_a_job_that_cannot_keep_parts_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fail(folder):
        assert os.listdir(tmp_path)
        raise OSError("no")

    order = SimpleNamespace(job=JOB, name="words", steps=[1])
    with pytest.raises(OSError, match="no"):
        AnyJob(order, JobControl(), fail)
    assert os.listdir(tmp_path) == []


# --- the account


def test_what_winners_made_is_added_up(job):
    def row(name, by_way, skips=0):
        figures = [5, 5, 5, 5, 5, 5, 5] if name[1] == "map" else [5, 5]
        account = frames.Account(figures, (1, 2, ""), by_way=by_way)
        return frames.WinnerRow(name, 10, account, skips, ended_s=2.5)

    names = [(1, "reduce", 1, 0), (0, "map", 0, 3), (1, "reduce", 0, 2)]
    rows = [row(names[0], (1, 2, 3)), row(names[1], (10, 0, 0), skips=4)]
    job.told(frames.AccountsTold(JOB, rows))
    job.told(frames.AccountsTold(JOB, [row(names[2], (0, 0, 100))]))
    assert job.winners == tuple(frames.attempt_of(JOB, name) for name in names)
    assert job.bytes_by_way == {"file": 11, "direct": 2, "relayed": 103}
    assert job.skips == {attempt(0, 3, "map", 0): 4}
    # What made the result, in the order of the parts.
    assert [one.attempt for one in job.output] == [attempt(0, 2), attempt(1, 0)]
    assert {one.ended for one in job.made.values()} == {job.started + 2.5}


# --- how far it is


def progress_told(**more):
    given = {"phase": "mapping", "step": 0, "maps_done": 1, "maps_total": None}
    given |= {"reduces_done": 0, "reduces_total": 4, "records": 5, "bytes_read": 6}
    return frames.ProgressTold(JOB, **given, workers=2, attempts_failed=0, **more)


def test_progress_is_told_as_by_any_runner(make):
    seen = []
    job = make(JobControl(seen.append))
    job.told(progress_told(notes=["a note"]))
    (progress,) = seen
    assert (progress.phase, progress.step, progress.steps) == ("mapping", 1, 2)
    assert (progress.maps_done, progress.maps_total) == (1, None)
    assert (progress.reduces_done, progress.reduces_total) == (0, 4)
    assert (progress.records, progress.bytes_read, progress.workers) == (5, 6, 2)
    assert progress.notes == ("a note",)
    assert not job.over.is_set()


@pytest.mark.parametrize("error", [ValueError("mine"), SystemExit("mine")])
def test_a_progress_function_that_raises_ends_the_job(make, error):
    def fail(progress):
        raise error

    job = make(JobControl(fail))
    job.told(progress_told())
    kind = type(error).__name__
    assert f"the progress function raised {kind}: mine" in str(job.error)
    job.told(frames.JobDone(JOB))
    assert "the progress function raised" in str(job.error)


# --- ends


def failed(**more):
    return frames.JobFailed(JOB, "it failed", **more)


def done():
    return frames.JobDone(JOB, {"done": 7}, ["a note"], workers=3)


def test_a_job_that_is_done_has_no_error(make):
    seen = []
    job = make(JobControl(seen.append))
    assert (job.outcomes, job.notes) == ({}, [])
    job.told(done())
    assert job.over.is_set()
    assert job.error is None
    assert not job.has_failed
    assert job.commits.get_nowait() is None
    assert (job.outcomes, job.notes) == ({"done": 7}, ["a note"])
    (progress,) = seen
    assert (progress.phase, progress.step, progress.workers) == ("done", 2, 3)
    assert progress.notes == ("a note",)


def test_a_failure_is_the_error_of_its_attempt(job):
    error = frames.ErrorTold("UserCodeError", "mapfn raised")
    told = failed(
        task=(0, "map", 1), attempt=(0, "map", 1, 2), fault="raised", record=3,
        error=error,
    )  # fmt: skip
    job.told(told)
    assert job.over.is_set()
    assert job.has_failed
    assert isinstance(job.error, UserCodeError)
    assert job.error.task == "map 1 attempt 3"
    assert "skip_bad_records" in job.error.hint
    assert job.error is job.error


def test_a_fault_that_is_not_known_here_hides_nothing(job):
    error = frames.ErrorTold("JobError", "what nobody knows")
    job.told(failed(attempt=(0, "map", 1, 2), fault="bad luck", error=error))
    assert "what nobody knows" in str(job.error)


def test_a_failure_without_an_attempt_is_its_error(job):
    job.told(failed(error=frames.ErrorTold("JobError", "no healthy worker")))
    assert (job.error.what, job.error.task) == ("no healthy worker", None)


def test_a_failure_without_an_error_says_its_reason(make):
    one, two = make(), make()
    one.told(failed(task=(0, "map", 1)))
    assert (one.error.what, one.error.task) == ("it failed", "map 1")
    two.told(failed())
    assert isinstance(two.error, CancelledError)
    assert "it failed" in str(two.error)


def test_of_two_failures_the_first_counts(job):
    job.told(failed(task=(0, "map", 1)))
    job.told(failed())
    assert job.error.task == "map 1"


@pytest.mark.parametrize("later", [done(), failed()])
def test_the_first_end_counts(job, later):
    job.gone("the coordinator left")
    job.told(later)
    assert isinstance(job.error, JobError)
    assert "the coordinator left" in str(job.error)
    assert job.commits.get_nowait() is None
    assert job.commits.empty()


def test_what_comes_after_it_was_done_changes_nothing(job):
    job.told(done())
    job.gone("the connection was closed")
    job.told(frames.DetachTold(JOB))
    job.told(failed())
    assert job.error is None


# --- its driver leaves it


def test_as_long_as_something_is_owed_its_driver_stays(job):
    job.control.ask_to_leave()
    job.told(frames.DetachTold(JOB, owed=1234))
    assert "1,234 pieces" in job.control.owed
    assert job.control.wants_to_leave
    assert not job.over.is_set()


def test_who_may_not_leave_is_told_why(job):
    job.control.ask_to_leave()
    job.told(frames.DetachTold(JOB, why="there is no room"))
    assert job.control.refusal == "there is no room"
    assert not job.control.wants_to_leave
    assert not job.over.is_set()


def test_a_job_that_was_left_is_over_here(job):
    job.told(frames.DetachTold(JOB))
    assert job.was_left.is_set()
    assert isinstance(job.error, DetachedError)
    assert job.error.job == JOB
    assert not job.has_failed


def test_a_job_of_which_nothing_is_for_its_driver_ends_if_it_may_not_leave(make):
    job = make(JobControl(will_leave=True))
    job.told(frames.DetachTold(JOB, why="there is no room"))
    assert "cannot be left to the coordinator: there is no room" in str(job.error)
    assert not job.was_left.is_set()
