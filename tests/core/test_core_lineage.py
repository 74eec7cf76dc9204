"""What is made again when an output is lost or turns out to be another."""

import pytest
from core_desk import Desk, every, map_, only, reduce_, sample, started

from mincer.core.commands import (
    CancelAttempt,
    DiscardOutput,
    FailJob,
    FinishJob,
    PublishOutput,
    StartAttempt,
)
from mincer.core.events import SegmentLost, StepPlan
from mincer.ids import WorkerId

W = WorkerId("w", 0)


@pytest.fixture
def desk():
    desk = Desk()
    desk.join(slots=9)
    return desk


def lose(desk, *attempts):
    commands = []
    for attempt in attempts:
        commands += desk.tell(SegmentLost(attempt))
    return commands


# --- only what is wanted is made again


def test_an_output_that_is_still_needed_is_made_again(desk):
    desk.submit(StepPlan(1), splits=2)
    desk.done(map_(0))
    assert started(lose(desk, map_(0))) == [map_(0, 1)]


def test_an_output_that_nobody_needs_is_not_made_again(desk):
    desk.submit(StepPlan(1), StepPlan(1), splits=1)
    desk.done(map_(0))
    desk.done(reduce_(0))
    assert not started(lose(desk, map_(0)))
    assert desk.state(map_(0).task) == "DONE"


def test_what_was_not_needed_is_made_again_when_it_is(desk):
    desk.submit(StepPlan(1), StepPlan(1), splits=2)
    desk.done(map_(0))
    desk.done(map_(1))
    desk.done(reduce_(0))
    lose(desk, map_(0))
    commands = lose(desk, reduce_(0))
    assert every(commands, CancelAttempt) == [CancelAttempt(W, map_(0, step=1))]
    assert started(commands) == [map_(0, 1)]
    start = only(desk.done(map_(0, 1)), StartAttempt)
    assert start.attempt == reduce_(0, 1)
    assert (start.commits, start.without) == (3, (0,))


def test_a_loss_late_in_a_pipeline_goes_back_to_the_input(desk):
    steps = (StepPlan(0), StepPlan(0), StepPlan(0))
    desk.submit(*steps, splits=1)
    desk.done(map_(0))
    desk.done(map_(0, step=1))
    lose(desk, map_(0))
    assert started(lose(desk, map_(0, step=1))) == [map_(0, 1)]
    assert started(desk.done(map_(0, 1))) == [map_(0, 1, step=1)]
    assert started(desk.done(map_(0, 1, step=1))) == [map_(0, 1, step=2)]


def test_what_two_need_is_made_again_once(desk):
    desk.submit(StepPlan(0), StepPlan(0, sampled=True), StepPlan(0), splits=1)
    desk.done(map_(0))
    desk.done(sample(step=1))
    desk.done(map_(0, step=1))
    lose(desk, sample(step=1), map_(0))
    assert started(lose(desk, map_(0, step=1))) == [map_(0, 1)]
    assert started(desk.done(map_(0, 1))) == [sample(1, step=1)]
    assert started(desk.done(sample(1, step=1))) == [map_(0, 1, step=1)]


def test_a_result_is_wanted_until_the_job_is_finished(desk):
    desk.submit(StepPlan(0), splits=2)
    desk.done(map_(0))
    assert started(lose(desk, map_(0))) == [map_(0, 1)]


def test_a_worker_takes_all_its_outputs_with_it_at_once():
    desk = Desk()
    desk.join("a", slots=2)
    desk.submit(StepPlan(1), splits=3)
    for index in range(3):
        desk.done(map_(index))
    desk.join("b", slots=9)
    commands = desk.lose("a")
    assert started(commands) == [map_(0, 1), map_(1, 1), map_(2, 1)]
    assert not every(commands, DiscardOutput)


def test_a_ready_task_waits_again_when_a_need_is_lost():
    desk = Desk()
    desk.join(slots=1)
    desk.submit(StepPlan(2), splits=1)
    desk.done(map_(0))
    assert desk.state(reduce_(1).task) == "READY"
    lose(desk, map_(0))
    assert desk.state(reduce_(1).task) == "WAITING"


# --- another result than before


def test_the_same_digest_again_raises_no_alarm(desk):
    desk.submit(StepPlan(1), splits=2)
    desk.done(map_(0), digest=5)
    lose(desk, map_(0))
    desk.done(map_(0, 1), digest=5)
    assert desk.snapshot().nondeterministic_maps == 0


