"""From member to member: those who were told of each other, and nobody else."""

import socket
import time

import pytest
from net_sockets import context, wait

from mincer.errors import JobError, UsageError
from mincer.net import peers as module
from mincer.net.gate import Gate
from mincer.net.keys import KeyPair
from mincer.net.peers import Door, Peers
from mincer.wire import frames, pulls

JOB, TOKEN = "0" * 32, b"t" * 16
ME, OTHER = 1, 2
OPEN = pulls.Open(OTHER, ME, 7, pulls.PacketOf(JOB, TOKEN, 0))


@pytest.fixture
def theirs():
    with context() as made:
        yield made


@pytest.fixture
def own():
    return KeyPair.fresh()


@pytest.fixture
def door(theirs):
    pair = KeyPair.fresh()
    made = Door(theirs, "tcp://127.0.0.1:*", pair)
    made.pair = pair
    yield made
    made.close()


@pytest.fixture
def peers(one, own):
    made = Peers(one, own)
    yield made
    made.close()


def told_of(door, number=OTHER):
    return frames.MemberTold(
        number, door.pair.public, f"tcp://127.0.0.1:{door.port}", ""
    )


def turning(peers):
    return lambda: peers.turn(time.monotonic())


def lost(peers):
    return peers.turn(time.monotonic())[0]


def found(peers):
    return peers.turn(time.monotonic())[1]


def asked(door):
    return next(door.questions(), None)


def test_a_question_is_answered_the_way_it_came(door, peers, own):
    door.admit({ME: frames.MemberTold(ME, own.public, "")})
    # Who asks may call himself what he likes.
    lying = pulls.Open(OTHER, 99, 7, OPEN.thing)
    peers.send(told_of(door), pulls.write_pull(lying), time.monotonic())
    question = wait(lambda: asked(door), turning(peers))
    assert question.head == OPEN
    lie = pulls.Chunk(ME, 99, 7, 0)
    door.reply(question, pulls.write_pull(lie, memoryview(b"data")))
    head, data = wait(lambda: next(peers.replies(), None), turning(peers))
    assert (head.by, bytes(data)) == (OTHER, b"data")
    assert peers.deadline() == float("inf")
    assert door.turn(time.monotonic()) == []


def test_who_was_not_told_of_does_not_come_in(door, peers, monkeypatch):
    monkeypatch.setattr(module, "_CONNECT_S_MAX", 1.0)
    door.admit({})
    peers.send(told_of(door), pulls.write_pull(OPEN), time.monotonic())
    assert wait(lambda: lost(peers)) == [OTHER]
    assert asked(door) is None


def test_who_is_told_of_a_bit_later_comes_in(door, peers, own):
    peers.send(told_of(door), pulls.write_pull(OPEN), time.monotonic())
    ending = time.monotonic() + 0.5
    wait(lambda: time.monotonic() > ending, turning(peers))
    door.admit({ME: frames.MemberTold(ME, own.public, "")})
    assert wait(lambda: asked(door), turning(peers)).head == OPEN


def test_who_left_is_not_heard_any_more_on_a_connection_that_stays(door, peers, own):
    door.admit({ME: frames.MemberTold(ME, own.public, "")})
    peers.send(told_of(door), pulls.write_pull(OPEN), time.monotonic())
    wait(lambda: asked(door), turning(peers))
    door.admit({})
    peers.send(told_of(door), pulls.write_pull(OPEN), time.monotonic())
    wait(lambda: door.sockets[0].poll(0), turning(peers))
    assert asked(door) is None


def test_replies_and_garbage_are_no_questions(door, peers, own):
    door.admit({ME: frames.MemberTold(ME, own.public, "")})
    now = time.monotonic()
    for message in (
        [b"garbage"],
        [b"two", b"parts"],
        pulls.write_pull(pulls.Opened(OTHER, ME, 7, [])),
        pulls.write_pull(OPEN),
    ):
        peers.send(told_of(door), message, now)
    assert wait(lambda: asked(door), turning(peers)).head == OPEN


