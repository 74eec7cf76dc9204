"""The worker's own machine: input first, then in turn, and nothing is left."""

import random

import pytest

from mincer.core.events import Fault
from mincer.errors import Bug
from mincer.ids import AttemptId, TaskId
from mincer.net import machine as w
from mincer.net.machine import Need, WorkerMachine

JOB = "a" * 32


def attempt(index, number=0, job=JOB):
    return AttemptId(TaskId(job, 0, "map", index), number)


CODE = Need(JOB, "code")
A, B, C = map(attempt, range(3))


@pytest.fixture
def machine():
    return WorkerMachine()


def own(id, what="input"):
    return Need(id.task.job, what, id)


def test_an_attempt_begins_when_all_that_it_needs_is_here(machine):
    asked = machine.handle(w.AttemptOrdered(A, (CODE, own(A))))
    assert asked == [w.Fetch(CODE), w.Fetch(own(A))]
    assert machine.handle(w.NeedMet(own(A))) == []
    assert machine.handle(w.NeedMet(CODE)) == [w.Begin(A, None)]
    assert machine.handle(w.AttemptEnded(A)) == [w.Drop(own(A))]
    assert machine.attempts == 0


def test_what_is_the_jobs_is_fetched_once_and_stays_until_its_end(machine):
    machine.handle(w.AttemptOrdered(A, (CODE,)))
    assert machine.handle(w.AttemptOrdered(B, (CODE,))) == []
    assert machine.handle(w.NeedMet(CODE)) == [w.Begin(A, None), w.Begin(B, None)]
    assert machine.handle(w.AttemptEnded(A)) == []
    assert machine.handle(w.AttemptOrdered(C, (CODE,))) == [w.Begin(C, None)]
    stopped = machine.handle(w.JobOver(JOB))
    assert stopped == [w.Stop(C), w.Stop(B), w.Drop(CODE)]


def test_what_is_needed_twice_is_fetched_and_dropped_once(machine):
    twice = (own(A), own(A))
    assert machine.handle(w.AttemptOrdered(A, twice)) == [w.Fetch(own(A))]
    assert machine.handle(w.CancelOrdered(A)) == [w.Drop(own(A))]
    machine.handle(w.AttemptOrdered(B, (CODE, CODE)))
    unmet = machine.handle(w.NeedUnmet(CODE))
    assert unmet == [w.TellUnmade(B, Fault.WORKER_FAULT, ())]
    machine.handle(w.AttemptOrdered(C, (own(C), own(C))))
    assert machine.handle(w.NeedMet(own(C))) == [w.Begin(C, None)]
    assert machine.handle(w.AttemptEnded(C)) == [w.Drop(own(C))]


def test_attempts_of_a_slot_begin_in_turn_and_each_behind_the_one_before(machine):
    machine.handle(w.AttemptOrdered(A, (own(A),)))
    machine.handle(w.AttemptOrdered(B, (), after=A))
    assert machine.handle(w.AttemptOrdered(C, (), after=B)) == []
    begun = machine.handle(w.NeedMet(own(A)))
    assert begun == [w.Begin(A, None), w.Begin(B, A), w.Begin(C, B)]


def test_who_comes_behind_one_that_has_ended_has_the_slot(machine):
    machine.handle(w.AttemptOrdered(A, ()))
    machine.handle(w.AttemptEnded(A))
    assert machine.handle(w.AttemptOrdered(B, (), after=A)) == [w.Begin(B, None)]


def test_what_is_late_for_one_holds_back_nobody_in_another_slot(machine):
    machine.handle(w.AttemptOrdered(A, (own(A),)))
    assert machine.handle(w.AttemptOrdered(B, ())) == [w.Begin(B, None)]


def test_what_cannot_be_had_is_told_with_what_is_lost(machine):
    machine.handle(w.AttemptOrdered(A, (own(A), own(A, "more"))))
    machine.handle(w.AttemptOrdered(B, (), after=A))
    unmet = machine.handle(w.NeedUnmet(own(A), (C,)))
    assert unmet == [
        w.TellUnmade(A, Fault.NEED_LOST, (C,)),
        w.Drop(own(A, "more")),
        w.Begin(B, None),
    ]


def test_what_cannot_be_had_and_is_not_lost_is_the_workers_fault(machine):
    machine.handle(w.AttemptOrdered(A, (CODE,)))
    machine.handle(w.AttemptOrdered(B, (CODE,)))
    unmet = machine.handle(w.NeedUnmet(CODE))
    assert [one.fault for one in unmet] == [Fault.WORKER_FAULT] * 2
    # The next one asks again.
    assert machine.handle(w.AttemptOrdered(C, (CODE,))) == [w.Fetch(CODE)]


def test_a_cancelled_attempt_is_stopped_if_it_has_begun(machine):
    machine.handle(w.AttemptOrdered(A, ()))
    machine.handle(w.AttemptOrdered(B, (own(B),), after=A))
    assert machine.handle(w.CancelOrdered(B)) == [w.Drop(own(B))]
    assert machine.handle(w.CancelOrdered(A, True)) == [w.Stop(A, True)]


