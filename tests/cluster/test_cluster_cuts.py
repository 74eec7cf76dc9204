"""Cables are taken out, packets go nowhere, links are slow: the result is exact, and
who was away is there again."""

import pytest
from netns_network import until

from mincer.limits import LEASE_S

#: A lease is 15 s.
pytestmark = pytest.mark.guard(180)


@pytest.fixture
def workers(cluster):
    return {host.name: cluster.worker(host) for host in cluster.hosts("w1", "w2")}


class Way:
    """What can be done to the way between a worker and its coordinator."""

    def __init__(self, cluster, name):
        self._network = cluster.network
        self._worker, self._c = cluster.network.hosts[name], cluster.c

    def cable(self, is_cut):
        """Nothing passes, from or to anybody."""
        (self._network.cut if is_cut else self._network.mend)(self._worker)

    def there(self, is_cut):
        """What the worker says to the coordinator goes nowhere."""
        change = self._network.block if is_cut else self._network.unblock
        change(self._worker, self._c)

    def back(self, is_cut):
        """What the coordinator says to the worker goes nowhere."""
        change = self._network.block if is_cut else self._network.unblock
        change(self._c, self._worker)


def both_at(cluster, moment, job="job", **params):
    """A job both of whose workers are held: none has time for a copy."""
    run = cluster.run(job, hold=f"{moment}@w1,{moment}@w2", **params)
    cluster.here(f"{moment}@w1")
    cluster.here(f"{moment}@w2")
    return run


@pytest.mark.parametrize("moment", ["map-begin", "reduce-key"])
@pytest.mark.parametrize("way", ["cable", "there", "back"])
def test_away_for_longer_than_its_lease(cluster, workers, way, moment):
    run = both_at(cluster, moment)
    change = getattr(Way(cluster, "w1"), way)
    change(True)
    run.program.until("note: worker w1-", seconds=60)
    cluster.go(f"{moment}@w2")
    report = run.end(but=["w1"])
    assert report["attempts"]["lost"] == 1
    held = [one for one in cluster.log if one.host == "w1"][-1]
    # It hears nothing either, and ends by itself what nobody wants any more.
    assert until(lambda: not cluster.is_alive(held), 2 * LEASE_S)
    cluster.keeps_nothing("w1")
    change(False)
    workers["w1"].until("joined", times=2, seconds=60)
    assert cluster.both_work()


@pytest.mark.parametrize("way", ["cable", "there", "back"])
def test_away_for_less_than_its_lease(cluster, workers, way):
    """Nothing is lost, and nothing runs again."""
    run = both_at(cluster, "map-begin", slow="w1,w2")
    change = getattr(Way(cluster, "w1"), way)
    change(True)
    cluster.go("map-begin@w1")
    cluster.go("map-begin@w2")
    # Each of these takes two seconds; what the victim has done is told afterwards.
    assert until(lambda: len(cluster.begun(host="w2")) > 3)
    assert len(cluster.begun(host="w1")) == 1
    change(False)
    report = run.end()
    assert report["attempts"]["done"] == 12 + 4
    assert "lost" not in report["attempts"]
    assert report["notes"] == []


def test_the_coordinator_is_away_for_less_than_a_lease(cluster, workers):
    run = both_at(cluster, "map-begin")
    cluster.network.cut(cluster.c)
    cluster.go("map-begin@w1")
    cluster.go("map-begin@w2")
    assert until(lambda: len([1 for one in cluster.log if one.word == "map ends"]) == 2)
    cluster.network.mend(cluster.c)
    report = run.end()
    assert "lost" not in report["attempts"]
    assert report["notes"] == []


def test_the_coordinator_is_away_for_longer(cluster, workers):
    """The driver's lease is over, too: its job is cancelled, and it is told."""
    run = both_at(cluster, "map-begin")
    held = list(cluster.log)
    cluster.network.cut(cluster.c)
    until(lambda: False, LEASE_S + 3)  # what is waited for is that time passes
    cluster.network.mend(cluster.c)
    assert "the job was lost: the coordinator was not heard of" in run.fails()
    for worker in workers.values():
        worker.until("joined", times=2, seconds=60)
    assert until(lambda: not any(map(cluster.is_alive, held)))
    assert cluster.both_work()


@pytest.mark.parametrize("how", ["blackhole", "unreachable"])
@pytest.mark.parametrize("ways", ["both", "one"])
def test_workers_that_do_not_see_each_other(cluster, workers, ways, how):
    """What they need of each other comes by way of the coordinator."""
    one, two = (cluster.network.hosts[name] for name in workers)
    cluster.network.block(one, two, how)
    if ways == "both":
        cluster.network.block(two, one, how)
    report = cluster.run().end(relays=True)
    assert report["attempts"] == {"done": 12 + 4}
    assert not report["bytes_by_way"]["direct"]
    assert {one.host for one in cluster.log if one.word == "reduce ends"} == {
        "w1",
        "w2",
    }


def test_workers_that_lose_sight_of_each_other_while_they_pull(cluster, workers):
    one, two = (cluster.network.hosts[name] for name in workers)
    cluster.network.slow(one, "2mbit")
    run = cluster.run("heavy")
    assert until(lambda: two.address in one.connections())
    cluster.network.block(one, two)
    cluster.network.block(two, one)
    report = run.end(relays=True)
    assert "failed" not in report["attempts"]


def test_a_slow_link(cluster, workers):
    """Megabytes take seconds, and no beat waits behind them: nobody is given up."""
    cluster.network.slow(cluster.network.hosts["w1"], "2mbit")
    report = cluster.run("heavy").end()
    assert report["bytes_by_way"]["direct"] > 10**6
    assert "lost" not in report["attempts"]
    assert "failed" not in report["attempts"]
    assert report["notes"] == []


def test_connections_that_break_again_and_again(cluster, workers):
    """What was on its way is lost without a word, and asked for again."""
    broken = 0
    run = cluster.run(slow="w1,w2")
    while run.is_running:
        seen = len(cluster.log) + 2
        until(lambda seen=seen: len(cluster.log) > seen or not run.is_running, 5)
        broken += cluster.break_connections()
    assert broken > 10
    run.end()
