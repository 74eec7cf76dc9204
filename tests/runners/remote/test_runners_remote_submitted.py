"""A job that was submitted here: what the coordinator is told, and what others find."""

import os
import threading

import pytest
from remote_orders import order_of

import mincer
from mincer.codec import functions
from mincer.errors import Bug, ShipError, Where
from mincer.net.offers import NotHere
from mincer.runners.base import JobControl
from mincer.runners.remote.keepsake import read_keepsake
from mincer.runners.remote.submitted import SubmittedJob
from mincer.sinks import FileSink, MemorySink
from mincer.wire import frames, pulls


def words(key, line):
    yield from ((word, 1) for word in line.split())


JOB = mincer.Job(words, sum, parts=2)


@pytest.fixture
def make():
    made = []

    def make(source, job=JOB, control=None, priority=0, **more):
        order = order_of(job, source, **more)
        made.append(SubmittedJob(order, control or JobControl(), priority))
        return made[-1]

    yield make
    for job in made:
        job.close()


@pytest.fixture
def shared(tmp_path):
    """A sink that workers may share."""
    sink = FileSink(tmp_path / "out", "jsonl")
    sink.prepare("0" * 32)
    yield sink
    sink.abort_job()


def hand_over(job):
    return list(job.handover.told_of(list(job.order.source.plan(job.handover))))


# --- what the coordinator is told


def test_the_job_is_told_with_its_shape(make):
    job = make({1: "a"}, mincer.Job(words, sum, parts=2, max_attempts=2))
    (step,) = job.submit.steps
    assert (step.parts, step.shuffles, step.sampled) == (2, True, False)
    assert (job.submit.attempts_max, job.submit.name) == (2, "words")
    assert job.submit.token == job.token
    assert (job.submit.keepsake, job.submit.will_leave) == (b"", False)


def test_the_job_is_told_with_what_it_may_cost(make):
    first = mincer.Job(words, sum, task_timeout=3, skip_bad_records=1)
    job = make({1: "a"}, first.then(words, skip_bad_records=2), priority=-7)
    submit = job.submit
    assert (submit.task_timeout_s, submit.skips_max, submit.priority) == (3, 3, -7)


def test_who_sees_the_folder_of_the_output_finds_a_token_there(make, shared):
    job = make({1: "a"}, mincer.Job(words, sum, parts=2).then(words), output=shared)
    path, token = job.submit.output
    with open(path, "rb") as file:
        assert file.read() == token
    assert [step.to_sink for step in job.submit.steps] == [False, True]
    codes = [functions.load(data) for _, data in job.handover.codes]
    assert codes[0].sink is None
    assert codes[1].sink.shared_folder == shared.shared_folder


def test_a_sink_of_the_driver_alone_does_not_travel(make):
    sink = MemorySink()
    sink.prepare("0" * 32)
    job = make({1: "a"}, output=sink)
    assert job.submit.output is None
    ((_, data),) = job.handover.codes
    assert functions.load(data).sink is None


def test_who_will_leave_writes_nothing_and_says_what_he_wanted(make, shared):
    before = os.listdir(shared.shared_folder)
    job = make({1: "a"}, control=JobControl(will_leave=True), output=shared)
    submit = job.submit
    assert (submit.will_leave, submit.output) == (True, None)
    assert [step.to_sink for step in submit.steps] == [False]
    ((_, data),) = job.handover.codes
    assert functions.load(data).sink is None
    assert os.listdir(shared.shared_folder) == before
    kept = read_keepsake(submit.keepsake)
    assert (kept.folder, kept.format) == (shared.folder, "jsonl")


