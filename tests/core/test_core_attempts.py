"""Attempts that wait in a slot: begun in turn, taken back, and never charged."""

import pytest
from core_desk import Desk, every, map_, only, reduce_, started

from mincer.core.commands import (
    CancelAttempt,
    FinishJob,
    RecallAttempts,
    StartAttempt,
)
from mincer.core.events import (
    AttemptsReturned,
    Fault,
    JobCancelled,
    StepPlan,
    WorkerLeaving,
)
from mincer.ids import WorkerId
from mincer.limits import (
    BACKUP_S_MIN,
    QUEUE_FINISHED_MIN,
    QUEUE_MAX,
    QUEUE_S,
    RECALL_S,
)

MAPS = StepPlan(0)
W = WorkerId("w", 0)
FIRST = QUEUE_FINISHED_MIN


@pytest.fixture
def desk():
    return Desk()


def warm(desk, splits=FIRST + 12, took=0.0, shape=MAPS, **limits):
    """One slot; all maps before the first queue are done. Return what came then."""
    desk.join()
    desk.submit(shape, splits=splits, **limits)
    for index in range(FIRST):
        desk.now += took
        commands = desk.done(map_(index))
    return commands


def queue_of(commands, after=None):
    """The attempts that were given to one slot, in the order of their turns."""
    starts = every(commands, StartAttempt)
    attempts = [start.attempt for start in starts]
    assert [start.after for start in starts] == [after, *attempts][: len(starts)]
    return attempts


def test_small_attempts_are_given_to_a_slot_together(desk):
    assert queue_of(warm(desk)) == [map_(FIRST + n) for n in range(6)]


def test_attempts_that_are_not_small_are_given_one_by_one(desk):
    assert queue_of(warm(desk, took=QUEUE_S)) == [map_(FIRST)]


def test_a_queue_is_as_long_as_it_takes(desk):
    # The first of them came slowly, and is nearly forgotten.
    desk.now -= QUEUE_S / 4
    assert 3 <= len(queue_of(warm(desk, took=QUEUE_S / 4))) <= 6


def test_no_queue_is_longer_than_its_answers_may_be(desk):
    assert len(queue_of(warm(desk, splits=FIRST + 5000))) == QUEUE_MAX


def test_queues_become_shorter_towards_the_end(desk):
    queue = queue_of(warm(desk, splits=FIRST + 16))
    lengths = [len(queue)]
    while queue:
        commands = desk.done(queue.pop(0))
        queue += (more := queue_of(commands, queue[-1] if queue else None))
        lengths += [len(more)] * bool(more)
    assert lengths == [8, 4, 2, 1, 1]
    assert only(commands, FinishJob)


def test_a_queue_that_runs_low_gets_more(desk):
    queue = queue_of(warm(desk))
    assert len(queue) == 6
    for attempt in queue[:2]:
        assert not started(desk.done(attempt))
    more = queue_of(desk.done(queue[2]), after=queue[-1])
    assert more == [map_(FIRST + 6 + n) for n in range(3)]
    (slot,) = desk.coordinator.jobs["j"].attempts.slots
    assert [attempt.id for attempt in slot.queue] == queue[3:] + more


def last_three(desk):
    """A queue of three, nothing READY, a second worker idle, and more input to come."""
    desk.join()
    desk.submit(MAPS)
    desk.splits(0, FIRST + 6)
    for index in range(FIRST):
        commands = desk.done(map_(index))
    queue = queue_of(commands)
    assert len(queue) == 3
    desk.join("v")
    for number in range(3, 6):
        desk.done(map_(FIRST + number))
    return queue


def low(desk):
    """A queue that runs low when nothing is READY; what its slot works on."""
    queue = last_three(desk)
    for attempt in queue[:2]:
        assert not started(desk.done(attempt))
    return queue[2]


def test_it_gets_more_also_when_that_comes_late(desk):
    last = low(desk)
    starts = every(desk.splits(FIRST + 6, 16), StartAttempt)
    assert [start.worker.name for start in starts] == ["v"] * 4 + ["w"] * 3
    assert starts[4].after == last


def test_who_leaves_gets_no_more(desk):
    low(desk)
    desk.tell(WorkerLeaving(W))
    starts = every(desk.splits(FIRST + 6, 16), StartAttempt)
    assert {start.worker.name for start in starts} == {"v"}


def test_who_was_asked_to_give_back_gets_no_more(desk):
    queue = last_three(desk)
    recall = only(desk.tick(RECALL_S), RecallAttempts)
    assert recall.attempt == queue[0]
    desk.splits(FIRST + 6, 16)
    for attempt in queue[:2]:
        assert not started(desk.done(attempt))


def test_there_is_no_more_when_it_is_the_turn_of_others(desk):
    queue = queue_of(warm(desk))
    desk.submit(MAPS, job="k", splits=1)
    for attempt in queue[:3]:
        commands = desk.done(attempt)
    more = queue_of(commands, after=queue[-1])
    assert len(more) == 3
    for attempt in queue[3:] + more[:-1]:
        assert not started(desk.done(attempt))
    assert started(desk.done(more[-1])) == [map_(0, job="k")]


