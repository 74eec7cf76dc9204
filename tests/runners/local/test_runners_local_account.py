"""The account of a local job: numbers that add up, and errors of one screen."""

import re
from types import SimpleNamespace

import local_jobs
import pytest

import mincer
from mincer.core.commands import FailJob
from mincer.core.events import Fault
from mincer.errors import (
    CancelledError,
    InputError,
    JobError,
    MincerError,
    UserCodeError,
    WorkerDiedError,
)
from mincer.ids import AttemptId, TaskId
from mincer.runners.base import SKIP_HINT
from mincer.runners.local.account import failure_of

NUMBERS = {n: n for n in range(20)}


@pytest.fixture(scope="module")
def local():
    with mincer.Local(workers=2) as local:
        yield local


def pairs():
    """Each in a split of its own, which the driver writes down for the children."""
    return iter(NUMBERS.items())


def test_the_numbers_add_up(local, tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("a b c\n" * 3000, "ascii")
    source = mincer.sources.text(str(path), split_size=5000)
    job = mincer.Job(local_jobs.words, local_jobs.total, parts=2)
    with job.run(source, runner=local) as results:
        report = results.report
        assert (report.records, report.bytes_read) == (3000, 18_000)
        assert (report.pairs_mapped, report.pairs, report.parts) == (9000, 3, 2)
        assert report.attempts == {"done": report.splits + 2}
        assert report.bytes_shuffled == report.bytes_spilled > 0
        assert report.bytes_written > 0
        assert 0 < report.map_s <= report.elapsed_s
        assert 0 < report.reduce_s <= report.elapsed_s
        assert report.cpu_s > 0
        assert (report.workers, report.runner) == (2, "local")
        assert (report.steps, report.records_skipped, report.notes) == (1, 0, [])


def test_records_of_the_first_step_alone_are_input(local):
    job = mincer.Job(local_jobs.same, local_jobs.total).then(local_jobs.same)
    with job.run(NUMBERS, runner=local) as results:
        assert results.report.records == 20
        assert results.report.pairs_mapped == 40
        assert results.report.steps == 2
        assert len(results) == 20


def test_a_skipped_record_is_told_and_counts_for_nothing(local):
    job = mincer.Job(local_jobs.unlucky, skip_bad_records=1)
    with job.run(pairs(), runner=local) as results:
        report = results.report
        assert report.records_skipped == 1
        assert report.attempts == {"done": report.splits, "failed": 1}
        assert results.counters == {"met": 19}


# --- errors: what the independent runner says, this one says too

#: Each fails at one record only: of several, the children may tell another one first.
JOBS = {
    "mapfn": mincer.Job(local_jobs.unlucky, sum),
    "map-only": mincer.Job(local_jobs.unlucky),
    "reducefn": mincer.Job(local_jobs.same, local_jobs.raises_in_reduce),
    "key": mincer.Job(local_jobs.list_key, sum),
    "pairs": mincer.Job(local_jobs.not_pairs, sum),
}


@pytest.mark.parametrize("name", JOBS)
def test_both_runners_tell_the_same(local, name):
    told = []
    for runner in ("inline", local):
        with pytest.raises(MincerError) as caught:
            list(JOBS[name].run(pairs(), runner=runner))
        told.append(caught.value)
    inline, ours = told
    assert type(inline) is type(ours)
    assert inline.user_traceback == ours.user_traceback
    assert inline.where.key == ours.where.key
    if not name.startswith("reduce"):
        assert (inline.where.source, inline.where.offset) == (
            ours.where.source,
            ours.where.offset,
        )
        assert inline.where.value == ours.where.value
    assert inline.what.split()[0] == ours.what.split()[0]
    screen = str(ours)
    assert len(screen.splitlines()) < 20
    assert "mincer/" not in screen
    assert re.search(r"in +(map|reduce) \d+ attempt \d", screen)


def test_an_error_shows_the_users_own_file(local):
    with pytest.raises(UserCodeError) as caught:
        JOBS["mapfn"].run(pairs(), runner=local)
    assert f'File "{local_jobs.__file__}"' in caught.value.user_traceback
    assert caught.value.hint == SKIP_HINT
    assert caught.value.where.value == "13"


def test_a_child_that_dies_names_its_record_also_of_an_iterator(local):
    """It is read again, from where the driver had written it down."""
    job = mincer.Job(local_jobs.exits_at_13, max_attempts=2)
    with pytest.raises(WorkerDiedError, match="exit code 7") as caught:
        job.run(pairs(), runner=local)
    assert caught.value.where.value == "13"
    assert "attempt 2" in caught.value.task


# --- each way to fail, by hand

TASK = TaskId("job", 0, "map", 3)
ATTEMPT = AttemptId(TASK, 1)


def job(failed=None, error=None, **failures):
    return SimpleNamespace(
        failed=failed,
        error=error,
        failures=failures.get("failures", {}),
        users_paths=lambda text: text.upper(),
        split_of=failures.get("split_of"),
    )


def test_the_jobs_own_error_comes_first():
    error = JobError("the output")
    assert failure_of(job(FailJob("job", "cancelled"), error)) is error


def test_a_job_that_nobody_failed_was_cancelled():
    told = failure_of(job())
    assert isinstance(told, CancelledError)
    assert "the runner was closed" in told.what
    told = failure_of(job(FailJob("job", "by hand")))
    assert isinstance(told, CancelledError)
    assert "by hand" in told.what


def test_a_fault_of_the_machine_is_told_by_the_last_that_met_it():
    first, last = JobError("once"), JobError("no space")
    failures = {ATTEMPT: (first, None), ATTEMPT._replace(number=2): (last, None)}
    failed = FailJob("job", "nobody is healthy", fault=Fault.WORKER_FAULT)
    assert failure_of(job(failed, failures=failures)) is last
    assert "nobody is healthy" in failure_of(job(failed)).what


def test_a_failure_without_an_error_tells_the_last_one_that_was():
    failed = FailJob("job", "no worker is left", TASK)
    other = AttemptId(TASK, 0)
    told = failure_of(job(failed, failures={other: (JobError("disk is full"), None)}))
    assert told.what == "no worker is left"
    assert told.task == "map 3"
    assert "disk is full" in told.hint


def test_the_error_of_the_attempt_is_told_with_its_name_and_hint():
    failed = FailJob("job", "it failed", TASK, ATTEMPT, Fault.RAISED, 4)
    error = UserCodeError("raised", user_traceback="trace")
    error.where = "here"
    told = failure_of(job(failed, failures={ATTEMPT: (error, 4)}))
    assert told is error
    assert told.task == "map 3 attempt 2"
    assert "skip_bad_records" in told.hint
    assert told.user_traceback == "TRACE"


def test_an_input_that_is_gone_does_not_hide_the_error():
    class Gone:
        def read(self):
            raise InputError("cannot read it any more")

    failed = FailJob("job", "it died", TASK, ATTEMPT, Fault.DIED, 4)
    error = WorkerDiedError("died")
    made = job(failed, failures={ATTEMPT: (error, 4)}, split_of=lambda task: Gone())
    assert failure_of(made) is error
    assert error.where is None
