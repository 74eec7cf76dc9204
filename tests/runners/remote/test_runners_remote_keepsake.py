"""A keepsake: the folder and the format that a driver wanted, for the next one."""

import os

import pytest

from mincer.runners.remote.keepsake import keepsake_of, read_keepsake
from mincer.sinks import FileSink, MemorySink


def test_what_a_driver_wanted_is_known_to_the_next_one(tmp_path):
    sink = FileSink(tmp_path / "out", "jsonl", overwrite=True)
    kept = read_keepsake(keepsake_of(sink))
    assert kept.folder == str(tmp_path / "out")
    assert (kept.format, kept.overwrite) == ("jsonl", True)


def test_a_folder_is_told_from_the_root_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_keepsake(keepsake_of(FileSink("out"))).folder == str(tmp_path / "out")


def test_a_folder_may_have_any_name(tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff \xc3\xa4")
    kept = read_keepsake(keepsake_of(FileSink(folder)))
    assert kept.folder == folder
    assert not kept.overwrite


@pytest.mark.parametrize("sink", [None, MemorySink()])
def test_a_sink_that_cannot_be_written_down_is_none(sink):
    assert keepsake_of(sink) == b""
    assert read_keepsake(b"") is None


@pytest.mark.parametrize(
    "data", [b"\xff", b"{}", b"[1]", b'{"path": 1, "format": 2, "overwrite": 3}']
)
def test_what_nobody_wrote_down_is_none(data):
    assert read_keepsake(data) is None
