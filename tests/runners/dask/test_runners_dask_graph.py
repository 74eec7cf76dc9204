"""The graph of a job on Dask, by a client whose tasks run at once."""

import pytest
from dask_fakes import Client, distributed

import mincer
from engine_jobs import JOBS, LINES
from mincer.errors import UserCodeError
from mincer.runners.engine.job import EngineJob
from mincer.testing.digests import digest

__all__ = ["distributed"]


class Runner:
    """A runner of that graph."""

    def __init__(self):
        self.client = Client()

    def run(self, order, control):
        from mincer.runners.dask.graph import Graph

        with EngineJob(order, control, "dask", 2, 256_000_000, streams=True) as job:
            graph = Graph(self.client, job)
            try:
                return graph.run()
            except BaseException:
                graph.cancel()
                raise


@pytest.fixture
def runner(distributed):
    return Runner()


@pytest.mark.parametrize("name", JOBS)
def test_tasks_make_the_same_pairs(name, runner):
    expected = JOBS[name].run(LINES, runner="inline")
    with JOBS[name].run(LINES, runner=runner) as results:
        assert digest(results) == digest(expected)
        assert results.counters == expected.counters
        assert len(runner.client.plugins) == 1
    assert runner.client.plugins == {}


def test_each_task_has_a_key_of_its_own(runner):
    for _ in range(2):
        JOBS["two steps"].run(LINES, runner=runner).close()
    keys = [future.key for future in runner.client.futures]
    assert len(set(keys)) == len(keys)


def test_what_a_task_raises_ends_the_job(runner):
    def bad(key, line):
        raise ValueError(line)

    with pytest.raises(UserCodeError, match="ValueError"):
        mincer.Job(bad, sum).run([1, 2], runner=runner)
    assert all(
        future.is_released
        for future in runner.client.futures
        if future.status == "error"
    )
    assert runner.client.plugins == {}
