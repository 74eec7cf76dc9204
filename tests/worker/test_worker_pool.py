"""Real child processes: started, heard, replaced and ended."""

import os
import select
import signal
import subprocess
import time

import psutil
import pytest

from mincer.worker.orders import AttemptMade
from mincer.worker.pool import Died, Pool


@pytest.fixture
def pool(tmp_path):
    pools = []

    def make(slots=1, **more):
        pools.append(Pool(slots, str(tmp_path), **more))
        return pools[-1]

    yield make
    for one in pools:
        pids = [child.pid for child in one.children]
        one.close()
        assert not [pid for pid in pids if psutil.pid_exists(pid)]


def hear(pool, count=1):
    heard = []
    give_up = time.monotonic() + 30
    while len(heard) < count and time.monotonic() < give_up:
        heard += pool.wait(1.0)
    return heard


def until_ready(pool):
    while not all(child.ready for child in pool.children):
        assert not list(pool.wait(1.0))


def words(key, line):
    for word in line.split():
        yield word, 1


def test_what_one_child_says_does_not_hide_that_others_cannot_start(pool, job):
    one = pool()
    until_ready(one)
    one._stillborn = 4
    one.send(0, job.map_order(job.code(words, sum), ["a"]))
    assert hear(one)
    assert one._stillborn == 4


def test_children_run_attempts_at_the_same_time(pool, job):
    both = pool(2)
    code = job.code(words, sum)
    for slot in (0, 1):
        both.send(slot, job.map_order(code, ["a b"] * 3, index=slot))
    heard = sorted(hear(both, 2))
    assert [one.slot for one in heard] == [0, 1]
    assert all(isinstance(one.message, AttemptMade) for one in heard)
    assert heard[0].message.place.path != heard[1].message.place.path


def test_what_the_user_prints_goes_to_standard_error(pool, job, capfd):
    def mapfn(key, value):
        print("printed")
        yield value, input_of_nobody()

    def input_of_nobody():
        import sys

        return len(sys.stdin.read())

    one = pool()
    one.send(0, job.map_order(job.code(mapfn, sum), ["a"]))
    assert hear(one)[0].message.made.pairs == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert "printed" in err


def test_a_child_that_ends_is_told_and_replaced(pool, job):
    one = pool()
    before = one.children[0].pid
    one.send(0, job.map_order(job.code(lambda k, v: os._exit(3), sum), ["a"]))
    (heard,) = hear(one)
    assert isinstance(heard.message, Died)
    assert heard.message.how == "exit code 3"
    assert one.children[0].pid != before
    one.send(0, job.map_order(job.code(words, sum, name="next"), ["a"]))
    assert hear(one)[0].message.made.pairs == 1


@pytest.mark.parametrize("point", ["map:start", "map:written", "map:committed"])
def test_a_child_kills_itself_at_a_named_point_once(pool, job, point):
    one = pool(kill_at={0: point})
    order = job.map_order(job.code(words, sum), ["a"])
    one.send(0, order)
    assert hear(one)[0].message.how == "signal SIGKILL"
    one.send(0, order)
    assert hear(one)[0].message.made.pairs == 1


def test_the_record_of_a_careful_attempt_outlives_its_child(pool, job):
    def mapfn(key, value):
        if value == "bad":
            os._exit(1)

    one = pool()
    order = job.map_order(job.code(mapfn, sum), ["a", "b", "bad"], careful=True)
    one.send(0, order)
    assert hear(one)[0].message.position.record == 2


def test_a_stack_is_told_while_the_code_runs(pool, job, tmp_path):
    begun = tmp_path / "begun"

    def a_name_to_look_for(key, value):
        begun.touch()
        while True:
            sum(range(1000))

    one = pool()
    one.send(0, job.map_order(job.code(a_name_to_look_for, sum), ["a"]))
    while not begun.exists():
        assert not list(one.wait(0.01))
    assert "a_name_to_look_for" in one.children[0].stack()
    assert one.replace(0).how == "signal SIGKILL"


