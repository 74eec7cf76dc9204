"""A driver's end: parts are committed whole, and asked for again when they are lost."""

from net_world import FakeJob, finish, step

from mincer.errors import SegmentError
from mincer.flow.ports import PartMade, ReduceMade
from mincer.net.ports import Kept
from mincer.store.disk import Place
from mincer.wire import frames, pulls

JOB = f"{1:032x}"
STEPS = [step(0, 3)]


def make(world, splits=6):
    return FakeJob(world.driver(), JOB, STEPS, splits)


def test_parts_that_a_worker_wrote_itself_are_committed_unread(world):
    made = world.made

    def written(attempt, read):
        told = made(attempt, read)
        if attempt.task.kind == "reduce":
            texts[attempt.task.index] = told.place.path
            told.place = None
        return told

    texts = {}

    class Written(FakeJob):
        def commit(self, attempt, account):
            assert account.is_written
            self.parts[attempt.task.index] = texts[attempt.task.index]
            self.driver.node.say(frames.Committed(JOB, frames.name_of(attempt)))

    worker = world.worker("a")
    worker.depots_made = worker.open_depot

    def open_depot(told, me):
        depot = worker.depots_made(told, me)
        keep = depot.made
        depot.made = lambda attempt, place: (
            keep(attempt, place) if place else depot.ended(attempt) or Kept()
        )
        return depot

    worker.node._open_depot = open_depot
    world.made = written
    job = Written(world.driver(), JOB, STEPS, 6)
    job.hand_over()
    finish(world, job)


def test_parts_that_are_empty_are_committed_at_once(world):
    made = world.made

    def nothing(attempt, read):
        told = made(attempt, read)
        if attempt.task.kind == "reduce":
            told.place, told.made = (
                Place("", 0, 0),
                ReduceMade(0, 0, PartMade(0, 0, "")),
            )
        return told

    world.made = nothing
    world.worker("a")
    job = make(world)
    asked = []
    job.driver.node._pull = lambda *what: asked.append(what)
    job.hand_over()
    assert world.run(lambda: job.over)
    assert job.parts == dict.fromkeys(range(3), "")
    assert asked == []


def test_a_part_whose_worker_is_gone_is_made_again(world):
    world.worker("a")
    job = make(world)
    drops = []
    job.drop = drops.append
    asked = job.driver.node._pull

    def pull(asker, frame, now):
        asked(asker, frame, now)
        if "a" in world.members:
            world.kill("a")
            world.worker("b")

    job.driver.node._pull = pull
    job.hand_over()
    finish(world, job)
    assert drops


def test_a_driver_without_room_fails_its_job_and_says_why(world):
    world.worker("a")
    job = make(world)

    def full(attempt, offset, data):
        raise SegmentError("the disk is full")

    job.write = full
    job.hand_over()
    assert world.run(lambda: job.over)
    assert "the disk is full" in job.over
    world.run(lambda: False, 1.0)
    assert JOB not in world.hub.coordinator.jobs


def test_a_driver_without_room_gives_back_what_it_came_for(world):
    world.worker("a")
    job = make(world)
    job.submit = frames.Submit(JOB, job.token, "a job", STEPS, will_leave=True)
    job.hand_over()
    while not job.detached or job.detached[-1].owed:
        asked = len(job.detached)
        job.driver.node.say(frames.Detach(JOB))
        assert world.run(lambda asked=asked: len(job.detached) > asked, 60.0)

    def full(attempt, offset, data):
        raise SegmentError("the disk is full")

    first = FakeJob(world.driver("first"), JOB, STEPS, 6)
    first.write = full
    first.driver.node.fetch(JOB, first)
    assert world.run(lambda: first.over)
    assert "the disk is full" in first.over
    assert world.run(lambda: first.detached, 60.0)
    second = FakeJob(world.driver("second"), JOB, STEPS, 6)
    second.driver.node.fetch(JOB, second)
    finish(world, second)


def test_a_job_that_cannot_be_fetched_is_forgotten(world):
    first = FakeJob(world.driver("first"), JOB, STEPS, 6)
    node = first.driver.node
    node.fetch(JOB, first)
    again = FakeJob(first.driver, JOB, STEPS, 6)
    node.fetch(JOB, again)
    assert again.over == "this process has it in work"
    assert world.run(lambda: first.over, 60.0)
    assert first.over == "there is no such job here"
    node.fetch(JOB, again)
    assert world.run(lambda: again.over == first.over, 60.0)


def test_who_cannot_be_reached_is_pulled_from_by_the_coordinator(world):
    world.worker("a")
    job = make(world)
    node = job.driver.node

    def cut():
        for number in list(node.reach.peers):
            node.unreachable(number, world.now)
            node.unreachable(number, world.now)

    for tenth in range(1, 40):
        world.later(tenth / 50, cut)
    job.hand_over()
    finish(world, job)
    assert node.reach.relayed


def test_a_direct_way_that_leads_nowhere_is_given_up_by_itself(world):
    worker = world.worker("a")
    world.mute.add("a")
    job = make(world)
    job.hand_over()
    finish(world, job)
    assert job.driver.node.reach.relayed == {worker.node.line.welcome.member}


def test_who_leaves_a_job_stops_it_and_hears_no_more(world):
    world.slow_s = 30.0
    worker = world.worker("a")
    job = make(world)
    job.hand_over()
    world.run(lambda: worker.children.slots)
    job.driver.node.leave(JOB)
    job.driver.node.leave(JOB)
    assert world.run(lambda: not worker.children.slots, 5.0)
    world.run(lambda: False, 1.0)
    assert not world.hub.books
    assert job.over is None


def test_what_belongs_to_no_job_of_this_driver_is_not_served(world):
    job = make(world)
    job.driver.node.submit(job.submit, job)
    for thing in (
        pulls.PacketOf("f" * 32, job.token, 0),
        pulls.PacketOf(JOB, b"wrong".ljust(16), 0),
    ):
        (message,) = job.driver.node.asked(pulls.Open(1, 2, 3, thing))
        denied, _ = pulls.read_pull(message)
        assert denied.why == "this driver has no such job"


def test_all_jobs_hear_when_the_connection_ends(world):
    job = make(world)
    job.hand_over()
    job.driver.node.gone("it was closed")
    assert job.over == "it was closed"


def test_a_coordinator_that_ends_loses_the_jobs_and_says_so(world):
    job = make(world)
    job.hand_over()
    assert world.run(lambda: world.hub.books)
    world.hub.close()
    assert world.run(lambda: job.over)
    assert job.over == "the coordinator was closed"


def test_one_that_knows_no_job_is_told_as_such(world):
    job = make(world)
    job.hand_over()
    assert world.run(lambda: world.hub.books)
    world.new_hub()
    assert world.run(lambda: job.over)
    assert job.over == "the coordinator does not know it any more"


def test_a_driver_that_hears_nothing_any_more_says_so(world):
    job = make(world)
    job.hand_over()
    assert world.run(lambda: job.driver.node.line.is_clear, 10.0)
    world.cut.add("hub")
    assert world.run(lambda: job.over, 60.0)
    assert job.over == "the coordinator was not heard of any more"


def test_when_a_turn_is_due(world):
    driver = world.driver()
    driver.node.turn(world.now)
    assert world.now < driver.node.deadline() <= world.now + 1.0
