"""The coordinator in somebody's place: what it took over it gives, and nothing else."""

import pytest
from net_fakes import TOKEN, FakeSpool, piece

from mincer.errors import SegmentError
from mincer.net.offers import NotHere, Offers
from mincer.net.puller import STUCK_S
from mincer.net.standin import StandIn
from mincer.wire import pulls

JOB, OTHER = "0" * 32, "1" * 32
#: Who leaves, who asks.
KEEPER, READER = 5, 6


def packet(number, job=JOB):
    return pulls.PacketOf(job, TOKEN, number)


def output(index):
    return pulls.OutputOf(JOB, TOKEN, (0, "map", index, 0))


class Around:
    """A stand-in, with members that keep things: each its number, as text."""

    def __init__(self):
        self.spools = []
        self.room_bytes = 10**9
        self.now = 0.0
        self.things = {}
        self.offers = {}
        #: What was asked of members, and which of them are deaf.
        self.asked = []
        self.deaf = set()
        self.standin = StandIn(self.open_spool)

    def open_spool(self, job, token):
        self.spools.append(FakeSpool(job, token))
        self.spools[-1].room_bytes = self.room_bytes
        return self.spools[-1]

    def keeps(self, member, *things):
        """This member has these things; `take_over` is told of them."""
        self.things[member] = {thing: f"{thing} of {member}" for thing in things}

        def find(thing):
            text = self.things[member].get(thing)
            if text is None:
                raise NotHere("gone")
            return [[piece(text)]]

        self.offers[member] = Offers(find)
        return list(things)

    def step(self):
        """Deliver what is asked, and the replies; return whose things came, or will
        not."""
        heard = self.standin.turn(self.now)
        for head in self.standin.take_out():
            self.asked.append((head.to, type(head).__name__))
            assert head.by == 0
            if head.to not in self.deaf:
                for reply, data in self.offers[head.to].answer(head):
                    heard += self.standin.hear(reply, data, self.now)
        return heard

    def come(self):
        """Until nothing more comes."""
        heard = []
        while not self.standin.is_idle:
            heard += self.step()
        self.standin.take_out()
        return heard

    def take_over(self, member, *things):
        self.keeps(member, *things)
        self.standin.take_over(member, things, self.now)
        return self.come()

    def replies(self, head):
        return [pulls.read_pull(message) for message in self.standin.asked(head)]

    def given(self, thing, to=KEEPER, pull=1):
        """What a reader is given who asks `to`; None: it is denied."""
        ((opened, _),) = self.replies(pulls.Open(to, READER, pull, thing))
        if isinstance(opened, pulls.Denied):
            return None
        assert (opened.to, opened.by, opened.pull) == (READER, to, pull)
        ((chunk, data),) = self.replies(pulls.Ask(to, READER, pull, [0]))
        assert isinstance(chunk, pulls.Chunk)
        return bytes(data).decode()

    def opens(self, member):
        return self.asked.count((member, "Open"))


@pytest.fixture
def around():
    return Around()


@pytest.fixture
def standin(around):
    return around.standin


def test_what_was_taken_over_is_given_as_by_who_had_it(around, standin):
    assert around.take_over(KEEPER, packet(0), output(1)) == [KEEPER] * 2
    standin.replace(KEEPER, [JOB])
    for nth, thing in enumerate((packet(0), output(1))):
        assert around.given(thing, pull=nth) == f"{thing} of {KEEPER}"
    assert around.given(packet(9)) is None


def test_it_is_owed_until_it_has_come(around, standin):
    things = [*around.keeps(KEEPER, packet(0)), *around.keeps(7, packet(1, OTHER))]
    standin.take_over(KEEPER, things[:1], 0.0)
    standin.take_over(7, things[1:], 0.0)
    assert (standin.owed(KEEPER), standin.owed(7), standin.owed(8)) == (1, 1, 0)
    assert (standin.owed(7, OTHER), standin.owed(7, JOB)) == (1, 0)
    assert standin.missing(things) == 2
    assert sorted(around.come()) == [KEEPER, 7]
    assert (standin.owed(KEEPER), standin.owed(7)) == (0, 0)
    assert standin.missing(things) == 0
    assert standin.missing([packet(5), packet(0, "f" * 32)]) == 2


