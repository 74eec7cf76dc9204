"""One attempt in a child: from an order to a reply."""

import os
import pickle

import pytest

import mincer
from mincer.core.events import Fault
from mincer.errors import (
    BadKeyError,
    Bug,
    OverMemoryError,
    UserCodeError,
)
from mincer.flow.part import read_part
from mincer.ids import AttemptId, TaskId
from mincer.job import by_range
from mincer.limits import MEMORY_BYTES_MIN
from mincer.sinks import FileSink
from mincer.store.disk import AppendFile, FileCache, PlaceReader
from mincer.structs import replace
from mincer.worker import attempt
from mincer.worker.attempt import Bench
from mincer.worker.commits import Commit, CommitLog
from mincer.worker.orders import AttemptsUnbegun, ReduceOrder, SampleOrder
from mincer.worker.page import Page


@pytest.fixture
def bench(tmp_path):
    reached = []
    page = Page(str(tmp_path / "page"), create=True)
    bench = Bench("child-1", page, reached.append)
    bench.points = reached
    bench.page = page
    yield bench
    bench.close()
    page.close()


def words(key, line):
    for word in line.split():
        yield word, 1


def counted(key, line):
    mincer.count("lines")
    yield from words(key, line)


def pairs_at(place):
    files = FileCache()
    found = [
        pair
        for keys, values in read_part(PlaceReader(place, files))
        for pair in zip(keys, values, strict=True)
    ]
    files.close()
    return found


def reduce_order(job, code, made, part, cuts=None, **more):
    log = CommitLog(str(job.path / "log"))
    for number, one in enumerate(made):
        log.append(Commit(number, one.attempt, one.place))
    log.close()
    attempt = AttemptId(TaskId("job", 0, "reduce", part), 0)
    files = job.files(code, "out", cuts)
    return ReduceOrder(attempt, files, log.path, len(made), **more)


def test_maps_and_reduces_make_the_answer(job, bench):
    code = job.code(counted, sum)
    made = [
        bench.run(job.map_order(code, ["a b a"], 0)),
        bench.run(job.map_order(code, ["b", "c a"], 1)),
    ]
    assert [one.counters for one in made] == [{"lines": 1}, {"lines": 2}]
    assert made[1].made.records == 2
    found = []
    for part in (0, 1):
        reply = bench.run(reduce_order(job, code, made, part))
        found += pairs_at(reply.place)
    assert sorted(found) == [("a", 3), ("b", 2), ("c", 1)]
    points = list(dict.fromkeys(bench.points))
    maps = ["map:start", "map:batch", "map:written", "map:committed"]
    assert points == [*maps, "reduce:start", "reduce:written"]


def test_attempts_run_in_turn(job, bench):
    code = job.code(words, sum)
    orders = [job.map_order(code, ["a"] * n, index=n) for n in (1, 2, 3)]
    replies = []
    for reply in bench.run_in_turn(orders):
        position = bench.page.read()
        replies.append((reply.attempt, reply.made.records, position.attempt))
    assert replies == [(order.attempt, n, n) for n, order in enumerate(orders, 1)]
    assert position.given == 1


def test_what_is_recalled_is_given_back(job, bench):
    code = job.code(words, sum)
    orders = [job.map_order(code, ["a"], index=n) for n in range(4)]
    bench.page.recall(1)  # before it was begun: one goes on all the same
    first, back = bench.run_in_turn(orders)
    assert first.attempt == orders[0].attempt
    assert back == AttemptsUnbegun(tuple(order.attempt for order in orders[1:]))
    assert len(list(bench.run_in_turn(orders))) == 4


def test_who_finds_no_room_after_others_is_given_back(job, bench, monkeypatch):
    code = job.code(words, sum, memory_bytes=MEMORY_BYTES_MIN)
    orders = [job.map_order(code, ["a"], index=n) for n in range(3)]
    taken = 0
    monkeypatch.setattr(attempt, "_LOOK_S", 0)
    monkeypatch.setattr(attempt.OwnSize, "__call__", lambda size: taken)
    turn = bench.run_in_turn(orders)
    assert next(turn).made.pairs == 1
    taken = MEMORY_BYTES_MIN
    assert list(turn) == [AttemptsUnbegun((orders[1].attempt, orders[2].attempt))]
    # As the first, it is to blame itself.
    (reply, *_) = bench.run_in_turn(orders)
    assert isinstance(reply.error, OverMemoryError)


def test_attempts_that_follow_at_once_share_a_look_at_the_memory(
    job, bench, monkeypatch
):
    looks = []

    class SeenBudget(attempt.Budget):
        def __init__(self, memory_bytes, size):
            looks.append(memory_bytes)
            super().__init__(memory_bytes, size)

    monkeypatch.setattr(attempt, "_LOOK_S", 1000)
    monkeypatch.setattr(attempt, "Budget", SeenBudget)
    codes = [job.code(words, name=f"{n}", memory_bytes=n * 10**9) for n in (1, 2)]
    for code in codes:
        for order in [job.map_order(code, ["a"], index=n) for n in range(3)]:
            assert bench.run(order).made.pairs == 1
    assert looks == [10**9, 2 * 10**9]


def test_a_map_without_a_shuffle_makes_a_part(job, bench):
    reply = bench.run(job.map_order(job.code(words), ["a b", "c"]))
    assert pairs_at(reply.place) == [("a", 1), ("b", 1), ("c", 1)]
    assert reply.made.part.pairs == 3


def test_a_record_that_raises_is_named(job, bench):
    code = job.code(lambda key, value: 1 / value, sum)
    reply = bench.run(job.map_order(code, [1, 0]))
    assert reply.fault is Fault.RAISED
    assert reply.record == 0
    assert isinstance(reply.error, UserCodeError)


