"""Lines that lose, repeat and reorder: everything arrives once, in order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.wire.session import LineFullError, Packet, Session


class Connection:
    """Two ends and what is under way between them."""

    def __init__(self, kept_bytes_max=10**9):
        self.ends = Session(kept_bytes_max), Session(kept_bytes_max)
        self.under_way = [], []  # to the first, to the second
        self.came = [], []

    def send(self, end, payload):
        self.under_way[1 - end].append(self.ends[end].send(payload))

    def beat(self, end):
        self.under_way[1 - end].append(self.ends[end].beat())

    def deliver(self, end, nth=0):
        received = self.ends[end].take(self.under_way[end].pop(nth))
        if received.payload is not None:
            self.came[end].append(received.payload)
        self.under_way[1 - end].extend(received.answers)

    def deliver_all(self):
        for _ in range(10_000):
            for end in (0, 1):
                if self.under_way[end]:
                    self.deliver(end)
            if not any(self.under_way):
                return
        raise AssertionError("the two ends never stop talking")

    def lose_all(self):
        for packets in self.under_way:
            packets.clear()


def test_what_is_sent_arrives():
    line = Connection()
    for n in range(3):
        line.send(0, b"%d" % n)
    line.deliver_all()
    assert line.came == ([], [b"0", b"1", b"2"])


def test_an_empty_payload_is_a_payload():
    line = Connection()
    line.send(0, b"")
    line.deliver_all()
    assert line.came[1] == [b""]


def test_a_lost_end_is_found_by_the_next_beat():
    line = Connection()
    line.send(0, b"a")
    line.deliver_all()
    line.send(0, b"b")
    line.send(0, b"c")
    line.lose_all()
    line.beat(1)
    line.deliver_all()
    assert line.came[1] == [b"a"]  # this end cannot know
    line.beat(0)
    line.deliver_all()
    assert line.came[1] == [b"a", b"b", b"c"]


def test_a_lost_question_is_asked_again_with_the_next_beat():
    line = Connection()
    line.send(0, b"a")
    line.lose_all()
    line.send(0, b"b")
    line.deliver(1)
    assert [packet.again for packet in line.under_way[0]] == [True]
    line.lose_all()
    line.send(0, b"c")
    line.deliver(1)
    assert line.under_way[0] == []  # it was asked for this gap
    line.beat(0)
    line.deliver_all()
    assert line.came[1] == [b"a", b"b", b"c"]


def test_what_is_acknowledged_is_not_kept():
    line = Connection(kept_bytes_max=10)
    for _ in range(5):
        line.send(0, b"12345678")
        line.beat(1)
        line.deliver_all()
        line.beat(1)
        line.deliver_all()
    assert len(line.came[1]) == 5
    line.send(0, b"12345678")
    with pytest.raises(LineFullError, match="16 bytes"):
        line.send(0, b"12345678")


def test_packets_of_an_end_that_forgot_all_are_never_news():
    """A new life has a new session; its packets must not pass for those of the old."""
    end = Session(100)
    assert end.take(Packet(1, 1, 0, payload=b"a")).payload == b"a"
    again = end.take(Packet(1, 1, 0, payload=b"other"))
    assert again.payload is None


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_whatever_happens_to_packets_all_arrives_once_and_in_order(seed, steps):
    chance = random.Random(seed)
    line = Connection()
    sent = [], []
    for _ in range(steps):
        end = chance.randrange(2)
        what = chance.random()
        packets = line.under_way[end]
        if what < 0.35:
            payload = b"%d" % len(sent[1 - end])
            sent[1 - end].append(payload)
            line.send(end, payload)
        elif what < 0.45:
            line.beat(end)
        elif not packets:
            continue
        elif what < 0.7:
            line.deliver(end)
        elif what < 0.8:
            line.deliver(end, chance.randrange(len(packets)))
        elif what < 0.9:
            packets.append(chance.choice(packets))
        else:
            del packets[chance.randrange(len(packets)) :]
    for end in (0, 1):
        assert line.came[end] == sent[end][: len(line.came[end])]
    # The connection is well again.
    line.lose_all()
    for _ in range(2):
        for end in (0, 1):
            line.beat(end)
        line.deliver_all()
    assert line.came == sent
