"""A part file: whole or not there, and on its way to the disk while it is written."""

import os
from zlib import crc32

import pytest

from mincer import libc
from mincer.errors import OutputError
from mincer.sinks import part_file
from mincer.sinks.part_file import PartFile


@pytest.fixture
def begun(monkeypatch):
    """The extents of which writing was begun, with how long their file was then."""
    told = []

    def begin(descriptor, offset, length, flags):
        told.append((offset, length, os.fstat(descriptor).st_size))

    monkeypatch.setattr(part_file, "_SENT_BYTES", 100)
    monkeypatch.setattr(libc, "c_function", lambda name, types: begin)
    return told


def test_what_is_written_is_sent_on_some_at_a_time(tmp_path, begun):
    part = PartFile(str(tmp_path / "part"), "out", "lines")
    for size in (30, 30, 60, 500, 10):
        part.write([None], ["x" * (size - 1)])
    made = part.close()
    assert begun == [(0, 120, 120), (120, 500, 620)]
    data = (tmp_path / "part").read_bytes()
    assert (made.pairs, made.size_bytes) == (5, len(data)) == (5, 630)
    assert made.digest == f"{crc32(data):08x}"
    assert os.listdir(tmp_path) == ["part"]


@pytest.mark.parametrize("there", [True, False])
def test_it_is_whole_wherever_that_cannot_be_done(tmp_path, monkeypatch, there):
    if not there:
        monkeypatch.setattr(libc, "c_function", lambda name, types: None)
    part = PartFile(str(tmp_path / "part"), "out", "lines")
    for _ in range(5):
        part.write([None], ["x" * (1 << 20)])
    part.close()
    assert os.path.getsize(tmp_path / "part") == 5 * ((1 << 20) + 1)


def test_nothing_is_left_of_what_was_given_up(tmp_path):
    part = PartFile(str(tmp_path / "part"), "out", "tsv")
    part.write(["k"], [1])
    part.abort()
    part.abort()
    assert os.listdir(tmp_path) == []


def test_what_the_system_refuses_names_the_folder(tmp_path):
    with pytest.raises(OutputError, match="cannot write to out: No such file"):
        PartFile(str(tmp_path / "gone" / "part"), "out", "tsv")
