"""Fetching: by the way that works, and told with what is lost when none does."""

import pytest

from mincer.errors import SegmentError
from mincer.ids import AttemptId, TaskId
from mincer.net.fetching import Fetching
from mincer.net.machine import Need
from mincer.net.puller import STUCK_S, Puller
from mincer.net.reach import Reach
from mincer.wire import frames, pulls

JOB, TOKEN = "0" * 32, b"t" * 16
DRIVER, PEER, ME = 1, 2, 3
CODE, SEGMENTS = Need(JOB, "code"), Need(JOB, "segments")
MAPS = [AttemptId(TaskId(JOB, 0, "map", index), 0) for index in range(3)]


class Depot:
    """A job's files, in memory."""

    told = frames.JobTold(JOB, "a job", DRIVER, [])

    def __init__(self):
        self.data = {}
        self.dropped = []
        self.came = {}
        self.is_full = False

    def thing(self, need):
        to = DRIVER if need == CODE else PEER
        return pulls.PacketOf(JOB, TOKEN, to), to

    def lost_with(self, need):
        return () if need == CODE else tuple(MAPS)

    def sized(self, need, sizes):
        self.data[need] = bytearray(sum(sizes))

    def write(self, need, offset, data):
        if self.is_full:
            raise SegmentError("the disk is full")
        self.data[need][offset : offset + len(data)] = data

    def whole(self, need, is_direct):
        self.came[need] = "direct" if is_direct else "relayed"

    def drop(self, need):
        self.dropped.append(need)


class Desk:
    def __init__(self):
        self.depot = Depot()
        self.met = []
        self.unmet = []
        self.puller = Puller()
        self.puller.me = ME
        self.reach = Reach()
        told = frames.MemberTold(PEER, b"k" * 40, "tcp://there:1")
        self.reach.peers[PEER] = told
        self.fetching = Fetching(
            self.puller,
            self.reach,
            {JOB: self.depot},
            self.met.append,
            lambda *what: self.unmet.append(what),
        )

    def ways(self):
        """Which ways questions go, and what is asked."""
        out = map(self.reach.question, self.puller.take_out())
        return [(way, pulls.read_pull(message)[0]) for way, message in out]

    def opened(self):
        """The pull that was opened last, and its way."""
        opens = [(w, h) for w, h in self.ways() if isinstance(h, pulls.Open)]
        return opens[-1]

    def answer(self, head, reply, data=None):
        self.fetching.hear(reply(head), data, 0.0)

    def give(self, head, data):
        by, pull = head.to, head.pull
        self.fetching.hear(pulls.Opened(ME, by, pull, [len(data)]), None, 0.0)
        self.fetching.turn(0.0)
        self.fetching.hear(pulls.Chunk(ME, by, pull, 0), data, 0.0)


@pytest.fixture
def desk():
    return Desk()


def denied(head, **more):
    return pulls.Denied(ME, head.to, head.pull, "gone", **more)


def test_a_peer_is_asked_straight_and_a_driver_by_the_coordinator(desk):
    desk.fetching.fetch(SEGMENTS, 0.0)
    desk.fetching.fetch(CODE, 0.0)
    (way, head), (other_way, other) = desk.ways()
    assert (way, head.to, head.chunk_bytes) == (PEER, PEER, pulls.CHUNK_BYTES)
    assert (other_way, other.to, other.chunk_bytes) == (
        *(None, DRIVER, pulls.RELAYED_BYTES),
    )


def test_what_has_come_whole_is_met(desk):
    desk.fetching.fetch(SEGMENTS, 0.0)
    _, head = desk.opened()
    desk.give(head, b"data")
    assert desk.met == [SEGMENTS]
    assert desk.depot.data[SEGMENTS] == b"data"
    desk.answer(head, denied)  # late
    assert desk.unmet == []


