"""The loop under several jobs at once, and under all that can happen to children."""

import sys
import threading
import time

import local_jobs
import psutil
import pytest

import mincer
from mincer.errors import (
    CancelledError,
    JobError,
    OverMemoryError,
    TimedOutError,
    WorkerDiedError,
)
from mincer.store.folder import OwnedFolder

NUMBERS = list(range(20))


@pytest.fixture
def local(spill):
    with mincer.Local(workers=2) as local:
        yield local


def one_split(values=NUMBERS):
    """All values in one map: nobody knows how many an iterator will give."""
    return ((value, value) for value in values)


def squares(local):
    """A job that works, to see that the runner does."""
    return mincer.Job(local_jobs.same, sum).run({3: 9}, runner=local).to_dict()


def test_jobs_of_several_threads_do_not_meet(local):
    found = {}

    def work(number):
        job = mincer.Job(local_jobs.takes_a_while, sorted)
        source = {n: n for n in range(number, number + 9)}
        with job.run(source, runner=local) as results:
            found[number] = sorted(value for _, many in results for value in many)

    threads = [threading.Thread(target=work, args=(n * 100,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n * 100: list(range(n * 100, n * 100 + 9)) for n in range(5)}


@pytest.mark.parametrize("mapfn", [local_jobs.begins, local_jobs.begins_in_c])
def test_a_cancelled_job_ends_at_once_and_no_other_does(local, tmp_path, until, mapfn):
    begun = tmp_path / "begun"
    job = mincer.Job(mapfn, sum)
    handle = job.submit([1], runner=local, params={"begun": str(begun)})
    until(begun.exists)
    assert squares(local) == {3: 9}
    started = time.monotonic()
    handle.cancel()
    with pytest.raises(CancelledError):
        handle.result(timeout=10)
    assert time.monotonic() - started < 2
    handle.cancel()  # too late, and harmless
    assert squares(local) == {3: 9}


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)])
def test_a_progress_function_that_raises_ends_its_job_only(local, error):
    def progress(told):
        raise error

    job = mincer.Job(local_jobs.words, sum)
    told = f"progress function raised {type(error).__name__}"
    with pytest.raises(JobError, match=told):
        job.run({1: "x"}, runner=local, progress=progress)
    assert squares(local) == {3: 9}


@pytest.mark.parametrize("executable", ["absent", "broken", "text", ""])
def test_children_that_cannot_start(spill, tmp_path, monkeypatch, executable):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 3\n", "ascii")
    broken.chmod(0o755)
    (tmp_path / "text").write_text("no program", "ascii")
    local = mincer.Local(workers=2)
    works = sys.executable
    monkeypatch.setattr(sys, "executable", executable and str(tmp_path / executable))
    started = time.monotonic()
    with pytest.raises(WorkerDiedError, match="cannot start here"):
        squares(local)
    assert time.monotonic() - started < 5
    monkeypatch.setattr(sys, "executable", works)
    assert squares(local) == {3: 9}  # what was the matter may be mended
    local.close()


def test_a_child_that_dies_idle_is_replaced(local, until):
    assert squares(local) == {3: 9}
    before = {child.pid for child in local._loop._hands.children}
    for child in list(local._loop._hands.children):
        psutil.Process(child.pid).kill()
    until(lambda: not before & {child.pid for child in local._loop._hands.children})
    assert squares(local) == {3: 9}


def test_a_child_that_dies_before_it_is_up_costs_no_attempt(spill):
    with mincer.Local(workers=1) as local:
        psutil.Process(local._loop._hands.children[0].pid).kill()
        job = mincer.Job(local_jobs.same, sum, max_attempts=1, parts=1)
        results = job.run({1: 2}, runner=local)
        assert results.to_dict() == {1: 2}
        assert results.report.attempts == {"done": 2}
        results.close()


def test_a_child_whose_pipes_are_held_open_is_heard_to_die(local):
    job = mincer.Job(local_jobs.forks_and_dies)
    with job.run(one_split([1]), runner=local) as results:
        assert list(results) == [(1, 1)]
        assert results.report.attempts == {"done": 1, "failed": 1}


def test_equal_modules_stay_loaded_from_job_to_job(spill):
    with mincer.Local(workers=1) as local:
        seen = [
            mincer.Job(local_jobs.who, max).run([1], runner=local).to_dict()
            for _ in range(3)
        ]
    assert seen[0] == seen[1] == seen[2]


def test_changed_modules_get_a_new_child(spill, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = tmp_path / "changes_between.py"
    seen = []
    with mincer.Local(workers=1) as local:
        for number in (1, 2):
            path.write_text(f"def mapfn(key, value):\n    yield {number}, value\n")
            sys.modules.pop("changes_between", None)
            import changes_between

            job = mincer.Job(changes_between.mapfn, sum)
            seen.append(job.run([5], runner=local).to_dict())
    assert seen == [{1: 5}, {2: 5}]


def test_a_child_over_its_memory_is_ended_and_the_record_named(spill):
    job = mincer.Job(local_jobs.takes_memory_at_13, max_attempts=2)
    with (
        mincer.Local(workers=1, memory="100MB") as local,
        pytest.raises(OverMemoryError, match="its limit is 100 MB") as caught,
    ):
        job.run(one_split(), runner=local)
    assert caught.value.where.value == "13"
    assert "memory=" in caught.value.hint


def test_an_attempt_over_its_time_tells_its_stack_and_its_record(local):
    job = mincer.Job(local_jobs.never_ends_at_13, task_timeout=0.6, max_attempts=2)
    with pytest.raises(TimedOutError, match="longer than task_timeout") as caught:
        job.run(one_split(), runner=local)
    assert "in waits_for_ever" in caught.value.user_traceback
    assert "in never_ends_at_13" in caught.value.user_traceback
    assert caught.value.where.value == "13"


def test_time_that_is_up_before_a_child_is(spill):
    """There is no stack yet, and nothing breaks."""
    job = mincer.Job(local_jobs.same, sum, task_timeout=0.001, max_attempts=2)
    with mincer.Local(workers=1) as local, pytest.raises(TimedOutError):
        job.run({1: 2}, runner=local)


@pytest.mark.parametrize(
    "mapfn",
    [
        local_jobs.unlucky,
        local_jobs.exits_at_13,
        local_jobs.never_ends_at_13,
        local_jobs.takes_memory_at_13,
    ],
)
def test_a_record_that_ends_its_child_is_left_out(spill, mapfn):
    job = mincer.Job(mapfn, skip_bad_records=1, task_timeout=1.0)
    with (
        mincer.Local(workers=1, memory="100MB") as local,
        job.run(one_split(), runner=local) as results,
    ):
        assert [key for key, _ in results] == [n for n in NUMBERS if n != 13]
        assert results.report.records_skipped == 1


def test_what_no_child_can_read_any_more_is_asked_of_nobody(spill):
    """A job handed to a loop that is over fails at once, and cannot hang."""
    local = mincer.Local(workers=1)
    loop = local._started()
    loop.close()
    assert loop.is_over
    job = threading.Event()

    class Job:
        over, error = job, None
        folder = OwnedFolder(str(spill))

    loop.submit(Job)
    assert job.is_set()