def test_a_recall_gives_back_what_waits_here_and_asks_the_hands(machine):
    machine.handle(w.AttemptOrdered(A, ()))
    machine.handle(w.AttemptOrdered(B, (own(B),), after=A))
    recalled = machine.handle(w.RecallOrdered(A))
    assert recalled == [w.Drop(own(B)), w.Return((B,)), w.TakeBack(A)]
    machine.handle(w.AttemptOrdered(C, (), after=A))
    assert machine.handle(w.AttemptsUnbegun((C,))) == [w.Return((C,))]


def test_late_and_repeated_events_are_answered_with_nothing(machine):
    late = [
        w.NeedMet(CODE),
        w.NeedUnmet(CODE),
        w.CancelOrdered(A),
        w.RecallOrdered(A),
        w.AttemptEnded(A),
        w.JobOver(JOB),
    ]
    assert [machine.handle(event) for event in late] == [[]] * len(late)


def test_a_repeated_order_is_our_mistake(machine):
    machine.handle(w.AttemptOrdered(A, ()))
    with pytest.raises(Bug, match="ordered twice"):
        machine.handle(w.AttemptOrdered(A, ()))


def test_a_worker_leaves_when_all_that_it_had_is_done(machine):
    machine.handle(w.AttemptOrdered(A, ()))
    assert machine.handle(w.DrainAsked()) == []
    assert machine.handle(w.AttemptEnded(A)) == [w.Leave()]
    assert machine.handle(w.DrainAsked()) == [w.Leave()]


def test_a_worker_that_was_given_up_forgets_all(machine):
    machine.handle(w.AttemptOrdered(A, (CODE,)))
    machine.handle(w.AttemptOrdered(B, ()))
    machine.handle(w.AttemptOrdered(C, (), after=B))
    assert machine.handle(w.GivenUp()) == [w.Stop(C), w.Stop(B)]
    assert machine.attempts == 0
    assert machine.handle(w.AttemptOrdered(A, (CODE,))) == [w.Fetch(CODE)]


class Hands:
    """What a shell would have: what is here, and what runs in which slot."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.machine = WorkerMachine()
        self.fetching = set()
        self.here = set()
        self.needs = {}
        self.begun = []
        self.ended = []

    def tell(self, event):
        for command in self.machine.handle(event):
            self.obey(command)

    def obey(self, command):
        match command:
            case w.Fetch(need):
                assert need not in self.fetching | self.here
                self.fetching.add(need)
            case w.Drop(need):
                assert need in self.fetching | self.here
                self.fetching.discard(need)
                self.here.discard(need)
            case w.Begin(id, after):
                assert set(self.needs[id]) <= self.here
                assert after is None or after in self.begun
                self.begun.append(id)
            case w.Stop(id):
                self.begun.remove(id)
                self.ended.append(id)
            case w.Return(ids):
                self.ended += ids
            case w.TakeBack():
                pass
            case w.TellUnmade(id):
                self.ended.append(id)
            case _:
                raise AssertionError(command)


@pytest.mark.parametrize("seed", range(200))
def test_whatever_comes_each_attempt_ends_once_and_nothing_is_left(seed):
    hands = Hands(seed)
    chance = hands.chance
    last = [None] * 3
    shared = [Need(JOB, name) for name in "xyz"]
    ordered = []
    for index in range(chance.randint(1, 30)):
        id = attempt(index)
        slot = chance.randrange(3)
        needs = tuple(chance.sample([*shared, own(id, 1), own(id, 2)], k=2))
        hands.needs[id] = needs
        ordered.append(id)
        hands.tell(w.AttemptOrdered(id, needs, last[slot]))
        last[slot] = id
        for _ in range(chance.randrange(3)):
            a_step(hands, ordered)
    while hands.fetching:
        arrive(hands)
    while hands.begun:
        end_one(hands)
    assert sorted(hands.ended) == sorted(ordered)
    assert hands.machine.attempts == 0
    hands.tell(w.JobOver(JOB))
    assert not hands.here


def arrive(hands):
    need = hands.chance.choice(sorted(hands.fetching, key=str))
    hands.fetching.discard(need)
    if hands.chance.random() < 0.9:
        hands.here.add(need)
        hands.tell(w.NeedMet(need))
    else:
        hands.tell(w.NeedUnmet(need, (attempt(99),)))


def end_one(hands):
    id = hands.begun.pop(0)
    hands.ended.append(id)
    hands.tell(w.AttemptEnded(id))


def a_step(hands, ordered):
    step = hands.chance.randrange(4)
    if step == 0 and hands.fetching:
        arrive(hands)
    elif step == 1 and hands.begun:
        end_one(hands)
    elif step == 2:
        id = hands.chance.choice(ordered)
        before = hands.machine.attempts
        has_begun = id in hands.begun
        hands.tell(w.CancelOrdered(id))
        if not has_begun and hands.machine.attempts < before:
            hands.ended.append(id)
    else:
        hands.tell(w.RecallOrdered(hands.chance.choice(ordered)))
