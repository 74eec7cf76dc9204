"""Who is charged when an attempt ends, and what becomes of the job."""

import pytest
from core_desk import Desk, every, map_, only, reduce_, sample, started

from mincer.core.commands import (
    CancelAttempt,
    CommitOutput,
    DiscardOutput,
    FailJob,
    FinishJob,
    PublishOutput,
    ReleaseStep,
    StartAttempt,
)
from mincer.core.events import (
    AttemptDone,
    AttemptFailed,
    Fault,
    JobCancelled,
    OutputCommitted,
    OutputRefused,
    SegmentLost,
    StepPlan,
)
from mincer.errors import Bug
from mincer.ids import WorkerId
from mincer.limits import OUTPUT_LOSSES_MAX, WORKERS_LOST_MAX

W = WorkerId("w", 0)
MAPS = StepPlan(0)
SINK = StepPlan(1, to_sink=True)


@pytest.fixture
def desk():
    desk = Desk()
    desk.join(slots=2)
    return desk


# --- who is charged


@pytest.mark.parametrize("fault", [Fault.RAISED, Fault.DIED, Fault.OVER_MEMORY])
def test_a_failure_is_charged_to_the_task(desk, fault):
    desk.submit(MAPS, splits=1, attempts_max=3)
    assert started(desk.fail(map_(0, 0), fault)) == [map_(0, 1)]
    assert started(desk.fail(map_(0, 1), fault, 5)) == [map_(0, 2)]
    failed = only(desk.fail(map_(0, 2), fault, 7), FailJob)
    assert failed.reason == f"map 0 failed 3 times ({fault.value})"
    assert failed == FailJob(
        "j", failed.reason, map_(0).task, map_(0, 2), fault, record=7
    )


def test_a_task_that_may_be_tried_once_fails_at_once(desk):
    desk.submit(MAPS, splits=1, attempts_max=1)
    assert "failed once" in only(desk.fail(map_(0), Fault.RAISED), FailJob).reason


def test_when_a_job_fails_all_that_runs_is_cancelled_and_all_that_is_kept_discarded(
    desk,
):
    desk.submit(StepPlan(1), splits=3, attempts_max=1)
    desk.done(map_(0))
    commands = desk.fail(map_(1), Fault.RAISED)
    assert every(commands, CancelAttempt) == [CancelAttempt(W, map_(2))]
    assert every(commands, DiscardOutput) == [DiscardOutput(map_(0))]
    assert every(commands, ReleaseStep) == [ReleaseStep("j", 0)]
    assert isinstance(commands[-1], FailJob)


def test_a_hopeless_failure_fails_the_job_at_once(desk):
    desk.submit(MAPS, splits=1)
    failed = only(desk.fail(map_(0), Fault.HOPELESS, 2), FailJob)
    assert (failed.fault, failed.record) == (Fault.HOPELESS, 2)


def test_a_lost_worker_is_not_charged_to_its_tasks(desk):
    desk.submit(MAPS, splits=1, attempts_max=1)
    desk.join("v")
    assert started(desk.lose()) == [map_(0, 1)]
    assert desk.snapshot().attempts_lost == 1
    assert desk.snapshot().attempts_failed == 0


def test_a_task_that_has_lost_four_workers_is_poison():
    desk = Desk()
    desk.submit(MAPS, splits=1)
    for life in range(WORKERS_LOST_MAX):
        desk.join(incarnation=life)
        commands = desk.lose(incarnation=life)
    failed = only(commands, FailJob)
    assert failed.reason == "4 workers were lost while they ran map 0"
    assert failed.attempt == map_(0, 3)


def test_poison_is_found_though_its_worker_also_kept_what_it_read():
    desk = Desk()
    desk.submit(StepPlan(1), splits=1)
    for life in range(WORKERS_LOST_MAX):
        desk.join(incarnation=life)
        desk.done(map_(0, life))
        commands = desk.lose(incarnation=life)
    assert only(commands, FailJob).task == reduce_(0).task


def test_a_worker_that_ran_two_attempts_of_a_task_counts_once(desk):
    desk.submit(MAPS, splits=4)
    desk.now = 1.0
    for index in range(3):
        desk.done(map_(index))
    assert started(desk.tick(9.0)) == [map_(3, 1)]
    desk.lose()
    assert desk.task(map_(3).task).workers_lost == 1


