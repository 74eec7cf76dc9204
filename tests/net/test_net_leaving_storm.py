"""Drivers leave their jobs and others fetch them, workers drain, the network is a bad
one: the result is exact, and nothing is left.

A failure names its seed in the test's id: `pytest -k "storm and 17"` plays it again.
"""

import random
from itertools import count

import pytest
from net_world import FakeDriver, FakeJob, World, expected, key_of, step

from mincer.wire import frames

SHAPES = [
    [step(0, 3)],
    [step(0)],
    [step(0, 2, sampled=True)],
    [step(0, 2), step(1, 3)],
    [step(0), step(1, 2)],
]
#: Until then anything may happen; after that nothing bad does.
STORM_S = 30.0


class Story:
    """One job: submitted, left, fetched by one driver after another."""

    def __init__(self, storm, number):
        self.storm = storm
        self.world, self.chance = storm.world, storm.chance
        chance = self.chance
        self.id = f"{number:032x}"
        self.shape = chance.choice(SHAPES)
        self.splits = chance.randint(0, 12)
        self.files = chance.choice([0, 0, 2])
        self.first = self.job(f"driver{number}")
        self.will_leave = will_leave = chance.random() < 0.3
        self.first.submit = frames.Submit(
            *(self.id, self.first.token, "a job", self.shape), will_leave=will_leave
        )
        self.first.hand_over()
        #: A driver has had all of it, and said so.
        self.is_over = False
        if will_leave or chance.random() < 0.8:
            self.world.later(chance.uniform(0.0, 8.0), self.ask_to_leave)

    def job(self, name):
        driver = self.world.driver(name)
        return FakeJob(driver, self.id, self.shape, self.splits, files=self.files)

    @property
    def was_left(self):
        return frames.DetachTold(self.id) in self.first.detached

    def ask_to_leave(self):
        """Until its driver may go, or may not."""
        first = self.first
        if first.over or self.storm.is_gone(first.driver):
            return
        told = first.detached[-1] if first.detached else None
        if self.was_left:
            if self.chance.random() < 0.5:
                self.storm.vanish(first.driver)
        elif told is None or told.owed or told.why.startswith("the source"):
            first.driver.node.say(frames.Detach(self.id))
            self.world.later(0.5, self.ask_to_leave)
        elif told.why.startswith("the coordinator has no room") and self.will_leave:
            first.driver.node.leave(self.id)
            self.is_over = True

    def fetch(self, may_vanish=True):
        """Come for the result: to the end, or until the driver vanishes or gives it
        back."""
        job = self.job(f"fetch{next(self.storm.numbers)}")
        job.driver.node.fetch(self.id, job)
        if may_vanish:
            in_s = self.chance.choice([0.02, 0.5, 5.0]) * self.chance.random()
            self.world.later(in_s, lambda: self.leave_off(job))
        return job

    def leave_off(self, job):
        what = self.chance.random()
        if self.storm.is_gone(job.driver):
            return
        if what < 0.5:
            self.storm.vanish(job.driver)
        elif what < 0.8:
            job.driver.node.say(frames.Detach(self.id))
        elif job.over:
            self.take(job)
        else:
            self.world.later(0.5, lambda: self.leave_off(job))

    def take(self, job):
        """Check what has come, if all has, and say that it was taken."""
        if isinstance(job.over, frames.JobDone):
            assert job.parts == expected(self.shape, self.splits)
            job.driver.node.leave(self.id)
            self.is_over = True
        elif isinstance(job.over, frames.JobFailed):
            raise AssertionError(job.over)

    def end(self):
        """The storm is over: whoever may have the result takes it."""
        world = self.world
        stays = not self.was_left and not self.is_over
        if stays and not self.storm.is_gone(self.first.driver):
            assert world.run(lambda: self.first.over or self.was_left)
            self.take(self.first)
        for _ in range(10):
            if self.is_over:
                break
            job = self.fetch(may_vanish=False)
            assert world.run(lambda job=job: job.over)
            if job.over == "there is no such job here":
                assert not self.was_left
                break
            self.take(job)
            world.run(lambda: False, 3.0)
        else:
            raise AssertionError(job.over)


