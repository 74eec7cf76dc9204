"""Pulling: all arrives, whatever is lost or late, and never too much is under way."""

import random

import pytest

from mincer.net.puller import STUCK_S, Arrived, Failed, Puller, Sized, Stuck, Whole
from mincer.wire import pulls

JOB, TOKEN = "0" * 32, b"t" * 16
CHUNK = 1 << 10


def thing(n):
    return pulls.PacketOf(JOB, TOKEN, n)


class Keeper:
    """A member that has things, each a list of outputs."""

    def __init__(self, number, things):
        self.number = number
        self.things = things
        self.open = {}

    def answer(self, head):
        to, pull = head.by, head.pull
        me = self.number
        match head:
            case pulls.Open(thing=thing, chunk_bytes=chunk_bytes):
                outputs = self.things.get(thing)
                if outputs is None:
                    return [(pulls.Denied(to, me, pull, "gone", lost=[(1, 0)]), None)]
                self.open[pull] = b"".join(outputs), chunk_bytes
                return [(pulls.Opened(to, me, pull, list(map(len, outputs))), None)]
            case pulls.Ask(chunks=chunks):
                if pull not in self.open:
                    return [(pulls.Unopened(to, me, pull), None)]
                data, size = self.open[pull]
                return [
                    (pulls.Chunk(to, me, pull, n), data[n * size : (n + 1) * size])
                    for n in chunks
                ]
            case pulls.Close():
                self.open.pop(pull, None)
        return []


class Pulling:
    """A puller, its keepers, and a network that may lose and delay."""

    def __init__(self, keepers, seed=0, loss=0.0, credits=16):
        self.puller = Puller(credits)
        self.puller.me = 9
        self.keepers = {keeper.number: keeper for keeper in keepers}
        self.chance = random.Random(seed)
        self.loss = loss
        self.now = 0.0
        self.under_way = []
        self.came = {}
        self.sizes = {}
        self.over = {}
        self.most_owed = 0

    def begin(self, thing, to):
        number = self.puller.begin(thing, to, self.now, CHUNK)
        self.came[number] = {}
        return number

    def take(self, news):
        for one in news:
            match one:
                case Arrived(pull, offset, data):
                    assert offset not in self.came[pull]
                    self.came[pull][offset] = bytes(data)
                case Sized(pull, sizes):
                    self.sizes[pull] = sizes
                case Whole(pull) | Failed(pull) | Stuck(pull):
                    assert pull not in self.over
                    self.over[pull] = one

    def turn(self):
        self.now += 0.5
        self.take(self.puller.turn(self.now))
        for head in self.puller.take_out():
            if self.chance.random() >= self.loss:
                self.under_way += self.keepers[head.to].answer(head)
        owed = sum(isinstance(head, pulls.Chunk) for head, _ in self.under_way)
        self.most_owed = max(self.most_owed, owed)
        self.chance.shuffle(self.under_way)
        arriving, self.under_way = self.under_way, []
        for head, data in arriving:
            if self.chance.random() < self.loss:
                continue
            self.take(self.puller.hear(head, data, self.now))

    def go(self, turns=500):
        for _ in range(turns):
            is_over = self.puller.is_idle
            self.turn()
            if is_over:
                return

    def data(self, pull):
        return b"".join(self.came[pull][at] for at in sorted(self.came[pull]))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 40 * CHUNK + 7])
