"""Which task is next, and when a copy is worth starting."""

import pytest
from core_desk import Desk, every, map_, only, reduce_, sample, started

from mincer.core.commands import CancelAttempt, DiscardOutput, FinishJob
from mincer.core.events import Fault, StepPlan, WorkerLeaving
from mincer.ids import WorkerId
from mincer.limits import BACKUP_S_MIN

MAPS = StepPlan(0)


@pytest.fixture
def desk():
    return Desk()


def straggle(desk, splits=4, took=1.0, job="j", **limits):
    """All maps but the last are done, after `took` seconds each."""
    desk.submit(MAPS, splits=splits, job=job, **limits)
    desk.now += took
    for index in range(splits - 1):
        desk.done(map_(index, job=job))


# --- order


def test_maps_start_in_the_order_of_their_indices(desk):
    desk.submit(MAPS, splits=3)
    assert started(desk.join()) == [map_(0)]
    assert started(desk.done(map_(0))) == [map_(1)]
    assert started(desk.fail(map_(1), Fault.RAISED)) == [map_(1, 1)]


def test_jobs_take_turns(desk):
    desk.submit(MAPS, splits=3, job="large")
    desk.submit(MAPS, splits=1, job="small")
    desk.submit(MAPS, splits=2, job="third")
    order = [(a.task.job, a.task.index) for a in started(desk.join(slots=9))]
    assert order == [
        ("large", 0),
        ("small", 0),
        ("third", 0),
        ("large", 1),
        ("third", 1),
        ("large", 2),
    ]


def test_a_small_job_behind_a_large_one_gets_the_first_slot_that_is_free(desk):
    desk.join(slots=3)
    desk.submit(MAPS, splits=9, job="large")
    desk.submit(MAPS, splits=1, job="small")
    assert started(desk.done(map_(1, job="large"))) == [map_(0, job="small")]
    assert started(desk.done(map_(0, job="small"))) == [map_(3, job="large")]


def test_each_job_gets_its_share_of_slots_however_long_its_attempts_take(desk):
    desk.join(slots=4)
    desk.submit(MAPS, splits=50, job="slow")
    desk.submit(MAPS, splits=50, job="quick")
    for index in range(2):  # turns alone would let the slow one keep what it has
        desk.done(map_(index, job="slow"))
    running = desk.coordinator.jobs["quick"].attempts.running
    for index in range(2, 40):
        assert len(running) == 2
        desk.now += 1.0
        assert started(desk.done(next(iter(running)))) == [map_(index, job="quick")]


def test_among_equals_nobody_waits_for_ever(desk):
    names = [f"job{n}" for n in range(5)]
    desk.join(slots=2)
    for name in names:
        desk.submit(MAPS, splits=40, job=name)
    runs = started(desk.log)
    order = [attempt.task.job for attempt in runs]
    while len(order) < 60:
        desk.now += 1.0
        runs += (more := started(desk.done(runs.pop(0))))
        order += [attempt.task.job for attempt in more]
    rounds = [order[n : n + 5] for n in range(2, 52, 5)]
    assert all(sorted(one) == names for one in rounds)


def test_a_higher_priority_goes_before_any_share(desk):
    desk.submit(MAPS, splits=9, job="low", priority=-1)
    desk.submit(MAPS, splits=9, job="plain")
    desk.submit(MAPS, splits=3, job="high", priority=100)
    jobs = [a.task.job for a in started(desk.join(slots=6))]
    assert jobs == ["high", "high", "high", "plain", "plain", "plain"]
    assert started(desk.done(map_(0, job="high"))) == [map_(3, job="plain")]
    # What is READY again goes first again.
    again = desk.fail(map_(1, job="high"), Fault.RAISED)
    assert started(again) == [map_(1, 1, job="high")]


def test_what_runs_is_not_taken_away_for_a_higher_priority(desk):
    desk.join(slots=2)
    desk.submit(MAPS, splits=4, job="low")
    assert desk.submit(MAPS, splits=4, job="high", priority=1) == []
    assert started(desk.done(map_(0, job="low"))) == [map_(0, job="high")]


def test_lower_steps_go_first(desk):
    desk.join()
    desk.submit(StepPlan(2), StepPlan(1), splits=0)
    assert started(desk.done(reduce_(0))) == [reduce_(1)]
    assert started(desk.done(reduce_(1))) == [map_(0, step=1)]


def test_in_a_step_the_sample_goes_first_and_reduces_last(desk):
    desk.submit(StepPlan(1, sampled=True), splits=1)
    assert started(desk.join()) == [sample()]
    assert started(desk.done(sample())) == [map_(0)]
    assert started(desk.done(map_(0))) == [reduce_(0)]


def test_workers_take_turns(desk):
    for name in "abc":
        desk.join(name, slots=2)
    desk.submit(MAPS, splits=4)
    names = [desk.workers[map_(index)].name for index in range(4)]
    assert names == ["a", "b", "c", "a"]


def test_no_worker_gets_more_than_its_slots(desk):
    desk.submit(MAPS, splits=5)
    assert len(started(desk.join("a", slots=2))) == 2
    assert len(started(desk.join("b", slots=1))) == 1


