"""Parts count when they are whole here, or where the driver finds them; by the names of
a committer's properties where workers write them themselves."""

import os

import pytest

from mincer.errors import OutputError
from mincer.flow.part import BlockPart
from mincer.ids import AttemptId, TaskId
from mincer.runners.remote.received import ReceivedParts
from mincer.sinks import FileSink, MemorySink
from mincer.store.disk import AppendFile
from mincer.wire.frames import Account

JOB = "0" * 32


def attempt(part, number=0):
    return AttemptId(TaskId(JOB, 0, "reduce", part), number)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "kept").mkdir()
    return str(tmp_path / "kept")


@pytest.fixture
def sink(tmp_path):
    sink = FileSink(tmp_path / "out")
    sink.prepare(JOB)
    yield sink
    sink.abort_job()


@pytest.fixture
def parts(folder, sink):
    return ReceivedParts(folder, sink)


def sent(tmp_path, keys, values):
    """A part as it travels, and the account of it."""
    file = AppendFile(str(tmp_path / "made"))
    file.begin()
    writer = BlockPart(file)
    writer.write(keys, values)
    made = writer.close()
    place = file.commit()
    file.close()
    with open(place.path, "rb") as read:
        read.seek(place.offset)
        return read.read(), Account([1, 1], tuple(made))


def written(sink, part, number, keys, values):
    """A part as a worker writes it, which has the same sink; its account."""
    writer = sink.open(part, number)
    writer.write(keys, values)
    return Account([1, 1], tuple(writer.close()), is_written=True)


def commit_job(sink, parts):
    sink.commit_job(parts.made, {})
    return [list(read()) for read in sink.readers()]


def test_parts_are_kept_as_they_come(folder, tmp_path):
    parts = ReceivedParts(folder, None)
    data, account = sent(tmp_path, ["a", "b"], [1, 2])
    parts.write(attempt(0), 5, data[5:])
    parts.write(attempt(0), 0, data[:5])
    assert parts.close(attempt(0))
    assert parts.commit(attempt(0), account)
    with open(parts.places[0].path, "rb") as file:
        assert file.read() == data


def test_a_part_may_be_empty(folder):
    parts = ReceivedParts(folder, None)
    assert not parts.close(attempt(0))
    assert parts.commit(attempt(0), Account([0, 0], (0, 0, "")))
    assert parts.places[0].length_bytes == 0


def test_what_is_dropped_leaves_nothing(folder):
    parts = ReceivedParts(folder, None)
    parts.write(attempt(0), 0, b"data")
    parts.drop(attempt(0))
    parts.drop(attempt(0))
    assert os.listdir(folder) == []
    parts.write(attempt(0), 0, b"data")
    parts.close_files()


def test_what_was_sent_is_written_here(parts, sink, folder, tmp_path):
    data, account = sent(tmp_path, ["a"], [1])
    parts.write(attempt(0), 0, data)
    parts.close(attempt(0))
    assert parts.commit(attempt(0), account)
    assert os.listdir(folder) == []
    assert commit_job(sink, parts) == [[(["a"], [1])]]


def test_complete_what_was_sent_counts_whole_or_not_at_all(parts, sink, tmp_path):
    data, account = sent(tmp_path, ["a", "b"], [1, 2])
    parts.write(attempt(0), 0, data[:-1])
    parts.close(attempt(0))
    assert not parts.commit(attempt(0), account)
    assert not parts.commit(attempt(0, 1), account)  # nothing at all has come
    parts.write(attempt(0, 2), 0, data)
    parts.close(attempt(0, 2))
    assert parts.commit(attempt(0, 2), account)
    assert commit_job(sink, parts) == [[(["a", "b"], [1, 2])]]


def test_what_the_sink_refuses_is_told(parts, tmp_path):
    data, account = sent(tmp_path, [{1}], [1])
    parts.write(attempt(0), 0, data)
    parts.close(attempt(0))
    with pytest.raises(OutputError, match="tsv cannot hold the key"):
        parts.commit(attempt(0), account)


def test_what_workers_wrote_is_committed(parts, sink):
    one = written(sink, 1, 0, ["b"], [2])
    two = written(sink, 0, 3, ["a"], [1])
    assert parts.commit(attempt(1, 0), one)
    assert parts.commit(attempt(0, 3), two)
    assert commit_job(sink, parts) == [[(["a"], [1])], [(["b"], [2])]]


def test_some_parts_may_be_sent_and_some_written(parts, sink, tmp_path):
    data, account = sent(tmp_path, ["a"], [1])
    parts.write(attempt(0), 0, data)
    parts.close(attempt(0))
    assert parts.commit(attempt(0), account)
    assert parts.commit(attempt(1), written(sink, 1, 0, ["b"], [2]))
    assert commit_job(sink, parts) == [[(["a"], [1])], [(["b"], [2])]]


def test_complete_what_the_driver_does_not_find_does_not_count(parts, sink):
    account = written(sink, 0, 0, ["a"], [1])
    path = os.path.join(sink.shared_folder, "part-00000.attempt-0")
    assert not parts.commit(attempt(0, 1), account)
    os.truncate(path, account.part[1] - 1)
    assert not parts.commit(attempt(0), account)
    os.unlink(path)
    os.symlink(__file__, path)
    assert not parts.commit(attempt(0), account)
    os.unlink(path)
    assert not parts.commit(attempt(0), account)
    assert parts.made == {}


def test_exclusive_one_attempt_at_a_part_counts(parts, sink):
    first = written(sink, 0, 0, ["a"], [1])
    second = written(sink, 0, 1, ["a"], [1])
    assert parts.commit(attempt(0, 1), second)
    assert not parts.commit(attempt(0, 0), first)
    assert parts.commit(attempt(0, 1), second)  # asked again
    assert commit_job(sink, parts) == [[(["a"], [1])]]


def test_concurrent_attempts_do_not_disturb_each_other(parts, sink):
    slow = sink.open(0, 0)
    slow.write(["a"], [1])
    account = written(sink, 0, 1, ["a"], [1])
    slow.write(["b"], [2])
    assert parts.commit(attempt(0, 1), account)
    slow.close()
    assert commit_job(sink, parts) == [[(["a"], [1])]]


def test_abortable_nothing_is_left_though_somebody_still_writes(parts, sink, tmp_path):
    slow = sink.open(0, 0)
    sink.abort_job()
    assert not (tmp_path / "out").exists()
    slow.write(["a"], [1])
    with pytest.raises(OutputError):
        slow.close()
    with pytest.raises(OutputError):
        sink.open(1, 0)
    slow.abort()
    assert not (tmp_path / "out").exists()


def test_continuity_a_straggler_changes_nothing(parts, sink, tmp_path):
    slow = sink.open(0, 0)
    slow.write(["late"], [0])
    assert parts.commit(attempt(0, 1), written(sink, 0, 1, ["a"], [1]))
    found = commit_job(sink, parts)
    with pytest.raises(OutputError):
        slow.close()
    with pytest.raises(OutputError):
        sink.open(0, 2)
    assert sorted(os.listdir(tmp_path / "out")) == ["_SUCCESS", "part-00000"]
    assert [list(read()) for read in sink.readers()] == found == [[(["a"], [1])]]


def test_where_no_folder_is_shared_nobody_can_have_written(folder, sink):
    account = written(sink, 0, 0, ["a"], [1])
    memory = MemorySink()
    memory.prepare(JOB)
    for other in (None, memory):
        parts = ReceivedParts(folder, other)
        assert parts.token is None
        assert not parts.commit(attempt(0), account)
