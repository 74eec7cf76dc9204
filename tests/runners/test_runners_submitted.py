"""A job that was handed over: what is told of it, and what is known here alone."""

import pytest

import mincer
from mincer.arguments import job_order
from mincer.codec import functions
from mincer.errors import UserCodeError, Where
from mincer.runners.base import JobControl
from mincer.runners.submitted import SubmittedJob
from mincer.sinks import FileSink, MemorySink
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


def test_the_job_is_told_with_its_shape(make):
    job = make({1: "a"}, mincer.Job(words, sum, parts=2, max_attempts=2))
    (step,) = job.submit.steps
    assert (step.parts, step.shuffles, step.sampled) == (2, True, False)
    assert (job.submit.attempts_max, job.submit.name) == (2, "words")
    assert job.submit.token == job.token


def test_the_job_is_told_with_its_priority(make):
    order = make({1: "a"}).order
    job = SubmittedJob(order, JobControl(), priority=-7)
    assert job.submit.priority == -7
    job.close()


def attempt(index, number=0):
    return frames.attempt_of("", (0, "reduce", index, number))


def test_who_sees_the_folder_of_the_output_finds_a_token_there(make, tmp_path):
    sink = FileSink(tmp_path / "out")
    sink.prepare("0" * 32)
    job = make({1: "a"}, mincer.Job(words, sum, parts=2).then(words), output=sink)
    path, token = job.submit.output
    with open(path, "rb") as file:
        assert file.read() == token
    assert [step.to_sink for step in job.submit.steps] == [False, True]
    codes = [functions.load(data) for _, data in job.handover.codes]
    assert codes[0].sink is None
    assert codes[1].sink.shared_folder == sink.shared_folder
    sink.abort_job()


def test_a_sink_of_the_driver_alone_does_not_travel(make):
    sink = MemorySink()
    sink.prepare("0" * 32)
    job = make({1: "a"}, output=sink)
    assert job.submit.output is None
    ((_, data),) = job.handover.codes
    assert functions.load(data).sink is None


def failed(**more):
    return frames.JobFailed("0" * 32, "it failed", **more)


def test_a_failure_is_the_error_of_its_attempt(make):
    job = make({1: "a"})
    error = frames.ErrorTold("UserCodeError", "mapfn raised")
    told = failed(
        task=(0, "map", 1), attempt=(0, "map", 1, 2), fault="raised", record=3,
        error=error,
    )  # fmt: skip
    job.told(told)
    assert job.over.is_set()
    assert isinstance(job.error, UserCodeError)
    assert job.error.task == "map 1 attempt 3"
    assert "skip_bad_records" in job.error.hint


def died(task, record):
    error = frames.ErrorTold("WorkerDiedError", "the child died")
    return failed(
        task=task, attempt=(*task, 0), fault="died", record=record, error=error
    )  # fmt: skip


def test_a_record_is_told_with_its_place(make, tmp_path):
    path = tmp_path / "lines"
    path.write_text("".join(f"line {n}\n" for n in range(10)))
    job = make(mincer.sources.text(str(path), split_size=20))
    list(job.handover.told_of(list(job.order.source.plan(job.handover))))
    job.told(died((0, "map", 1), 1))
    assert job.error.where == Where(str(path), 28, None, "'line 4'")
    assert job.error.task == "map 1 attempt 1"


def test_a_record_of_a_later_step_is_told_with_what_made_it(make):
    chain = mincer.Job(words, sum, parts=2).then(words, sum).then(words)
    job, other = make({1: "a"}, chain), make({1: "a"}, mincer.Job(words).then(words))
    job.told(died((1, "map", 1), 7))
    assert job.error.where == Where("output of reduce 1", 7)
    other.told(died((1, "map", 0), 7))
    assert other.error.where == Where("output of map 0", 7)


def test_an_input_that_is_gone_does_not_hide_the_error(make, tmp_path):
    path = tmp_path / "lines"
    path.write_text("a line\n")
    job = make(str(path))
    list(job.handover.told_of(list(job.order.source.plan(job.handover))))
    path.unlink()
    job.told(died((0, "map", 0), 0))
    assert job.error.where is None
    assert "the child died" in str(job.error)
