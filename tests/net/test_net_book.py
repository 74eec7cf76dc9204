"""The book of a job: a worker is told what it needs, once, before it needs it."""

import pytest

from mincer.core.commands import StartAttempt
from mincer.core.events import StepPlan
from mincer.ids import AttemptId, TaskId, WorkerId
from mincer.net import book as module
from mincer.net.book import Book
from mincer.wire import frames

JOB, TOKEN = "0" * 32, b"t" * 16
BLOB = frames.Blob(b"d" * 32, 1)
W = WorkerId("w", 0)


def step(parts=2, shuffles=True, sampled=False):
    return frames.StepTold(BLOB, parts, shuffles, sampled, False)


def attempt(kind, index, number=0, at=0):
    return AttemptId(TaskId(JOB, at, kind, index), number)


def start(kind, index, at=0, **more):
    return StartAttempt(W, attempt(kind, index, at=at), **more)


def make(*steps, **more):
    return Book(frames.Submit(JOB, TOKEN, "a job", list(steps), **more), driver=7)


@pytest.fixture
def book():
    book = make(step(sampled=True), step(parts=1))
    book.intake.add_files(0, [frames.FileTold(b"f", b"/f", 1, 1, b"d" * 16)])
    extent = frames.Extent(0, 0, 1)
    book.intake.add_splits(0, [frames.SplitRow(0, n, 10, [extent]) for n in range(3)])
    return book


def done(book, id, worker=1, **more):
    frame = frames.Done(JOB, frames.name_of(id), 100, 5, frames.Account(**more))
    book.running[id] = worker
    book.ended(id)
    book.done(frame, id, worker, 7.5)


def told(book, command, worker=1):
    return list(book.news_for(worker, command))


def kinds(some):
    return [type(frame).__name__ for frame in some]


def test_the_plan_has_the_priority():
    assert make(step(), priority=-3).plan.priority == -3


def test_the_plan_has_the_driver_for_a_sink():
    plan = make(step(), step(shuffles=False)).plan
    assert plan.steps == (StepPlan(2), StepPlan(0, to_sink=True))


def test_a_worker_is_told_of_the_job_and_its_files_once(book):
    assert kinds(told(book, start("sample", 0))) == ["JobTold", "FilesTold", "Trusted"]
    assert told(book, start("map", 0)) == []
    book.intake.add_files(1, [frames.FileTold(b"g", b"/g", 1, 1, b"d" * 16)])
    (more,) = told(book, start("map", 0))
    assert (more.first, len(more.files)) == (1, 1)
    assert kinds(told(book, start("map", 0), worker=2)) == [
        "JobTold",
        "FilesTold",
        "Trusted",
    ]
    assert book.workers == [1, 2]
    book.forget_worker(1)
    assert kinds(told(book, start("map", 0))) == ["JobTold", "FilesTold", "Trusted"]


def test_long_lists_are_told_in_pieces(book, monkeypatch):
    monkeypatch.setattr(module, "_ROWS_MAX", 2)
    for index in range(5):
        done(book, attempt("map", index))
        book.publish(attempt("map", index), index)
    news = told(book, start("reduce", 0, commits=5, without=(0, 1, 2)))
    assert [frame.first for frame in news if isinstance(frame, frames.Commits)] == [
        *(0, 2, 4),
    ]
    withdrawn = [one for one in news if isinstance(one, frames.Withdrawals)]
    assert [one.numbers for one in withdrawn] == [[0, 1], [2]]
    assert told(book, start("reduce", 1, commits=5, without=(0, 1, 2))) == []
    (more,) = told(book, start("reduce", 1, commits=5, without=(0, 1, 2, 4)))
    assert (more.first, more.numbers) == (3, [4])


def test_cut_points_are_told_again_when_they_are_made_again(book):
    for number in range(2):
        sample = attempt("sample", 0, number)
        done(book, sample, worker=number + 1)
        book.publish(sample, number)
        cuts = [
            one for one in told(book, start("map", 0)) if kinds([one])[0] == "CutsTold"
        ]
        assert [one.output.keeper for one in cuts] == [number + 1]
        assert told(book, start("map", 1)) == []


def test_a_row_says_what_an_attempt_reads(book):
    row = book.row(start("map", 1, skip=(4,), careful=True, after=attempt("map", 0)))
    assert row.inputs == [frames.SplitName(0, 1, [frames.Extent(0, 0, 1)])]
    assert (row.skip, row.careful, row.after) == ([4], True, (0, "map", 0, 0))
    sample = book.row(start("sample", 0))
    assert [one.nth for one in sample.inputs] == [0, 1, 2]
    assert book.row(start("reduce", 0, commits=3, without=(1,))).withdrawals == 1
    done(book, attempt("reduce", 0))
    book.publish(attempt("reduce", 0), 0)
    (read,) = book.row(start("map", 0, at=1)).inputs
    assert read == frames.OutputName((0, "reduce", 0, 0), 1, 100)


def test_the_keepers_are_those_whose_outputs_are_read(book):
    done(book, attempt("sample", 0), worker=4)
    book.publish(attempt("sample", 0), 0)
    for index, worker in enumerate([5, 6]):
        done(book, attempt("map", index), worker)
        book.publish(attempt("map", index), index)
    assert book.keepers(start("map", 2)) == {4}
    assert book.keepers(start("reduce", 0, commits=2)) == {4, 5, 6}
    done(book, attempt("reduce", 0), worker=8)
    book.publish(attempt("reduce", 0), 0)
    assert book.keepers(start("map", 0, at=1)) == {8}


