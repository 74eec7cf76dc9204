"""Strangers: known until they say something, few, quiet, and told of when they go."""

import os
import socket
import struct
import time

import pytest
import zmq
from net_sockets import KEYS, wait

from mincer.net.keys import KeyPair
from mincer.net.sockets import make_dealer
from mincer.net.strangers import Strangers

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"CURVE".ljust(20, b"\0") + bytes(32)
PLAIN = GREETING.replace(b"CURVE", b"PLAIN")
#: The head of a command of a MB.
LARGE = b"\x06" + struct.pack(">Q", 1 << 20)


@pytest.fixture
def watch(one, a_port):
    made = []

    def watch(most=None):
        made.append(Strangers(one, a_port.socket, most))
        return made[-1]

    yield watch
    for strangers in made:
        strangers.close()
        strangers.close()


@pytest.fixture
def dial(a_port):
    lines = []

    def dial(said=b""):
        line = socket.create_connection(("127.0.0.1", a_port.number))
        line.sendall(said)
        lines.append(line)
        return line

    yield dial
    for line in lines:
        line.close()


@pytest.fixture
def dealer(one, a_port):
    made = []

    def dealer(keys, server=KEYS.server):
        socket = make_dealer(one, keys, server)
        socket.connect(a_port.address)
        made.append(socket)
        return socket

    yield dealer
    for one_of in made:
        one_of.close(0)


def turn(strangers):
    return strangers.turn(time.monotonic())


def is_hung_up(line):
    line.settimeout(20)
    try:
        while line.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


def test_who_has_said_something_is_no_stranger(watch, dealer, a_port):
    strangers = watch()
    assert strangers.deadline() == float("inf")
    dealer(KEYS.of_role("worker")).send(b"hello")
    wait(lambda: a_port.socket.poll(0))
    assert turn(strangers) == []
    assert len(strangers) == 1
    assert strangers.deadline() < float("inf")
    strangers.heard(a_port.socket.recv_multipart(copy=False)[-1])
    assert len(strangers) == 0


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "not ZeroMQ"),
        (os.urandom(100), "not ZeroMQ"),
        (PLAIN, "does not encrypt"),
    ],
)
def test_who_says_something_else_is_told_of(watch, dial, said, why):
    strangers = watch()
    dial(said).close()
    (refused,) = wait(lambda: turn(strangers))
    assert why in refused.why
    assert len(strangers) == 0


def test_who_stays_silent_is_told_of(watch, dial):
    strangers = watch()
    dial(GREETING)
    (refused,) = wait(lambda: turn(strangers))
    assert refused == ("127.0.0.1", "it did not finish its handshake in time")


def test_who_expects_another_key_is_told_of_and_of_others_the_guard_knows(
    watch, dealer, a_port
):
    strangers = watch()
    dealer(KeyPair.fresh())
    assert wait(a_port.guard.take_refused) == ["127.0.0.1"]
    assert wait(lambda: turn(strangers) or not len(strangers)) is True
    dealer(KEYS.of_role("worker"), KeyPair.fresh().public)
    (refused,) = wait(lambda: turn(strangers))
    assert "does not know this coordinator's key" in refused.why


def test_only_so_many_are_there_and_the_oldest_goes_first(watch, dial):
    strangers = watch(most=3)
    lines = [dial() for _ in range(3)]
    wait(lambda: turn(strangers) or len(strangers) == 3)
    lines += [dial() for _ in range(2)]
    told = []
    wait(lambda: told.extend(turn(strangers)) or len(told) == 2)
    assert {one.why for one in told} == {"too many have connected and said nothing"}
    assert is_hung_up(lines[0])
    assert is_hung_up(lines[1])
    lines[4].setblocking(False)
    assert lines[4].recv(100)[:1] == b"\xff"
    with pytest.raises(BlockingIOError):
        lines[4].recv(100)


def test_who_has_begun_a_handshake_is_not_taken_for_an_idler(watch, dial, dealer):
    strangers = watch(most=2)
    dealer(KEYS.of_role("worker"))
    wait(lambda: turn(strangers) or len(strangers) == 1)
    (begun,) = strangers._waiting
    wait(lambda: strangers._said_bytes(begun) > 300)
    idle = dial()
    wait(lambda: turn(strangers) or len(strangers) == 2)
    dial()
    (told,) = wait(lambda: turn(strangers))
    assert told.why == "too many have connected and said nothing"
    assert is_hung_up(idle)
    assert begun in strangers._waiting


def test_who_sends_too_much_is_hung_up_on(watch, dial):
    strangers = watch()
    quiet, loud = dial(GREETING), dial(GREETING + LARGE + bytes(1 << 18))
    told = wait(lambda: turn(strangers))
    assert told[0].why.startswith("it sent more than anybody may")
    assert is_hung_up(loud)
    quiet.setblocking(False)
    assert quiet.recv(100)
    # What the flood has taken is given back, once.
    wait(lambda: not strangers._was_loud, lambda: turn(strangers))


def test_nothing_is_judged_before_all_was_read(watch, dial):
    strangers = watch()
    dial(GREETING + LARGE + bytes(1 << 18))
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        assert strangers.turn(time.monotonic(), is_all_read=False) == []


def test_another_connection_with_the_same_descriptor_is_left_alone(watch):
    strangers = watch(most=1)
    ours, theirs = socket.socketpair()
    file = os.open(os.devnull, os.O_RDONLY)
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as other:
        for number in (ours.fileno(), other.fileno(), file, 10**6):
            strangers._happened(zmq.EVENT_ACCEPTED, number)
            assert strangers._said_bytes(number) == 0
        turn(strangers)
        ours.send(b"still there")
        assert theirs.recv(100) == b"still there"
        assert other.getsockname()
    os.close(file)


def test_who_says_something_at_once_and_goes_was_no_stranger(watch, dealer, a_port):
    strangers = watch()
    line = dealer(KEYS.of_role("worker"))
    line.send(b"hello")
    wait(lambda: a_port.socket.poll(0))
    # Nothing was heard of the connection yet: the message comes first.
    strangers.heard(a_port.socket.recv_multipart(copy=False)[-1])
    assert len(strangers) == 0
    (number,) = strangers._known
    line.close(0)
    wait(lambda: turn(strangers) or number not in strangers._known)
    assert turn(strangers) == []
