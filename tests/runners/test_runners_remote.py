"""A driver's side of a remote job: what others pull from it, and what it keeps."""

import os

import pytest

import mincer
from mincer.arguments import job_order
from mincer.codec import functions
from mincer.errors import CancelledError, JobError, SegmentError, UserCodeError
from mincer.flow.part import BlockPart
from mincer.net.offers import NotHere
from mincer.net.same_file import ONLY_DRIVER
from mincer.runners import remote as module
from mincer.runners.base import JobControl
from mincer.runners.remote import RemoteJob
from mincer.store.disk import AppendFile
from mincer.wire import frames, pulls


def words(key, line):
    yield from ((word, 1) for word in line.split())


JOB = mincer.Job(words, sum, parts=2)


@pytest.fixture
def make():
    made = []

    def make(source, job=JOB, control=None, **more):
        options = dict.fromkeys(
            ("workers", "memory", "output", "format", "params", "limit")
        )
        order = job_order(job._steps, source, **{**options, "overwrite": False, **more})
        made.append(RemoteJob(order, control or JobControl()))
        return made[-1]

    yield make
    for job in made:
        job.close()


def hand_over(job):
    frames_said = list(job.hand_over(list(job.order.source.plan(job))))
    return [
        [one for one in frames_said if isinstance(one, kind)]
        for kind in (*(frames.Files, frames.Splits),)
    ]


def pulled(job, thing):
    return b"".join(
        piece.reader.read(piece.offset, piece.size)
        for output in job.find(thing)
        for piece in output
    )


def test_the_job_is_told_with_its_code(make):
    job = make({1: "a"})
    (step,) = job.submit.steps
    assert (step.parts, step.shuffles) == (2, True)
    key = job.order.job, job.token
    code = functions.load(pulled(job, pulls.BlobOf(*key, step.code.digest)))
    assert (code.job_name, code.sink) == ("words", None)
    with pytest.raises(NotHere):
        job.find(pulls.BlobOf(*key, b"x" * 32))


def test_items_are_spooled_and_given_by_extent(make):
    job = make({n: f"line {n}" for n in range(100)})
    (files,), (splits,) = hand_over(job)
    (told,) = files.files
    assert (told.digest, told.mtime_ns) == (ONLY_DRIVER, -1)
    key = job.order.job, job.token
    (extent,) = splits.splits[0].extents
    span = extent.file, extent.start, extent.end
    assert len(pulled(job, pulls.InputOf(*key, *span))) == extent.end - extent.start
    assert pulled(job, pulls.PacketOf(*key, splits.splits[0].packet))
    for thing in (pulls.PacketOf(*key, 99), pulls.InputOf(*key, 99, 0, 1)):
        with pytest.raises(NotHere):
            job.find(thing)