def test_a_thing_arrives_whole_in_chunks(size):
    data = random.Random(size).randbytes(size)
    pulling = Pulling([Keeper(1, {thing(0): [data[: size // 2], data[size // 2 :]]})])
    pull = pulling.begin(thing(0), 1)
    pulling.go()
    assert pulling.over == {pull: Whole(pull)}
    assert pulling.sizes[pull] == [size // 2, size - size // 2]
    assert pulling.data(pull) == data


def test_what_is_under_way_is_bounded_and_shared():
    keepers = [Keeper(n, {thing(n): [bytes(100 * CHUNK)]}) for n in range(1, 5)]
    pulling = Pulling(keepers)
    began = [pulling.begin(thing(n), n) for n in range(1, 5)]
    for _ in range(8):
        pulling.turn()
    got = [len(pulling.came[pull]) for pull in began]
    assert pulling.most_owed == 16
    assert min(got) == max(got) > 0
    pulling.go()
    assert set(pulling.over) == set(began)


def test_what_is_denied_has_failed_with_what_is_lost():
    pulling = Pulling([Keeper(1, {})])
    pull = pulling.begin(thing(0), 1)
    pulling.go()
    assert pulling.over == {pull: Failed(pull, "gone", False, [(1, 0)])}


def test_a_member_that_says_nothing_is_told_of_and_holds_its_own_share_alone():
    class Silent(Keeper):
        def answer(self, head):
            return [] if isinstance(head, pulls.Ask) else super().answer(head)

    data = bytes(50 * CHUNK)
    keepers = [Silent(1, {thing(0): [data]}), Keeper(2, {thing(0): [data]})]
    pulling = Pulling(keepers)
    silent, other = pulling.begin(thing(0), 1), pulling.begin(thing(0), 2)
    for _ in range(int(STUCK_S)):
        pulling.turn()
    assert pulling.over == {other: Whole(other)}
    pulling.go()
    assert pulling.over[silent] == Stuck(silent)
    again = pulling.begin(thing(0), 2)
    pulling.go()
    assert pulling.data(again) == data  # its credits came back


def test_who_waits_for_his_turn_is_not_stuck():
    things = {thing(n): [b"%d" % n] for n in range(1000)}
    pulling = Pulling([Keeper(1, things)])
    began = {pulling.begin(thing(n), 1): b"%d" % n for n in range(1000)}
    pulling.go()
    assert pulling.now > 2 * STUCK_S
    assert pulling.over == {pull: Whole(pull) for pull in began}
    assert {pull: pulling.data(pull) for pull in began} == began


def test_who_forgot_a_pull_has_it_opened_again():
    data = random.Random(1).randbytes(100 * CHUNK)
    keeper = Keeper(1, {thing(0): [data]})
    pulling = Pulling([keeper])
    pull = pulling.begin(thing(0), 1)
    for _ in range(4):
        pulling.turn()
    keeper.open.clear()
    pulling.go()
    assert pulling.over == {pull: Whole(pull)}
    assert pulling.data(pull) == data
    assert keeper.open == {}  # it was closed


def test_what_is_stopped_is_closed_and_heard_no_more():
    keeper = Keeper(1, {thing(0): [bytes(100 * CHUNK)]})
    pulling = Pulling([keeper])
    pull = pulling.begin(thing(0), 1)
    for _ in range(3):
        pulling.turn()
    pulling.puller.stop(pull)
    pulling.puller.stop(pull)
    pulling.go()
    assert pulling.over == {}
    assert keeper.open == {}


def test_replies_of_others_and_of_wrong_lengths_are_nothing():
    pulling = Pulling([Keeper(1, {thing(0): [b"abc"]})])
    pull = pulling.begin(thing(0), 1)
    hear = pulling.puller.hear
    assert hear(pulls.Opened(9, 2, pull, [3]), None, 0.0) == []
    assert hear(pulls.Chunk(9, 1, pull, 0), b"abc", 0.0) == []  # not asked for
    pulling.turn()
    pulling.take(pulling.puller.turn(pulling.now))
    assert hear(pulls.Chunk(9, 1, pull, 0), b"abcd", 0.0) == []
    pulling.go()
    assert pulling.data(pull) == b"abc"


@pytest.mark.parametrize("seed", range(50))
def test_whatever_is_lost_all_arrives(seed):
    chance = random.Random(seed)
    things = {thing(n): [chance.randbytes(chance.randrange(9 * CHUNK))] for n in (1, 2)}
    pulling = Pulling([Keeper(1, things), Keeper(2, things)], seed, loss=0.2)
    began = [(pulling.begin(thing(n), to), n) for n in (1, 2) for to in (1, 2)]
    pulling.go()
    for pull, n in began:
        if isinstance(pulling.over[pull], Whole):
            assert pulling.data(pull) == things[thing(n)][0]
        else:
            assert isinstance(pulling.over[pull], Stuck)
    assert any(isinstance(one, Whole) for one in pulling.over.values())