def test_a_fault_of_the_worker_is_not_charged_to_the_task(desk):
    desk.submit(MAPS, splits=1, attempts_max=1)
    assert started(desk.fail(map_(0), Fault.WORKER_FAULT)) == [map_(0, 1)]


# --- bad records


def test_a_bad_record_is_left_out_and_nobody_is_charged(desk):
    desk.submit(MAPS, splits=1, attempts_max=1, skips_max=2)
    assert only(desk.fail(map_(0), Fault.RAISED, 7), StartAttempt).skip == (7,)
    assert only(desk.fail(map_(0, 1), Fault.RAISED, 3), StartAttempt).skip == (3, 7)
    assert desk.snapshot().skipped_records == 2


def test_one_bad_record_too_many_fails_the_job_and_is_named(desk):
    desk.submit(MAPS, splits=2, skips_max=1)
    desk.fail(map_(0), Fault.RAISED, 7)
    failed = only(desk.fail(map_(1), Fault.RAISED, 7), FailJob)
    assert failed.task == map_(1).task
    assert failed.record == 7
    assert failed.reason == "map 1 failed, and skip_bad_records=1 is used up"


def test_a_record_counts_once_however_many_attempts_it_fails(desk):
    desk.submit(MAPS, splits=4, skips_max=1)
    desk.now = 1.0
    for index in range(3):
        desk.done(map_(index))
    desk.tick(9.0)
    desk.fail(map_(3, 0), Fault.RAISED, 7)
    assert only(desk.fail(map_(3, 1), Fault.RAISED, 7), StartAttempt).skip == (7,)


def test_a_record_that_was_left_out_cannot_have_done_it(desk):
    desk.submit(MAPS, splits=1, attempts_max=1, skips_max=9)
    desk.fail(map_(0), Fault.RAISED, 7)
    assert only(desk.fail(map_(0, 1), Fault.RAISED, 7), FailJob).record == 7


def test_reduces_skip_nothing(desk):
    desk.submit(StepPlan(1), splits=0, attempts_max=1, skips_max=9)
    assert only(desk.fail(reduce_(0), Fault.RAISED, 7), FailJob).record == 7


def test_without_a_known_record_the_task_is_charged(desk):
    desk.submit(MAPS, splits=1, attempts_max=1, skips_max=9)
    assert only(desk.fail(map_(0), Fault.RAISED), FailJob).record is None


@pytest.mark.parametrize("fault", [Fault.DIED, Fault.OVER_MEMORY])
def test_after_a_sudden_end_the_next_attempt_is_careful(desk, fault):
    desk.submit(MAPS, splits=1)
    assert only(desk.fail(map_(0), fault), StartAttempt).careful
    assert only(desk.fail(map_(0, 1), Fault.RAISED), StartAttempt).careful


def test_after_an_exception_the_next_attempt_is_not_careful(desk):
    desk.submit(MAPS, splits=1)
    assert not only(desk.fail(map_(0), Fault.RAISED), StartAttempt).careful


def test_a_death_names_its_record_only_in_a_careful_attempt(desk):
    desk.submit(MAPS, splits=1, skips_max=1)
    first = only(desk.fail(map_(0), Fault.DIED, 7), StartAttempt)
    assert (first.skip, first.careful) == ((), True)
    second = only(desk.fail(map_(0, 1), Fault.DIED, 7), StartAttempt)
    assert (second.skip, second.careful) == ((7,), True)


# --- time


def test_an_attempt_whose_time_is_up_is_cancelled_and_charged(desk):
    desk.submit(MAPS, splits=1, attempts_max=2, task_timeout_s=5.0)
    assert desk.coordinator.deadline() == 5.0
    assert not desk.tick(4.9)
    commands = desk.tick(5.0)
    assert commands[0] == CancelAttempt(W, map_(0), timed_out=True)
    assert only(commands, StartAttempt).careful
    assert desk.coordinator.deadline() == 10.0
    failed = only(desk.tick(10.0), FailJob)
    assert (failed.fault, failed.attempt) == (Fault.TIMED_OUT, map_(0, 1))


def test_a_failure_that_comes_after_its_time_was_up_is_late(desk):
    desk.submit(MAPS, splits=1, task_timeout_s=5.0)
    desk.tick(5.0)
    assert not desk.fail(map_(0), Fault.DIED, 3)


