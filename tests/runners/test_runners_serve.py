"""`Serve` passes the suite of all runners, with workers of its own machine."""

import pytest
from cluster_processes import PASSWORD, Workers

import mincer
from mincer.errors import NoConnectionError, RefusedError, UsageError
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


def test_a_cluster_hands_its_jobs_to_a_coordinator_that_stands(serve):
    with mincer.Cluster(str(serve.address), password=PASSWORD) as cluster:
        for _ in range(2):
            with JOB.run({1: "a b a"}, runner=cluster) as results:
                assert results.to_dict() == {"a": 2, "b": 1}
        assert results.report.runner == "cluster"


def test_a_cluster_with_another_password_is_refused(serve):
    with (
        mincer.Cluster(str(serve.address), password="another word") as cluster,
        pytest.raises(RefusedError, match="refused by the coordinator at"),
    ):
        JOB.run({1: "a"}, runner=cluster)


def test_a_cluster_that_is_nowhere_is_told(monkeypatch):
    monkeypatch.setattr("mincer.runners.remote._CONNECT_S_MAX", 0.5)
    with (
        mincer.Cluster("127.0.0.1:1", password=PASSWORD) as cluster,
        pytest.raises(NoConnectionError, match="no coordinator answers"),
    ):
        JOB.run({1: "a"}, runner=cluster)


def test_a_cluster_needs_a_secret(monkeypatch):
    monkeypatch.delenv("MINCER_PASSWORD", raising=False)
    monkeypatch.delenv("MINCER_KEY_FILE", raising=False)
    with pytest.raises(UsageError, match="needs its password or its key file"):
        mincer.Cluster("127.0.0.1:1")
