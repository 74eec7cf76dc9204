"""Each test breaks one thing by hand: a check that cannot fail proves nothing."""

from math import inf

import pytest
from core_desk import Desk, map_, reduce_

from mincer.core.events import SegmentLost, StepPlan
from mincer.core.invariants import check
from mincer.core.task import Attempt, Gate, Slot, State
from mincer.errors import Bug
from mincer.ids import TaskId, WorkerId

W = WorkerId("w", 0)


@pytest.fixture
def desk():
    """Map 0 done, map 1 running, map 2 ready, a reduce waiting."""
    desk = Desk()
    desk.join(slots=1)
    desk.submit(StepPlan(2), StepPlan(1), splits=3)
    desk.done(map_(0))
    return desk


def job(desk):
    return desk.coordinator.jobs["j"]


def task(desk, index):
    return desk.task(map_(index).task)


def worker(desk):
    return desk.coordinator.roster.workers[W]


def over(desk):
    job(desk).is_over = True


def runs_unknown(desk):
    worker(desk).attempts.clear()


def kept_unknown(desk):
    worker(desk).keeps.clear()


def too_much(desk):
    worker(desk).slots = 0


def idle(desk):
    desk.coordinator.roster.idle[W] = None


def healthy(desk):
    desk.coordinator.roster.healthy.clear()


def ghost_idle(desk):
    desk.coordinator.roster.idle[WorkerId("ghost", 0)] = None


def ghost_healthy(desk):
    desk.coordinator.roster.healthy[WorkerId("ghost", 0)] = None


def counts(desk):
    job(desk).tasks.steps[0].map.counts[State.DONE] += 1


def ready_unseen(desk):
    job(desk).tasks.steps[0].map._ready.clear()


def home_unseen(desk):
    homes = job(desk).tasks.homes
    homes.found(W, (0,))
    homes.add(0, (0, 0, 0))
    homes.add_ready(2)
    homes._of[W].clear()


def unbacked(desk):
    phase = job(desk).tasks.steps[0].map
    phase.unbacked[task(desk, 2)] = next(iter(phase.unbacked.values()))


def number_twice(desk):
    task(desk, 1).number = 0


def number_withdrawn(desk):
    job(desk).tasks.steps[0].map._without.append(0)


def number_lost(desk):
    job(desk).tasks.steps[0].map.published += 1


def move_by_hand(desk, index, state):
    phase = job(desk).tasks.steps[0].map
    phase.counts[task(desk, index).state] -= 1
    phase.counts[state] += 1
    task(desk, index).state = state


def runs_without_attempts(desk):
    move_by_hand(desk, 2, State.RUNNING)


def three_attempts(desk):
    task(desk, 1).running *= 3
    job(desk).tasks.steps[0].map.unbacked.clear()


def runs_unseen(desk):
    task(desk, 1).running[0] = Attempt(map_(1), task(desk, 1), Slot(W))
    job(desk).tasks.steps[0].map.unbacked.clear()


def lacks_need(desk):
    shut = Gate(holds=1)
    task(desk, 1).needs = (shut,)


def waits_for_nothing(desk):
    move_by_hand(desk, 2, State.WAITING)


def no_winner(desk):
    task(desk, 0).winner = -1


def kept_and_not_made(desk):
    task(desk, 2).keeper = W
    worker(desk).keeps[task(desk, 2).id] = None


def no_number(desk):
    job(desk).tasks.steps[0].map.withdraw(task(desk, 0))


def failed(desk):
    move_by_hand(desk, 2, State.FAILED)


def cancelled(desk):
    move_by_hand(desk, 2, State.CANCELLED)


def missing(desk):
    job(desk).tasks.steps[0].mapped.missing += 1


def demand(desk):
    job(desk).tasks.steps[0].mapped.demand += 1


def gone(desk):
    job(desk).tasks.steps[0].mapped.gone[task(desk, 0)] = None


def holds(desk):
    job(desk).tasks.finish.holds += 1


def out_of_order(desk):
    slot_too_many(desk).queue[0].started = -1.0


def slot_too_many(desk):
    """A second slot in use, with a second attempt at map 1."""
    slot = Slot(W)
    slot.queue.append(Attempt(map_(1, 1), task(desk, 1), slot))
    job(desk).attempts.slots[slot] = None
    job(desk).attempts.running[map_(1, 1)] = slot.queue[0]
    worker(desk).attempts[map_(1, 1)] = None
    worker(desk).busy[slot] = None
    worker(desk).slots += 1
    desk.coordinator.roster.slots += 1
    return slot


def slot_unknown(desk):
    worker(desk).busy.clear()
    desk.coordinator.roster.idle[W] = None


def slot_low(desk):
    desk.coordinator.roster.low[Slot(W)] = None


def slots_counted(desk):
    desk.coordinator.roster.slots += 1


