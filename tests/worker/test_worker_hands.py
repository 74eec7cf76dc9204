"""Hands: whatever becomes of an attempt is told once, as if its child had said it."""

import os
import signal
import threading
import time

import psutil
import pytest

from mincer.core.events import Fault
from mincer.errors import OverMemoryError, TimedOutError, WorkerDiedError
from mincer.worker.hands import Hands
from mincer.worker.orders import AttemptMade

MEMORY = 200_000_000


@pytest.fixture
def hands(tmp_path):
    made = []

    def make(slots=1):
        made.append(Hands(slots, str(tmp_path)))
        return made[-1]

    yield make
    for one in made:
        pids = [child.pid for child in one.children]
        one.close()
        one.close()  # harmless
        assert not [pid for pid in pids if psutil.pid_exists(pid)]


def words(key, line):
    for word in line.split():
        yield word, 1


def dies(key, value):
    os.kill(os.getpid(), signal.SIGKILL)


def sleeps(key, value):
    """Tells that it has begun, and never ends."""
    with open(value, "w"):
        pass
    threading.Event().wait(60)
    yield value, 1


def takes_much(key, value):
    taken = b"x" * MEMORY
    threading.Event().wait(60)
    yield value, len(taken)


def told(hands, count=1):
    """The next so many things that are told, and no more in the same moment."""
    found = []
    give_up = time.monotonic() + 30
    while len(found) < count and time.monotonic() < give_up:
        found += hands.wait(0.1)
        hands.send()
    assert len(found) == count
    return found


def until_begun(hands, path):
    give_up = time.monotonic() + 30
    while not path.exists() and time.monotonic() < give_up:
        assert not list(hands.wait(0.02))
    assert path.exists()


def start(hands, order, after=None, memory_bytes=MEMORY):
    hands.add(order, after, memory_bytes)
    hands.send()
    return order.attempt


def test_what_is_made_is_told(hands, job):
    both, code = hands(2), job.code(words, sum)
    attempts = [
        start(both, job.map_order(code, ["a b"], index=index)) for index in range(5)
    ]
    assert both.in_use
    made = told(both, 5)
    assert sorted(one.attempt for one in made) == attempts
    assert all(isinstance(one, AttemptMade) and one.made.pairs == 2 for one in made)
    assert not both.in_use


def test_a_death_is_told_as_a_failure_of_what_it_ran(hands, job):
    one = hands()
    first = start(one, job.map_order(job.code(dies, sum), ["a"]))
    code = job.code(words, sum, name="other")
    second = start(one, job.map_order(code, ["a b"], index=1))
    unmade, made = told(one, 2)
    assert (unmade.attempt, unmade.fault) == (first, Fault.DIED)
    assert isinstance(unmade.error, WorkerDiedError)
    assert made.attempt == second


def test_who_takes_too_much_memory_is_ended(hands, job):
    one = hands()
    order = job.map_order(job.code(takes_much, sum), ["a"])
    attempt = start(one, order, memory_bytes=MEMORY // 2)
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        assert not list(one.wait(0.02))
        ended = [size for size in one.sizes() if size[2] is not None]
        if ended:
            break
    [(found, resident, unmade)] = ended
    assert found == unmade.attempt == attempt
    assert resident > MEMORY // 2
    assert unmade.fault is Fault.OVER_MEMORY
    assert isinstance(unmade.error, OverMemoryError)
    assert not one.in_use or not list(one.in_work())


def test_what_takes_too_long_is_told_with_its_stack(hands, job, tmp_path):
    one, begun = hands(), tmp_path / "begun"
    attempt = start(one, job.map_order(job.code(sleeps, sum), [str(begun)]))
    until_begun(one, begun)
    unmade = one.time_out(attempt, 0.5)
    assert (unmade.attempt, unmade.fault) == (attempt, Fault.TIMED_OUT)
    assert isinstance(unmade.error, TimedOutError)
    assert "in sleeps" in str(unmade.error.user_traceback)
    assert not list(one.in_work())


def test_what_is_cancelled_is_not_told_of(hands, job, tmp_path):
    one, begun = hands(), tmp_path / "begun"
    first = start(one, job.map_order(job.code(sleeps, sum), [str(begun)]))
    until_begun(one, begun)
    waiting = job.map_order(job.code(sleeps, sum), ["b"], index=1)
    second = start(one, waiting, after=first)
    assert not one.cancel(second)
    assert one.cancel(first)
    last = job.map_order(job.code(words, sum, name="other"), ["a"], index=2)
    attempt = start(one, last)
    assert [made.attempt for made in told(one)] == [attempt]


def test_what_waits_behind_another_is_given_back(hands, job, tmp_path):
    one, code, begun = hands(), job.code(sleeps, sum), tmp_path / "begun"
    first = start(one, job.map_order(code, [str(begun)]))
    until_begun(one, begun)
    second = start(one, job.map_order(code, ["b"], index=1), after=first)
    third = start(one, job.map_order(code, ["c"], index=2), after=second)
    assert one.recall(first) == (second, third)
    assert one.recall(second) == ()
    assert [attempt for attempt, _ in one.in_work()] == [first]


def test_wake_ends_the_waiting(hands):
    one = hands()
    one.wake()
    started = time.monotonic()
    assert list(one.wait(30)) == []
    assert time.monotonic() - started < 20
