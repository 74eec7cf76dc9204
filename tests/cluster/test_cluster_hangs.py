"""User code that never ends, on a worker: given up in time, and its stack shown."""

import pytest
from netns_network import until

HANGS = ["spins", "waits", "in_c", "deaf"]
#: Where each of them hangs, as its stack names it.
DEEPEST = {
    "spins": "in spins",
    "waits": "in waits",
    "in_c": "in match",
    "deaf": "in spins",
}


@pytest.mark.parametrize("how", HANGS)
def test_one_try_hangs(cluster, how):
    """Its child is ended, and the next try is done. (`task_timeout` is 2 s, and there
    is nobody who could run a copy before.)"""
    cluster.worker(*cluster.hosts("w1"))
    run = cluster.run("hanging", hold="record-130", how=how)
    report = run.end()
    assert report["attempts"] == {"done": 12 + 2, "failed": 1}
    (hung,) = [one for one in cluster.log if one.word == "hangs"]
    assert hung.attempt == 1
    assert until(lambda: not cluster.is_alive(hung), 5)


@pytest.mark.parametrize("how", HANGS)
def test_all_tries_hang(cluster, how):
    """The job fails with the stack of the last one; both workers are there still."""
    for host in cluster.hosts("w1", "w2"):
        cluster.worker(host)
    run = cluster.run("hanging", hold="record-130", how=how, always="yes")
    told = run.fails()
    assert "task_timeout" in told
    assert DEEPEST[how] in told
    assert "netns_jobs.py" in told
    hung = [one for one in cluster.log if one.word == "hangs"]
    assert [one.attempt for one in hung] == [1, 2]
    assert until(lambda: not any(map(cluster.is_alive, hung)), 5)
    assert cluster.run().end()["workers"] == 2


@pytest.mark.parametrize("how", HANGS)
def test_without_a_limit_a_copy_ends_the_job(cluster, how):
    """The hung try makes no progress; its copy wins, and it is ended."""
    for host in cluster.hosts("w1", "w2"):
        cluster.worker(host)
    run = cluster.run("patient", hold="record-130", how=how)
    cluster.here("record-130")
    report = run.end()
    assert report["attempts"] == {"done": 12 + 2, "cancelled": 1}
    (hung,) = [one for one in cluster.log if one.word == "hangs"]
    assert until(lambda: not cluster.is_alive(hung), 5)