def test_who_cannot_be_reached_is_asked_by_the_coordinator(desk):
    desk.fetching.fetch(SEGMENTS, 0.0)
    desk.opened()
    desk.fetching.unreachable(PEER, 0.0)
    way, head = desk.opened()
    assert (way, head.chunk_bytes) == (None, pulls.RELAYED_BYTES)
    desk.fetching.unreachable(PEER, 0.0)
    assert desk.ways() == []
    desk.give(head, b"data")
    assert desk.met == [SEGMENTS]


def test_who_does_not_answer_is_asked_by_the_coordinator_and_then_lost(desk):
    desk.fetching.fetch(SEGMENTS, 0.0)
    desk.fetching.turn(STUCK_S + 1)
    way, _ = desk.opened()
    assert way is None
    desk.fetching.turn(2 * STUCK_S + 2)
    assert desk.unmet == [(SEGMENTS, "no answer comes", tuple(MAPS))]
    assert desk.depot.dropped == [SEGMENTS]


def test_a_driver_is_waited_for(desk):
    desk.fetching.fetch(CODE, 0.0)
    for nth in range(1, 5):
        desk.fetching.turn(nth * (STUCK_S + 1))
    _, head = desk.opened()
    desk.answer(head, lambda head: denied(head, is_gone=True))
    _, head = desk.opened()
    assert desk.unmet == []
    desk.answer(head, denied)  # the driver himself says that he has it not
    assert desk.unmet == [(CODE, "gone", ())]


def test_what_is_lost_is_told_by_name_if_it_is_known(desk):
    desk.fetching.fetch(SEGMENTS, 0.0)
    _, head = desk.opened()
    desk.answer(head, lambda head: denied(head, lost=[(1, 0), (7, 7)]))
    assert desk.unmet == [(SEGMENTS, "gone", (MAPS[1],))]


@pytest.mark.parametrize("sizes", [[], [1, 1]])
def test_who_offers_something_else_than_was_asked_for_has_lost_it(desk, sizes):
    desk.fetching.fetch(SEGMENTS, 0.0)
    _, head = desk.opened()
    desk.fetching.hear(pulls.Opened(ME, head.to, head.pull, sizes), None, 0.0)
    why = "what is offered is not what was asked for"
    assert desk.unmet == [(SEGMENTS, why, tuple(MAPS))]


def test_with_a_member_goes_what_it_kept(desk):
    desk.fetching.fetch(SEGMENTS, 0.0)
    desk.fetching.fetch(CODE, 0.0)
    desk.fetching.left(PEER)
    (told,) = desk.unmet
    assert told[0] == SEGMENTS
    assert told[2] == tuple(MAPS)
    assert not desk.reach.is_direct(PEER)


def test_what_a_driver_kept_is_asked_for_again_when_it_is_gone(desk):
    desk.fetching.fetch(CODE, 0.0)
    _, before = desk.opened()
    desk.fetching.left(DRIVER)  # and left its job to the coordinator
    _, head = desk.opened()
    assert (head.to, head.pull != before.pull) == (DRIVER, True)
    desk.give(head, b"data")
    assert desk.met == [CODE]
    assert desk.unmet == []


def test_a_full_disk_loses_nothing_of_others(desk):
    desk.depot.is_full = True
    desk.fetching.fetch(SEGMENTS, 0.0)
    _, head = desk.opened()
    desk.give(head, b"data")
    assert desk.unmet == [(SEGMENTS, "the disk is full", ())]


def test_what_is_stopped_or_cleared_is_heard_no_more(desk):
    desk.fetching.fetch(SEGMENTS, 0.0)
    _, head = desk.opened()
    desk.fetching.stop(SEGMENTS)
    desk.fetching.stop(SEGMENTS)
    desk.give(head, b"data")
    desk.fetching.fetch(CODE, 0.0)
    _, head = desk.opened()
    desk.fetching.stop_all()
    desk.give(head, b"data")
    assert (desk.met, desk.unmet) == ([], [])
