"""A job that its driver left goes on, and its result is fetched by another one."""

import threading

import pytest

import mincer
from cluster_processes import PASSWORD, Workers
from mincer.errors import (
    CancelledError,
    DetachedError,
    JobError,
    OutputError,
    OwedError,
    UsageError,
    UserCodeError,
)
from mincer.sinks import MemorySink

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def serve():
    with mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve:
        yield serve


@pytest.fixture(scope="module")
def workers(serve):
    with Workers(serve.address.port, 2, "-n", 1, "--no-local-reads") as workers:
        workers.wait_for(serve)
        yield workers


@pytest.fixture
def cluster(serve):
    with mincer.Cluster(str(serve.address), password=PASSWORD) as cluster:
        yield cluster


@pytest.fixture
def another(serve):
    with mincer.Cluster(str(serve.address), password=PASSWORD) as cluster:
        yield cluster


def words(key, line):
    for word in line.split():
        yield word, 1


JOB = mincer.Job(words, sum, combinefn=sum, parts=2)
INPUT = dict.fromkeys(range(50), "a b a")
RESULT = {"a": 100, "b": 50}


@pytest.mark.parametrize("will_leave", [True, False])
def test_a_job_is_left_before_a_worker_is_there_and_fetched(
    serve, cluster, another, will_leave
):
    handle = JOB.submit(INPUT, runner=cluster, detach=will_leave)
    job = handle.detach(timeout=30)
    assert job == handle.job
    with pytest.raises(DetachedError, match="goes on without this process"):
        handle.result()
    cluster.close()
    with Workers(serve.address.port, 2, "-n", 1) as workers:
        workers.wait_for(serve)
        with another.fetch(job) as results:
            assert results.to_dict() == RESULT
            assert results.report.records == 50
            assert results.report.job == job
        with pytest.raises(JobError, match="there is no such job here"):
            another.fetch(job)


def test_files_are_taken_over_if_no_worker_can_say_that_it_reads_them(
    serve, cluster, another, tmp_path
):
    (tmp_path / "in.txt").write_text("a b a\n" * 1000)
    job = JOB.submit(str(tmp_path / "in.txt"), runner=cluster, detach=True).detach()
    cluster.close()
    (tmp_path / "in.txt").unlink()
    with Workers(serve.address.port, 1) as workers:
        workers.wait_for(serve)
        with another.fetch(job) as results:
            assert results.to_dict() == {"a": 2000, "b": 1000}


def test_the_result_goes_where_its_driver_had_wanted_it(
    workers, cluster, another, tmp_path
):
    out = tmp_path / "out"
    handle = JOB.submit(INPUT, runner=cluster, output=out, format="jsonl", detach=True)
    job = handle.detach(timeout=30)
    assert not out.exists()
    with another.fetch(job) as results:
        assert results.to_dict() == RESULT
    assert (out / "_SUCCESS").exists()
    assert sum(len(path.read_text().splitlines()) for path in out.glob("part-*")) == 2


def test_the_result_goes_where_it_is_wanted_now(workers, cluster, another, tmp_path):
    handle = JOB.submit(INPUT, runner=cluster, output=tmp_path / "out", detach=True)
    job = handle.detach(timeout=30)
    with another.fetch(job, output=tmp_path / "there", format="tsv") as results:
        assert results.to_dict() == RESULT
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "there" / "_SUCCESS").exists()


def test_a_fetch_that_fails_here_can_be_done_again(workers, cluster, another, tmp_path):
    job = JOB.submit(INPUT, runner=cluster, detach=True).detach(timeout=30)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("not yours")
    with pytest.raises(OutputError, match="not empty"):
        another.fetch(job, output=tmp_path / "full")
    with another.fetch(job) as results:
        assert results.to_dict() == RESULT


class Full(MemorySink):
    """Takes all parts, and then fails."""

    def commit_job(self, parts, manifest):
        assert len(parts) == 2
        raise OutputError("the disk is full")


def test_a_result_that_cannot_be_made_visible_is_not_lost(workers, cluster, another):
    job = JOB.submit(INPUT, runner=cluster, detach=True).detach(timeout=30)
    with pytest.raises(OutputError, match="the disk is full"):
        another.fetch(job, output=Full())
    sink = MemorySink()
    another.fetch(job, output=sink).close()
    assert dict(sink.pairs()) == RESULT


def test_what_failed_is_told_to_who_fetches_it():
    with (
        mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve,
        mincer.Cluster(str(serve.address), password=PASSWORD) as cluster,
    ):
        job = mincer.Job(fails, max_attempts=1)
        left = job.submit(INPUT, runner=cluster, detach=True).detach(timeout=30)
        with Workers(serve.address.port, 1, "-n", 1) as workers:
            workers.wait_for(serve)
            with pytest.raises(UserCodeError, match="no such luck"):
                cluster.fetch(left)
            with pytest.raises(JobError, match="there is no such job here"):
                cluster.fetch(left)


def fails(key, line):
    raise ValueError("no such luck")


def test_a_job_that_is_to_be_left_is_left_unasked(workers, cluster, another):
    handle = JOB.submit(INPUT, runner=cluster, detach=True)
    with pytest.raises(DetachedError) as left:
        handle.result(30)
    with another.fetch(left.value.job) as results:
        assert results.to_dict() == RESULT


def test_before_its_source_has_ended_a_job_cannot_be_left(workers, cluster):
    goes_on = threading.Event()

    def lines():
        yield 1, "a"
        goes_on.wait(30)
        yield 2, "b"

    handle = JOB.submit(lines(), runner=cluster)
    with pytest.raises(OwedError, match="its source has not come to its end"):
        handle.detach(timeout=0.1)
    goes_on.set()
    with handle.result(30) as results:
        assert results.to_dict() == {"a": 1, "b": 1}
    with pytest.raises(UsageError, match="the job is done"):
        handle.detach()


def test_a_job_of_this_machine_cannot_be_left():
    with pytest.raises(UsageError, match="only a job at a standing coordinator"):
        JOB.submit(INPUT, runner="inline", detach=True)
    handle = JOB.submit(INPUT, runner="inline")
    with pytest.raises(UsageError, match="only a job at a standing coordinator"):
        handle.detach()
    handle.result(30).close()


def test_a_job_that_was_cancelled_is_not_left(serve, cluster):
    handle = JOB.submit(INPUT, runner=cluster)
    handle.cancel()
    with pytest.raises(CancelledError):
        handle.detach(timeout=30)
