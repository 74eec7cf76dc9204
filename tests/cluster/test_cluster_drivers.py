"""A driver is interrupted, killed or cut off: its job ends, and nothing is left."""

import signal
import time

import pytest
from netns_network import until

from mincer.limits import LEASE_S

pytestmark = pytest.mark.guard(180)

#: What user code may be at when it is not wanted any more; `in_c` keeps Python's lock.
HANGS = ["waits", "spins", "in_c", "deaf"]


@pytest.fixture
def workers(cluster):
    return {host.name: cluster.worker(host) for host in cluster.hosts("w1", "w2")}


def hung(cluster, how, run=None):
    """A driver whose job hangs in one of its attempts, and that attempt."""
    run = run or cluster.run("patient", hold="record-130", how=how, always="yes")
    cluster.here("record-130")
    assert until(lambda: any(one.word == "hangs" for one in cluster.log))
    return run, [one for one in cluster.log if one.word == "hangs"]


def nothing_is_left(cluster, run, attempts):
    gone = until(lambda: not any(map(cluster.is_alive, attempts)))
    assert gone, "children of its attempts are left"
    run.nothing_is_left()


@pytest.mark.parametrize("how", HANGS)
def test_it_is_interrupted(cluster, workers, how):
    run, attempts = hung(cluster, how)
    began = time.monotonic()
    run.program.signal(signal.SIGINT)
    assert run.program.end() == 130
    assert until(lambda: not any(map(cluster.is_alive, attempts)), 2)
    assert time.monotonic() - began < 2 * 2, "2 s are promised"
    assert "interrupted" in run.program.stderr
    nothing_is_left(cluster, run, attempts)
    assert cluster.both_work()


@pytest.mark.parametrize("moment", ["map-begin", "reduce-key"])
def test_it_is_interrupted_at_a_moment(cluster, workers, moment):
    run = cluster.run(hold=f"{moment}@w1,{moment}@w2")
    cluster.here(f"{moment}@w1")
    cluster.here(f"{moment}@w2")
    run.program.signal(signal.SIGINT)
    assert run.program.end() == 130
    nothing_is_left(cluster, run, cluster.log)
    assert cluster.both_work()


def test_it_is_asked_to_end(cluster, workers):
    run, attempts = hung(cluster, "waits")
    run.program.signal(signal.SIGTERM)
    assert run.program.end() == 128 + signal.SIGTERM
    nothing_is_left(cluster, run, attempts)


def test_it_is_interrupted_where_nobody_hears_it(cluster, workers):
    """It does not wait for a network that is away; its job ends with its lease."""
    run, attempts = hung(cluster, "spins")
    cluster.network.cut(cluster.d)
    run.program.signal(signal.SIGINT)
    assert run.program.end(LEASE_S) == 130
    assert any(map(cluster.is_alive, attempts)), "nobody knows that yet"
    assert until(lambda: not any(map(cluster.is_alive, attempts)), 2 * LEASE_S)
    for name in workers:
        cluster.keeps_nothing(name)
    cluster.network.mend(cluster.d)


@pytest.mark.parametrize("how", HANGS)
def test_it_is_killed(cluster, workers, how):
    """Its connection is closed, so it is missed long before its lease is over."""
    run, attempts = hung(cluster, how)
    run.program.kill()
    gone = until(lambda: not any(map(cluster.is_alive, attempts)), LEASE_S / 2)
    assert gone, "children of its attempts are left"
    nothing_is_left(cluster, run, attempts)
    left = {path.name for path in cluster.d.tmp.iterdir()}
    assert left, "nobody was there to remove them"
    # The next process that starts there does.
    assert cluster.both_work()
    assert not list(cluster.d.tmp.iterdir())


def test_it_is_killed_and_its_machine_is_away(cluster, workers):
    """No connection is closed: its lease tells."""
    run, attempts = hung(cluster, "spins")
    cluster.network.cut(cluster.d)
    run.program.kill()
    assert until(lambda: not any(map(cluster.is_alive, attempts)), 2 * LEASE_S)
    for name in workers:
        cluster.keeps_nothing(name)
    cluster.network.mend(cluster.d)


def test_it_sleeps_longer_than_its_lease(cluster, workers):
    run, attempts = hung(cluster, "spins")
    run.program.freeze()
    assert until(lambda: not any(map(cluster.is_alive, attempts)), 2 * LEASE_S)
    run.program.thaw()
    assert "the job was lost" in run.fails()
    assert cluster.both_work()


@pytest.mark.parametrize("end", ["interrupted", "killed"])
def test_it_coordinates_its_own_job(cluster, end):
    """The workers of `--runner serve` lose job and coordinator at once, and wait for
    the next one."""
    params = {"hold": "record-130", "how": "spins", "always": "yes"}
    run = cluster.serve_job("patient", **params)
    workers = [
        cluster.starting(host, address=cluster.served_at)
        for host in cluster.hosts("w1", "w2")
    ]
    run, attempts = hung(cluster, "spins", run)
    waited = []
    for worker in workers:
        worker.until("joined")
        waited.append(worker.stderr.count("waiting for a coordinator"))
    if end == "killed":
        run.program.kill()
    else:
        run.program.signal(signal.SIGINT)
        assert run.program.end() == 130
    assert until(lambda: not any(map(cluster.is_alive, attempts)), 2 * LEASE_S)
    for host in ("w1", "w2"):
        cluster.keeps_nothing(host)
    for worker, times in zip(workers, waited, strict=True):
        worker.until("waiting for a coordinator", times + 1)
    cluster.serve_job().end()


def test_the_coordinator_is_killed(cluster, workers):
    """A driver says so after its lease; workers end what runs, and wait for another."""
    run, attempts = hung(cluster, "spins")
    cluster.serve.kill()
    told = run.fails(seconds=3 * LEASE_S)
    assert "the coordinator was not heard of any more" in told
    assert until(lambda: not any(map(cluster.is_alive, attempts)), 2 * LEASE_S)
    for name in workers:
        cluster.keeps_nothing(name)
