"""Where the input is decides who is given a map first, and never that nobody is."""

import random

import pytest
from core_desk import Desk, map_, sample, started

from mincer.core.events import (
    Fault,
    InputEnded,
    InputFound,
    JobPlan,
    JobSubmitted,
    SplitsAdded,
    StepPlan,
)
from mincer.core.homes import Homes
from mincer.core.task import State
from mincer.ids import WorkerId

MAPS = StepPlan(0)


class HomeDesk(Desk):
    def found(self, name, *homes, job="j"):
        return self.tell(InputFound(job, WorkerId(name, 0), homes))

    def homes(self, *homes, first=0, job="j"):
        """Splits with these homes."""
        sizes = (1,) * len(homes)
        return self.tell(SplitsAdded(job, first, sizes, homes))

    def of(self, commands):
        """What each worker was given."""
        given = {}
        for attempt in started(commands):
            worker = self.workers[attempt].name
            given.setdefault(worker, []).append(attempt.task.index)
        return given


@pytest.fixture
def desk():
    desk = HomeDesk()
    desk.tell(JobSubmitted("j", JobPlan((MAPS,))))
    return desk


def test_who_has_the_input_is_given_it(desk):
    desk.join("a", slots=2)
    desk.join("b", slots=2)
    desk.found("a", 1)
    desk.found("b", 0)
    assert desk.of(desk.homes(0, 0, 0, 1, 1)) == {"b": [0, 1], "a": [3, 4]}
    assert desk.of(desk.done(map_(3))) == {"a": [2]}  # nothing of its own is left


def test_who_has_it_takes_all_that_it_can(desk):
    desk.join("a", slots=1)
    desk.join("b", slots=3)
    desk.found("b", 7)
    assert desk.of(desk.homes(7, 7, 7)) == {"b": [0, 1, 2]}


def test_no_slot_waits_for_a_better_task(desk):
    desk.join("a", slots=2)
    desk.join("b", slots=1)
    desk.found("b", 0)
    assert desk.of(desk.homes(0, 0, 0, 0)) == {"b": [0], "a": [1, 2]}
    assert desk.of(desk.done(map_(0))) == {"b": [3]}


def test_others_take_first_what_nobody_has(desk):
    desk.join("a", slots=1)
    desk.join("b", slots=2)
    desk.found("a", 0)
    assert desk.of(desk.homes(0, 0, 0, 5, 5)) == {"a": [0], "b": [3, 4]}
    assert desk.of(desk.done(map_(3))) == {"b": [1]}


def test_without_homes_the_order_is_that_of_the_indexes(desk):
    desk.join("a", slots=1)
    desk.join("b", slots=1)
    desk.found("b", 0)
    assert desk.of(desk.homes(-1, -1, 0)) == {"b": [2], "a": [0]}
    assert desk.of(desk.done(map_(0))) == {"a": [1]}


def test_it_may_be_found_at_any_time(desk):
    desk.join("a", slots=1)
    assert desk.of(desk.homes(0, 0, 1, 1, 1)) == {"a": [0]}
    desk.found("a", 1)
    assert desk.of(desk.done(map_(0))) == {"a": [2]}
    desk.found("a", 0)
    # One after another, as they come.
    assert desk.of(desk.done(map_(2))) == {"a": [3]}
    assert desk.of(desk.done(map_(3))) == {"a": [4]}
    assert desk.of(desk.done(map_(4))) == {"a": [1]}


def test_more_of_a_home_may_come_later(desk):
    desk.join("a", slots=1)
    desk.join("b", slots=1)
    desk.found("b", 0)
    assert desk.of(desk.homes(0, 9, 9)) == {"b": [0], "a": [1]}
    assert desk.of(desk.done(map_(0))) == {"b": [2]}  # of its home nothing is left
    desk.homes(0, 0, first=3)
    assert desk.of(desk.done(map_(1))) == {"a": [3]}
    assert desk.of(desk.done(map_(2))) == {"b": [4]}


def test_what_nobody_has_may_come_later_too(desk):
    desk.join("a", slots=1)
    desk.found("a", 8)
    assert desk.of(desk.homes(0)) == {"a": [0]}
    assert desk.of(desk.done(map_(0))) == {}
    desk.homes(0, 3, 0, first=1)
    desk.join("b", slots=1)
    assert desk.coordinator.roster.workers[WorkerId("b", 0)].attempts


def test_what_is_tried_again_goes_to_whoever_is_next(desk):
    desk.join("a", slots=1)
    desk.join("b", slots=1)
    desk.found("a", 0)
    assert desk.of(desk.homes(0, 0, 0, 1, 1)) == {"a": [0], "b": [3]}
    assert desk.of(desk.fail(map_(3), Fault.RAISED)) == {"b": [3]}
    assert desk.of(desk.lose("a")) == {}
    assert desk.of(desk.done(map_(3, 1))) == {"b": [0]}
    assert desk.of(desk.done(map_(0, 1))) == {"b": [4]}  # nobody ever had that


def test_maps_that_wait_for_a_sample_go_home_all_the_same():
    desk = HomeDesk()
    desk.join("a", slots=1)
    desk.join("b", slots=1)
    desk.tell(JobSubmitted("j", JobPlan((StepPlan(1, sampled=True),))))
    desk.found("b", 0)
    desk.homes(0, 1, 0)
    assert desk.of(desk.tell(InputEnded("j"))) == {"a": [0]}
    assert desk.of(desk.done(sample())) == {"b": [0], "a": [1]}


def test_jobs_that_are_over_have_no_homes(desk):
    desk.join("a")
    desk.homes(0)
    desk.end()
    desk.done(map_(0))
    assert desk.found("a", 0) == []
    assert desk.found("a", 0, job="unknown") == []


class Ready:
    def __init__(self):
        self.state = State.READY


@pytest.mark.parametrize("seed", range(30))
def test_it_is_found_as_by_looking_at_all(seed):
    """The same as with no queues: looked for from the start each time."""
    chance = random.Random(seed)
    tasks, homes_of, has = [], [], {}
    homes = Homes(tasks)
    for _ in range(200):
        what = chance.random()
        if what < 0.2:
            some = [chance.randint(-1, 4) for _ in range(chance.randint(1, 4))]
            first = len(tasks)
            homes.add(first, some)
            tasks += [Ready() for _ in some]
            homes_of += some
            for index in range(first, len(tasks)):
                homes.add_ready(index)
        elif what < 0.3:
            worker, found = chance.choice("abc"), chance.randint(0, 4)
            homes.found(worker, [found, found])
            has.setdefault(worker, set()).add(found)
        elif what < 0.4 and tasks:
            index = chance.randrange(len(tasks))
            if tasks[index].state is not State.READY:
                tasks[index].state = State.READY
                homes.add_ready(index)
        else:
            worker = chance.choice("abcd")
            ready = [n for n, task in enumerate(tasks) if task.state is State.READY]
            mine = {n for n in ready if homes_of[n] in has.get(worker, ())}
            held = set().union(*has.values())
            nobodys = {n for n in ready if homes_of[n] >= 0 and homes_of[n] not in held}
            found = homes.task_for(worker)
            assert homes.task_at(worker) in (mine or {None})
            assert found in (mine or nobodys or {None})
            assert all(map(homes.is_findable, ready))
            if found is not None:
                tasks[found].state = State.RUNNING