def test_what_cannot_travel_leaves_no_folder(make, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lock = threading.Lock()

    def locked(key, line):
        with lock:
            yield key, line

    with pytest.raises(ShipError):
        make({1: "a"}, mincer.Job(locked))
    assert os.listdir(tmp_path) == []


# --- what others find


def test_others_find_what_the_job_was_packed_into(make):
    job = make({1: "a"})
    hand_over(job)
    ((blob, data),) = job.handover.codes
    key = job.order.job, job.token
    (((piece,),),) = [job.find(pulls.BlobOf(*key, blob.digest))]
    assert piece.reader.read(0, piece.size) == data
    assert job.find(pulls.PacketOf(*key, 0))
    with pytest.raises(NotHere):
        job.find(pulls.PacketOf(*key, 1))


def test_nobody_fetches_what_he_has_submitted(make):
    job = make({1: "a"})
    with pytest.raises(Bug):
        job.told(frames.FetchTold(job.order.job))


def test_an_input_that_is_gone_when_others_want_it_ends_the_job(make, tmp_path):
    path = tmp_path / "lines"
    path.write_text("a line\n")
    job = make(str(path))
    hand_over(job)
    path.unlink()
    with pytest.raises(NotHere):
        job.find(pulls.InputOf(job.order.job, job.token, 0, 0, 7))
    assert job.over.is_set()
    assert f"cannot read {path}" in str(job.error)


def test_progress_is_told_with_the_size_of_the_input(make, tmp_path):
    path = tmp_path / "lines"
    path.write_text("a line\n")
    seen = []
    told = frames.ProgressTold("0" * 32, "mapping", 0, 1, None, 0, 4, 5, 6, 2, 0)
    for source in (str(path), {1: "a"}):
        make(source, control=JobControl(seen.append)).told(told)
    assert [one.bytes_total for one in seen] == [7, None]


@pytest.mark.parametrize(("job", "kind"), [(JOB, "reduce"), (mincer.Job(words), "map")])
def test_the_parts_are_those_of_the_last_that_made_them(make, job, kind):
    one = make({1: "a"}, job)
    account = frames.Account([1] * (2 if kind == "reduce" else 7), (1, 1, ""))
    rows = [
        frames.WinnerRow((0, made_by, index, 0), 1, account)
        for made_by in ("map", "reduce")
        for index in (1, 0)
    ]
    one.told(
        frames.AccountsTold("0" * 32, [row for row in rows if row.attempt[1] == kind])
    )
    assert [made.attempt.task.index for made in one.output] == [0, 1]


# --- what went wrong is told with its place


def died(task, record, **more):
    error = frames.ErrorTold("WorkerDiedError", "the child died", **more)
    return frames.JobFailed(
        *("0" * 32, "it failed"),
        task=task, attempt=(*task, 0), fault="died", record=record, error=error,
    )  # fmt: skip


def test_a_record_is_told_with_its_place(make, tmp_path):
    path = tmp_path / "lines"
    path.write_text("".join(f"line {n}\n" for n in range(10)))
    job = make(mincer.sources.text(str(path), split_size=20))
    hand_over(job)
    job.told(died((0, "map", 1), 1))
    assert job.error.where == Where(str(path), 28, None, "'line 4'")
    assert job.error.task == "map 1 attempt 1"


def test_a_record_of_a_later_step_is_told_with_what_made_it(make):
    chain = mincer.Job(words, sum, parts=2).then(words, sum).then(words)
    job, other = make({1: "a"}, chain), make({1: "a"}, mincer.Job(words).then(words))
    job.told(died((1, "map", 1), 7))
    assert job.error.where == Where("output of reduce 1", 7)
    other.told(died((1, "map", 0), 7))
    assert other.error.where == Where("output of map 0", 7)


@pytest.mark.parametrize("task", [(0, "map", 0), (0, "map", 99)])
def test_an_input_that_is_gone_does_not_hide_the_error(make, tmp_path, task):
    path = tmp_path / "lines"
    path.write_text("a line\n")
    job = make(str(path))
    hand_over(job)
    path.unlink()
    job.told(died(task, 0))
    assert job.error.where is None
    assert "the child died" in str(job.error)


def test_a_traceback_names_the_users_own_files(make, tmp_path, monkeypatch):
    (tmp_path / "submitted_mine.py").write_text("def mapfn(k, v): yield v, 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import submitted_mine

    job = make({1: "a"}, mincer.Job(submitted_mine.mapfn))
    copy = f"/there/{job.submit.modules.digest.hex()}/submitted_mine.py"
    told = died((0, "map", 0), None, user_traceback=f'File "{copy}", line 1')
    job.told(told)
    mine = tmp_path / "submitted_mine.py"
    assert job.error.user_traceback == f'File "{mine}", line 1'