def test_another_digest_that_nobody_has_read_is_only_counted(desk):
    desk.submit(StepPlan(1), splits=2)
    desk.done(map_(0), digest=5)
    lose(desk, map_(0))
    desk.done(map_(0, 1), digest=6)
    assert desk.snapshot().nondeterministic_maps == 1


def read_by_one_of_two(desk, *steps):
    """Reduce 0 has read map 0, reduce 1 has not when it is lost."""
    desk.submit(*steps, splits=1)
    desk.done(map_(0), digest=5)
    desk.done(reduce_(0), digest=1)
    lose(desk, map_(0))


def test_who_has_read_the_old_output_runs_again(desk):
    read_by_one_of_two(desk, StepPlan(2))
    commands = desk.done(map_(0, 1), digest=6)
    assert commands[0] == PublishOutput(map_(0, 1), 1)
    assert every(commands, DiscardOutput) == [DiscardOutput(reduce_(0))]
    assert started(commands) == [reduce_(0, 1), reduce_(1, 1)]
    desk.done(reduce_(1, 1))
    assert only(desk.done(reduce_(0, 1), digest=2), FinishJob)


def test_who_has_read_the_same_output_does_not_run_again(desk):
    read_by_one_of_two(desk, StepPlan(2))
    assert started(desk.done(map_(0, 1), digest=5)) == [reduce_(1, 1)]


def test_it_runs_again_once_for_each_change(desk):
    read_by_one_of_two(desk, StepPlan(2))
    desk.done(map_(0, 1), digest=6)
    desk.done(reduce_(0, 1), digest=2)
    lose(desk, map_(0, 1))
    assert started(desk.done(map_(0, 2), digest=6)) == [reduce_(1, 2)]


def test_a_change_that_ends_in_the_same_output_goes_no_further(desk):
    read_by_one_of_two(desk, StepPlan(2), StepPlan(1))
    desk.done(map_(0, step=1), digest=7)
    desk.done(map_(0, 1), digest=6)
    assert not started(desk.done(reduce_(0, 1), digest=1))
    assert desk.state(map_(0, step=1).task) == "DONE"


def test_a_change_goes_on_as_far_as_outputs_differ(desk):
    read_by_one_of_two(desk, StepPlan(2), StepPlan(1))
    desk.done(map_(0, step=1), digest=7)
    desk.done(map_(0, 1), digest=6)
    commands = desk.done(reduce_(0, 1), digest=2)
    assert every(commands, DiscardOutput) == [DiscardOutput(map_(0, step=1))]
    assert started(commands) == [map_(0, 1, step=1)]
    assert desk.snapshot().nondeterministic_maps == 1  # a reduce is not counted


def test_no_job_finishes_while_a_doubt_is_open(desk):
    read_by_one_of_two(desk, StepPlan(2), StepPlan(0))
    desk.done(map_(0, step=1))
    desk.done(map_(0, 1), digest=6)
    desk.done(reduce_(1, 1))
    # Both outputs of the last step are there, but one is of an input that may change.
    assert not every(desk.done(map_(1, step=1)), FinishJob)
    assert every(desk.done(reduce_(0, 1), digest=1), FinishJob)


def test_who_was_invalidated_after_its_own_output_was_lost_runs_again(desk):
    desk.submit(StepPlan(2), StepPlan(1), splits=1)
    desk.done(map_(0), digest=5)
    desk.done(reduce_(0), digest=1)
    desk.done(map_(0, step=1))
    lose(desk, reduce_(0))
    assert desk.state(reduce_(0).task) == "DONE"
    lose(desk, map_(0))
    assert reduce_(0, 1) in started(desk.done(map_(0, 1), digest=6))


def test_a_change_after_the_commit_fails_the_job(desk):
    read_by_one_of_two(desk, StepPlan(2, to_sink=True))
    desk.commit(reduce_(0))
    failed = only(desk.done(map_(0, 1), digest=6), FailJob)
    assert failed.task == map_(0).task
    assert failed.reason.startswith("map 0 ran again and gave another result")


def test_a_change_while_the_sink_commits_fails_the_job(desk):
    read_by_one_of_two(desk, StepPlan(2, to_sink=True))
    assert desk.state(reduce_(0).task) == "COMMITTING"
    assert only(desk.done(map_(0, 1), digest=6), FailJob)


def test_another_sample_invalidates_the_maps_that_were_cut_by_the_old_one(desk):
    desk.submit(StepPlan(1, sampled=True), splits=2)
    desk.done(sample(), digest=1)
    desk.done(map_(0))
    assert started(lose(desk, sample())) == [sample(1)]
    assert started(desk.done(sample(1), digest=2)) == [map_(0, 1), map_(1, 1)]
