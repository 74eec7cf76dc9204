"""What a driver gives: all that others may pull, by name, and nothing else."""

import pytest

import mincer
from mincer.arguments import job_order
from mincer.codec import functions
from mincer.errors import SegmentError
from mincer.net.offers import NotHere
from mincer.net.same_file import ONLY_DRIVER
from mincer.runners.packing import pack_job
from mincer.runners.remote import handover as module
from mincer.runners.remote.handover import Handover
from mincer.wire import frames, pulls

JOB_ID, TOKEN = "0" * 32, b"t" * 16


def words(key, line):
    yield from ((word, 1) for word in line.split())


JOB = mincer.Job(words, sum, parts=2)


@pytest.fixture
def make(tmp_path):
    made = []

    def make(source, job=JOB):
        options = dict.fromkeys(
            ("workers", "memory", "output", "format", "params", "limit")
        )
        order = job_order(job._steps, source, **options, overwrite=False)
        errors = []
        one = Handover(JOB_ID, str(tmp_path), pack_job(order, 10**8), errors.append)
        one.source = order.source
        one.errors = errors
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def hand_over(job):
    frames_said = list(job.told_of(list(job.source.plan(job))))
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
    ((blob, data),) = job.codes
    key = JOB_ID, TOKEN
    assert pulled(job, pulls.BlobOf(*key, blob.digest)) == data
    assert functions.load(data).job_name == "words"
    with pytest.raises(NotHere):
        job.find(pulls.BlobOf(*key, b"x" * 32))


def test_items_are_spooled_and_given_by_extent(make):
    job = make({n: f"line {n}" for n in range(100)})
    (files,), (splits,) = hand_over(job)
    (told,) = files.files
    assert (told.digest, told.mtime_ns) == (ONLY_DRIVER, -1)
    key = JOB_ID, TOKEN
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
    key = JOB_ID, TOKEN
    parts = [
        pulled(job, pulls.InputOf(*key, one.file, one.start, one.end))
        for split in splits.splits
        for one in split.extents
    ]
    assert parts[0] == b"first line\n"
    assert parts[-1] == b"hird"  # and the byte before its split
    assert job.errors == []


def test_a_file_that_is_gone_ends_the_job(make, tmp_path):
    path = tmp_path / "input"
    path.write_bytes(b"a line\n")
    job = make(str(path))
    hand_over(job)
    path.unlink()
    with pytest.raises(NotHere, match="cannot read"):
        job.find(pulls.InputOf(JOB_ID, TOKEN, 0, 0, 5))
    (error,) = job.errors
    assert f"cannot read {path}" in error.what


def test_a_file_that_was_changed_ends_the_job(make, tmp_path):
    path = tmp_path / "input"
    path.write_bytes(b"a line\n" * 3)
    job = make(str(path))
    hand_over(job)
    ((piece,),) = job.find(pulls.InputOf(JOB_ID, TOKEN, 0, 0, 5))
    assert piece.reader.read(0, 7) == b"a line\n"
    with open(path, "ab") as file:
        file.write(b"one more line\n")
    with pytest.raises(SegmentError, match="was changed while the job ran"):
        piece.reader.read(0, 7)
    with pytest.raises(NotHere, match="was changed while the job ran"):
        job.find(pulls.InputOf(JOB_ID, TOKEN, 0, 0, 5))
    first, second = job.errors
    assert first.what == second.what
    assert first.where.source == str(path)


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


def test_the_users_modules_are_given_too(make, tmp_path, monkeypatch):
    (tmp_path / "handover_mine.py").write_text("def mapfn(k, v): yield v, 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import handover_mine

    job = make({1: "a"}, mincer.Job(handover_mine.mapfn))
    data = pulled(job, pulls.BlobOf(JOB_ID, TOKEN, job.modules.digest))
    assert len(data) == job.modules.size_bytes
    assert b"handover_mine.py" in data
