"""Members that say anything at all: the coordinator goes on, and a job to which they
have no right stays exact.

A failure names its seed in the test's id, as those of the simulation do.
"""

import random

import pytest
from net_fakes import FakeDepot
from net_liar import Liar
from net_world import VERSIONS, FakeJob, World, expected, finish, key_of, step

from mincer.net.line import greeting
from mincer.net.offers import NotHere
from mincer.wire import frames
from mincer.wire.packets import write_packet
from mincer.wire.session import Session

NAME = "liar"
JOB = "1" * 32
STEPS = [step(0, 2), step(1, 3)]
LIES_S, EVERY_S = 1.0, 0.002


class Deaf:
    """What the world sees of the liar: it hears nothing."""

    take_out = staticmethod(list)

    def hear(self, message, now):
        """And says what it likes."""

    pulled = turn = hear

    def asked(self, head):
        return []


class LyingMember:
    """Joins as `role`, and lies for a while."""

    node = Deaf()
    name = NAME

    def __init__(self, world, role, slots, seed):
        self.world = world
        self.role = role
        self.slots = slots
        self.chance = random.Random(seed)
        self.liar = Liar(self.chance)
        self.life = -1
        world.members[NAME] = self
        world.later(0.02, self.lie)

    def lie(self):
        world = self.world
        if world.now > 100.0 + LIES_S:
            world.kill(NAME)
            return
        member = world.hub.members.of_key(key_of(NAME))
        if member is None or member.life != self.life:
            self.join()
        world.hub.hear(key_of(NAME), self.role, self.message(), world.now)
        world.hub.turn(world.now)
        world.later(EVERY_S, self.lie)

    def join(self):
        self.life += 1
        self.session = Session(10**12)
        hello = frames.Hello(
            *(frames.PROTOCOL, *VERSIONS, self.role, NAME, self.life, self.slots),
            address="tcp://here:1",
        )
        hub = self.world.hub
        hub.hear(key_of(NAME), self.role, greeting(hello), self.world.now)

    def message(self):
        books = self.world.hub.books
        self.liar.jobs = list(books) or self.liar.jobs
        self.liar.attempts = [
            frames.name_of(attempt)
            for book in books.values()
            for attempt in (*book.running, *book.outputs)
        ] or [(0, "map", 0, 0)]
        if self.chance.random() < 0.2:
            return self.liar.pull()
        union = frames.JobSaid if self.role == "driver" else frames.FromWorker
        packet = self.session.send(self.liar.payload(union))
        return write_packet(self.life, packet)


@pytest.fixture(autouse=True)
def fakes_deny(monkeypatch):
    """The fakes take it for a mistake of ours when they are asked for nonsense."""
    for fake in (FakeDepot, FakeJob):

        def find(self, thing, ask=fake.find):
            try:
                return ask(self, thing)
            except (AssertionError, AttributeError) as error:
                raise NotHere("nonsense") from error

        monkeypatch.setattr(fake, "find", find)


def world_of(role, slots, seed):
    world = World(seed)
    for name in ("a", "b"):
        world.worker(name)
    LyingMember(world, role, slots, seed)
    job = FakeJob(world.driver(), JOB, STEPS, splits=12)
    job.hand_over()
    return world, job


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("role", ["worker", "driver", "observer"])
def test_who_was_given_nothing_changes_nothing(role, seed):
    world, job = world_of(role, slots=0, seed=seed)
    finish(world, job)
    assert job.parts == expected(STEPS, job.splits)
    assert role == "driver" or world.hub.dropped > 0


@pytest.mark.parametrize("seed", range(5))
def test_who_lies_about_his_own_work_stops_nobody_else(seed):
    """His job may fail of it, or have his lies in it; the coordinator goes on."""
    world, job = world_of("worker", slots=2, seed=seed)
    # What the fake driver asserts of a part is not ours to look at.
    job.commit = lambda attempt, account: job.driver.node.say(
        frames.Committed(JOB, frames.name_of(attempt))
    )
    assert world.run(lambda: job.over)
    job.driver.node.leave(JOB)
    other = FakeJob(job.driver, "2" * 32, STEPS, splits=12)
    world.run(lambda: NAME not in world.members)
    other.hand_over()
    finish(world, other)


def test_figures_that_make_no_sense_together_do_not_stop_the_coordinator():
    world = World(1)
    worker = world.worker("a")
    job = FakeJob(world.driver(), JOB, [step(0)], splits=9)
    said = []

    def say(frame):
        if isinstance(frame, frames.Done):
            figures = [2**63 - 1] * 7
            account = frames.Account(figures, frame.account.part)
            frame = frames.Done(*frame_fields(frame), account)
            said.append(frame)
        worker.node.line.say(frame)

    worker.node._say = say
    job.hand_over()
    finish(world, job)
    assert said


def frame_fields(done):
    return done.job, done.attempt, done.length_bytes, done.digest


def test_a_job_of_more_reduces_than_fit_is_refused():
    world = World(1)
    steps = [step(number, parts=32_000) for number in range(7)]
    job = FakeJob(world.driver(), JOB, steps, splits=1)
    job.hand_over()
    assert world.run(lambda: job.over, 5.0)
    assert "200,000 reduces" in job.over.reason