# --- backup copies


def test_a_straggler_gets_a_backup_on_another_worker(desk):
    desk.join("a", slots=2)
    desk.join("b", slots=2)
    straggle(desk, took=3.0)
    assert desk.workers[map_(3)].name == "b"
    assert desk.coordinator.deadline() == 6.0
    assert not started(desk.tick(5.9))
    assert started(desk.tick(6.0)) == [map_(3, 1)]
    assert desk.workers[map_(3, 1)].name == "a"
    assert desk.snapshot().backups == 1


def test_a_worker_alone_may_run_its_own_backup(desk):
    desk.join("a", slots=4)
    straggle(desk, took=3.0)
    assert started(desk.tick(6.0)) == [map_(3, 1)]


def test_a_backup_does_not_go_to_the_same_worker_when_there_is_another(desk):
    desk.join("a", slots=4)
    straggle(desk, took=3.0)
    desk.join("b", slots=1)
    desk.submit(MAPS, splits=2, job="k")  # takes a slot of each
    desk.coordinator.roster.idle.move_to_end(WorkerId("a", 0))
    assert desk.workers[map_(0, job="k")].name != desk.workers[map_(1, job="k")].name
    assert desk.coordinator.deadline() is None  # b is busy, a runs the straggler
    assert not started(desk.tick(60.0))
    busy = next(a for a in (map_(0, job="k"), map_(1, job="k")) if on(desk, a, "b"))
    assert started(desk.done(busy)) == [map_(3, 1)]
    assert desk.workers[map_(3, 1)].name == "b"


def on(desk, attempt, name):
    return desk.workers[attempt].name == name


def test_a_leaving_worker_is_no_place_for_a_backup(desk):
    desk.join("a", slots=2)
    desk.join("b", slots=2)
    straggle(desk, took=3.0)
    desk.tell(WorkerLeaving(WorkerId("a", 0)))
    assert started(desk.tick(6.0)) == [map_(3, 1)]
    assert desk.workers[map_(3, 1)].name == "b"


def test_a_task_has_one_backup_at_most(desk):
    desk.join("a", slots=4)
    straggle(desk, took=3.0)
    desk.tick(6.0)
    assert not started(desk.tick(600.0))
    assert desk.coordinator.deadline() is None


def test_no_backup_while_a_task_is_ready(desk):
    desk.join("a", slots=1)
    straggle(desk, splits=5, took=1.0)
    desk.submit(MAPS, splits=2, job="k")
    assert started(desk.tick(100.0)) == []
    assert started(desk.join("b", slots=1)) == [map_(0, job="k")]
    assert started(desk.join("c", slots=2)) == [map_(1, job="k"), map_(4, 1)]


def test_no_backup_before_three_of_its_kind_are_finished(desk):
    desk.join("a", slots=3)
    straggle(desk, splits=3, took=1.0)
    assert not started(desk.tick(600.0))
    assert desk.coordinator.deadline() is None


def test_no_backup_in_the_first_second(desk):
    desk.join("a", slots=4)
    straggle(desk, took=0.1)
    assert not started(desk.tick(BACKUP_S_MIN - 0.1))
    assert started(desk.tick(BACKUP_S_MIN)) == [map_(3, 1)]


def test_the_first_of_two_attempts_wins_and_the_other_is_cancelled(desk):
    desk.join("a", slots=4)
    straggle(desk, took=1.0)
    desk.tick(2.0)
    commands = desk.done(map_(3, 1))
    assert commands[0] == CancelAttempt(WorkerId("a", 0), map_(3))
    assert map_(3, 1) in only(commands, FinishJob).winners
    assert not every(commands, DiscardOutput)


def test_a_loser_is_cancelled_though_the_job_goes_on(desk):
    desk.join("a", slots=5)
    desk.submit(StepPlan(1), splits=5)
    desk.now = 1.0
    for index in range(3):
        desk.done(map_(index))
    desk.tick(2.0)
    commands = desk.done(map_(3, 1))
    assert every(commands, CancelAttempt) == [CancelAttempt(WorkerId("a", 0), map_(3))]
    assert desk.done(map_(3)) == [DiscardOutput(map_(3))]


def test_when_one_of_two_attempts_fails_the_other_goes_on(desk):
    desk.join("a", slots=4)
    straggle(desk, took=1.0)
    desk.tick(2.0)
    assert not started(desk.fail(map_(3), Fault.RAISED))
    assert desk.state(map_(3).task) == "RUNNING"
    assert started(desk.fail(map_(3, 1), Fault.RAISED)) == [map_(3, 2)]


def test_a_timeout_makes_no_difference_to_backups(desk):
    desk.join("a", slots=4)
    straggle(desk, took=4.0, task_timeout_s=9.0)
    assert desk.coordinator.deadline() == 8.0
    assert started(desk.tick(8.0)) == [map_(3, 1)]
    desk.tick(9.0)  # the first one's time is up; the copy has its own
    assert desk.state(map_(3).task) == "RUNNING"
    assert [a.id for a in desk.task(map_(3).task).running] == [map_(3, 1)]
