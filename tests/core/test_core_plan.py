"""The tasks of a job and what they wait for."""

import pytest
from core_desk import Desk, every, map_, only, reduce_, sample, started

from mincer.core.commands import FinishJob, PublishOutput, StartAttempt
from mincer.core.events import JobPlan, StepPlan
from mincer.core.plan import JobTasks
from mincer.errors import Bug
from mincer.ids import TaskId


@pytest.fixture
def desk():
    desk = Desk()
    desk.join(slots=100)
    return desk


def test_maps_start_as_splits_are_added(desk):
    desk.submit(StepPlan(2))
    assert started(desk.splits(0, 2)) == [map_(0), map_(1)]
    assert started(desk.splits(2, 1)) == [map_(2)]


def test_reduces_wait_for_the_end_of_the_input_and_for_all_maps(desk):
    desk.submit(StepPlan(2))
    desk.splits(0, 2)
    desk.done(map_(0))
    assert not started(desk.done(map_(1)))
    assert started(desk.end()) == [reduce_(0), reduce_(1)]


def test_reduces_start_with_the_last_map_when_the_input_has_ended(desk):
    desk.submit(StepPlan(1), splits=2)
    assert not started(desk.done(map_(1)))
    assert started(desk.done(map_(0))) == [reduce_(0)]


def test_without_splits_reduces_run_on_nothing(desk):
    commands = desk.submit(StepPlan(2), splits=0)
    assert [c.commits for c in every(commands, StartAttempt)] == [0, 0]
    desk.done(reduce_(0))
    assert only(desk.done(reduce_(1)), FinishJob).winners == (reduce_(0), reduce_(1))


def test_a_map_only_job_without_splits_is_done_at_once(desk):
    assert only(desk.submit(StepPlan(0), splits=0), FinishJob).winners == ()


def test_a_chain_of_map_only_steps_without_splits_is_done_at_once(desk):
    steps = (StepPlan(0), StepPlan(0, sampled=True), StepPlan(0))
    assert only(desk.submit(*steps, splits=0), FinishJob).winners == ()


def test_a_sample_waits_for_the_end_of_the_input_and_maps_for_the_sample(desk):
    desk.submit(StepPlan(1, sampled=True))
    assert not started(desk.splits(0, 2))
    assert started(desk.end()) == [sample()]
    assert started(desk.done(sample())) == [map_(0), map_(1)]


def test_a_map_of_the_next_step_needs_one_reduce_alone(desk):
    desk.submit(StepPlan(2), StepPlan(1), splits=0)
    assert started(desk.done(reduce_(1))) == [map_(1, step=1)]
    desk.done(map_(1, step=1))
    assert started(desk.done(reduce_(0))) == [map_(0, step=1)]
    assert started(desk.done(map_(0, step=1))) == [reduce_(0, step=1)]


def test_a_map_of_the_next_step_needs_one_map_of_a_map_only_step(desk):
    desk.submit(StepPlan(0), StepPlan(1))
    desk.splits(0, 2)
    assert started(desk.done(map_(1))) == [map_(1, step=1)]
    desk.done(map_(1, step=1))
    desk.end()
    assert started(desk.done(map_(0))) == [map_(0, step=1)]
    assert started(desk.done(map_(0, step=1))) == [reduce_(0, step=1)]


def test_a_later_sample_needs_all_outputs_of_the_step_before(desk):
    desk.submit(StepPlan(2), StepPlan(1, sampled=True), splits=0)
    assert not started(desk.done(reduce_(0)))
    assert started(desk.done(reduce_(1))) == [sample(step=1)]
    assert len(started(desk.done(sample(step=1)))) == 2


def test_publication_numbers_count_per_step_and_kind(desk):
    desk.submit(StepPlan(1), StepPlan(1, sampled=True), splits=2)
    log = desk.done(map_(1)) + desk.done(map_(0)) + desk.done(reduce_(0))
    log += desk.done(sample(step=1)) + desk.done(map_(0, step=1))
    log += desk.done(reduce_(0, step=1))
    assert every(log, PublishOutput) == [
        PublishOutput(map_(1), 0),
        PublishOutput(map_(0), 1),
        PublishOutput(reduce_(0), 0),
        PublishOutput(sample(step=1), 0),
        PublishOutput(map_(0, step=1), 0),
    ]


def test_a_reduce_is_told_how_many_outputs_there_are(desk):
    desk.submit(StepPlan(1), splits=3)
    for index in (0, 1):
        desk.done(map_(index))
    assert only(desk.done(map_(2)), StartAttempt).commits == 3


def test_needs_are_counted_not_listed():
    tasks = JobTasks("j", JobPlan((StepPlan(1000),)))
    tasks.add_maps(1000)
    gates = {id(gate) for task in tasks for gate in task.needs + task.feeds}
    assert len(gates) == 2  # mapped and finish


@pytest.mark.parametrize("steps", [(), (StepPlan(1, to_sink=True), StepPlan(1))])
def test_a_plan_without_steps_or_with_an_early_sink_is_a_bug(steps):
    with pytest.raises(Bug, match="only the last of one or more steps"):
        JobTasks("j", JobPlan(steps))


@pytest.mark.parametrize(
    "id",
    [
        TaskId("other", 0, "map", 0),
        TaskId("j", 1, "map", 0),
        TaskId("j", -1, "map", 0),
        TaskId("j", 0, "sample", 0),
        TaskId("j", 0, "map", 1),
        TaskId("j", 0, "map", -1),
    ],
)
def test_a_task_that_was_never_planned_is_a_bug(id):
    tasks = JobTasks("j", JobPlan((StepPlan(1),)))
    tasks.add_maps(1)
    with pytest.raises(Bug, match="never planned"):
        tasks.task(id)