def test_figures_of_the_first_maps_add_up(book):
    done(book, attempt("map", 0), figures=[10, 1000])
    done(book, attempt("map", 1), figures=[])
    done(book, attempt("reduce", 0), figures=[5, 5])
    assert (book.records, book.bytes_read) == (10, 1000)
    assert book.outcomes["done"] == 3


def test_what_a_worker_keeps_is_what_it_made_and_was_not_discarded(book):
    for index, worker in enumerate([1, 1, 2]):
        done(book, attempt("map", index), worker)
    assert book.kept_bytes == {1: 200, 2: 100}
    for _ in range(2):
        assert book.discard(attempt("map", 0)) == 1
    assert book.discard(attempt("map", 9)) is None
    assert book.kept_bytes == {1: 100, 2: 100}
    book.forget_worker(2)
    assert book.discard(attempt("map", 2)) == 2
    assert book.kept_bytes == {1: 100}


def test_what_may_be_asked_of_a_worker_is_what_only_it_has(book):
    ids = [attempt("map", index) for index in range(4)]
    for id in ids[:2]:
        done(book, id, worker=1)
    done(book, ids[2], worker=1, is_written=True)
    done(book, ids[3], worker=2)
    book.discard(ids[1])
    assert [one for one, _ in book.kept_by(1)] == [ids[0]]
    book.forget_worker(1)
    assert [one for one, _ in book.kept_by(1)] == [ids[0]]  # whoever gives it now


def test_the_result_is_as_large_as_the_parts_that_wait(book):
    assert book.result_bytes == 0
    for index in range(3):
        done(book, attempt("reduce", index))
    for index in range(2):
        book.outcome.commits[attempt("reduce", index)] = None
    assert book.result_bytes == 200


def test_a_worker_knows_the_files_of_which_it_was_told(book):
    assert not book.knows(1, 0)
    told(book, start("map", 0))
    assert book.knows(1, 1)
    assert not book.knows(1, 2)
    book.forget_worker(1)
    assert not book.knows(1, 1)


def test_who_leaves_is_asked_for_all_that_it_keeps_also_what_is_empty(book):
    empty = attempt("reduce", 0)
    book.done(
        frames.Done(JOB, frames.name_of(empty), 0, 5, frames.Account()), empty, 1, 2
    )
    done(book, attempt("reduce", 1), is_written=True)
    for index in range(3):
        done(book, attempt("map", index))
    book.discard(attempt("map", 1))
    kept = [id for id, _ in book.kept_by(1)]
    assert kept == [empty, attempt("map", 0), attempt("map", 2)]


def test_bytes_in_work_are_those_of_the_input(book):
    book.in_work[attempt("map", 0)] = 5, None
    book.in_work[attempt("map", 1)] = 6, 7
    book.in_work[attempt("map", 1, at=1)] = 100, None
    book.in_work[attempt("reduce", 0)] = 100, None
    assert book.bytes_in_work == 11


def test_what_a_worker_had_in_work_is_told_when_it_is_gone(book):
    book.running[attempt("map", 0)] = 1
    book.running[attempt("map", 1)] = 2
    book.in_work[attempt("map", 0)] = 5, None
    assert book.forget_worker(1) == [attempt("map", 0)]
    assert list(book.running) == [attempt("map", 1)]
    assert book.in_work == {}


def test_few_failures_are_kept(book):
    for number in range(100):
        error = frames.ErrorTold("JobError", str(number))
        book.failed(attempt("map", 0, number), error)
    assert len(book.failures) == 64
    assert next(reversed(book.failures.values())).what == "99"


def test_accounts_are_told_in_pieces(book, monkeypatch):
    monkeypatch.setattr(module, "_ROWS_MAX", 10)
    winners = tuple(attempt("map", index) for index in range(5))
    for winner in winners:
        done(book, winner)
    pieces = list(book.accounts(winners))
    assert [len(piece.rows) for piece in pieces] == [2, 2, 1]
    names = [row.attempt for piece in pieces for row in piece.rows]
    assert names == list(map(frames.name_of, winners))


def test_it_is_counted_how_the_splits_came(book):
    ids = [attempt("map", 0), attempt("map", 1), attempt("map", 2, 1)]
    for id, was_sent in zip(ids, (True, False, True), strict=True):
        done(book, id, was_sent=was_sent)
    done(book, attempt("map", 2), was_sent=False)  # it did not win
    others = [attempt("reduce", 0), attempt("map", 0, at=1)]
    for id in others:
        done(book, id, was_sent=False)
    ways = {"read by workers": 1, "sent by the driver": 2}
    assert book.input_from((*ids, *others)) == ways
    assert book.input_from(tuple(ids[1:2])) == {"read by workers": 1}


def test_who_was_only_asked_has_not_worked(book):
    list(book.files_for(3))
    book.give(attempt("map", 0), 4, 1.0)
    assert (book.workers, book.given) == ([3], 1)
    book.forget_worker(4)
    assert book.given == 0
