"""`Cluster` hands jobs to a coordinator that stands, and says why when it cannot."""

import itertools

import pytest

import mincer
from cluster_processes import PASSWORD, Workers
from mincer.errors import NoConnectionError, RefusedError, UsageError
from mincer.testing import RunnerSuite


@pytest.fixture(scope="module")
def serve():
    with (
        mincer.Serve("127.0.0.1:0", password=PASSWORD) as serve,
        Workers(serve.address.port, 1, "-n", 1) as workers,
    ):
        workers.wait_for(serve)
        yield serve


@pytest.fixture(scope="module")
def cluster(serve):
    with mincer.Cluster(str(serve.address), password=PASSWORD) as cluster:
        yield cluster


@pytest.mark.guard(120)
@pytest.mark.cluster
class TestCluster(RunnerSuite):
    @pytest.fixture
    def runner(self, cluster):
        return cluster


def words(key, line):
    for word in line.split():
        yield word, 1


JOB = mincer.Job(words, sum, combinefn=sum, parts=2)


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


def test_a_driver_that_is_refused_does_not_read_its_input_to_the_end(serve):
    endless = ((n, "a") for n in itertools.count())
    with (
        mincer.Cluster(str(serve.address), password="another word") as cluster,
        pytest.raises(RefusedError, match="refused by the coordinator at"),
    ):
        JOB.run(endless, runner=cluster)


def test_a_cluster_that_is_nowhere_is_told(monkeypatch):
    monkeypatch.setattr("mincer.runners.remote.run._CONNECT_S_MAX", 0.5)
    with (
        mincer.Cluster("127.0.0.1:1", password=PASSWORD) as cluster,
        pytest.raises(NoConnectionError, match="no coordinator answers"),
    ):
        JOB.run({1: "a"}, runner=cluster)


@pytest.mark.parametrize("priority", [101, -101, 1.5, True, "high", None])
def test_a_priority_is_a_number_that_the_coordinator_takes(priority):
    with pytest.raises(UsageError, match="priority must be a whole number from -100"):
        mincer.Cluster("127.0.0.1:1", password=PASSWORD, priority=priority)


def test_a_cluster_hands_over_its_priority(serve):
    books = serve._coordinator.hub.books

    def seen(progress):
        told.update(book.plan.priority for book in books.values())

    told = set()
    address = str(serve.address)
    with mincer.Cluster(address, password=PASSWORD, priority=5) as cluster:
        JOB.run({1: "a"}, runner=cluster, progress=seen).close()
    assert told == {5}


@pytest.mark.parametrize("sizes", [{"workers": 2}, {"memory": "1GB"}])
def test_workers_and_their_memory_belong_to_the_workers(serve, sizes):
    with (
        mincer.Cluster("127.0.0.1:1", password=PASSWORD) as cluster,
        pytest.raises(UsageError, match="that has its own") as refused,
    ):
        JOB.run({1: "a"}, runner=cluster, **sizes)
    assert "mincer worker HOST:PORT -n SLOTS" in refused.value.hint
    with pytest.raises(UsageError, match="mincer worker HOST:PORT"):
        JOB.run({1: "a"}, runner=serve, **sizes)


def test_a_cluster_needs_a_secret(monkeypatch):
    monkeypatch.delenv("MINCER_PASSWORD", raising=False)
    monkeypatch.delenv("MINCER_KEY_FILE", raising=False)
    with pytest.raises(UsageError, match="needs its password or its key file"):
        mincer.Cluster("127.0.0.1:1")