def test_there_is_no_more_for_a_slot_that_is_above_its_jobs_share(desk):
    queue = queue_of(warm(desk, splits=FIRST + 100))
    other = queue_of(desk.join("v"))
    desk.submit(MAPS, job="k", splits=50)
    for attempt in queue[:-1]:
        assert not started(desk.done(attempt))
    assert started(desk.done(queue[-1])) == [map_(0, job="k")]
    # Each has one slot now: that is what the first job may keep.
    half = len(other) // 2
    more = [started(desk.done(attempt)) for attempt in other[:half]][-1]
    assert {attempt.task.job for attempt in more} == {"j"}


def test_only_the_first_runs(desk):
    queue = queue_of(warm(desk, task_timeout_s=10))
    assert desk.coordinator.deadline() == 10
    desk.now = 7.0
    desk.done(queue[0])
    assert desk.coordinator.deadline() == 17
    # The first that runs out of time is charged, and the next has its turn.
    (cancelled,) = every(desk.tick(17.0), CancelAttempt)
    assert (cancelled.attempt, cancelled.timed_out) == (queue[1], True)
    assert desk.task(queue[1].task).failures == 1
    assert desk.task(queue[2].task).failures == 0
    assert desk.coordinator.deadline() == 27


def test_an_attempt_that_failed_leaves_its_slot_to_the_next(desk):
    queue = queue_of(warm(desk))
    assert started(desk.fail(queue[0], Fault.DIED)) == []
    assert desk.state(queue[0].task) == "READY"
    for attempt in queue[1:]:
        commands = desk.done(attempt)
    # What died is tried again first, and alone.
    assert queue_of(commands) == [queue[0]._replace(number=1)]
    assert only(commands, StartAttempt).careful


def test_a_queue_ends_before_a_task_of_which_a_try_died(desk):
    queue = queue_of(warm(desk))
    desk.join("v")
    taken = desk.log[-1].attempt
    desk.fail(queue[0], Fault.DIED)
    desk.fail(queue[2], Fault.DIED)
    later = queue_of(desk.done(taken))
    assert [attempt.task.index for attempt in later] == [queue[0].task.index]


def test_answers_may_come_in_any_order(desk):
    queue = queue_of(warm(desk))
    last = queue[-1]
    for attempt in queue[::-1]:
        desk.done(attempt)
        assert desk.state(attempt.task) == "DONE"
    assert last not in desk.coordinator.jobs["j"].attempts.running
    assert desk.coordinator.jobs["j"].attempts.running


def test_who_loses_its_worker_before_its_turn_is_not_poison(desk):
    queue = queue_of(warm(desk))
    desk.lose("w")
    assert [desk.task(one.task).workers_lost for one in queue] == [1, 0, 0, 0, 0, 0]
    assert {desk.state(one.task) for one in queue} == {"READY"}


def recalled(desk):
    """A queue of three whose first takes long, while a second worker is idle."""
    queue = queue_of(warm(desk, splits=FIRST + 6))
    assert len(queue) == 3
    desk.join("v")
    for number in range(3, 6):
        desk.done(map_(FIRST + number))
    assert desk.coordinator.deadline() == RECALL_S
    assert not every(desk.tick(RECALL_S / 2), RecallAttempts)
    recall = only(desk.tick(RECALL_S), RecallAttempts)
    assert (recall.worker, recall.attempt) == (W, queue[0])
    assert desk.coordinator.deadline() == BACKUP_S_MIN
    return queue


def test_what_waits_is_recalled_when_another_slot_is_idle(desk):
    queue = recalled(desk)
    assert not every(desk.tick(2 * RECALL_S), RecallAttempts)  # it was asked already
    assert desk.state(queue[1].task) == "RUNNING"


def test_what_comes_back_runs_elsewhere_and_nobody_is_charged(desk):
    queue = recalled(desk)
    commands = desk.tell(AttemptsReturned(W, tuple(queue[1:])))
    again = [attempt._replace(number=1) for attempt in queue[1:]]
    assert started(commands) == again[:1]
    assert desk.workers[again[0]] == WorkerId("v", 0)
    assert desk.task(again[0].task).failures == 0
    assert started(desk.done(again[0])) == again[1:]
    desk.done(again[1])
    assert only(desk.done(queue[0]), FinishJob).winners[FIRST] == queue[0]


def test_what_has_begun_in_the_meantime_goes_on(desk):
    queue = recalled(desk)
    desk.tell(AttemptsReturned(W, tuple(queue[2:])))
    desk.done(queue[0])
    desk.done(queue[1])
    assert only(desk.done(queue[2]._replace(number=1)), FinishJob)


def test_what_comes_back_late_is_nothing(desk):
    queue = recalled(desk)
    desk.tell(JobCancelled("j", "enough"))
    assert desk.tell(AttemptsReturned(W, tuple(queue[1:]))) == []


def test_the_end_of_a_job_stops_what_waits(desk):
    queue = queue_of(warm(desk))
    commands = desk.tell(JobCancelled("j", "enough"))
    assert [one.attempt for one in every(commands, CancelAttempt)] == queue


def test_reduces_wait_as_maps_do(desk):
    desk.join()
    desk.submit(StepPlan(FIRST + 8), splits=1)
    desk.done(map_(0))
    for index in range(FIRST):
        commands = desk.done(reduce_(index))
    starts = every(commands, StartAttempt)
    assert queue_of(commands) == [reduce_(FIRST + n) for n in range(4)]
    assert {start.commits for start in starts} == {1}