class Storm:
    """What happens to workers, and to drivers beside what they want."""

    def __init__(self, seed):
        self.chance = chance = random.Random(seed)
        self.world = world = World(seed)
        world.loss, world.repeat = (
            chance.choice([0, 0.02, 0.1]),
            chance.choice([0, 0.1]),
        )
        world.reorders = chance.random() < 0.5
        world.slow_s = chance.choice([0.05, 1.0])
        world.room_bytes = chance.choice([10**9, 10**9, 3])
        self.numbers = count()
        for _ in range(chance.randint(1, 3)):
            self.worker()
        self.stories = [Story(self, number) for number in range(chance.randint(1, 3))]
        for _ in range(chance.randint(2, 10)):
            world.later(chance.uniform(0.0, STORM_S), self.something)
        world.later(STORM_S, self.heal)

    def worker(self):
        number = next(self.numbers)
        self.world.worker(f"{'abc'[number % 3]}{number}", self.chance.randint(1, 2))

    def something(self):
        chance, world = self.chance, self.world
        workers = [one for one in world.members.values() if hasattr(one, "children")]
        what = chance.random()
        if what < 0.15 and world.kills < 3 and workers:
            world.kill(chance.choice(workers).name)
        elif what < 0.4 and workers:
            self.drain(chance.choice(workers))
        elif what < 0.5 and world.members:
            self.cut_off(chance.choice([*world.members]))
        elif what < 0.7:
            self.worker()
        else:
            chance.choice(self.stories).fetch()

    def cut_off(self, name):
        self.world.cut.add(name)
        in_s = self.chance.uniform(0.5, 20.0)
        self.world.later(in_s, lambda: self.world.reconnect(name))

    def drain(self, worker):
        """It leaves when it may, and after a while in any case."""
        world = self.world
        end = world.now + self.chance.choice([1.0, 60.0])
        worker.node.drain(world.now)

        def look():
            if self.is_gone(worker):
                return
            if worker.node.has_left or world.now > end:
                self.vanish(worker)
            else:
                world.later(0.1, look)

        look()

    def is_gone(self, member):
        return self.world.members.get(member.name) is not member

    def vanish(self, member):
        """Its process ends."""
        if not self.is_gone(member):
            del self.world.members[member.name]
            self.world.hub.closed(key_of(member.name), self.world.now)

    def heal(self):
        world = self.world
        world.loss = world.repeat = 0.0
        for name in list(world.cut):
            world.reconnect(name)
        world.worker("healthy")

    def is_calm(self):
        """Those who are here are members, and nobody is about to leave."""
        members = self.world.members
        return {one.name for one in self.world.hub.members} == members.keys() and not (
            any(worker.node._drains for worker in members.values())
        )

    def check_nothing_left(self):
        world = self.world
        hub = world.hub
        for member in list(world.members.values()):
            if isinstance(member, FakeDriver):
                self.vanish(member)
        assert world.run(self.is_calm, 100.0)
        world.run(lambda: False, 5.0)  # what was lost is said again
        assert not hub.books
        assert not hub.coordinator.jobs
        assert all(spool.is_closed for spool in world.spools)
        standin = hub._standin
        assert standin.is_idle
        assert not standin._stands
        assert not standin._coming
        assert not standin._refused
        assert not hub._relief._gone
        assert not hub._relief._leaving
        here = {member.id for member in hub.members}
        assert hub.coordinator.roster.workers.keys() == here
        numbers = {member.number for member in hub.members}
        assert hub._dispatch._known.keys() == numbers
        for worker in world.members.values():
            assert not worker.children.slots
            assert all(depot.is_closed for depot in worker.depots)
            assert worker.node.reach.peers.keys() <= numbers


@pytest.mark.parametrize("seed", range(32))
def test_storm_in_which_drivers_and_workers_leave(seed):
    storm = Storm(seed)
    storm.world.run(lambda: False, STORM_S)
    for story in storm.stories:
        story.end()
    storm.check_nothing_left()
