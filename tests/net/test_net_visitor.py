"""A visitor is answered once, whatever becomes of the coordinator meanwhile."""

import pytest
from net_world import VERSIONS

from mincer.net.line import greeting
from mincer.net.visitor import Visitor
from mincer.wire import frames
from mincer.wire.packets import read_packet, write_packet
from mincer.wire.session import Session

TOLD = frames.CancelTold(1)


class Coordinator:
    """The other end of the line, by hand."""

    def __init__(self, visitor, life=0, member=1):
        self.visitor = visitor
        self.life = life
        self.session = Session()
        welcome = frames.Welcome("word", member, life, beat_s=1.0, lease_s=15.0)
        visitor.hear(greeting(welcome), 0.0)

    def say(self, frame):
        packet = self.session.send(frames.encode(frame))
        self.visitor.hear(write_packet(self.life, packet), 0.0)


@pytest.fixture
def visitor():
    hello = frames.Hello(frames.PROTOCOL, *VERSIONS, "observer", "me")
    return Visitor(hello)


def asked(visitor):
    """The questions that are to be sent, and to whom of the lives."""
    decoder = frames.Decoder(frames.FromDriver)
    found = []
    for way, message in visitor.take_out():
        assert way == 0
        read = read_packet(message) if message[0][:1] == b"P" else None
        if read is not None and read[1].number:
            found.append((read[0], decoder.decode(read[1].payload)))
    return found


def test_a_question_waits_for_the_welcome(visitor):
    assert visitor.ask(frames.StatusAsked(99)) == 1
    assert visitor.ask(frames.JobsAsked(0, "ab")) == 2
    visitor.turn(0.0)
    assert asked(visitor) == []
    Coordinator(visitor)
    assert asked(visitor) == [
        *((0, frames.StatusAsked(1)), (0, frames.JobsAsked(2, "ab")))
    ]
    assert visitor.deadline() < 0  # a beat is due


def test_an_answer_is_there_until_it_is_taken(visitor):
    coordinator = Coordinator(visitor)
    number = visitor.ask(frames.CancelAsked(0, "0" * 32))
    coordinator.say(TOLD)
    assert visitor.answers.pop(number) == TOLD


def test_what_nobody_asked_is_not_kept(visitor):
    coordinator = Coordinator(visitor)
    coordinator.say(TOLD)
    visitor.ask(frames.CancelAsked(0, "0" * 32))
    coordinator.say(TOLD)
    coordinator.say(TOLD)
    assert visitor.answers == {1: TOLD}


def test_a_coordinator_that_is_new_is_asked_again(visitor):
    first = Coordinator(visitor)
    visitor.ask(frames.CancelAsked(0, "0" * 32))
    visitor.ask(frames.StatusAsked(0))
    first.say(TOLD)
    visitor.take_out()
    visitor.hear(greeting(frames.Stranger(0)), 1.0)
    assert asked(visitor) == []
    Coordinator(visitor, life=1, member=5)
    assert asked(visitor) == [(1, frames.StatusAsked(2))]
    assert visitor.answers == {1: TOLD}
