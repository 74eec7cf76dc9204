"""Slots: queues are given in one go, and nothing new before all is answered."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from mincer.ids import AttemptId, TaskId
from mincer.limits import ROOM_BYTES_MIN
from mincer.worker.orders import MapOrder, Modules, StepFiles
from mincer.worker.page import Position
from mincer.worker.pool import Died
from mincer.worker.slots import Slots

MEMORY = 10 * ROOM_BYTES_MIN
NOWHERE = Position(-1, 0, 0, 0, 0)


def attempt(index):
    return AttemptId(TaskId("job", 0, "map", index), 0)


def order(index, modules=None):
    files = StepFiles("code", modules, "folder", "scratch")
    return MapOrder(attempt(index), files, (b"", 0))


@dataclass
class FakeChild:
    """It does nothing but what the test says."""

    given: list = field(default_factory=list)
    at: AttemptId | None = None
    is_idle: bool = True
    resident_bytes: int = 0

    def attempt_in_work(self):
        return self.at

    def recall(self):
        begun = self.given.index(self.at) if self.at else 0
        return self.given[begun + 1 :]

    def stack(self):
        return f"at {self.at}"


class FakePool:
    def __init__(self, slots):
        self.children = [FakeChild() for _ in range(slots)]
        self.ended = Counter()

    def send(self, slot, *orders):
        child = self.children[slot]
        assert child.is_idle, "a child must get nothing before it has answered"
        child.is_idle = False
        child.given = [order.attempt for order in orders]
        child.at = None

    def replace(self, slot):
        died = Died("signal SIGKILL", NOWHERE, self.children[slot].at, True)
        self.children[slot] = FakeChild()
        self.ended[slot] += 1
        return died

    def resident_bytes(self, slot):
        return self.children[slot].resident_bytes


@pytest.fixture
def pool():
    return FakePool(2)


@pytest.fixture
def slots(pool):
    return Slots(pool)


def give(slots, *indices, modules=None, after=None):
    for index in indices:
        slots.add(order(index, modules), after, MEMORY)
        after = attempt(index)
    slots.send()


def answer(slots, pool, slot, index):
    """The child of `slot` answers one attempt, and begins the next."""
    child = pool.children[slot]
    place = child.given.index(attempt(index))
    rest = child.given[place + 1 :]
    child.at, child.is_idle = (rest[0], False) if rest else (child.at, True)
    slots.end(attempt(index))
    slots.settle(slot)


def test_a_queue_goes_to_one_child_at_once(slots, pool):
    give(slots, 1, 2, 3)
    give(slots, 4)
    assert pool.children[0].given == [attempt(1), attempt(2), attempt(3)]
    assert pool.children[1].given == [attempt(4)]
    assert slots.in_use
    assert slots.have_queues


def test_a_slot_is_free_when_all_is_answered(slots, pool):
    give(slots, 1, 2)
    give(slots, 3)
    give(slots, 4)
    answer(slots, pool, 0, 1)
    slots.send()
    assert pool.children[0].given == [attempt(1), attempt(2)]
    answer(slots, pool, 0, 2)
    slots.send()
    assert pool.children[0].given == [attempt(4)]
    for slot, index in [(0, 4), (1, 3)]:
        answer(slots, pool, slot, index)
    assert not slots.in_use
    assert not slots.have_queues


def test_what_is_added_later_is_given_when_all_is_answered(slots, pool):
    give(slots, 1, 2)
    give(slots, 3, 4, after=attempt(2))
    assert pool.children[1].is_idle
    assert pool.children[0].given == [attempt(1), attempt(2)]
    assert list(slots.in_work()) == [(0, attempt(1))]
    answer(slots, pool, 0, 1)
    answer(slots, pool, 0, 2)
    assert pool.children[0].given == [attempt(3), attempt(4)]
    answer(slots, pool, 0, 3)
    answer(slots, pool, 0, 4)
    assert not slots.in_use


def test_what_is_added_later_may_be_cancelled_or_taken_back(slots, pool):
    give(slots, 1, 2)
    give(slots, 3, 4, 5, after=attempt(2))
    assert slots.cancel(attempt(4)) is None
    pool.children[0].at = attempt(1)
    assert slots.recall(attempt(1)) == (attempt(2), attempt(3), attempt(5))
    assert not pool.ended
    slots.end(attempt(1))
    pool.children[0].is_idle = True
    slots.settle(0)
    assert not slots.in_use


def test_what_was_added_comes_after_what_a_dead_child_left(slots, pool):
    give(slots, 1, 2)
    give(slots, 3, after=attempt(2))
    answer(slots, pool, 0, 1)
    slots.replace(0)
    slots.send()
    assert pool.children[0].given == [attempt(2)]
    answer(slots, pool, 0, 2)
    assert pool.children[0].given == [attempt(3)]


def test_something_may_be_added_to_what_still_waits_for_a_child(slots, pool):
    give(slots, 1)
    give(slots, 2)
    give(slots, 3)
    give(slots, 4)
    give(slots, 5, after=attempt(3))
    answer(slots, pool, 0, 1)
    slots.send()
    assert pool.children[0].given == [attempt(3), attempt(5)]


def test_what_would_come_after_one_that_has_ended_waits_for_a_child(slots, pool):
    give(slots, 1)
    give(slots, 2)
    answer(slots, pool, 1, 2)
    give(slots, 3, 4, after=attempt(2))
    assert pool.children[1].given == [attempt(3), attempt(4)]


def test_the_first_is_at_work_until_the_child_says_another(slots, pool):
    give(slots, 1, 2)
    assert list(slots.in_work()) == [(0, attempt(1))]
    pool.children[0].at = attempt(2)
    assert list(slots.in_work()) == [(0, attempt(2))]
    assert slots.stack(attempt(2)) == f"at {attempt(2)}"
    assert slots.stack(attempt(1)) == ""
    assert slots.stack(attempt(7)) == ""
    # Its answer is on the way.
    slots.end(attempt(2))
    assert list(slots.in_work()) == []


def test_what_a_child_died_of(slots, pool):
    give(slots, 1, 2)

    def of_dead(at, was_up=True):
        return slots.of_dead(0, Died("exit code 1", NOWHERE, at, was_up))

    assert of_dead(attempt(2)) == attempt(2)
    assert of_dead(None) == attempt(1)
    assert of_dead(None, was_up=False) is None
    slots.end(attempt(2))
    assert of_dead(attempt(2)) is None
    assert slots.of_dead(1, Died("exit code 1", NOWHERE, None, True)) is None


def test_what_a_dead_child_has_not_answered_goes_to_the_next(slots, pool):
    give(slots, 1, 2, 3)
    answer(slots, pool, 0, 1)
    pool.replace(0)  # it ended by itself, in 2
    slots.renewed(0)
    slots.end(attempt(2))
    slots.send()
    assert pool.children[0].given == [attempt(3)]


def test_a_new_child_with_nothing_to_do_is_free(slots, pool):
    give(slots, 1)
    assert slots.replace(0).how == "signal SIGKILL"
    slots.end(attempt(1))
    slots.settle(0)
    assert slots.in_use
    slots.send()
    assert not slots.in_use
    assert pool.children[0].given == []


def test_who_is_cancelled_in_work_takes_its_child_along(slots, pool):
    give(slots, 1, 2)
    assert slots.cancel(attempt(1)).attempt is None
    assert pool.ended[0] == 1
    slots.send()
    assert pool.children[0].given == [attempt(2)]


def test_who_is_cancelled_while_it_waits_does_not(slots, pool):
    give(slots, 1, 2, 3)
    assert slots.cancel(attempt(2)) is None
    assert slots.cancel(attempt(2)) is None
    assert not pool.ended
    # The whole queue is not wanted any more: one child ends, once.
    assert slots.cancel(attempt(1)) is not None
    assert slots.cancel(attempt(3)) is None
    slots.send()
    assert not slots.in_use
    assert pool.ended == {0: 1}


def test_who_is_cancelled_before_it_has_a_slot_is_never_sent(slots, pool):
    give(slots, 1)
    give(slots, 2)
    give(slots, 3, 4)
    give(slots, 5)
    for index in (3, 4, 5):
        assert slots.cancel(attempt(index)) is None
    answer(slots, pool, 0, 1)
    slots.send()
    assert pool.children[0].given == [attempt(1)]


def test_a_slot_with_what_nobody_wants_stays_in_use(slots, pool):
    give(slots, 1, 2)
    give(slots, 9)
    pool.children[0].at = attempt(1)
    slots.cancel(attempt(2))
    slots.end(attempt(1))
    slots.settle(0)  # its child still has 2 to answer, or to give back
    give(slots, 3)
    assert pool.children[0].given == [attempt(1), attempt(2)]
    pool.children[0].is_idle = True
    slots.settle(0)
    slots.send()
    assert pool.children[0].given == [attempt(3)]


def test_what_waits_is_taken_back(slots, pool):
    give(slots, 1, 2, 3, 4)
    pool.children[0].at = attempt(2)
    slots.end(attempt(1))
    slots.end(attempt(3))  # cancelled
    assert slots.recall(attempt(2)) == (attempt(4),)
    assert not slots.end(attempt(4))
    assert slots.recall(attempt(7)) == ()


def test_other_modules_need_another_child():
    pool = FakePool(1)
    slots = Slots(pool)
    ended = []
    for index, digest in enumerate(["a", "a", None, "b", "a"]):
        modules = Modules("zip", digest, "folder") if digest else None
        give(slots, index, modules=modules)
        answer(slots, pool, 0, index)
        ended.append(pool.ended[0])
    assert ended == [0, 0, 0, 1, 2]


def test_a_child_that_has_kept_too_much_is_replaced(slots, pool):
    pool.children[0].resident_bytes = pool.children[1].resident_bytes = MEMORY
    give(slots, 1)
    assert not pool.ended  # it has just begun, and is what it is
    answer(slots, pool, 0, 1)
    give(slots, 2)
    give(slots, 3)
    assert pool.ended == {0: 1}
