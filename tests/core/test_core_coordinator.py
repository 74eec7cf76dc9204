"""Events in, commands out: the coordinator's own rules."""

import pytest
from core_desk import Desk, map_, only, reduce_, started

from mincer.core.commands import (
    DiscardOutput,
    FailJob,
    FinishJob,
    ReleaseStep,
    StartAttempt,
)
from mincer.core.coordinator import Coordinator
from mincer.core.events import (
    AttemptDone,
    AttemptFailed,
    AttemptsReturned,
    Fault,
    InputEnded,
    JobCancelled,
    JobPlan,
    JobSubmitted,
    OutputCommitted,
    OutputRefused,
    SegmentLost,
    SplitsAdded,
    StepPlan,
    Tick,
    WorkerLeaving,
    WorkerLost,
    WorkerSeen,
)
from mincer.errors import Bug
from mincer.ids import WorkerId
from mincer.limits import JOBS_REMEMBERED, LEASE_S, WORKER_FAULTS_MAX

W = WorkerId("w", 0)
MAPS = StepPlan(0)


@pytest.fixture
def desk():
    return Desk()


def all_events(job="j"):
    """One of each kind about a job that is not here."""
    return [
        SplitsAdded(job, 0, (1,)),
        InputEnded(job),
        JobCancelled(job, "late"),
        AttemptFailed(map_(0), W, Fault.RAISED),
        SegmentLost(map_(0)),
        OutputCommitted(map_(0)),
        OutputRefused(map_(0)),
    ]


@pytest.mark.parametrize("event", all_events(), ids=lambda e: type(e).__name__)
def test_what_is_said_of_an_unknown_job_is_ignored(desk, event):
    desk.join()
    assert desk.tell(event) == []
    assert desk.tell(AttemptDone(map_(0), W, 1, 0)) == []


@pytest.mark.parametrize("event", all_events(), ids=lambda e: type(e).__name__)
def test_what_is_said_of_a_job_that_is_over_is_ignored(desk, event):
    desk.join()
    desk.submit(MAPS, splits=1, attempts_max=1)
    desk.fail(map_(0), Fault.RAISED)
    assert desk.tell(event) == []


@pytest.mark.parametrize("event", all_events(), ids=lambda e: type(e).__name__)
def test_what_comes_together_with_the_end_of_a_job_is_late(desk, event):
    desk.join()
    desk.submit(MAPS, splits=1, attempts_max=1)
    failed = AttemptFailed(map_(0), W, Fault.RAISED)
    told = desk.coordinator.handle_all((failed, event), desk.now)
    assert [type(command) for command in told] == [ReleaseStep, FailJob]
    assert not desk.coordinator.jobs


def test_all_that_has_come_counts_before_more_is_given_out(desk):
    desk.join(slots=2)
    desk.submit(MAPS, splits=3)
    first, second = (AttemptDone(map_(n), W, 1, 0) for n in range(2))
    told = desk.coordinator.handle_all((first, second), desk.now)
    assert only(told, StartAttempt).attempt == map_(2)
    assert desk.snapshot().steps[0].maps.done == 2


def test_an_output_for_a_job_that_failed_is_discarded(desk):
    desk.join()
    desk.submit(MAPS, splits=1)
    desk.tell(JobCancelled("j", "Ctrl-C"))
    assert desk.done(map_(0)) == [DiscardOutput(map_(0))]


def test_a_winner_said_again_after_the_end_does_not_lose_the_result(desk):
    desk.join()
    desk.submit(MAPS, splits=1)
    assert only(desk.done(map_(0)), FinishJob)
    assert desk.done(map_(0)) == []


def test_a_job_that_is_over_is_not_started_again(desk):
    desk.join()
    desk.submit(MAPS, splits=0)
    assert desk.submit(MAPS, splits=0) == []