def test_only_attempts_that_are_too_old_time_out(desk):
    desk.submit(MAPS, splits=2, task_timeout_s=5.0)
    desk.now = 2.0
    desk.fail(map_(0), Fault.RAISED)
    assert every(desk.tick(5.0), CancelAttempt) == [CancelAttempt(W, map_(1), True)]


# --- two attempts, late and wrong


def test_a_late_output_is_discarded(desk):
    desk.submit(MAPS, splits=1)
    desk.join("v")
    desk.lose()
    assert desk.done(map_(0)) == [DiscardOutput(map_(0))]


def test_the_winner_said_again_is_nothing(desk):
    desk.submit(StepPlan(1), splits=1)
    desk.done(map_(0))
    assert desk.done(map_(0)) == []


def test_what_comes_from_another_worker_is_dropped(desk):
    desk.submit(MAPS, splits=1)
    other = WorkerId("w", 7)
    assert desk.tell(AttemptDone(map_(0), other, 1, 0)) == []
    assert desk.tell(AttemptFailed(map_(0), other, Fault.WORKER_FAULT)) == []
    assert desk.state(map_(0).task) == "RUNNING"


def test_an_attempt_that_was_never_started_is_a_bug(desk):
    desk.submit(MAPS, splits=1)
    with pytest.raises(Bug, match="attempt 1 was never started"):
        desk.tell(AttemptDone(map_(0, 1), W, 1, 0))
    with pytest.raises(Bug, match="never planned"):
        desk.tell(SegmentLost(map_(1)))


# --- outputs that are lost


def test_a_lost_need_is_made_again_and_its_reader_is_not_charged(desk):
    desk.submit(StepPlan(1), splits=2, attempts_max=1)
    desk.done(map_(0))
    desk.done(map_(1))
    commands = desk.fail(reduce_(0), Fault.NEED_LOST, lost=(map_(1), map_(1)))
    assert commands[0] == DiscardOutput(map_(1))
    assert started(commands) == [map_(1, 1)]
    assert desk.state(reduce_(0).task) == "WAITING"
    again = desk.done(map_(1, 1))
    assert only(again, PublishOutput).number == 2
    start = only(again, StartAttempt)
    assert start.attempt == reduce_(0, 1)
    assert (start.commits, start.without) == (3, (1,))
    assert desk.snapshot().attempts_lost == 1


def test_a_reader_that_misses_what_is_not_in_use_is_charged(desk):
    desk.submit(StepPlan(1), splits=1, attempts_max=1)
    desk.done(map_(0))
    assert only(desk.fail(reduce_(0), Fault.NEED_LOST), FailJob).task.kind == "reduce"


def test_readers_that_run_are_stopped_when_a_need_is_lost(desk):
    desk.submit(StepPlan(2), splits=1)
    desk.done(map_(0))
    commands = desk.tell(SegmentLost(map_(0)))
    cancelled = [c.attempt for c in every(commands, CancelAttempt)]
    assert cancelled == [reduce_(0), reduce_(1)]
    assert started(commands) == [map_(0, 1)]


def test_a_result_made_of_what_was_lost_meanwhile_is_refused(desk):
    desk.submit(StepPlan(1), splits=1)
    desk.done(map_(0))
    desk.tell(SegmentLost(map_(0)))
    assert desk.done(reduce_(0)) == [DiscardOutput(reduce_(0))]
    assert desk.state(reduce_(0).task) == "WAITING"


def test_a_loss_that_is_old_news_is_nothing(desk):
    desk.submit(StepPlan(1), splits=1)
    desk.done(map_(0))
    desk.tell(SegmentLost(map_(0)))
    desk.done(map_(0, 1))
    assert desk.tell(SegmentLost(map_(0))) == []


def test_an_output_that_is_lost_again_and_again_fails_the_job(desk):
    desk.submit(StepPlan(1), splits=1)
    for number in range(OUTPUT_LOSSES_MAX):
        desk.done(map_(0, number))
        commands = desk.fail(
            reduce_(0, number), Fault.NEED_LOST, lost=(map_(0, number),)
        )
    failed = only(commands, FailJob)
    assert (
        failed.reason == "the output of map 0 could not be read, last from w#0, 8 times"
    )
    assert failed.task == map_(0).task


# --- sinks


