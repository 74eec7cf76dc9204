"""Row 16: what was recorded on the network opens nothing when it is said again, and a
byte that was changed on the way costs a connection, and never a record."""

import random

import pytest
from adversary_lines import Listener, Proxy
from adversary_scene import check_job, dial, is_closed, wait

import mincer


@pytest.fixture
def recorded(cluster):
    """The connections of a worker that has joined: its door, and those that stay."""
    with Proxy(cluster.port) as proxy:
        worker = cluster.start(
            *("worker", proxy.address, "-n", 1, "--key-file", cluster.key)
        )
        worker.until("joined")
        wait(lambda: len(proxy.passed) >= 3)
        worker.end()
        yield (
            [bytes(one.said["up"]) for one in proxy.passed],
            [bytes(one.said["down"]) for one in proxy.passed],
        )


def test_what_a_worker_said_is_refused_when_it_is_said_again(cluster, recorded):
    for said in recorded[0]:
        line = dial(cluster.port, said)
        heard = b""
        line.settimeout(30)
        try:
            while data := line.recv(65536):
                heard += data
        except ConnectionError:
            pass
        # A greeting and a WELCOME, to whoever knows the coordinator's public key; what
        # a worker sends next is for another one's cookie, and is not understood.
        assert len(heard) <= 64 + 170
        line.close()


def test_what_a_coordinator_said_is_refused_when_it_is_said_again(cluster, recorded):
    waiting = list(recorded[1])

    def answer(line):
        line.sendall(waiting[0])
        waiting.append(waiting.pop(0))
        while line.recv(65536):
            pass

    with Listener(answer) as fake:
        worker = cluster.start("worker", fake.address, "--key-file", cluster.key)
        assert worker.exit_code() == 4
    assert not any("joined" in line for line in worker.lines)


def test_the_beginning_of_one_and_the_rest_of_another_are_refused(cluster, recorded):
    """A fresh handshake would be needed to say anything that was recorded."""
    first, *_, last = recorded[0]
    for cut in (64, 64 + 202, 64 + 202 + 200):
        line = dial(cluster.port, first[:cut] + last[cut:])
        assert is_closed(line)
        line.close()


@pytest.mark.guard(240)
@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("who", ["worker", "driver"])
def test_a_changed_byte_ends_a_connection_and_the_job_stays_exact(cluster, who, way):
    """One byte at a time, at seeded places of what passes while jobs run."""
    chance = random.Random(f"{who} {way}")
    alone = cluster.workers[0]
    with Proxy(cluster.port) as proxy:
        worker_at = proxy.address if who == "worker" else cluster.address
        driver_at = proxy.address if who == "driver" else cluster.address
        worker = cluster.start(
            *("worker", worker_at, "-n", 1, "--key-file", cluster.key)
        )
        worker.until("joined")
        with mincer.Cluster(driver_at, key_file=cluster.key) as driver:
            for flips in range(1, 4):
                proxy.flip(way, chance.choice([0, 1, 9, 40, 300, 3000]))
                while proxy.flipped < flips:
                    check_job(driver)
                check_job(driver)
        assert worker.process.poll() is None, worker.lines
        worker.end()
    assert alone.process.poll() is None


@pytest.mark.guard(120)
def test_a_byte_that_is_changed_in_a_handshake_costs_a_try(cluster):
    """At each part of it, both ways; the worker joins in the end."""
    with Proxy(cluster.port) as proxy:
        for way, after in [
            *(("up", 3), ("up", 20), ("up", 64 + 50), ("up", 64 + 202 + 80)),
            *(("down", 12), ("down", 64 + 30), ("down", 64 + 170 + 30)),
        ]:
            before = proxy.flipped
            proxy.flip(way, after)
            worker = cluster.start(
                *("worker", proxy.address, "-n", 1, "--key-file", cluster.key)
            )
            worker.until("joined")
            assert proxy.flipped == before + 1
            worker.end()
