"""Frames: what one end says the other one reads, and nothing else."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.ids import AttemptId, TaskId
from mincer.wire import frames

JOB, TOKEN = "0" * 32, b"t" * 16
NAME = (0, "map", 1, 2)
BLOB = frames.Blob(b"d" * 32, 10)
STEP = frames.StepTold(BLOB, 4, True, False, False)
ACCOUNT = frames.Account([1, 2], (1, 2, "x"), {"n": 1}, 0.5, 1.0)
ERROR = frames.ErrorTold("JobError", "what", frames.WhereTold("file", 3, "k", "v"))
OUTPUT = frames.OutputName(NAME, 3, 100)
SPLIT = frames.SplitName(0, 1, [frames.Extent(0, 1, 2)])

TO_WORKER = [
    frames.JobTold(JOB, "a job", 1, [STEP], BLOB, 1.5, (b"/out", TOKEN)),
    frames.Trusted(JOB, TOKEN),
    frames.FilesTold(JOB, 0, [frames.FileTold(b"a", b"/a", 1, -1, b"d" * 16)]),
    frames.Start(JOB, [frames.StartRow(NAME, [SPLIT, OUTPUT], [1], True, 2, 1, NAME)]),
    frames.Commits(JOB, 0, 0, [frames.CommitRow(1, 0, 2, 100)]),
    frames.Withdrawals(JOB, 0, 0, [1, 2]),
    frames.CutsTold(JOB, 0, OUTPUT),
    frames.CancelOne(JOB, NAME, True),
    frames.Recall(JOB, NAME),
    frames.Discard(JOB, NAME),
    frames.Release(JOB, 0),
    frames.JobEnd(JOB),
    frames.MemberTold(1, b"k" * 40, "tcp://host:1", "host"),
    frames.MemberGone(1),
]
FROM_WORKER = [
    frames.Done(JOB, NAME, 100, -5, ACCOUNT),
    frames.Failed(JOB, NAME, "raised", ERROR, 7, [NAME]),
    frames.Returned(JOB, [NAME]),
    frames.Working(JOB, [(NAME, 5, None), (NAME, 5, 6)]),
    frames.FilesFound(JOB, 0, 9, b"\xff\x01"),
    frames.Draining(True),
]
FROM_DRIVER = [
    frames.Submit(JOB, TOKEN, "a job", [STEP]),
    frames.Files(JOB, 0, []),
    frames.Splits(JOB, 0, [frames.SplitRow(0, 1, 2)], 0, [100]),
    frames.InputEnd(JOB),
    frames.CancelJob(JOB, "why"),
    frames.Committed(JOB, NAME, True),
    frames.Taken(JOB),
]
TO_DRIVER = [
    frames.CommitAsked(JOB, OUTPUT, ACCOUNT),
    frames.AccountsTold(JOB, [frames.WinnerRow(NAME, 100, ACCOUNT, 3, 1.5)]),
    frames.JobDone(JOB, {"done": 1}, ["a note"]),
    frames.JobFailed(JOB, "why", (0, "map", 1), NAME, "raised", 3, ERROR),
    frames.ProgressTold(JOB, "mapping", 0, 1, None, 0, 4, 5, 6, 2, 0),
]
FROM_OBSERVER = [
    frames.StatusAsked(1),
    frames.JobsAsked(2, "0a", 3),
    frames.WorkersAsked(3, 4),
]
JOB_ROW = frames.JobRow(
    *(JOB, 1, "a job", "me", "running", "mapping", 1, 2, 3, None, 0, 4, 5, 6),
    *(1.5, None, 1, 2, -100, 0, "why"),
)
WORKER_ROW = frames.WorkerRow(
    *(1, "w", "host:1", 4, 3, "0.1", "3.11", 1.0, 0.5, True, False, 7, 8)
)
TO_OBSERVER = [
    frames.StatusTold(
        *(1, "word", "host:1", "0.1", "3.11", 1.5, 1, 2, 3, 4),
        *({"running": 1, "waiting for input": 2}, 5, 6, 7),
    ),
    frames.JobsTold(2, [JOB_ROW], True),
    frames.WorkersTold(3, [WORKER_ROW]),
    frames.CancelTold(4, JOB_ROW),
    frames.CancelTold(4),
]
UNIONS = [
    (frames.FromObserver, FROM_OBSERVER),
    (frames.FromDriver, [*FROM_OBSERVER, frames.CancelAsked(4, JOB)]),
    (frames.Answer, TO_OBSERVER),
    (frames.ToWorker, TO_WORKER),
    (frames.FromWorker, FROM_WORKER),
    (frames.FromDriver, FROM_DRIVER),
    (frames.ToDriver, TO_DRIVER),
]


@pytest.mark.parametrize(
    ("union", "frame"),
    [(union, frame) for union, some in UNIONS for frame in some],
    ids=lambda one: type(one).__name__,
)
def test_what_was_said_is_read(union, frame):
    assert frames.Decoder(union).decode(frames.encode(frame)) == frame


def test_what_a_worker_may_not_say_is_not_read_from_a_worker():
    decoder = frames.Decoder(frames.FromWorker)
    said_by_others = [*TO_WORKER, *FROM_DRIVER, *TO_DRIVER]
    read = [decoder.decode(frames.encode(frame)) for frame in said_by_others]
    # "cancel", "done" and the like mean something else on another way.
    assert not any(type(one) in map(type, said_by_others) for one in read if one)
    assert decoder.dropped == read.count(None) > 0


def test_an_observer_may_not_say_what_drivers_may():
    decoder = frames.Decoder(frames.FromObserver)
    for frame in (*FROM_DRIVER, *FROM_WORKER, frames.CancelAsked(1, JOB)):
        assert decoder.decode(frames.encode(frame)) is None


@pytest.mark.parametrize(
    "said",
    [
        ["ask jobs", 1, "0123456789abcdef" * 2 + "0"],
        ["ask jobs", 1, "A"],
        ["ask jobs", 1, "", -1],
        ["ask workers", -1],
        ["ask to cancel", 1, "0"],
        ["ask status"],
    ],
)
def test_questions_have_bounds(said):
    decoder = frames.Decoder(frames.FromDriver)
    assert decoder.decode(msgspec.msgpack.encode(said)) is None


def test_answers_have_bounds():
    decoder = frames.Decoder(frames.Answer)
    long = msgspec.structs.replace(JOB_ROW, name="x" * 301)
    wrong = msgspec.structs.replace(JOB_ROW, state="asleep")
    too_many = [JOB_ROW] * (frames.PAGE_ROWS_MAX + 1)
    for rows in ([long], [wrong], too_many):
        assert decoder.decode(frames.encode(frames.JobsTold(1, rows))) is None


@given(st.binary(max_size=200))
def test_garbage_is_dropped_and_counted(data):
    for union, _ in UNIONS:
        decoder = frames.Decoder(union)
        frame = decoder.decode(data)
        assert decoder.dropped == (frame is None)


@pytest.mark.parametrize(
    "said",
    [
        ["done", "x" * 32, NAME, 0, 0, []],
        ["done", JOB, (0, "anything", 0, 0), 0, 0, []],
        ["done", JOB, (-1, "map", 0, 0), 0, 0, []],
        ["done", JOB, NAME, -1, 0, []],
        ["done", JOB, NAME, 0, 2**63, []],
        ["failed", JOB, NAME, "", ["JobError", "what"]],
        ["failed", JOB, NAME, "raised", ["JobError", "x" * 100_001]],
        ["returned", JOB, [NAME] * 10_001],
        ["found", JOB, 0, 10_000, bytes(1251)],
        ["found", JOB, 0, 0, b""],
    ],
)
def test_what_passes_its_bounds_is_dropped(said):
    decoder = frames.Decoder(frames.FromWorker)
    assert decoder.decode(msgspec.msgpack.encode(said)) is None


def test_a_greeting_of_another_version_is_read():
    said = {
        "is": "hello",
        "protocol": 99,
        "mincer": "9.9",
        "python": "3.99",
        "role": "worker",
        "name": "a host",
        "something new": [1, 2, 3],
    }
    hello = frames.Decoder(frames.Greeting).decode(msgspec.msgpack.encode(said))
    assert (hello.protocol, hello.mincer) == (99, "9.9")


@given(
    st.integers(0, 2**31),
    st.sampled_from(["sample", "map", "reduce"]),
    *(st.integers(0, 2**31), st.integers(0, 2**31)),
)
def test_an_attempt_is_named_and_found_again(step, kind, index, number):
    attempt = AttemptId(TaskId(JOB, step, kind, index), number)
    assert frames.attempt_of(JOB, frames.name_of(attempt)) == attempt