def test_a_child_ends_with_its_parent_whatever_it_does(pool, job, tmp_path):
    """The parent's end of the pipe is closed, as when the parent is killed."""
    begun = tmp_path / "begun"

    def busy(key, value):
        begun.touch()
        while True:
            pass

    one = pool()
    one.send(0, job.map_order(job.code(busy, sum), ["a"]))
    while not begun.exists():
        assert not list(one.wait(0.01))
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, one.children[0]._orders)
    os.close(nothing)
    assert isinstance(hear(one)[0].message, Died)


def test_children_do_not_hear_ctrl_c(pool, job):
    one = pool()
    until_ready(one)
    os.kill(one.children[0].pid, signal.SIGINT)
    one.send(0, job.map_order(job.code(words, sum), ["a"]))
    assert hear(one)[0].message.made.pairs == 1


def test_the_environment_of_the_start_is_taken_back(pool, job):
    def mapfn(key, value):
        for name in ("PYTHONHASHSEED", "MALLOC_TRIM_THRESHOLD_"):
            yield name, os.environ.get(name, "gone")

    one = pool()
    one.send(0, job.map_order(job.code(mapfn), ["a"]))
    place = hear(one)[0].message.place
    with open(place.path, "rb") as file:
        assert file.read().count(b"gone") in (1, 2)


def test_wake_ends_a_wait(pool):
    one = pool()
    until_ready(one)
    one.wake()
    assert list(one.wait(30)) == []


def test_memory_of_a_child_is_seen(pool):
    one = pool()
    until_ready(one)
    assert one.resident_bytes(0) > 5_000_000


def test_what_is_done_about_one_child_leaves_no_stale_news_of_another(pool, job):
    both = pool(2)
    code = job.code(words, sum)
    for slot in (0, 1):
        both.send(slot, job.map_order(code, ["a"], index=slot))
    replies = [child.replies for child in both.children]
    while any(child.ready is False for child in both.children):
        assert not list(both.wait(0.01))
    give_up = time.monotonic() + 30
    while len(select.select(replies, [], [], 1)[0]) < 2:
        assert time.monotonic() < give_up
    heard = []
    for one in both.wait(1.0):
        heard.append(one.slot)
        both.replace(1 - one.slot)  # as a copy that lost the race
    assert len(heard) == 1
    both.send(1 - heard[0], job.map_order(code, ["b"], index=7))
    (news,) = hear(both)
    assert news.message.attempt.task.index == 7


def test_what_user_code_has_started_ends_with_its_child(pool, job, tmp_path):
    pid_file = tmp_path / "pid"

    def starts(key, value):
        started = subprocess.Popen(["sleep", "1000"])
        pid_file.with_suffix(".new").write_text(str(started.pid), "ascii")
        pid_file.with_suffix(".new").rename(pid_file)
        started.wait()

    one = pool()
    one.send(0, job.map_order(job.code(starts), ["a"]))
    while not pid_file.exists():
        assert not list(one.wait(0.01))
    started = psutil.Process(int(pid_file.read_text("ascii")))
    one.replace(0)
    gone, _ = psutil.wait_procs([started], timeout=5)
    assert gone


def test_a_wake_that_comes_after_close_is_harmless(pool):
    one = pool()
    one.close()
    read, write = os.pipe()  # takes the numbers that were given back
    one.wake()
    os.set_blocking(read, False)
    with pytest.raises(BlockingIOError):
        os.read(read, 1)
    os.close(read)
    os.close(write)


def test_the_nth_time_at_a_point_can_be_named(pool, job):
    one = pool(kill_at={0: "map:start*2"})
    order = job.map_order(job.code(words, sum), ["a"])
    one.send(0, order)
    assert hear(one)[0].message.made.pairs == 1
    one.send(0, order)
    assert hear(one)[0].message.how == "signal SIGKILL"
