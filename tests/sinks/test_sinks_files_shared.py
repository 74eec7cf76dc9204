"""Part files of workers on other machines: seen before they count, gone when all is."""

import os
import shutil

import pytest

from mincer.errors import OutputError
from mincer.flow.ports import PartMade
from mincer.sinks import FileSink, MemorySink

JOB = "ab" * 16


@pytest.fixture
def sink(tmp_path):
    sink = FileSink(tmp_path / "out")
    sink.prepare(JOB)
    yield sink
    sink.abort_job()


def write(sink, part, number):
    writer = sink.open(part, number)
    writer.write(["a"], [1])
    return writer.close()


def test_it_is_in_the_folder_of_the_output(sink, tmp_path):
    assert os.path.dirname(sink.shared_folder) == str(tmp_path / "out")


def test_a_sink_in_memory_has_none():
    sink = MemorySink()
    assert sink.shared_folder is None
    assert not sink.has_part(0, 0, 0)


def test_a_part_is_there_when_it_is_as_long_as_was_said(sink):
    made = write(sink, 3, 7)
    assert sink.has_part(3, 7, made.size_bytes)
    assert not sink.has_part(3, 7, made.size_bytes + 1)
    assert not sink.has_part(3, 6, made.size_bytes)
    assert not sink.has_part(2, 7, made.size_bytes)
    unfinished = sink.open(4, 0)
    assert not sink.has_part(4, 0, 0)
    unfinished.abort()


def test_what_is_no_file_is_no_part(sink):
    pipe, folder = (
        os.path.join(sink.shared_folder, f"part-0000{part}.attempt-0")
        for part in (0, 1)
    )
    os.mkfifo(pipe)  # to open it would wait for ever
    os.mkdir(folder)
    assert not sink.has_part(0, 0, 0)
    assert not sink.has_part(1, 0, os.path.getsize(folder))


def test_a_folder_that_could_not_be_emptied_is_known_as_over(tmp_path, sink):
    """The driver was killed while it removed what was left."""
    assert sink.commit_part(0, 0) is False
    made = write(sink, 0, 1)
    assert isinstance(made, PartMade)
    sink.commit_part(0, 1)
    sink.commit_job({0: made}, {"job": JOB})
    os.mkdir(tmp_path / "out" / f"_mincer-{JOB}-over")
    FileSink(tmp_path / "out", overwrite=True).check()
    with pytest.raises(OutputError, match="is not empty"):
        FileSink(tmp_path / "out").check()
    shutil.rmtree(tmp_path / "out")
    os.makedirs(tmp_path / "out" / f"_mincer-{JOB}-over")
    with pytest.raises(OutputError, match="the unfinished output of another job"):
        FileSink(tmp_path / "out", overwrite=True).check()
