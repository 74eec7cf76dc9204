"""Row 17: a coordinator that may have few descriptors is not starved of them by
strangers; one that has none left says so, stays, and goes on when there are some."""

import resource

import pytest
from adversary_scene import Cluster, descriptors, dial, wait
from test_adversary_floods import Flood

FEW = 64


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, FEW))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    made = Cluster(folder, before=few_descriptors)
    yield made
    made.end()


@pytest.mark.guard(180)
def test_a_flood_starves_nobody_who_has_a_key(cluster):
    """Not even those of the allow-list, which is read again and again."""
    limited = cluster.join(key=cluster.key_for("worker", "limited"))
    with Flood(cluster.port, b"", many=300):
        cluster.check()
        worker = cluster.join()
        cluster.check()
        for one in (limited, worker, cluster.workers[0]):
            assert one.process.poll() is None, one.lines
            assert "joined" in one.lines[-1]
    wait(lambda: descriptors(cluster.coordinator.pid) < FEW - 10)
    limited.end()
    worker.end()


@pytest.mark.guard(180)
def test_members_without_end_are_told_of_and_the_coordinator_goes_on(cluster):
    """Legitimate members may take all: nobody is hung up on then, who comes too late
    waits without being refused, and comes in when others have left."""
    coordinator = cluster.coordinator
    before = len(coordinator.lines)
    room = FEW - descriptors(coordinator.pid)
    workers = [cluster.worker() for _ in range(room // 2 + 2)]
    coordinator.until(f"has all {FEW} descriptors in use", after=before, for_s=60)
    assert coordinator.process.poll() is None
    assert cluster.workers[0].process.poll() is None
    late = [one for one in workers if not any("joined" in line for line in one.lines)]
    for one in workers:
        assert one.process.poll() is None, one.lines
        if one not in late:
            one.end()
    for one in late:
        one.until("joined", for_s=60)
        one.end()
    wait(lambda: descriptors(coordinator.pid) < FEW - 10)


def test_the_limit_is_raised_as_far_as_the_system_allows(tmp_path):
    def soft():
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))

    own = Cluster(tmp_path, workers=0, before=soft)
    try:
        with open(f"/proc/{own.coordinator.pid}/limits") as file:
            (line,) = [one for one in file if one.startswith("Max open files")]
        assert int(line.split()[3]) > 100
        dial(own.port).close()
    finally:
        own.end()