def test_what_is_no_pair_is_found_by_a_second_look(job, bench):
    def mapfn(key, value):
        yield value

    reply = bench.run(job.map_order(job.code(mapfn, sum), [("a", 1), 5, ("b", 1)]))
    assert reply.record == 1
    assert "5, which is not a (key, value) pair" in reply.error.what
    assert reply.error.where.offset == 1


def test_an_unhashable_key_names_its_record(job, bench):
    code = job.code(lambda key, value: [(value, 1)], sum)
    reply = bench.run(job.map_order(code, ["a", ["b"], "c"]))
    assert isinstance(reply.error, BadKeyError)
    assert reply.record == 1


def test_counts_of_a_first_look_do_not_count(job, bench):
    def mapfn(key, value):
        mincer.count("seen")
        return [(value, 1)]

    code = job.code(mapfn, sum)
    bench.run(job.map_order(code, ["a", ["b"]]))
    reply = bench.run(job.map_order(code, ["a", ["b"], "c"], number=1, skip=(1,)))
    assert reply.counters == {"seen": 2}


def test_a_failed_attempt_leaves_nothing_in_the_file(job, bench):
    code = job.code(lambda key, value: [(value, 1 // value)], sum)
    first = bench.run(job.map_order(code, [1]))
    bench.run(job.map_order(code, [1, 0], number=1))
    second = bench.run(job.map_order(code, [1], number=2))
    assert second.place.offset == first.place.length_bytes
    assert os.path.getsize(second.place.path) == 2 * first.place.length_bytes


def test_a_damaged_output_names_its_map(job, bench):
    code = job.code(words, sum)
    made = [bench.run(job.map_order(code, ["a b c d e f"], 4))]
    with open(made[0].place.path, "r+b") as file:
        file.write(b"damage")
    replies = [bench.run(reduce_order(job, code, made, part)) for part in (0, 1)]
    lost = [reply for reply in replies if getattr(reply, "lost", ())]
    assert lost
    assert {reply.fault for reply in lost} == {Fault.NEED_LOST}
    assert {reply.lost for reply in lost} == {(made[0].attempt,)}


def test_an_output_that_is_gone_names_its_map(job, bench):
    code = job.code(words, sum)
    made = [bench.run(job.map_order(code, ["a b"]))]
    gone = made[0].place._replace(path=str(job.path / "gone"))
    order = reduce_order(job, code, [type(made[0])(made[0].attempt, gone, 0, None)], 0)
    reply = bench.run(order)
    assert reply.lost == (made[0].attempt,)


def test_a_full_disk_is_the_fault_of_the_worker(job, bench, monkeypatch):
    with open("/dev/full", "wb", buffering=0) as full:
        monkeypatch.setattr(AppendFile, "_open", lambda self: full)
        reply = bench.run(job.map_order(job.code(words, sum), ["a"]))
    assert reply.fault is Fault.WORKER_FAULT
    assert "No space left" in reply.error.what
    assert "TMPDIR" in reply.error.hint


def test_a_sample_finds_cut_points(job, bench):
    code = job.code(
        lambda key, value: [(value, value)], partitionfn=by_range, sort_keys=True
    )
    maps = [job.map_order(code, list(range(n, 2000, 2)), n) for n in (0, 1)]
    splits = [one.split for one in maps]
    sample = bench.run(SampleOrder(maps[0].attempt, maps[0].files, splits))
    made = [
        bench.run(job.map_order(code, list(range(n, 2000, 2)), n, cuts=sample.place))
        for n in (0, 1)
    ]
    parts = []
    for part in (0, 1):
        order = reduce_order(job, code, made, part, cuts=sample.place)
        parts.append(pairs_at(bench.run(order).place))
    assert [key for part in parts for key, _ in part] == list(range(2000))
    assert all(800 < len(part) < 1200 for part in parts)


def test_too_little_memory_is_said_at_once(job, bench):
    code = job.code(words, sum, memory_bytes=20_000_000)
    reply = bench.run(job.map_order(code, ["a"]))
    assert reply.fault is Fault.OVER_MEMORY
    assert isinstance(reply.error, OverMemoryError)


def test_what_is_our_fault_is_told_whole(job, bench):
    order = job.map_order(job.code(words, sum), ["a"])
    broken = type(order)(**vars(order) | {"split": (b"?", 0)})
    reply = bench.run(broken)
    assert reply.fault is Fault.HOPELESS
    assert isinstance(reply.error, Bug)
    assert "pickle" in reply.error.user_traceback


def test_replies_travel(job, bench):
    code = job.code(words, sum)
    for values in (["a"], [None]):
        reply = bench.run(job.map_order(code, values))
        assert pickle.loads(pickle.dumps(reply)).attempt == reply.attempt


def test_careful_publishes_each_record(job, bench):
    reply = bench.run(job.map_order(job.code(words, sum), ["a", "b"], careful=True))
    assert reply.made.records == 2
    assert bench.page.read().careful


@pytest.mark.parametrize("sends", [False, True])
def test_a_part_goes_to_the_sink_or_is_sent(job, bench, tmp_path, sends):
    sink = FileSink(tmp_path / "out", format="lines")
    sink.prepare("a job")
    code = job.code(words, sum, sink=sink)
    made = [bench.run(job.map_order(code, ["a b a"]))]
    order = reduce_order(job, code, made, 0)
    reply = bench.run(replace(order, files=replace(order.files, sends=sends)))
    assert (reply.place is None) == (not sends)
    assert sink.has_part(0, 0, reply.made.part.size_bytes) == (not sends)
    sink.abort_job()
