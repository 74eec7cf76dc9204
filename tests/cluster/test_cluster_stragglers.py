"""A worker that is much slower than the others: a copy of its last task wins."""

from netns_network import until


def test_the_copy_wins_and_the_loser_is_cancelled(cluster):
    slow, quick = cluster.hosts("w1", "w2")
    cluster.worker(slow)
    cluster.worker(quick)
    # Two seconds a task in place of 0.06.
    report = cluster.run(slow="w1").end()
    assert report["attempts"]["done"] == 12 + 4
    assert report["attempts"]["cancelled"] >= 1
    assert not report["attempts"].get("failed")
    assert not report["attempts"].get("lost")
    assert report["backups_won"] >= 1
    copies = [
        one for one in cluster.log if one.word == "map begins" and one.attempt > 1
    ]
    assert {one.host for one in copies} == {"w2"}
    ends = [(one.task, one.attempt) for one in cluster.log if one.word == "map ends"]
    for copy in copies:
        assert (copy.task, 1) not in ends
    losers = [
        one
        for one in cluster.log
        if one.attempt == 1 and one.task in {copy.task for copy in copies}
    ]
    assert until(lambda: not any(map(cluster.is_alive, losers)), 5)


def test_what_is_as_slow_as_the_rest_is_not_copied(cluster):
    """The first attempt at each of the last tasks is done when its copy would be."""
    for host in cluster.hosts("w1", "w2"):
        cluster.worker(host)
    report = cluster.run(slow="w1,w2").end()
    assert report["attempts"] == {"done": 12 + 4}