def test_only_so_many_jobs_are_remembered():
    coordinator = Coordinator()
    for number in range(JOBS_REMEMBERED + 1):
        coordinator.handle(JobSubmitted(str(number), JobPlan((MAPS,))), 0.0)
        coordinator.handle(JobCancelled(str(number), "enough"), 0.0)
    coordinator.handle(JobSubmitted("1", JobPlan((MAPS,))), 0.0)
    assert coordinator.snapshot("1") is None  # remembered, so not started again
    coordinator.handle(JobSubmitted("0", JobPlan((MAPS,))), 0.0)
    assert coordinator.snapshot("0") is not None  # forgotten


def test_splits_that_come_again_are_not_added_again(desk):
    desk.submit(MAPS)
    desk.splits(0, 2)
    desk.splits(2, 1)
    desk.splits(0, 2)
    desk.end()
    desk.splits(2, 1)
    assert desk.snapshot().steps[0].maps.total == 3


def test_splits_after_a_gap_are_a_bug(desk):
    desk.submit(MAPS)
    with pytest.raises(Bug, match="splits from 1 on cannot follow 0 splits"):
        desk.splits(1, 1)


def test_splits_after_the_end_are_a_bug(desk):
    desk.submit(StepPlan(1), splits=1)
    with pytest.raises(Bug, match=r"cannot follow 1 splits \(ended\)"):
        desk.splits(1, 1)


def test_two_jobs_are_isolated(desk):
    desk.join(slots=2)
    desk.submit(MAPS, splits=1, job="one", attempts_max=1)
    desk.submit(MAPS, splits=1, job="two")
    assert only(desk.fail(map_(0, job="one"), Fault.RAISED), FailJob).job == "one"
    assert only(desk.done(map_(0, job="two")), FinishJob).job == "two"


def test_a_worker_that_is_lost_is_lost_to_all_jobs(desk):
    desk.join(slots=2)
    desk.submit(MAPS, splits=1, job="one")
    desk.submit(MAPS, splits=1, job="two")
    desk.join("v", slots=2)
    assert started(desk.lose()) == [map_(0, 1, job="one"), map_(0, 1, job="two")]


# --- shunned workers


def test_a_worker_with_three_faults_gets_no_more_tasks(desk):
    desk.join("a")
    desk.submit(MAPS, splits=1)
    for number in range(WORKER_FAULTS_MAX - 1):
        desk.fail(map_(0, number), Fault.WORKER_FAULT)
    desk.join("b")
    commands = desk.fail(map_(0, WORKER_FAULTS_MAX - 1), Fault.WORKER_FAULT)
    assert started(commands) == [map_(0, WORKER_FAULTS_MAX)]
    assert desk.workers[map_(0, WORKER_FAULTS_MAX)].name == "b"
    assert desk.snapshot().workers_healthy == 1


