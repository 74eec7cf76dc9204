"""A connection: up, refused, or to nobody; and made again after each of these."""

import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from net_sockets import KEYS, Port, context, wait

from mincer.net import connection as module
from mincer.net import sockets
from mincer.net.connection import Connection, State
from mincer.net.gate import Right
from mincer.net.keys import KeyPair

PAIR = KEYS.of_role("worker")


@pytest.fixture
def dial(one):
    made = []

    def dial(address, keys=PAIR, server=KEYS.server):
        made.append(Connection(one, address, keys, server))
        return made[-1]

    yield dial
    for connection in made:
        connection.close()


def turning(connection):
    return lambda: connection.turn(time.monotonic())


def test_it_comes_up_and_carries_messages_both_ways(a_port, dial):
    connection = dial(a_port.address)
    assert not connection.send([b"too early"])
    assert connection.receive() is None
    assert connection.deadline() == 0.0
    wait(lambda: connection.is_up, turning(connection))
    assert connection.deadline() == float("inf")
    assert connection.send([b"hello", memoryview(b"there")])
    key, route, message = wait(a_port.hear)
    assert (key, message) == (PAIR.public.decode(), [b"hello", b"there"])
    a_port.socket.send_multipart([route, b"yes"])
    answer = wait(connection.receive)
    assert [bytes(part) for part in answer] == [b"yes"]
    assert (connection.ups, connection.failures) == (1, 0)


def test_who_is_refused_waits_longer_each_time_and_comes_in_when_he_may(a_port, dial):
    pair = KeyPair.fresh()
    connection = dial(a_port.address, pair)
    wait(lambda: connection.failures >= 2, turning(connection))
    assert connection.state is State.REFUSED
    assert connection.deadline() > time.monotonic() + 0.2
    assert not connection.send([b"hello"])
    a_port.gate.allow(pair.public.decode(), Right("peer"))
    wait(lambda: connection.is_up, turning(connection))
    assert connection.failures == 0


def test_another_key_than_expected_is_no_refusal(a_port, dial):
    connection = dial(a_port.address, server=KeyPair.fresh().public)
    wait(lambda: connection.failures, turning(connection))
    assert connection.state is State.WRONG_KEY


def test_where_nobody_is_it_waits_and_finds_who_comes(dial):
    with context() as another:
        gone = Port(another)
        number = gone.number
        gone.close()
    connection = dial(gone.address)
    ending = time.monotonic() + 1.0
    wait(lambda: time.monotonic() > ending, turning(connection))
    assert (connection.state, connection.failures) == (State.NOWHERE, 0)
    with context() as another:
        back = Port(another, address=f"tcp://127.0.0.1:{number}")
        wait(lambda: connection.is_up, turning(connection))
        back.close()


def test_a_name_may_stand_for_addresses_of_both_kinds(dial, monkeypatch):
    tried = []

    def make_dealer(*given, ipv6):
        tried.append(ipv6)  # a socket may be gone again before one could look at it
        return sockets.make_dealer(*given, ipv6=ipv6)

    monkeypatch.setattr(module, "make_dealer", make_dealer)

    def turn():
        connection.turn(time.monotonic())

    # Bound, so that nobody else has the number; but nobody listens.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        number = taken.getsockname()[1]
        connection = dial(f"tcp://localhost:{number}")
        wait(lambda: tried[:3] == [True, False, True], turn)
    with context() as another:
        back = Port(another, address=f"tcp://127.0.0.1:{number}")
        wait(lambda: connection.is_up, turn)
        back.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_an_address_is_of_one_kind(dial, host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    connection = dial(f"tcp://{host}:{number}")
    connection.turn(time.monotonic())
    (before, monitor) = connection.sockets
    ending = time.monotonic() + 0.6  # it has been tried again twice
    wait(lambda: time.monotonic() > ending, turning(connection))
    assert connection.sockets == [before, monitor]


def test_it_is_down_when_the_other_end_goes_and_up_when_it_is_back(one, dial):
    with context() as theirs:
        first = Port(theirs)
        connection = dial(first.address)
        wait(lambda: connection.is_up, turning(connection))
        first.close()
    wait(lambda: not connection.is_up, turning(connection))
    assert not connection.send([b"lost"])
    with context() as theirs:
        second = Port(theirs, address=first.address)
        wait(lambda: connection.is_up, turning(connection))
        second.close()
    assert connection.ups == 2


@contextmanager
def listener(answer):
    """Somebody who is no coordinator; `answer` is called with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        lines = []

        def serve():
            with suppress(OSError):
                while True:
                    lines.append(server.accept()[0])
                    answer(lines[-1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for line in lines:
            line.close()


@pytest.mark.parametrize(
    "answer",
    [
        lambda line: line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        lambda line: line.sendall(b"SSH-2.0-OpenSSH_9.6\r\n"),
        lambda line: [line.sendall(line.recv(64)) for _ in range(20)],
        lambda line: line.close(),
    ],
    ids=["HTTP", "SSH", "reflection", "hanging up"],
)
def test_who_is_no_coordinator_is_left_and_the_next_is_found(dial, answer):
    with listener(answer) as number:
        connection = dial(f"tcp://127.0.0.1:{number}")
        wait(lambda: connection.failures >= 2, turning(connection))
        assert connection.state is State.WRONG_KEY
    with context() as another:
        real = Port(another, address=f"tcp://127.0.0.1:{number}")
        wait(lambda: connection.is_up, turning(connection))
        real.close()


def test_who_does_not_answer_is_busy_and_has_no_wrong_key(dial, monkeypatch):
    monkeypatch.setattr(sockets, "_HANDSHAKE_MS", 200)
    tries = []
    with listener(tries.append) as number:
        connection = dial(f"tcp://127.0.0.1:{number}")
        wait(lambda: len(tries) >= 3, turning(connection))
    assert (connection.state, connection.failures) == (State.NOWHERE, 0)


@pytest.mark.parametrize("address", ["", "here", "tcp://:", "ipc://", "tcp://a:b"])
def test_what_is_no_address_is_nowhere(dial, address):
    connection = dial(address)
    connection.turn(0.0)
    assert (connection.state, connection.sockets) == (State.NOWHERE, [])
    assert connection.deadline() > 0.0


def test_it_can_use_another_key(a_port, dial):
    connection = dial(a_port.address, KeyPair.fresh())
    wait(lambda: connection.failures, turning(connection))
    connection.use(PAIR)
    assert connection.failures == 0
    wait(lambda: connection.is_up, turning(connection))


def test_what_is_closed_stays_so(a_port, dial):
    connection = dial(a_port.address)
    wait(lambda: connection.is_up, turning(connection))
    connection.close()
    connection.turn(time.monotonic())
    assert connection.sockets == []
    assert not connection.send([b"hello"])
    assert connection.deadline() == float("inf")