def test_a_task_for_the_sink_is_done_when_the_sink_has_it(desk):
    desk.submit(SINK, splits=0)
    assert desk.done(reduce_(0)) == [CommitOutput(reduce_(0))]
    assert desk.state(reduce_(0).task) == "COMMITTING"
    assert only(desk.commit(reduce_(0)), FinishJob).winners == (reduce_(0),)


def test_a_refused_output_is_made_again(desk):
    desk.submit(SINK, splits=0)
    desk.done(reduce_(0))
    assert started(desk.tell(OutputRefused(reduce_(0)))) == [reduce_(0, 1)]
    assert desk.commit(reduce_(0)) == []  # late, and contradicts itself


def test_a_refused_output_waits_for_needs_that_went_meanwhile(desk):
    desk.submit(SINK, splits=1)
    desk.done(map_(0))
    desk.done(reduce_(0))
    assert started(desk.tell(SegmentLost(map_(0)))) == [map_(0, 1)]
    assert desk.tell(OutputRefused(reduce_(0))) == []
    assert desk.state(reduce_(0).task) == "WAITING"
    assert started(desk.done(map_(0, 1))) == [reduce_(0, 1)]


def test_an_output_that_the_sink_refuses_again_and_again_fails_the_job(desk):
    desk.submit(SINK, splits=0)
    for number in range(OUTPUT_LOSSES_MAX):
        desk.done(reduce_(0, number))
        commands = desk.tell(OutputRefused(reduce_(0, number)))
    failed = only(commands, FailJob)
    assert failed.reason == "the output of reduce 0 was refused by the sink, 8 times"


def test_while_the_sink_commits_a_lost_worker_changes_nothing(desk):
    desk.submit(SINK, splits=0)
    desk.done(reduce_(0))
    assert desk.lose() == []
    assert only(desk.tell(OutputCommitted(reduce_(0))), FinishJob)


def test_a_committed_output_is_not_lost_with_its_worker(desk):
    desk.submit(StepPlan(2, to_sink=True), splits=0)
    desk.done(reduce_(0))
    desk.commit(reduce_(0))
    desk.join("v")
    assert started(desk.lose()) == [reduce_(1, 1)]


# --- the end


def test_the_end_names_the_winner_of_every_task(desk):
    desk.submit(StepPlan(1, sampled=True), StepPlan(1), splits=1)
    desk.done(sample())
    desk.fail(map_(0), Fault.RAISED)
    desk.done(map_(0, 1))
    desk.done(reduce_(0))
    desk.done(map_(0, step=1))
    commands = desk.done(reduce_(0, step=1))
    won = (sample(), map_(0, 1), reduce_(0), map_(0, step=1), reduce_(0, step=1))
    released = [ReleaseStep("j", 0), ReleaseStep("j", 1)]
    assert commands == [*released, FinishJob("j", won)]


def test_what_maps_made_is_not_released_when_it_is_the_result(desk):
    desk.submit(MAPS, splits=1)
    assert desk.done(map_(0)) == [FinishJob("j", (map_(0),))]


def test_what_maps_made_is_released_when_it_is_in_the_sink(desk):
    desk.submit(StepPlan(0, to_sink=True), splits=1)
    desk.done(map_(0))
    assert every(desk.commit(map_(0)), ReleaseStep) == [ReleaseStep("j", 0)]


def test_at_the_end_nobody_waits_for_a_sample_of_nothing(desk):
    desk.submit(StepPlan(1, sampled=True), splits=0)
    commands = desk.done(reduce_(0))
    assert every(commands, CancelAttempt) == [CancelAttempt(W, sample())]
    assert only(commands, FinishJob).winners == (reduce_(0),)


def test_a_cancelled_job_stops_everything(desk):
    desk.submit(SINK, splits=2)
    desk.done(map_(0))
    commands = desk.tell(JobCancelled("j", "Ctrl-C"))
    assert commands == [
        CancelAttempt(W, map_(1)),
        DiscardOutput(map_(0)),
        ReleaseStep("j", 0),
        FailJob("j", "Ctrl-C"),
    ]


def test_what_was_committing_when_the_job_ended_is_cancelled(desk):
    desk.submit(SINK, splits=0)
    desk.done(reduce_(0))
    commands = desk.tell(JobCancelled("j", "Ctrl-C"))
    assert every(commands, DiscardOutput) == [DiscardOutput(reduce_(0))]
    assert desk.commit(reduce_(0)) == []