def test_what_is_here_or_on_its_way_is_not_pulled_again(around, standin):
    things = around.keeps(KEEPER, packet(0), packet(1))
    for _ in range(3):
        standin.take_over(KEEPER, things, 0.0)
    assert standin.owed(KEEPER) == 2
    around.come()
    standin.take_over(KEEPER, things, 0.0)
    assert standin.is_idle
    assert around.opens(KEEPER) == 2
    assert len(around.spools) == 1


def test_who_is_gone_while_it_comes_is_not_waited_for(around, standin):
    things = around.keeps(KEEPER, packet(0), packet(1))
    around.keeps(7, packet(2))
    standin.take_over(KEEPER, things, 0.0)
    standin.take_over(7, [packet(2)], 0.0)
    standin.gone(KEEPER)
    standin.gone(KEEPER)
    assert standin.owed(KEEPER) == 0
    assert around.come() == [7]
    assert standin.missing([*things, packet(2)]) == 2


def test_what_was_lost_on_its_way_can_be_taken_over_anew(around, standin):
    things = around.keeps(KEEPER, packet(0))
    around.deaf.add(KEEPER)
    standin.take_over(KEEPER, things, 0.0)
    assert around.step() == []
    around.now = STUCK_S + 1
    assert around.step() == [KEEPER]
    assert (standin.owed(KEEPER), standin.missing(things)) == (0, 1)
    around.deaf.clear()
    standin.take_over(KEEPER, things, around.now)
    assert around.come() == [KEEPER]
    assert standin.missing(things) == 0


def test_what_the_member_has_not_is_not_waited_for(around, standin):
    things = around.keeps(KEEPER, packet(0))
    things.append(packet(1))
    standin.take_over(KEEPER, things, 0.0)
    assert around.come() == [KEEPER] * 2
    assert standin.missing(things) == 1
    standin.replace(KEEPER, [JOB])
    assert around.given(packet(1)) is None


def test_for_what_there_is_no_room_is_not_waited(around, standin):
    around.room_bytes = 3
    assert around.take_over(KEEPER, packet(0), packet(1)) == [KEEPER] * 2
    assert standin.missing([packet(0), packet(1)]) == 2
    standin.take_over(KEEPER, [packet(0)], 0.0)
    assert standin.is_idle  # it is asked for once
    standin.replace(KEEPER, [JOB])
    assert around.given(packet(0)) is None


def test_what_was_refused_can_be_asked_for_again(around, standin):
    around.room_bytes = 3
    around.take_over(KEEPER, packet(0), output(1))
    around.spools[0].room_bytes = 10**9
    standin.forgive(OTHER)
    standin.take_over(KEEPER, [packet(0)], 0.0)
    assert standin.is_idle
    standin.forgive(JOB)
    standin.take_over(KEEPER, [packet(0)], 0.0)
    assert around.come() == [KEEPER]
    assert standin.missing([packet(0), output(1)]) == 1


def test_a_disk_that_fails_costs_what_should_lie_there_alone(around, standin):
    class Failing(FakeSpool):
        def write(self, thing, offset, data):
            if thing == packet(0):
                raise SegmentError("the disk failed")
            super().write(thing, offset, data)

    standin._open_spool = Failing
    assert around.take_over(KEEPER, packet(0), packet(1)) == [KEEPER] * 2
    assert standin.missing([packet(0), packet(1)]) == 1


def test_a_disk_that_takes_nothing_is_no_end_of_the_coordinator(around, standin):
    def fail(job, token):
        raise SegmentError("the disk failed")

    standin._open_spool = fail
    things = around.keeps(KEEPER, packet(0), packet(1))
    standin.take_over(KEEPER, things, 0.0)
    assert standin.owed(KEEPER) == 0
    assert standin.missing(things) == 2
    standin.replace(KEEPER, [JOB])
    assert around.given(packet(0)) is None
    assert standin.over(JOB) == [KEEPER]


