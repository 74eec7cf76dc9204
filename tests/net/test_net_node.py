"""A worker's node, where the simulation does not lead it: drains, detours, deaths."""

from net_world import FakeJob, finish, step

from mincer.core.events import Fault
from mincer.errors import OutputError, SegmentError
from mincer.ids import AttemptId, TaskId
from mincer.wire import frames, pulls
from mincer.worker.orders import AttemptsUnbegun, AttemptUnmade

JOB = f"{1:032x}"
STEPS = [step(0, 2), step(1, 2)]


def make(world, splits=6):
    return FakeJob(world.driver(), JOB, STEPS, splits)


def test_a_worker_that_drains_finishes_what_it_has_and_leaves(world):
    world.slow_s = 1.0
    a, b = world.worker("a"), world.worker("b")
    job = make(world)
    job.hand_over()
    world.run(lambda: a.children.slots and b.children.slots)
    a.node.drain(world.now)
    assert world.run(lambda: a.node.has_left, 30.0)
    world.run(lambda: a.node.line.is_clear, 5.0)
    del world.members["a"]
    finish(world, job)
    assert a.children.slots == []


def test_a_worker_with_nothing_to_do_leaves_at_once(world):
    a = world.worker("a")
    world.run(lambda: a.node.line.welcome, 5.0)
    a.node.drain(world.now)
    assert world.run(lambda: a.node.has_left, 0.1)


def test_who_cannot_be_reached_is_pulled_from_by_the_coordinator(world):
    a, b = world.worker("a"), world.worker("b")
    job = make(world)

    def cut_the_direct_way():
        for worker in (a, b):
            for number in list(worker.node.reach.peers):
                worker.node.unreachable(number, world.now)
                worker.node.unreachable(number, world.now)

    for tenth in range(1, 40):
        world.later(tenth / 20, cut_the_direct_way)
    job.hand_over()
    finish(world, job)
    assert a.node.reach.relayed | b.node.reach.relayed


def test_a_direct_way_that_leads_nowhere_is_given_up_by_itself(world):
    a, b = world.worker("a", 1), world.worker("b", 1)
    world.mute.add("a")
    job = make(world)
    job.hand_over()
    finish(world, job)
    assert a.node.line.welcome.member in b.node.reach.relayed


def test_an_output_that_is_not_here_any_more_is_made_again(world):
    a = world.worker("a")
    job = make(world)
    lost = []

    def lose():
        depot = a.depots[0]
        maps = [one for one in depot.output if one.task.kind == "map"]
        if maps and not lost:
            lost.append(maps[0])
            del depot.output[maps[0]]

    for tenth in range(1, 40):
        world.later(tenth / 50, lose)
    job.hand_over()
    finish(world, job)
    assert lost


def test_what_the_disk_does_not_take_is_the_workers_fault(world):
    a = world.worker("a")
    world.worker("b")
    job = make(world)
    said = []

    def full(need, offset, data):
        raise SegmentError("the disk is full")

    def open_depot(told, me):
        depot = opened(told, me)
        depot.write = full
        return depot

    opened = a.open_depot
    a.node._open_depot = open_depot
    say = a.node._say
    a.node._say = lambda frame: (said.append(frame), say(frame))
    job.hand_over()
    finish(world, job)
    failed = [one for one in said if isinstance(one, frames.Failed)]
    assert {one.fault for one in failed} == {Fault.WORKER_FAULT.value}
    assert len(failed) in (3, 4)  # then it is given no more
    assert "the disk is full" in failed[0].error.what


def test_attempts_whose_time_is_up_are_told_with_their_error(world):
    world.slow_s = 1e6
    a = world.worker("a")
    job = make(world, splits=1)
    job.submit = frames.Submit(JOB, job.token, "a job", STEPS, None, 1, 0, 5.0)
    job.hand_over()
    assert world.run(lambda: job.over, 60.0)
    assert job.over.fault == Fault.TIMED_OUT.value
    assert world.run(lambda: not a.children.slots, 1.0)


