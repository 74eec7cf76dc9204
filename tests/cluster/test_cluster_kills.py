"""A worker is killed at a named moment: what was lost with it runs again, no more."""

import time

import pytest
from netns_network import until

from mincer.limits import LEASE_S

OTHER = {"w1": "w2", "w2": "w1"}


@pytest.fixture
def workers(cluster):
    hosts = cluster.hosts("w1", "w2")
    return {host.name: cluster.worker(host) for host in hosts}


def tasks(begun):
    return sorted({task for task, _ in begun})


def again(cluster, kind):
    """The tasks of which more than one attempt has begun."""
    return tasks(one for one in cluster.begun(kind) if one[1] > 1)


def test_nothing_happens(cluster, workers):
    report = cluster.run().end()
    assert report["attempts"] == {"done": 12 + 4}
    assert report["bytes_by_way"]["direct"]
    assert report["workers"] == 2
    assert report["notes"] == []
    assert not again(cluster, "map")


def test_one_that_is_idle(cluster, workers):
    workers["w1"].kill()
    report = cluster.run().end()
    assert report["attempts"]["done"] == 12 + 4
    assert {one.host for one in cluster.log} == {"w2"}


@pytest.mark.parametrize("moment", ["map-begin", "record-130", "map-end"])
def test_one_that_maps(cluster, workers, moment):
    run = cluster.run(hold=moment)
    victim = cluster.here(moment)
    # Let the other be at work, too: what it does is not lost.
    assert until(lambda: len(cluster.begun(host=OTHER[victim])) >= 3)
    lost = cluster.begun(host=victim)
    workers[victim].kill()
    killed = time.monotonic()
    report = run.end()
    assert again(cluster, "map") == tasks(lost)
    assert report["attempts"]["lost"] == 1
    assert any(f"worker {victim}-" in note for note in report["notes"])
    first = min(one.at for one in cluster.log if one.attempt > 1)
    print(f"missed after {first - killed:.2f} s")
    assert first - killed < LEASE_S / 3, (
        "its connection was closed: no lease to wait for"
    )


@pytest.mark.parametrize("moment", ["reduce-begin", "reduce-key", "reduce-end"])
def test_one_that_reduces(cluster, workers, moment):
    run = cluster.run(hold=moment)
    victim = cluster.here(moment)
    lost = cluster.begun(host=victim)
    workers[victim].kill()
    report = run.end()
    # All of its maps, too, since nobody else has what they made.
    assert again(cluster, "map") == tasks(lost)
    assert again(cluster, "reduce")
    assert report["attempts"]["lost"] == 1


def test_one_that_keeps_what_another_reduces(cluster, workers):
    """Its segments were announced and it does nothing any more, when it goes."""
    run = cluster.run(hold="reduce-begin")
    reducer = cluster.here("reduce-begin")
    keeper = OTHER[reducer]
    assert until(lambda: len(cluster.begun("reduce")) == 4), "the others are done"
    lost = cluster.begun(host=keeper)
    assert lost
    workers[keeper].kill()
    report = run.end()
    assert again(cluster, "map") == tasks(lost)
    assert {one.host for one in cluster.log if one.attempt > 1} == {reducer}
    assert not report["attempts"].get("failed")


def test_all_of_them_one_after_the_other(cluster, workers):
    """Nobody is left for a while; then somebody new comes."""
    run = cluster.run(hold="map-begin,reduce-begin")
    first = cluster.here("map-begin")
    workers[first].kill()
    cluster.here("reduce-begin")
    workers[OTHER[first]].kill()
    (w3,) = cluster.hosts("w3")
    cluster.worker(w3)
    report = run.end()
    assert {one.host for one in cluster.log if one.word == "reduce ends"} == {"w3"}
    assert report["attempts"]["lost"] == 2