def test_it_answers_for_those_who_have_left_and_about_the_jobs_that_it_has(
    around, standin
):
    around.take_over(KEEPER, packet(0))
    ask = pulls.Open(KEEPER, READER, 1, packet(0))
    assert not standin.answers(ask, is_here=False)
    standin.replace(KEEPER, [JOB])
    for is_here in (True, False):
        assert standin.answers(ask, is_here)
        other = pulls.Open(KEEPER, READER, 1, packet(0, OTHER))
        assert not standin.answers(other, is_here)
        assert not standin.answers(pulls.Open(9, READER, 1, packet(0)), is_here)


def test_of_who_left_one_of_its_jobs_it_answers_the_pulls_of_that(around, standin):
    around.take_over(KEEPER, packet(0))
    standin.replace(KEEPER, [JOB])
    asks = [
        kind(KEEPER, READER, pull, *more)
        for pull in (1, 2)
        for kind, more in ((pulls.Ask, ([0],)), (pulls.Close, ()))
    ]
    assert not any(standin.answers(ask, is_here=True) for ask in asks)
    # Who has gone for good cannot answer these himself.
    assert all(standin.answers(ask, is_here=False) for ask in asks)
    standin.asked(pulls.Open(KEEPER, READER, 1, packet(0)))
    answers = [standin.answers(ask, is_here=True) for ask in asks]
    assert answers == [True, True, False, False]


def test_a_pull_that_began_with_who_has_left_is_opened_again(around, standin):
    around.take_over(KEEPER, packet(0))
    standin.replace(KEEPER, [JOB])
    ((reply, _),) = around.replies(pulls.Ask(KEEPER, READER, 1, [0]))
    assert reply == pulls.Unopened(READER, KEEPER, 1)
    assert around.given(packet(0)) == f"{packet(0)} of {KEEPER}"


def test_a_job_that_is_over_is_forgotten(around, standin):
    around.take_over(KEEPER, packet(0), packet(1, OTHER))
    standin.replace(KEEPER, [JOB, OTHER])
    around.given(packet(0))
    assert standin.over(JOB) == []  # it stands for its member still
    assert [spool.is_closed for spool in around.spools] == [True, False]
    ((reply, _),) = around.replies(pulls.Ask(KEEPER, READER, 1, [0]))
    assert isinstance(reply, pulls.Unopened)
    assert not standin.answers(pulls.Open(KEEPER, READER, 1, packet(0)), False)
    assert around.given(packet(1, OTHER)) is not None
    assert standin.over(OTHER) == [KEEPER]
    assert standin.over(OTHER) == []
    assert all(spool.is_closed for spool in around.spools)
    ask = pulls.Ask(KEEPER, READER, 1, [0])
    assert not standin.answers(ask, is_here=False)


def test_a_job_that_is_over_while_it_comes_is_not_waited_for(around, standin):
    around.keeps(KEEPER, packet(0), packet(1, OTHER))
    standin.take_over(KEEPER, [packet(0), packet(1, OTHER)], 0.0)
    standin.over(JOB)
    assert standin.turn(0.0) == [KEEPER]  # who waited for that may go
    assert standin.turn(0.0) == []
    assert standin.owed(KEEPER) == 1
    assert around.come() == [KEEPER]
    assert [spool.is_closed for spool in around.spools] == [True, False]


def test_a_job_that_is_over_leaves_no_refusal_behind(around, standin):
    around.room_bytes = 3
    around.take_over(KEEPER, packet(0))
    standin.over(JOB)
    around.room_bytes = 10**9
    around.take_over(KEEPER, packet(0))
    assert standin.missing([packet(0)]) == 0


def test_replies_of_others_are_nothing(around, standin):
    around.keeps(KEEPER, packet(0))
    standin.take_over(KEEPER, [packet(0)], 0.0)
    (head,) = standin.take_out()
    assert standin.hear(pulls.Opened(0, 9, head.pull, [3]), None, 0.0) == []
    assert standin.hear(pulls.Denied(0, 9, head.pull, "no"), None, 0.0) == []
    assert standin.owed(KEEPER) == 1


def test_what_nobody_wants_any_more_is_removed_at_the_end(around, standin):
    around.take_over(KEEPER, packet(0), packet(1, OTHER))
    standin.close()
    standin.close()
    assert all(spool.is_closed for spool in around.spools)
    assert len(around.spools) == 2
