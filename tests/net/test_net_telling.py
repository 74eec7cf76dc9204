"""What travels of accounts, errors and failures is what is told at the other end."""

import pytest

from mincer import errors
from mincer.core.commands import FailJob
from mincer.core.events import Fault
from mincer.errors import InputError, JobError, MincerError, UserCodeError, Where
from mincer.flow.ports import MapMade, PartMade, ReduceMade
from mincer.ids import AttemptId, TaskId
from mincer.net.book import Book
from mincer.net.telling import (
    account_told,
    error_of,
    error_told,
    failure_told,
    made_of,
)
from mincer.store.disk import Place
from mincer.wire import frames
from mincer.worker.orders import AttemptMade

JOB = "0" * 32
PART = PartMade(1, 2, "a digest")


def attempt(kind="map", index=0, number=0):
    return AttemptId(TaskId(JOB, 0, kind, index), number)


def travelled(row):
    decoder = frames.Decoder(type(row))
    return decoder.decode(frames.encode(row))


@pytest.mark.parametrize(
    ("id", "made"),
    [
        (attempt(), MapMade(1, 2, 3, 4, 5, 6, 2**70, None)),
        (attempt(), MapMade(1, 2, 3, 4, 5, 6, 0, PART)),
        (attempt("reduce"), ReduceMade(1, 2, PART)),
        (attempt("sample"), None),
    ],
    ids=["map", "map with a part", "reduce", "sample"],
)
def test_an_account_is_told(id, made):
    told = AttemptMade(id, Place("a", 1, 2), 7, made, {"n": 3}, 0.5, 1.5, 99.0)
    account = travelled(account_told(told, (1, 2, 3), was_sent=True))
    back = made_of(id, account, 2, 50.0)
    if isinstance(made, MapMade):
        made = MapMade(1, 2, 3, 4, 5, 6, 0, made.part)  # its digest is told apart
    assert back.made == made
    assert (back.counters, back.cpu_s, back.wall_s, back.ended) == (
        *({"n": 3}, 0.5, 1.5, 50.0),
    )
    assert back.place.length_bytes == 2
    assert not account.is_written


def test_a_part_that_the_worker_wrote_itself_is_told_as_such():
    told = AttemptMade(attempt("reduce"), None, 7, ReduceMade(1, 2, PART))
    assert account_told(told, (0, 0, 0), was_sent=False).is_written


def test_figures_that_a_worker_left_out_are_nothing():
    account = frames.Account([5], PART)
    made = made_of(attempt(), account, 0, 0.0).made
    assert (made.records, made.bytes_read, made.part) == (5, 0, PART)


def test_a_reduce_that_told_of_no_part_has_made_nothing():
    made = made_of(attempt("reduce"), frames.Account([1, 2]), 0, 0.0).made
    assert made == ReduceMade(1, 2, PartMade(0, 0, ""))


KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, MincerError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_each_kind_is_told(kind):
    where = Where("a file", 3, "'k'", "'v'")
    error = kind("what", where=where, hint="hint", user_traceback="tb", task="map 1")
    back = error_of(travelled(error_told(error)))
    assert type(back) is kind
    assert str(back) == str(error)


def test_texts_that_cannot_travel_are_cut_and_escaped():
    error = UserCodeError(
        "\ud800" + "x" * 200_000, user_traceback="y" * 300_000 + "END"
    )
    told = travelled(error_told(error))
    assert told.what.startswith("\\ud800")
    assert len(told.what) < 60_000
    assert told.user_traceback.endswith("END")


@pytest.mark.parametrize("kind", ["OSError", "MincerErrors", "preview", "Where"])
def test_an_error_of_a_kind_that_is_none_of_ours_is_a_job_error(kind):
    assert type(error_of(frames.ErrorTold(kind, "what"))) is JobError


@pytest.fixture
def book():
    blob = frames.Blob(b"d" * 32, 1)
    step = frames.StepTold(blob, 1, True, False, False)
    return Book(frames.Submit(JOB, b"t" * 16, "a job", [step]), driver=1)


def test_a_failure_is_told_with_the_error_of_its_attempt(book):
    told = error_told(InputError("no such file"))
    book.failed(attempt(), told)
    failed = FailJob(
        JOB, "it failed", attempt().task, attempt(), Fault.RAISED, record=3
    )
    frame = failure_told(failed, book)
    assert (frame.reason, frame.fault, frame.record) == ("it failed", "raised", 3)
    assert frame.task == (0, "map", 0)
    assert frame.attempt == (0, "map", 0, 0)
    assert frame.error == told


def test_a_failure_without_an_attempt_is_told(book):
    frame = failure_told(FailJob(JOB, "cancelled"), book)
    assert (frame.reason, frame.attempt, frame.error) == ("cancelled", None, None)


def test_of_workers_that_cannot_go_on_the_last_error_is_told(book):
    for number in range(2):
        told = error_told(JobError(f"disk {number} is full"))
        book.failed(attempt(number=number), told)
    frame = failure_told(FailJob(JOB, "all full", fault=Fault.WORKER_FAULT), book)
    assert frame.error.what == "disk 1 is full"
