"""`Serve` passes the suite of all runners, with workers of its own machine."""

import os

import pytest
from test_runners_same_errors import FAILING, told

import mincer
from cluster_processes import PASSWORD, Workers
from mincer.errors import UsageError, WorkerDiedError
from mincer.testing import RunnerSuite


@pytest.fixture(scope="module")
def serve():
    with (
        mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve,
        Workers(serve.address.port, 2, "-n", 1) as workers,
    ):
        workers.wait_for(serve)
        yield serve


@pytest.mark.guard(120)
class TestServe(RunnerSuite):
    @pytest.fixture
    def runner(self, serve):
        return serve


#: Which of two bad records is left out depends on who is first.
SAME = sorted(FAILING.keys() - {"more bad records than allowed"})


@pytest.mark.parametrize("case", SAME)
def test_it_says_the_same_as_the_reference(case, serve):
    job, source = FAILING[case]
    assert told(job, source, serve) == told(job, source, "inline")


def ends_at_13(key, line):
    if line == "line 13":
        os._exit(7)
    yield line, 1


def test_a_record_that_ends_a_child_is_named_as_by_the_local_runner(serve, tmp_path):
    path = tmp_path / "lines"
    path.write_text("".join(f"line {n}\n" for n in range(10, 20)))
    job = mincer.Job(ends_at_13, sum, max_attempts=2)
    errors = []
    for runner in (serve, "local"):
        with pytest.raises(WorkerDiedError) as caught:
            job.run(str(path), runner=runner, progress=False)
        errors.append(caught.value)
    one, other = errors
    assert (one.where, one.what, one.task) == (other.where, other.what, other.task)
    assert (one.where.source, one.where.offset) == (str(path), 24)
    assert one.where.value == "'line 13'"


def words(key, line):
    for word in line.split():
        yield word, 1


JOB = mincer.Job(words, sum, combinefn=sum, parts=2)


def test_the_report_tells_where_it_ran(serve):
    with JOB.run(dict.fromkeys(range(9), "a b a"), runner=serve) as results:
        report = results.report
        assert results.to_dict() == {"a": 18, "b": 9}
    assert report.runner == "serve"
    assert (report.records, report.pairs_mapped, report.pairs) == (9, 27, 2)
    assert report.attempts["done"] == report.splits + 2


def test_a_token_is_made_and_shown_when_no_password_was_given(capsys, monkeypatch):
    monkeypatch.delenv("MINCER_PASSWORD", raising=False)
    monkeypatch.delenv("MINCER_KEY_FILE", raising=False)
    with mincer.Serve("127.0.0.1:0") as serve:
        shown = capsys.readouterr().err
        line = f"MINCER_PASSWORD={serve.token} mincer worker {serve.address}"
        assert line in shown


def test_a_port_that_is_taken_is_told(serve):
    with pytest.raises(UsageError, match="cannot listen on"):
        mincer.Serve(str(serve.address), password=PASSWORD)


@pytest.mark.parametrize(
    ("option", "way"), [("--local-reads", "file"), ("--no-local-reads", "direct")]
)
def test_the_report_tells_how_workers_came_to_what_others_made(option, way):
    words = [f"{n} {n * 7}" for n in range(500)]
    with (
        mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve,
        Workers(serve.address.port, 2, "-n", 1, option) as workers,
    ):
        workers.wait_for(serve)
        job = mincer.Job(waiting, sum, parts=2)
        ways = job.run(dict(enumerate(words)), runner=serve).report.bytes_by_way
    assert ways.pop(way) > 0
    assert set(ways.values()) == {0}


def waiting(key, line):
    # So slow that both workers have maps.
    for _ in range(2000):
        hash(line)
    yield from words(key, line)
