"""The picture of a job that people see."""

import pytest
from core_desk import Desk, map_, reduce_, sample

from mincer.core.events import Fault, JobPlan, JobSubmitted, StepPlan
from mincer.core.snapshot import PhaseSnapshot


@pytest.fixture
def desk():
    return Desk()


def test_an_unknown_job_has_no_snapshot(desk):
    assert desk.snapshot() is None


def test_a_job_that_is_over_has_no_snapshot(desk):
    desk.submit(StepPlan(0), splits=0)
    assert desk.snapshot() is None


def test_the_total_is_not_known_before_the_input_has_ended(desk):
    desk.tell(JobSubmitted("j", JobPlan((StepPlan(2), StepPlan(0)))))
    desk.splits(0, 3)
    first, second = desk.snapshot().steps
    assert first.samples == PhaseSnapshot(total=0)
    assert first.maps == PhaseSnapshot(ready=3, total=None)
    assert first.reduces == PhaseSnapshot(waiting=2, total=2)
    assert second.maps == PhaseSnapshot(waiting=2, total=2)
    desk.end()
    assert desk.snapshot().steps[0].maps.total == 3


def test_tasks_are_counted_by_their_states(desk):
    desk.join(slots=2)
    desk.submit(StepPlan(0, to_sink=True), splits=5)
    desk.done(map_(0))
    desk.commit(map_(0))
    desk.done(map_(1))
    maps = desk.snapshot().steps[0].maps
    assert maps == PhaseSnapshot(ready=1, running=2, committing=1, done=1, total=5)


def test_what_happened_is_counted(desk):
    desk.join("a")
    desk.join("b")
    desk.submit(StepPlan(1), splits=2, skips_max=1)
    desk.fail(map_(0), Fault.RAISED, 5)
    desk.fail(map_(1), Fault.RAISED)
    desk.lose("a")
    told = desk.snapshot()
    assert (told.job, told.attempts_started, told.attempts_failed) == ("j", 4, 2)
    assert (told.attempts_lost, told.skipped_records, told.backups) == (1, 1, 0)
    assert (told.workers_healthy, told.workers_other) == (1, 0)


def test_slots_in_use_are_those_of_this_job(desk):
    desk.join("a", slots=2)
    desk.join("b", slots=2)
    desk.submit(StepPlan(0), splits=3)
    desk.submit(StepPlan(0), splits=1, job="k")
    told = [desk.snapshot(job) for job in "jk"]
    assert [(one.slots_in_use, one.workers_in_use) for one in told] == [(3, 2), (1, 1)]


def test_the_state_says_what_the_job_does_now(desk):
    desk.submit(StepPlan(1, sampled=True), StepPlan(1, to_sink=True), splits=1)
    seen = []

    def look():
        told = desk.snapshot()
        seen.append((told.step, told.state))

    look()
    desk.join()
    for attempt in (sample(), map_(0), reduce_(0), map_(0, step=1), reduce_(0, step=1)):
        look()
        desk.done(attempt)
    look()
    assert seen == [
        (0, "starting"),
        (0, "sampling"),
        (0, "mapping"),
        (0, "reducing"),
        (1, "mapping"),
        (1, "reducing"),
        (1, "committing"),
    ]


def test_a_job_maps_as_long_as_more_input_may_come(desk):
    desk.join()
    desk.submit(StepPlan(1))
    desk.splits(0, 1)
    desk.done(map_(0))
    assert desk.snapshot().state == "mapping"