def test_what_waits_behind_an_attempt_is_given_back(world, monkeypatch):
    from mincer.core import policy

    monkeypatch.setattr(policy, "QUEUE_FINISHED_MIN", 0)
    monkeypatch.setattr(policy, "QUEUE_S", 1e9)
    world.slow_s = 3.0
    world.worker("a", 1)
    job = make(world, splits=12)
    world.later(2.0, lambda: world.worker("b", 1))
    job.hand_over()
    finish(world, job)


def test_a_worker_that_hears_nothing_any_more_ends_what_runs(world):
    world.slow_s = 1000.0
    a = world.worker("a")
    job = make(world)
    job.hand_over()
    assert world.run(lambda: a.children.slots, 10.0)
    life = a.node.line.life
    cut_at = world.now
    world.cut.add("hub")
    assert world.run(lambda: not a.children.slots, 60.0)
    lease_s = 15.0
    assert lease_s - 1.5 < world.now - cut_at < lease_s + 1.5
    assert a.node.line.life == life + 1
    assert not a.node._depots
    # The next life greets until somebody is there.
    world.run(lambda: False, 60.0)
    assert a.node.line.life == life + 1
    world.slow_s = 0.05
    world.new_hub()
    world.cut.clear()
    assert world.run(lambda: a.node.line.welcome, 10.0)


def test_of_jobs_that_are_not_known_nothing_is_served(world):
    a = world.worker("a")
    thing = pulls.OutputOf(JOB, b"t" * 16, (0, "map", 0, 0))
    (message,) = a.node.asked(pulls.Open(1, 2, 3, thing))
    denied, _ = pulls.read_pull(message)
    assert denied.why == "nothing of this job is here"


def test_what_is_told_of_a_job_that_is_over_is_not_said(world):
    a = world.worker("a")
    attempt = AttemptId(TaskId(JOB, 0, "map", 0), 0)
    a.node.told(world.made(attempt, ["s0"]), world.now)
    assert a.node.line.is_clear


def test_what_was_given_back_is_forgotten(world):
    world.slow_s = 30.0
    a = world.worker("a", slots=1)
    job = make(world)
    job.hand_over()
    assert world.run(lambda: a.children.slots)
    (depot,) = a.depots
    (attempt,) = depot.rows
    a.children.slots.clear()
    a.node.told(AttemptsUnbegun((attempt,)), world.now)
    assert not depot.rows
    world.pump()
    assert world.run(lambda: depot.rows, 5.0)  # as another attempt, or the same again
    job.driver.node.leave(JOB)
    assert world.run(lambda: depot.is_closed, 5.0)
    a.node.told(AttemptsUnbegun((attempt,)), world.now)  # late, and no harm


def test_when_a_turn_is_due(world):
    a = world.worker("a")
    a.node.turn(world.now)
    assert world.now < a.node.deadline() <= world.now + 1.0


class Lost:
    """A folder of the output, that is lost with the first part."""

    def __init__(self):
        self.asked = 0

    def is_lost(self):
        self.asked += 1
        return self.asked == 1


def test_an_attempt_that_lost_the_folder_of_the_output_is_given_back(world):
    world.slow_s = 1.0
    a = world.worker("a")
    job = make(world)
    job.hand_over()
    world.run(lambda: len(a.children.slots) == 2)
    depot = a.depots[0]
    depot.shared = Lost()
    one, two = (slot[0][0] for slot in a.children.slots)
    for attempt in (one, two):
        a.children.cancel(attempt)
        error = OutputError("cannot write to out: it is gone")
        a.node.told(AttemptUnmade(attempt, Fault.WORKER_FAULT, error), world.now)
    finish(world, job)
    assert depot.shared.asked == 2
    # The first was nobody's fault, and the second somebody's.
    assert job.over.outcomes["failed"] == 1
    assert job.over.outcomes["done"] == 6 + 2 + 2 + 2
