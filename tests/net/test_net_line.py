"""A line: greeted until it is welcomed, and begun anew when it is not known."""

import pytest

from mincer.net.line import Line, greeting, versions
from mincer.wire import frames
from mincer.wire.packets import read_packet, write_packet
from mincer.wire.session import Packet, Session

HELLO = frames.Hello(frames.PROTOCOL, "0", "3", "worker", "a host")
WELCOME = frames.Welcome("first", 5, 0, 1.0, 15.0)


@pytest.fixture
def line():
    return Line(HELLO, frames.ToWorker)


def said(line):
    """What the coordinator hears: greetings, and packets by their numbers."""
    heard = []
    for message in line.take_out():
        if message[0][:1] == b"G":
            heard.append(frames.Decoder(frames.Greeting).decode(message[0][1:]))
        else:
            heard.append(read_packet(message)[1].number)
    return heard


def test_it_greets_once_a_second_until_it_is_welcomed(line):
    for now in (0.0, 0.5, 1.0, 1.5):
        line.turn(now)
    assert said(line) == [HELLO, HELLO]
    assert line.deadline() == 2.0
    line.hear(greeting(WELCOME), 1.6)
    assert line.welcome == WELCOME
    line.turn(1.6)
    line.turn(2.5)
    line.turn(2.7)
    assert said(line) == [0, 0]  # beats
    assert line.deadline() == 3.7


def test_what_is_said_before_the_welcome_is_said_after_it(line):
    line.say(frames.Draining())
    line.say(frames.Draining(True))
    assert said(line) == []
    line.hear(greeting(WELCOME), 1.0)
    assert said(line) == [1, 2]
    assert not line.is_clear
    line.hear(write_packet(0, Packet(0, 0, 2)), 1.0)
    assert line.is_clear


def test_frames_of_this_life_are_news_and_others_are_not(line):
    coordinator = Session(10**6)
    gone = frames.encode(frames.MemberGone(3))
    message = write_packet(0, coordinator.send(gone))
    assert line.hear(message, 1.0) is None  # not welcomed yet
    line.hear(greeting(WELCOME), 1.0)
    assert line.hear(write_packet(1, Packet(1, 1, 0, payload=gone)), 1.0) is None
    assert line.hear(message, 2.0) == frames.MemberGone(3)
    assert line.hear(message, 2.0) is None
    assert line.heard == 2.0
    assert line.hear([b"P" + b"garbage"], 3.0) is None
    assert line.hear([b"?"], 3.0) is None


def test_what_is_missing_is_asked_for(line):
    line.hear(greeting(WELCOME), 1.0)
    line.take_out()
    line.hear(write_packet(0, Packet(2, 2, 0, payload=b"late")), 1.0)
    (message,) = line.take_out()
    assert read_packet(message)[1].again


def test_a_new_connection_greets_again_and_says_what_it_has(line):
    line.turn(0.0)
    line.hear(greeting(WELCOME), 0.0)
    line.turn(0.0)
    line.take_out()
    line.turn(0.1)
    assert said(line) == []
    line.connected()
    line.turn(0.2)
    assert said(line) == [HELLO, 0]
    line.turn(0.3)
    assert said(line) == []


def test_a_coordinator_that_does_not_know_it_ends_this_life(line):
    line.hear(greeting(WELCOME), 0.0)
    assert line.hear(greeting(frames.Stranger(7)), 0.0) is None  # of another life
    stranger = line.hear(greeting(frames.Stranger(0)), 0.0)
    assert stranger == frames.Stranger(0)
    line.say(frames.Draining())
    line.begin_anew()
    assert (line.life, line.welcome) == (1, None)
    line.turn(0.0)
    (hello,) = said(line)
    assert hello.incarnation == 1
    line.hear(greeting(WELCOME), 0.0)  # meant for the life before
    assert line.welcome is None
    assert line.is_clear


def test_another_coordinator_ends_this_life(line):
    line.hear(greeting(WELCOME), 0.0)
    assert line.hear(greeting(WELCOME), 0.0) is None
    other = frames.Welcome("second", 5, 0, 1.0, 15.0)
    assert isinstance(line.hear(greeting(other), 0.0), frames.Stranger)


def test_who_is_refused_greets_no_more(line):
    line.turn(0.0)
    line.hear(greeting(frames.Refused("too old", "version")), 0.0)
    assert line.refused.why == "too old"
    line.take_out()
    line.turn(5.0)
    assert said(line) == []


def test_versions_are_those_of_mincer_and_python():
    mincer, python = versions()
    assert mincer.count(".") == 2
    assert python.startswith("3.")


def test_a_coordinator_that_ends_ends_this_life_and_another_does_not(line):
    closed = frames.Closed("first")
    assert line.hear(greeting(closed), 1.0) is None  # it is not here yet
    line.hear(greeting(WELCOME), 1.0)
    assert line.hear(greeting(frames.Closed("one before")), 1.0) is None
    assert line.hear(greeting(closed), 1.0) == closed
