"""A worker is stopped (SIGSTOP, a machine that sleeps) and goes on later."""

import pytest
from netns_network import until

#: A lease is 15 s.
pytestmark = pytest.mark.guard(180)


@pytest.fixture
def workers(cluster):
    return {host.name: cluster.worker(host) for host in cluster.hosts("w1", "w2")}


@pytest.mark.parametrize("late", ["in work", "done"])
@pytest.mark.parametrize("moment", ["record-130", "reduce-key"])
def test_longer_than_its_lease(cluster, workers, moment, late):
    """Its work is done by the other; what it does afterwards counts no more, and it is
    there again as somebody new."""
    run = cluster.run(hold=moment)
    victim = cluster.here(moment)
    other = {"w1": "w2", "w2": "w1"}[victim]
    workers[victim].freeze()
    run.program.until(f"note: worker {victim}-", seconds=60)
    report = run.end()
    assert report["attempts"]["lost"] == 1
    assert "not heard of" in report["notes"][0]
    ends = [one for one in cluster.log if one.word.endswith("ends") and one.attempt > 1]
    assert {one.host for one in ends} == {other}
    if late == "done":
        cluster.go(moment)
    workers[victim].thaw()
    workers[victim].until("joined", times=2)
    held = [one for one in cluster.log if one.host == victim][-1]
    if late == "in work":
        assert until(lambda: not cluster.is_alive(held)), "nobody wants what it does"
    cluster.keeps_nothing(victim)
    assert cluster.both_work()


def test_shorter_than_its_lease(cluster, workers):
    """Nothing is lost, and nothing runs again."""
    run = cluster.run(hold="record-0,record-130", slow="w1,w2")
    cluster.here("record-0")
    victim = cluster.here("record-130")
    other = {"w1": "w2", "w2": "w1"}[victim]
    workers[victim].freeze()
    cluster.go("record-0")
    # Each of these takes two seconds.
    begun = len(cluster.begun(host=other))
    assert until(lambda: len(cluster.begun(host=other)) > begun + 2)
    workers[victim].thaw()
    cluster.go("record-130")
    report = run.end()
    assert "lost" not in report["attempts"]
    assert report["notes"] == []
    assert cluster.both_work()