def test_who_is_nowhere_is_reported_after_a_while(peers, door, monkeypatch):
    monkeypatch.setattr(module, "_CONNECT_S_MAX", 0.5)
    nowhere = frames.MemberTold(OTHER, door.pair.public, "tcp://127.0.0.1:1")
    now = time.monotonic()
    peers.send(nowhere, pulls.write_pull(OPEN), now)
    assert peers.deadline() <= now + 0.5
    assert wait(lambda: lost(peers)) == [OTHER]


def test_who_was_nowhere_and_is_there_after_all_is_reported(
    peers, theirs, own, monkeypatch
):
    monkeypatch.setattr(module, "_CONNECT_S_MAX", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    pair = KeyPair.fresh()
    there = frames.MemberTold(OTHER, pair.public, f"tcp://127.0.0.1:{port}")
    peers.send(there, pulls.write_pull(OPEN), time.monotonic())
    assert wait(lambda: lost(peers)) == [OTHER]
    assert peers.turn(time.monotonic()) == ([], []), "it is said once"

    door = Door(theirs, f"tcp://127.0.0.1:{port}", pair)
    door.admit({ME: frames.MemberTold(ME, own.public, "")})
    assert wait(lambda: found(peers)) == [OTHER]
    assert peers.turn(time.monotonic()) == ([], []), "it is said once"
    # What waited was asked another way meanwhile.
    later = pulls.Open(OTHER, ME, 8, OPEN.thing)
    peers.send(there, pulls.write_pull(later), time.monotonic())
    assert wait(lambda: asked(door), turning(peers)).head == later
    door.close()


def test_who_has_another_key_is_reported(peers, door):
    other = frames.MemberTold(
        OTHER, KeyPair.fresh().public, f"tcp://127.0.0.1:{door.port}"
    )
    peers.send(other, pulls.write_pull(OPEN), time.monotonic())
    assert wait(lambda: lost(peers)) == [OTHER]


def test_those_who_are_gone_are_forgotten(peers, door):
    peers.send(told_of(door), pulls.write_pull(OPEN), time.monotonic())
    assert peers.sockets
    peers.keep_only({OTHER})
    assert peers.sockets
    peers.keep_only(set())
    assert peers.sockets == []


def test_a_port_of_a_range_is_taken_that_is_free(theirs, door):
    pair = KeyPair.fresh()
    first = door.port
    with context() as other:
        another = Door(other, f"tcp://127.0.0.1:{first}-{first + 20}", pair)
        assert first < another.port <= first + 20
        another.close()
    with context() as other, pytest.raises(UsageError, match="cannot listen on"):
        Door(other, f"tcp://127.0.0.1:{first}", pair)


def test_a_door_whose_guard_is_gone_says_so(door):
    door._guard.stop()
    with pytest.raises(JobError, match="the thread that checks keys has died"):
        door.turn(time.monotonic())


def test_a_door_that_lets_strangers_in_does_not_open(theirs, monkeypatch):
    monkeypatch.setattr(Gate, "callback", lambda *_: True)
    with pytest.raises(JobError, match="does not refuse strangers"):
        Door(theirs, "tcp://127.0.0.1:*", KeyPair.fresh())


def test_who_comes_with_garbage_is_told_of_and_who_is_early_is_not(
    door, peers, monkeypatch
):
    monkeypatch.setattr(module, "_CONNECT_S_MAX", 1.0)
    peers.send(told_of(door), pulls.write_pull(OPEN), time.monotonic())

    def turn():
        assert door.turn(time.monotonic()) == []

    wait(lambda: lost(peers), turn)
    with socket.create_connection(("127.0.0.1", door.port)) as line:
        line.sendall(b"GET / HTTP/1.1" + bytes([13, 10]))
        told = wait(lambda: door.turn(time.monotonic()))
    assert "not ZeroMQ" in told[0].why


def test_an_address_that_is_none_is_not_reached(peers, door, monkeypatch):
    monkeypatch.setattr(module, "_CONNECT_S_MAX", 0.1)
    for number, address in enumerate(["", "here", "tcp://:", "tcp://a:b"]):
        nowhere = frames.MemberTold(number, door.pair.public, address)
        peers.send(nowhere, pulls.write_pull(OPEN), time.monotonic())
        assert wait(lambda: lost(peers)) == [number]
