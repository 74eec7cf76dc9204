"""The same against a worker's own port, where other workers pull segments from it: who
was not told of by the coordinator, with its key, is let in nowhere."""

import random
import socket

import pytest
import zmq
from adversary_lines import Proxy, announced, command, greeting
from adversary_scene import check_job, dial, is_closed, resident_bytes, wait
from test_adversary_floods import Flood

import mincer
from mincer.net.keys import KeyPair, read_key_file
from mincer.net.sockets import make_dealer

GROWTH_BYTES_MAX = 80_000_000


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Door:
    def __init__(self, cluster):
        self.port = free_port()
        self.worker = cluster.join("--listen", f"127.0.0.1:{self.port}")


@pytest.fixture(scope="module")
def door(cluster):
    """A worker whose port is known, beside another one: reducers of both pull."""
    return Door(cluster)


@pytest.fixture(autouse=True)
def worker_unharmed(door):
    yield
    assert door.worker.process.poll() is None, door.worker.lines


def knock(port, keys, server):
    """The events of one who connects with these keys: let in, or not."""
    context = zmq.Context()
    try:
        dealer = make_dealer(context, keys, server)
        wanted = (
            zmq.EVENT_HANDSHAKE_SUCCEEDED
            | zmq.EVENT_HANDSHAKE_FAILED_AUTH
            | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
            | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        )
        monitor = dealer.get_monitor_socket(wanted)
        dealer.connect(f"tcp://127.0.0.1:{port}")
        wait(lambda: monitor.poll(0))
        event = int.from_bytes(monitor.recv_multipart()[0][:2], "little")
        dealer.disable_monitor()
        monitor.close(0)
        dealer.close(0)
        return event
    finally:
        context.destroy(0)


def test_no_key_of_the_cluster_opens_it(cluster, door):
    """Each worker has a key of its own, made when it started: the secret of the cluster
    does not tell which."""
    keys = read_key_file(str(cluster.key))
    for pair in (*keys.roles.values(), keys.coordinator, KeyPair.fresh()):
        for server in (keys.server, pair.public, KeyPair.fresh().public):
            assert knock(door.port, pair, server) != zmq.EVENT_HANDSHAKE_SUCCEEDED


@pytest.mark.parametrize("mechanism", ["NULL", "PLAIN"])
def test_it_does_not_speak_in_the_open(door, mechanism):
    said = greeting(mechanism.encode()) + command(b"READY") + bytes([0, 1]) + b"D"
    line = dial(door.port, said)
    assert is_closed(line)
    line.close()


def test_garbage_is_hung_up_on_and_told_of(door):
    before = len(door.worker.lines)
    chance = random.Random(3)
    for said in (
        b"GET / HTTP/1.1\r\n\r\n",
        chance.randbytes(500),
        greeting(b"CURVE") + announced(1 << 32) + chance.randbytes(500),
        greeting(b"CURVE") + command(b"INITIATE", chance.randbytes(300)),
    ):
        line = dial(door.port, said)
        assert is_closed(line)
        line.close()
    door.worker.until("refused", after=before)


@pytest.mark.guard(180)
@pytest.mark.parametrize("said", [b"", greeting(b"CURVE")], ids=["idle", "half-open"])
def test_a_flood_stops_neither_the_worker_nor_those_who_pull(cluster, door, said):
    memory = resident_bytes(door.worker.pid)
    with Flood(door.port, said, many=1500):
        cluster.check()
        assert resident_bytes(door.worker.pid) - memory < GROWTH_BYTES_MAX
        cluster.check()


def test_megabytes_of_strangers_do_not_fill_its_memory(door):
    memory = resident_bytes(door.worker.pid)
    said = greeting(b"CURVE") + announced((1 << 20) - 1) + b"\x05HELLO"
    lines = [dial(door.port, said) for _ in range(100)]
    for line in lines:
        try:
            line.sendall(bytes(1 << 20))
        except OSError:
            continue
    for line in lines:
        assert is_closed(line)
        line.close()
    wait(lambda: resident_bytes(door.worker.pid) - memory < GROWTH_BYTES_MAX)


@pytest.mark.guard(240)
@pytest.mark.parametrize("way", ["up", "down"])
def test_segments_with_a_changed_byte_are_pulled_again(cluster, door, way):
    """Of what passes between two workers, a byte at a time, by a proxy that stands
    where the worker says that it listens."""
    chance = random.Random(way)
    listen, first = free_port(), cluster.workers[0]
    with Proxy(listen) as proxy:
        words = ["--listen", f"127.0.0.1:{listen}", "--advertise", proxy.address]
        worker = cluster.join(*words)
        with mincer.Cluster(cluster.address, key_file=cluster.key) as driver:
            for flips in range(1, 3):
                proxy.flip(way, chance.choice([0, 5, 200, 600, 2000]))
                while proxy.flipped < flips:
                    check_job(driver, 3000)
        assert proxy.flipped == 2
        assert worker.process.poll() is None
        worker.end()
    assert first.process.poll() is None
