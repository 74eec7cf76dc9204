"""An end: what is said on the line, asked of it, pulled by it; and its next life."""

import pytest

from mincer.net.end import End
from mincer.net.line import greeting
from mincer.net.offers import Bytes, NotHere, Piece
from mincer.wire import frames, pulls
from mincer.wire.packets import read_packet, write_packet
from mincer.wire.session import Session

JOB, TOKEN = "0" * 32, b"t" * 16
ME, PEER = 3, 5
HERE, ELSEWHERE = (pulls.PacketOf(JOB, TOKEN, number) for number in (0, 1))


class Worker(End):
    """An end that keeps one packet, and notes what it hears."""

    def __init__(self):
        hello = frames.Hello(frames.PROTOCOL, "0", "3", "worker", "a")
        super().__init__(hello, frames.ToWorker, self.find)
        self.heard = []
        self.far = []

    def find(self, thing):
        if thing == HERE:
            return [[Piece(Bytes(b"data"), 0, 4)]]
        raise NotHere("it is elsewhere")

    def _heard(self, frame, now):
        self.heard.append(frame)

    def pulled(self, head, data, now):
        self.heard.append((head, data))

    def unreachable(self, member, now):
        self.far.append(member)

    def turn(self, now):
        self._turn_line(now)

    def deadline(self):
        return self.line.deadline()

    def pull(self, thing):
        return self._puller.begin(thing, PEER, 0.0)


class Coordinator:
    """What it says."""

    def __init__(self, end):
        self.end = end
        self.session = Session()
        welcome = frames.Welcome("word", ME, 0, 1.0, 10.0)
        end.hear(greeting(welcome), 0.0)

    def say(self, frame):
        packet = self.session.send(frames.encode(frame))
        self.end.hear(write_packet(0, packet), 0.0)


@pytest.fixture
def end():
    return Worker()


@pytest.fixture
def coordinator(end):
    return Coordinator(end)


def test_ways_are_lost_and_found(end):
    end.reach.relayed.update((PEER, 7))
    end.ways_changed([8], [PEER], 0.0)
    assert (end.far, end.reach.relayed) == ([8], {7})


def told():
    return frames.MemberTold(PEER, b"k" * 40, "tcp://there:1")


def test_a_life_ends_when_the_coordinator_was_silent_for_a_lease(end, coordinator):
    end.turn(10.0)
    assert end.line.life == 0
    coordinator.say(told())
    end.turn(10.1)
    assert end.line.life == 1
    assert end.line.welcome is None
    assert not end.reach.peers
    end.turn(1000.0)
    assert end.line.life == 1


def test_what_the_coordinator_says_is_heard_by_who_it_is_for(end, coordinator):
    coordinator.say(told())
    coordinator.say(frames.JobEnd(JOB))
    assert end.heard == [told(), frames.JobEnd(JOB)]


def test_a_question_that_was_passed_on_is_answered_by_the_coordinator(end):
    end.hear(pulls.write_pull(pulls.Open(ME, PEER, 7, HERE)), 0.0)
    end.hear(pulls.write_pull(pulls.Ask(ME, PEER, 7, [0])), 0.0)
    opened, chunk = end.take_out()
    assert opened == (None, pulls.write_pull(pulls.Opened(PEER, ME, 7, [4])))
    assert chunk == (None, pulls.write_pull(pulls.Chunk(PEER, ME, 7, 0), b"data"))


def test_a_question_is_answered_to_who_asks(end):
    (message,) = end.asked(pulls.Open(ME, PEER, 7, ELSEWHERE))
    denied, _ = pulls.read_pull(message)
    assert (denied.to, denied.why) == (PEER, "it is elsewhere")


def test_a_reply_that_was_passed_on_is_one_to_its_pull(end):
    chunk = pulls.Chunk(ME, PEER, 7, 0)
    end.hear(pulls.write_pull(chunk, b"data"), 0.0)
    end.hear([b"Dnonsense"], 0.0)
    assert end.heard == [(chunk, b"data")]
    assert end.take_out() == []


def test_what_is_said_comes_before_what_is_asked(end, coordinator):
    coordinator.say(frames.JobEnd(JOB))
    pull = end.pull(ELSEWHERE)
    end.line.say(frames.Draining())
    (line, said), (way, question) = end.take_out()
    assert line == 0
    assert read_packet(said)[1].payload == frames.encode(frames.Draining())
    head, _ = pulls.read_pull(question)
    assert (way, head.to, head.by, head.pull) == (None, PEER, ME, pull)
    assert end.take_out() == []


def test_who_has_no_address_any_more_is_asked_by_the_coordinator(end, coordinator):
    coordinator.say(frames.JobEnd(JOB))
    end._told_of(told(), 0.0)
    end.pull(ELSEWHERE)
    assert [way for way, _ in end.take_out()] == [PEER]
    assert end.far == []
    end._told_of(frames.MemberTold(PEER, b"k" * 40, ""), 0.0)
    assert end.far == [PEER]
    end.pull(ELSEWHERE)
    assert [way for way, _ in end.take_out()] == [None]


def test_the_next_life_knows_and_says_nothing_of_the_one_before(end, coordinator):
    coordinator.say(told())
    end.reach.peers[PEER] = told()
    end.hear(pulls.write_pull(pulls.Open(ME, PEER, 7, HERE)), 0.0)
    end.pull(ELSEWHERE)
    end.line.say(frames.Draining())
    end.hear(greeting(frames.Stranger(0)), 0.0)
    assert end.take_out() == []
    assert end.reach.peers == {}
    end.turn(0.0)
    ((way, message),) = end.take_out()
    assert way == 0
    assert message == greeting(end.line.hello)
    assert end.line.hello.incarnation == 1
    (again,) = end.asked(pulls.Ask(ME, PEER, 7, [0]))
    assert isinstance(pulls.read_pull(again)[0], pulls.Unopened)


def test_a_coordinator_that_ends_is_counted_and_the_next_life_begins(end, coordinator):
    end.hear(greeting(frames.Closed("another")), 0.0)
    assert (end.closed, end.line.life) == (0, 0)
    end.hear(greeting(frames.Closed("word")), 0.0)
    assert (end.closed, end.line.life) == (1, 1)
    end.turn(0.0)
    assert end.take_out() == [(0, greeting(end.line.hello))]
