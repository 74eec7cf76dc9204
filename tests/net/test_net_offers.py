"""Offers: any chunk of what is laid out, again and in any order."""

import random

import pytest

from mincer.errors import SegmentError
from mincer.net.offers import Bytes, NotHere, Offers, Piece
from mincer.wire import pulls

JOB, TOKEN = "0" * 32, b"t" * 16
CHUNK = 1 << 10


def thing(n=0):
    return pulls.PacketOf(JOB, TOKEN, n)


def a_piece(data):
    return Piece(Bytes(b"..." + data + b"..."), 3, len(data))


def opened(offers, pull=1, what=None):
    return offers.answer(pulls.Open(5, 9, pull, what or thing(), CHUNK))


@pytest.mark.parametrize("seed", range(20))
def test_the_chunks_are_what_was_laid_out(seed):
    chance = random.Random(seed)
    outputs = [
        [chance.randbytes(chance.choice([0, 1, 700, 5000])) for _ in range(3)]
        for _ in range(chance.randrange(4))
    ]
    offers = Offers(lambda _: [list(map(a_piece, output)) for output in outputs])
    ((reply, _),) = opened(offers)
    data = b"".join(b"".join(output) for output in outputs)
    assert (reply.to, reply.by, reply.pull) == (9, 5, 1)
    assert reply.sizes == [sum(map(len, output)) for output in outputs]
    numbers = list(range(-(-len(data) // CHUNK)))
    chance.shuffle(numbers)
    found = {}
    for head, chunk in offers.answer(pulls.Ask(5, 9, 1, numbers)):
        found[head.chunk] = chunk
    assert b"".join(found[n] for n in sorted(found)) == data
    assert offers.given_bytes == len(data)


def test_beyond_the_end_there_is_nothing():
    offers = Offers(lambda _: [[a_piece(b"abc")]])
    opened(offers)
    assert [chunk for _, chunk in offers.answer(pulls.Ask(5, 9, 1, [7]))] == [b""]


def test_what_is_not_here_is_denied_with_what_is_lost():
    def find(_):
        raise NotHere("it is gone", [(1, 0)])

    ((reply, _),) = opened(Offers(find))
    assert (reply.why, reply.lost, reply.is_gone) == ("it is gone", [(1, 0)], False)


def test_what_turns_out_to_be_damaged_is_denied():
    class Damaged(Bytes):
        def read(self, offset, size):
            raise SegmentError("cut off")

    offers = Offers(lambda _: [[Piece(Damaged(b"abc"), 0, 3)]])
    opened(offers)
    ((reply, _),) = offers.answer(pulls.Ask(5, 9, 1, [0, 1]))
    assert isinstance(reply, pulls.Denied)
    ((reply, _),) = offers.answer(pulls.Ask(5, 9, 1, [0]))
    assert isinstance(reply, pulls.Unopened)


def test_pulls_of_different_members_are_apart_and_closed_apart():
    offers = Offers(lambda one: [[a_piece(b"%d" % one.packet)]])
    for by, packet in ((8, 1), (9, 2)):
        offers.answer(pulls.Open(5, by, 1, thing(packet), CHUNK))
    assert offers.answer(pulls.Close(5, 8, 1)) == []
    ((reply, _),) = offers.answer(pulls.Ask(5, 8, 1, [0]))
    assert isinstance(reply, pulls.Unopened)
    ((_, chunk),) = offers.answer(pulls.Ask(5, 9, 1, [0]))
    assert chunk == b"2"


def test_few_layouts_are_kept_and_the_oldest_goes_first():
    offers = Offers(lambda _: [[a_piece(b"x")]])
    for pull in range(300):
        opened(offers, pull)
    ((reply, _),) = offers.answer(pulls.Ask(5, 9, 0, [0]))
    assert isinstance(reply, pulls.Unopened)
    ((reply, _),) = offers.answer(pulls.Ask(5, 9, 299, [0]))
    assert isinstance(reply, pulls.Chunk)
    offers.forget()
    ((reply, _),) = offers.answer(pulls.Ask(5, 9, 299, [0]))
    assert isinstance(reply, pulls.Unopened)


def test_replies_are_no_questions():
    assert Offers(lambda _: []).answer(pulls.Opened(5, 9, 1, [])) == []


def test_chunks_are_packed_for_who_asks_for_that_and_where_it_saves():
    noise = random.Random(1).randbytes(40_960)
    offers = Offers(lambda _: [[a_piece(b"a" * 8192 + noise + b"a" * 81_920)]])
    sent = {}
    for may_pack in (False, True):
        offers.answer(pulls.Open(5, 9, 1, thing(), 4096, may_pack))
        replies = offers.answer(pulls.Ask(5, 9, 1, list(range(32))))
        sent[may_pack] = [head.is_packed for head, _ in replies]
    assert not any(sent[False])
    # After the first that it did not help, some are not tried.
    assert sent[True] == [True] * 2 + [False] * 17 + [True] * 13