def test_a_line_is_given_to_its_end(make, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LINE_BYTES", 4)
    path = tmp_path / "input"
    path.write_bytes(b"first line\nsecond line\nthird")
    job = make(mincer.sources.text(str(path), split_size=5))
    (files,), (splits,) = hand_over(job)
    assert len(files.files) == 1
    key = job.order.job, job.token
    parts = [
        pulled(job, pulls.InputOf(*key, one.file, one.start, one.end))
        for split in splits.splits
        for one in split.extents
    ]
    assert parts[0] == b"first line\n"
    assert parts[-1] == b"hird"  # and the byte before its split
    path.unlink()
    with pytest.raises(NotHere, match="cannot read"):
        job.find(pulls.InputOf(*key, 0, 0, 5))


def test_many_splits_are_said_in_several_frames(make, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_EXTENTS_MAX", 10)
    path = tmp_path / "input"
    path.write_bytes(b"a line\n" * 40)
    job = make(mincer.sources.text(str(path), split_size=7))
    _, splits = hand_over(job)
    assert len(splits) > 3
    firsts = [frame.first for frame in splits]
    assert firsts == [
        sum(len(f.splits) for f in splits[:n]) for n in range(len(splits))
    ]


def part_data(tmp_path, keys, values):
    file = AppendFile(str(tmp_path / "made"))
    file.begin()
    writer = BlockPart(file)
    writer.write(keys, values)
    made = writer.close()
    place = file.commit()
    file.close()
    with open(place.path, "rb") as read:
        return read.read(), tuple(made)


def attempt(index, number=0):
    return frames.attempt_of("", (0, "reduce", index, number))


def test_parts_are_kept_as_they_come(make, tmp_path):
    job = make({1: "a"})
    data, part = part_data(tmp_path, ["a", "b"], [1, 2])
    one = attempt(0)._replace()
    job.write(one, 5, data[5:])
    job.write(one, 0, data[:5])
    job.commit(one, frames.Account([1, 1], part))
    got, account = job.commits.get_nowait()
    assert got == one
    assert job.commit_part(got, account)
    assert job.places[0].length_bytes == len(data)


def test_a_part_that_is_damaged_is_not_committed(make, tmp_path):
    job = make({1: "a"}, output=str(tmp_path / "out"))
    job.order.sink.prepare(job.order.job)
    data, part = part_data(tmp_path, ["a", "b"], [1, 2])
    one = attempt(0)
    job.write(one, 0, data[:-1])
    job.commit(one, frames.Account([1, 1], part))
    assert not job.commit_part(*job.commits.get_nowait())
    job.order.sink.abort_job()


def test_what_is_dropped_leaves_nothing(make):
    job = make({1: "a"})
    before = set(os.listdir(job.folder.path))
    job.write(attempt(0), 0, b"data")
    job.drop(attempt(0))
    job.drop(attempt(0))
    assert set(os.listdir(job.folder.path)) == before


def test_a_disk_that_takes_no_more_is_told(make):
    job = make({1: "a"})
    job.folder.remove()
    with pytest.raises(SegmentError, match="the disk of"):
        job.write(attempt(0), 0, b"data")


def failed(**more):
    return frames.JobFailed("0" * 32, "it failed", **more)


def test_a_failure_is_the_error_of_its_attempt(make):
    job = make({1: "a"})
    error = frames.ErrorTold("UserCodeError", "mapfn raised")
    told = failed(
        task=(0, "map", 1), attempt=(0, "map", 1, 2), fault="raised", record=3,
        error=error,
    )  # fmt: skip
    job.told(told)
    assert job.over.is_set()
    assert isinstance(job.error, UserCodeError)
    assert job.error.task == "map 1 attempt 3"
    assert "skip_bad_records" in job.error.hint


def test_a_failure_without_an_error_says_its_reason(make):
    one, two = make({1: "a"}), make({1: "a"})
    one.told(failed(task=(0, "map", 1)))
    assert str(one.error) == "it failed"
    two.told(failed())
    assert isinstance(two.error, CancelledError)


def test_the_first_end_counts(make):
    job = make({1: "a"})
    job.gone("the coordinator left")
    job.told(frames.JobDone("0" * 32))
    assert isinstance(job.error, JobError)
    assert "the coordinator left" in str(job.error)


def test_a_progress_function_that_raises_ends_the_job(make):
    def fail(progress):
        raise ValueError("mine")

    job = make({1: "a"}, control=JobControl(fail))
    told = frames.ProgressTold("0" * 32, "mapping", 0, 1, None, 0, 4, 5, 6, 2, 0)
    job.told(told)
    assert "the progress function raised ValueError: mine" in str(job.error)


def test_progress_is_told_as_by_any_runner(make):
    seen = []
    job = make({1: "a"}, control=JobControl(seen.append))
    told = frames.ProgressTold("0" * 32, "mapping", 0, 1, None, 0, 4, 5, 6, 2, 0)
    job.told(told)
    (progress,) = seen
    assert (progress.phase, progress.step, progress.maps_done) == ("mapping", 1, 1)
    assert (progress.records, progress.bytes_read, progress.workers) == (5, 6, 2)