def test_when_no_healthy_worker_is_left_all_jobs_fail(desk):
    desk.join(slots=2)
    desk.submit(MAPS, splits=1, job="one")
    desk.submit(MAPS, splits=1, job="two")
    for number in range(WORKER_FAULTS_MAX):
        job = ("one", "two")[number % 2]
        commands = desk.fail(map_(0, number // 2, job=job), Fault.WORKER_FAULT)
    failed = [c for c in commands if isinstance(c, FailJob)]
    assert {f.job for f in failed} == {"one", "two"}
    assert failed[0].reason.startswith("no healthy worker is left")
    assert failed[0].fault is Fault.WORKER_FAULT


def test_the_next_job_may_try_the_workers_again(desk):
    desk.join()
    desk.submit(MAPS, splits=1)
    for number in range(WORKER_FAULTS_MAX):
        desk.fail(map_(0, number), Fault.WORKER_FAULT)
    assert started(desk.submit(MAPS, splits=1, job="next")) == [map_(0, job="next")]


@pytest.mark.parametrize("is_lost", [True, False])
def test_when_the_last_healthy_worker_goes_those_who_are_shunned_are_tried_again(
    desk, is_lost
):
    desk.join("bad")
    desk.submit(MAPS, splits=1)
    for number in range(WORKER_FAULTS_MAX - 1):
        desk.fail(map_(0, number), Fault.WORKER_FAULT)
    desk.join("good")
    tried = started(desk.fail(map_(0, WORKER_FAULTS_MAX - 1), Fault.WORKER_FAULT))
    good = desk.workers[tried[0]]
    assert good.name == "good"
    if is_lost:
        desk.tell(WorkerLost(good, "gone"))
    else:
        desk.tell(WorkerLeaving(good))
        desk.tell(AttemptsReturned(good, tuple(tried)))
    for number in range(WORKER_FAULTS_MAX):
        again = map_(0, WORKER_FAULTS_MAX + 1 + number)
        assert desk.workers[again].name == "bad"
        commands = desk.fail(again, Fault.WORKER_FAULT)
    (failed,) = [c for c in commands if isinstance(c, FailJob)]
    assert failed.reason.startswith("no healthy worker is left")


def test_while_workers_only_leave_jobs_wait_for_others(desk):
    desk.join(slots=2)
    desk.submit(MAPS, splits=1)
    desk.tell(WorkerLeaving(W))
    assert desk.fail(map_(0), Fault.WORKER_FAULT) == []
    assert started(desk.join("v")) == [map_(0, 1)]


# --- time


def test_there_is_no_deadline_when_nothing_can_happen_by_itself(desk):
    desk.join()
    desk.submit(MAPS, splits=1)
    assert desk.coordinator.deadline() is None


def test_the_deadline_is_the_first_of_all(desk):
    desk.join(slots=2)
    desk.tell(WorkerSeen(W))
    assert desk.coordinator.deadline() == LEASE_S
    desk.submit(MAPS, splits=1, task_timeout_s=30.0)
    desk.submit(MAPS, splits=1, job="k", task_timeout_s=3.0)
    assert desk.coordinator.deadline() == 3.0


def test_a_worker_that_expires_may_end_its_job_on_the_same_tick():
    desk = Desk()
    desk.submit(MAPS, splits=2, task_timeout_s=1.0, attempts_max=9)
    for life in range(4):
        desk.join("w", slots=2, incarnation=life)
        desk.tell(WorkerSeen(WorkerId("w", life)))
        desk.now += 0.5
        commands = desk.lose(incarnation=life) if life < 3 else desk.tick(99.0)
    assert only(commands, FailJob).reason.startswith("4 workers were lost")


def test_a_tick_that_is_early_does_nothing(desk):
    desk.join()
    desk.submit(StepPlan(1), splits=1, task_timeout_s=5.0)
    assert desk.tell(Tick()) == []


def test_the_record_at_which_time_was_up_is_left_out_if_it_is_known(desk):
    desk.join()
    desk.submit(MAPS, splits=1, attempts_max=2, skips_max=1, task_timeout_s=5.0)
    desk.now = 5.0
    assert only(desk.tell(Tick()), StartAttempt).skip == ()
    desk.now = 10.0
    in_work = ((map_(0, 0), 3), (map_(0, 1), 7))
    third = only(desk.tell(Tick(in_work)), StartAttempt)
    assert (third.skip, third.careful) == ((7,), True)


def test_a_whole_job_in_eight_steps(desk):
    """The worked example of docs/design/control-plane.md."""
    assert desk.join("w", slots=2) == []
    assert desk.submit(StepPlan(1)) == []
    assert started(desk.splits(0, 2)) == [map_(0), map_(1)]
    assert desk.end() == []
    assert not started(desk.done(map_(0), digest=1))
    assert started(desk.fail(map_(1), Fault.RAISED)) == [map_(1, 1)]
    assert started(desk.done(map_(1, 1), digest=2)) == [reduce_(0)]
    winners = (map_(0), map_(1, 1), reduce_(0))
    assert only(desk.done(reduce_(0)), FinishJob).winners == winners
