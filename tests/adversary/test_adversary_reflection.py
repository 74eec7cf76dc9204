"""Row 16: whoever echoes the bytes of one end back to it is let in nowhere.

The handshake of mincemeatpy fell to that.
"""

import threading

import pytest
from adversary_lines import (
    SAID_FIRST,
    TRIES_MAX,
    Listener,
    command,
    greeting,
    reflect,
)
from adversary_scene import dial, is_closed, wait

import mincer
from mincer.errors import RefusedError


def test_a_worker_that_hears_its_own_bytes_does_not_join(cluster):
    said = bytearray()

    def answer(line):
        while data := line.recv(65536):
            said.extend(data)
            line.sendall(data)

    with Listener(answer) as mirror:
        worker = cluster.start("worker", mirror.address, "--key-file", cluster.key)
        assert worker.exit_code() == 4
    assert "has not the key of this cluster" in "\n".join(worker.lines)
    assert len(said) <= TRIES_MAX * SAID_FIRST, "more than it may say to anybody"


def test_a_driver_that_hears_its_own_bytes_hands_over_nothing(cluster):
    with (
        Listener(reflect) as mirror,
        mincer.Cluster(mirror.address, key_file=cluster.key) as driver,
        pytest.raises(RefusedError, match="has not the key of this cluster"),
    ):
        mincer.Job(lambda key, value: [(key, value)]).run({1: 1}, runner=driver)


def test_the_coordinator_that_hears_its_own_bytes_hangs_up(cluster):
    line = dial(cluster.port)
    heard = bytearray()
    line.settimeout(30)
    try:
        while data := line.recv(65536):
            heard += data
            line.sendall(data)
    except ConnectionError:
        pass
    line.close()
    assert len(heard) <= 64, "it said more than a greeting"


def test_two_connections_that_hear_each_other_are_both_hung_up_on(cluster):
    """The coordinator's own challenge of one connection, as the answer of another."""
    one, other = dial(cluster.port), dial(cluster.port)

    def pass_on(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass

    ways = [(one, other), (other, one)]
    threads = [threading.Thread(target=pass_on, args=way) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    one.close()
    other.close()


def test_a_greeting_of_a_client_with_the_coordinators_own_command_is_refused(cluster):
    """What a coordinator would say next (WELCOME, READY) opens nothing when it is said
    to it."""
    for said in (command(b"WELCOME", bytes(160)), command(b"READY", bytes(30))):
        line = dial(cluster.port, greeting(b"CURVE") + said)
        assert is_closed(line)
        line.close()
    wait(lambda: cluster.coordinator.process.poll() is None)