def slot_empty(desk):
    slot_too_many(desk).queue.clear()


def attempt_without_slot(desk):
    attempt = Attempt(map_(2), task(desk, 2), Slot(W))
    job(desk).attempts.running[map_(2)] = attempt
    worker(desk).attempts[map_(2)] = None


def slot_that_waits(desk):
    slot_too_many(desk)


def slot_of_another(desk):
    task(desk, 1).running[0].slot = Slot(W)
    job(desk).tasks.steps[0].map.unbacked.clear()


def careful_in_a_queue(desk):
    slot = task(desk, 1).running[0].slot
    slot.queue.append(Attempt(map_(2), task(desk, 2), slot))
    slot.queue[1].careful = True
    job(desk).attempts.running[map_(2)] = slot.queue[1]
    worker(desk).attempts[map_(2)] = None


def unbacked_and_waits(desk):
    slot = task(desk, 1).running[0].slot
    slot.queue.appendleft(Attempt(map_(2), task(desk, 2), slot))
    slot.queue[0].started = 0.0
    slot.queue[1].started = inf
    task(desk, 2).running.append(slot.queue[0])
    move_by_hand(desk, 2, State.RUNNING)
    job(desk).attempts.running[map_(2)] = slot.queue[0]
    worker(desk).attempts[map_(2)] = None


BREAKS = {
    over: "is over and not forgotten",
    runs_unknown: "disagree on what runs",
    kept_unknown: "disagree on what is kept",
    too_much: "has too much to do",
    idle: "idle?",
    healthy: "healthy?",
    ghost_idle: "a lost worker is idle",
    ghost_healthy: "a lost worker is healthy",
    counts: "counted wrongly",
    ready_unseen: "READY task is not found",
    home_unseen: "not found by who has its input",
    unbacked: "unbacked",
    number_twice: "given twice",
    number_withdrawn: "number withdrawn",
    number_lost: "a number was lost",
    runs_without_attempts: "has 0 attempts",
    three_attempts: "has 3 attempts",
    runs_unseen: "runs unseen",
    lacks_need: "lacks something",
    waits_for_nothing: "waits for nothing",
    no_winner: "no winner",
    kept_and_not_made: "is kept by",
    no_number: "number None",
    failed: "and the job goes on",
    cancelled: "and the job goes on",
    missing: "missing",
    demand: "demand",
    gone: "gone?",
    holds: "holds",
    out_of_order: "attempts out of order",
    slot_unknown: "disagree on the slots in use",
    slots_counted: "slots are counted wrongly",
    slot_low: "a slot that is not in use runs low",
    slot_empty: "an empty slot in use",
    attempt_without_slot: "slots and attempts disagree",
    slot_that_waits: "waits or runs",
    slot_of_another: "is in another slot",
    careful_in_a_queue: "is careful, not alone",
    unbacked_and_waits: "unbacked, but it waits",
}


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda f: f.__name__)
def test_what_is_broken_is_found(desk, break_it):
    check(desk.coordinator)
    break_it(desk)
    with pytest.raises(Bug, match="broken invariant") as caught:
        check(desk.coordinator)
    assert BREAKS[break_it].replace("?", "") in caught.value.what.replace("?", "")


def test_a_job_that_is_done_must_be_finished():
    desk = Desk()
    desk.submit(StepPlan(0))
    job(desk).tasks.end_input()
    with pytest.raises(Bug, match="is done and not finished"):
        check(desk.coordinator)


def test_what_is_lost_and_wanted_must_be_made_again():
    desk = Desk()
    desk.join()
    desk.submit(StepPlan(1), StepPlan(1), splits=1)
    desk.done(map_(0))
    desk.done(reduce_(0))
    desk.tell(SegmentLost(map_(0)))
    reader = desk.task(TaskId("j", 0, "reduce", 0))
    # As if the reader had gone back to waiting without asking for what it needs.
    reader.needs[0].demand += 1
    phase = job(desk).tasks.steps[0].reduce
    phase.counts[State.DONE] -= 1
    phase.counts[State.WAITING] += 1
    reader.state = State.WAITING
    phase.withdraw(reader)
    reader.keeper = None
    worker(desk).keeps.clear()
    for gate in reader.feeds:
        gate.missing += 1
    worker(desk).attempts.clear()
    worker(desk).busy.clear()
    job(desk).attempts.running.clear()
    job(desk).attempts.slots.clear()
    later = desk.task(TaskId("j", 1, "map", 0))
    later.running.clear()
    later_phase = job(desk).tasks.steps[1].map
    later_phase.unbacked.clear()
    later_phase.counts[State.RUNNING] -= 1
    later_phase.counts[State.WAITING] += 1
    later.state = State.WAITING
    desk.coordinator.roster.idle[W] = None
    with pytest.raises(Bug, match="lost, wanted, not made"):
        check(desk.coordinator)
